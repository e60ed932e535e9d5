/** The keys of the filter language, one row each: the field, how values are read, and the help text. */
import { KINDS } from "../../kinds.ts";
import { MISSING_NAMES } from "../missing-names.ts";
import { STATES, type Fields } from "../transaction.ts";
import type { Value } from "./scan.ts";
import {
  code,
  duration,
  group,
  id,
  kind,
  number,
  listOf,
  since,
  status,
  tenant,
  text,
  time,
  token,
  until,
  recordHandle,
  words,
  type ParseContext,
  type Test,
} from "./values.ts";

/** The name of a field. */
export type FieldName = keyof Fields;

/** A value of a term with its place in the filter. `matches`: whether a field has this value. */
export type TermValue = {
  readonly text: string;
  readonly at: number;
  readonly length: number;
  readonly matches: (field: unknown) => boolean;
};

export type Term = {
  readonly key: string;
  readonly field: FieldName;
  readonly values: readonly TermValue[];
  /** The term matches if either field does. */
  readonly alternateField?: FieldName | undefined;
  readonly matches: (fields: Fields) => boolean;
  /** The field must match one of these patterns (* for any characters, ignoring case). */
  readonly patterns?: readonly string[] | undefined;
  /** The field must be one of these (a token must begin with one); undefined if no list describes the term. */
  readonly oneOf?: readonly string[] | undefined;
  /** The field must be in one of these ranges, ends included. Times in microseconds, waits in milliseconds. */
  readonly within?: readonly (readonly [from: number, to: number])[] | undefined;
};

export type Expression =
  | { readonly kind: "all" | "any"; readonly of: readonly Expression[] }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "term"; readonly term: Term };

type Grammar = (value: Value, reading: ParseContext) => Test;
type Row = {
  readonly field: FieldName;
  readonly alternateField?: FieldName;
  readonly grammar: Grammar;
  readonly help: string;
  /** Every value, where they are a closed set. */
  readonly choices?: readonly string[];
};

const RESOURCES = ["records", "phones", "customer_ids", "lists", "campaigngroups"] as const;
const ORIGINS = ["ocs", "gateway"] as const;
const DELIVERIES = ["not-sent", "answered", "sent-no-answer"] as const;

const KEYS: Readonly<Record<string, Row>> = {
  tenant: { field: "tenant", grammar: tenant, help: "a tenant's name or DBID" },
  client: { field: "client", grammar: text, help: "a client's name; * for any characters" },
  credential: { field: "credential", grammar: text, help: "kind and id of the credential, as in basic/k1" },
  source: { field: "source", grammar: text, help: "the client's address" },
  listener: { field: "listener", grammar: text, help: "a listener's name" },
  action: {
    field: "action",
    grammar: text,
    help: "a req value, or ReadStatus; of an access what was done, as in export",
  },
  resource: {
    field: "resource",
    grammar: words(RESOURCES),
    help: RESOURCES.join(", "),
    choices: RESOURCES,
  },
  record: { field: "record", grammar: recordHandle, help: "a record handle" },
  list: { field: "list", grammar: text, help: "a calling list" },
  group: { field: "group", grammar: group, help: "a campaign group's DBID" },
  campaign: { field: "campaign", grammar: text, help: "a campaign" },
  phone: {
    field: "phone",
    alternateField: "announced_phone",
    grammar: token,
    help: "a phone number's token, for example t1:9f2c…",
  },
  customer: {
    field: "customer",
    alternateField: "announced_customer",
    grammar: token,
    help: "a customer id's token, for example t1:9f2c…",
  },
  missing: {
    field: "missing",
    grammar: listOf(MISSING_NAMES),
    choices: MISSING_NAMES,
    help: "identifiers that a request about a person lacks: phone, customer, chain (further numbers), tenant",
  },
  status: { field: "status", grammar: status, help: "an HTTP status: 410, 4xx, >=400, 400..499" },
  origin: { field: "origin", grammar: words(ORIGINS), help: "who answered: ocs, gateway", choices: ORIGINS },
  code: { field: "code", grammar: code, help: "a code of the gateway, as in OCSGW-2103" },
  would: {
    field: "would",
    grammar: code,
    help: "the code with which the gateway would have refused it, if the tenant were not in observe mode",
  },
  delivery: { field: "delivery", grammar: words(DELIVERIES), help: DELIVERIES.join(", "), choices: DELIVERIES },
  is: {
    field: "state",
    grammar: words(STATES),
    choices: STATES,
    help:
      "how it ended: ok, ocs-no (OCS refused), refused (by the gateway), no-answer, abandoned, in-doubt, open, " +
      "replayed (an earlier reply), accepted (202: the gateway sends it later)",
  },
  kind: { field: "kinds", grammar: kind, help: "a kind of entry, as in refusal, switchover, access", choices: KINDS },
  "ocs.error": { field: "warning", grammar: number, help: "the number in OCS's Warning" },
  queue: { field: "queue", grammar: duration, help: "the wait for a lane: >100ms, 1s..2s" },
  "ocs.time": { field: "ocs", grammar: duration, help: "how long OCS took" },
  total: { field: "total", grammar: duration, help: "time from the arrival of the request to its end" },
  upstream: { field: "upstream", grammar: text, help: "an upstream's name" },
  lane: { field: "lane", grammar: text, help: "a lane's name, as in ocs-main/2" },
  endpoint: { field: "endpoint", grammar: text, help: "the address of an OCS" },
  time: { field: "time", grammar: time, help: "UTC: 12:00..12:10, 2026-11-22, 2026-11-22T12:00..2026-11-23" },
  since: { field: "time", grammar: since, help: "1h, 7d, or a time" },
  until: { field: "time", grammar: until, help: "1h, 7d, or a time" },
  id: { field: "id", grammar: id, help: "a request id or its beginning" },
  dnc: { field: "dnc", grammar: number, help: "the number of a Do-Not-Call within its tenant: 12, 1..20" },
  config: { field: "config", grammar: text, help: "the hash of the config file that was in force" },
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

/** Each key with its help text. */
export const keyHelp = (): readonly (readonly [key: string, says: string])[] =>
  Object.entries(KEYS).map(([key, { help }]) => [key, help]);

/** A key, its help text, the field that it searches, and all of its values where they are a closed set. */
export type KeyHelp = Pick<Row, "help" | "field" | "choices"> & { readonly key: string };

export const keysWithHelp = (): readonly KeyHelp[] =>
  Object.entries(KEYS).map(([key, { help, field, choices = [] }]) => ({ key, help, field, choices }));

/** Ignores case. */
export const findKey = (
  name: string,
): { readonly read: (values: readonly Value[], reading: ParseContext) => Term } | undefined => {
  const lower = name.toLowerCase();
  const key = OTHER_NAMES[lower] ?? lower;
  const row = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
  return row && { read: (values, reading) => termOf(key, row, values, reading) };
};

const termOf = (
  key: string,
  { field, alternateField, grammar }: Row,
  given: readonly Value[],
  reading: ParseContext,
): Term => {
  const tests = given.map((value) => grammar(value, reading));
  return {
    key,
    field,
    alternateField,
    values: given.map(({ text: value, at, length }, place) => ({
      text: value,
      at,
      length,
      matches: tests[place]!.matches,
    })),
    matches: (fields) => {
      const values = [fields[field], alternateField && fields[alternateField]];
      return values.some((value) => value !== undefined && tests.some(({ matches }) => matches(value)));
    },
    patterns: allOf(tests.map(({ pattern }) => pattern)),
    oneOf: allOf(tests.map(({ equals }) => equals)),
    within: allOf(tests.map(({ between }) => between)),
  };
};

const allOf = <Each>(parts: readonly (Each | undefined)[]): readonly Each[] | undefined =>
  parts.every((part) => part !== undefined) ? parts : undefined;
