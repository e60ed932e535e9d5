/** Every key of the filter language, one row each: the fact that it asks about, and how its values are read. */
import { MISSING } from "../missing.ts";
import { STATES, type Facts } from "../story.ts";
import type { FilterError } from "./error.ts";
import type { Value } from "./scan.ts";
import {
  code,
  duration,
  group,
  id,
  kind,
  number,
  oneAmong,
  since,
  status,
  tenant,
  text,
  time,
  token,
  until,
  whole,
  words,
  type Test,
} from "./values.ts";

/** Names of facts. */
export type Known = keyof Facts;

/** One of a term's values, where it stands in the filter, and whether a fact is it. */
export type Asked = {
  readonly text: string;
  readonly at: number;
  readonly length: number;
  readonly holds: (fact: unknown) => boolean;
};

export type Term = {
  readonly key: string;
  readonly fact: Known;
  readonly values: readonly Asked[];
  /** It holds for this one as well. */
  readonly also?: Known | undefined;
  readonly holds: (facts: Facts) => boolean;
  /** The fact must be like one of these texts, where * stands for any characters and case does not count. */
  readonly like?: readonly string[] | undefined;
  /** The fact must be one of these; undefined when that cannot be said in a list. Of tokens, what the token begins with. */
  readonly oneOf?: readonly string[] | undefined;
  /** The fact must lie in one of these, ends included. Times in microseconds, waits in milliseconds. */
  readonly within?: readonly (readonly [from: number, to: number])[] | undefined;
};

export type Reading = {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly fault: (place: Value, message: string, help?: string) => FilterError;
};

type Grammar = (value: Value, reading: Reading) => Test;
type Row = { readonly fact: Known; readonly also?: Known; readonly grammar: Grammar; readonly says: string };

const DELIVERIES = ["not-sent", "answered", "sent-no-answer"] as const;

const KEYS: Readonly<Record<string, Row>> = {
  tenant: { fact: "tenant", grammar: tenant, says: "a tenant's name or DBID" },
  client: { fact: "client", grammar: text, says: "a client's name; * for any characters" },
  credential: { fact: "credential", grammar: text, says: "kind and id of the credential, as in basic/k1" },
  source: { fact: "source", grammar: text, says: "the client's address" },
  listener: { fact: "listener", grammar: text, says: "a listener's name" },
  action: { fact: "action", grammar: text, says: "a req value, or ReadStatus" },
  resource: {
    fact: "resource",
    grammar: words(["records", "phones", "customer_ids", "lists", "campaigngroups"]),
    says: "records, phones, customer_ids, lists, campaigngroups",
  },
  record: { fact: "record", grammar: whole, says: "a record handle" },
  list: { fact: "list", grammar: text, says: "a calling list" },
  group: { fact: "group", grammar: group, says: "a campaign group's DBID" },
  campaign: { fact: "campaign", grammar: text, says: "a campaign" },
  phone: { fact: "phone", also: "announced_phone", grammar: token, says: "a phone number's token, as in t1:9f2c…" },
  customer: {
    fact: "customer",
    also: "announced_customer",
    grammar: token,
    says: "a customer id's token, as in t1:9f2c…",
  },
  missing: {
    fact: "missing",
    grammar: oneAmong(MISSING),
    says: "what a request about a person does not name: phone, customer, chain (it names one number of a chain), tenant",
  },
  status: { fact: "status", grammar: status, says: "an HTTP status: 410, 4xx, >=400, 400..499" },
  origin: { fact: "origin", grammar: words(["ocs", "gateway"]), says: "who answered: ocs, gateway" },
  code: { fact: "code", grammar: code, says: "a code of the gateway, as in OCSGW-2103" },
  would: {
    fact: "would",
    grammar: code,
    says: "the code under which a tenant in mode: observe would have been refused",
  },
  delivery: { fact: "delivery", grammar: words(DELIVERIES), says: "not-sent, answered, sent-no-answer" },
  is: {
    fact: "state",
    grammar: words(STATES),
    says: "how it ended: ok, ocs-no (OCS said no), refused (here), no-answer, abandoned, in-doubt, open",
  },
  kind: { fact: "kinds", grammar: kind, says: "a kind of entry, as in refusal, switchover, access" },
  "ocs.error": { fact: "warning", grammar: number, says: "the number in OCS's Warning" },
  queue: { fact: "queue", grammar: duration, says: "the wait for a lane: >100ms, 1s..2s" },
  "ocs.time": { fact: "ocs", grammar: duration, says: "how long OCS took" },
  total: { fact: "total", grammar: duration, says: "from the request's arrival to its end" },
  upstream: { fact: "upstream", grammar: text, says: "an upstream's name" },
  lane: { fact: "lane", grammar: text, says: "a lane's name, as in ocs-main/2" },
  endpoint: { fact: "endpoint", grammar: text, says: "the address of an OCS" },
  time: { fact: "time", grammar: time, says: "UTC: 12:00..12:10, 2026-11-22, 2026-11-22T12:00..2026-11-23" },
  since: { fact: "time", grammar: since, says: "1h, 7d, or a time" },
  until: { fact: "time", grammar: until, says: "a time, or so long ago" },
  id: { fact: "id", grammar: id, says: "a request id or its beginning" },
  dnc: { fact: "dnc", grammar: number, says: "the number of a Do-Not-Call within its tenant: 12, 1..20" },
  config: { fact: "config", grammar: text, says: "the hash of the config file that was in force" },
};

const OTHER_NAMES: Readonly<Record<string, string>> = {
  via: "endpoint",
  customer_id: "customer",
  campaigngroup: "group",
  "ocs.warning": "ocs.error",
  "total.time": "total",
  would_refuse: "would",
};

export const KEY_NAMES: readonly string[] = Object.keys(KEYS);

/** Each key with what its values are. */
export const keyHelp = (): readonly (readonly [key: string, says: string])[] =>
  Object.entries(KEYS).map(([key, { says }]) => [key, says]);

/** In any case. */
export const findKey = (
  name: string,
): { readonly read: (values: readonly Value[], reading: Reading) => Term } | undefined => {
  const lower = name.toLowerCase();
  const key = OTHER_NAMES[lower] ?? lower;
  const row = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  return row && { read: (values, reading) => termOf(key, row, values, reading) };
};

const termOf = (key: string, { fact, also, grammar }: Row, given: readonly Value[], reading: Reading): Term => {
  const tests = given.map((value) => grammar(value, reading));
  return {
    key,
    fact,
    also,
    values: given.map(({ text: value, at, length }, place) => ({
      text: value,
      at,
      length,
      holds: tests[place]!.holds,
    })),
    holds: (facts) => {
      const values = [facts[fact], also && facts[also]];
      return values.some((value) => value !== undefined && tests.some(({ holds }) => holds(value)));
    },
    like: allOf(tests.map(({ like }) => like)),
    oneOf: allOf(tests.map(({ exactly }) => exactly)),
    within: allOf(tests.map(({ between }) => between)),
  };
};

const allOf = <Each>(parts: readonly (Each | undefined)[]): readonly Each[] | undefined =>
  parts.every((part) => part !== undefined) ? parts : undefined;
