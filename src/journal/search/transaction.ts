/**
 * A transaction: an intent with its outcome, or a refusal or replay alone. Any other entry (a start, a switchover, an
 * access) is a transaction of its own. The fields by which a transaction is searched are read from its entries here
 * only.
 */
import type { Delivery, Kind, Origin, Recorded, Stage, Tenant } from "../entry.ts";
import { missingNamesIn, type MissingName } from "./missing-names.ts";
import { readMicros } from "../time.ts";

/**
 * The operation of a note about an open Do-Not-Call, an entry of kind `access` (`journal/open-dnc/handled-notes.ts`).
 */
export const HANDLED = "dnc-handled";

export type Transaction = {
  /** Index of the first entry. */
  readonly at: number;
  /** In journal order. */
  readonly entries: readonly Recorded[];
};

/** How a transaction ended. */
export const STATES = [
  "ok",
  "ocs-no",
  "refused",
  "no-answer",
  "abandoned",
  "in-doubt",
  "open",
  "replayed",
  "accepted",
] as const;
export type State = (typeof STATES)[number];

export type Fields = {
  readonly at: number;
  /** Microseconds since 1970, of the first entry. */
  readonly time: number;
  readonly kinds: readonly string[];
  readonly state?: State | undefined;
  readonly id?: string | undefined;
  readonly tenant?: Tenant | undefined;
  readonly client?: string | undefined;
  /** Kind and id of the credential, for example basic/k1. */
  readonly credential?: string | undefined;
  readonly source?: string | undefined;
  readonly listener?: string | undefined;
  readonly action?: string | undefined;
  readonly resource?: string | undefined;
  readonly record?: string | undefined;
  readonly list?: string | undefined;
  /** DBID of a campaign group. */
  readonly group?: string | undefined;
  readonly campaign?: string | undefined;
  /** Tokens. */
  readonly phone?: string | undefined;
  readonly customer?: string | undefined;
  /** Tokens from OCS's announcement of the record. */
  readonly announced_phone?: string | undefined;
  readonly announced_customer?: string | undefined;
  /** Identifiers of a person that the request does not contain. */
  readonly missing?: readonly MissingName[] | undefined;
  readonly status?: number | undefined;
  readonly origin?: Origin | undefined;
  readonly code?: string | undefined;
  readonly delivery?: Delivery | undefined;
  /** The number in OCS's Warning. */
  readonly warning?: number | undefined;
  readonly upstream?: string | undefined;
  readonly lane?: string | undefined;
  readonly endpoint?: string | undefined;
  /** Milliseconds. */
  readonly queue?: number | undefined;
  readonly ocs?: number | undefined;
  readonly total?: number | undefined;
  /** The code with which policy would have refused it, if its tenant were not in observe mode. */
  readonly would?: string | undefined;
  /** The gapless number of a Do-Not-Call within its tenant. */
  readonly dnc?: number | undefined;
  readonly config?: string | undefined;
  /** The id of the client's trace. */
  readonly trace?: string | undefined;
  /** Why a request was refused, in more detail than the client got: a word, a colon and a sentence. */
  readonly reason?: string | undefined;
  /** The stage that refused it or failed, and the setting that decided. Absent in format 1 and early format 2. */
  readonly stage?: Stage | undefined;
  readonly setting?: string | undefined;
  /** OCS's answer may belong to another request. */
  readonly suspected?: boolean | undefined;
  /** The token of the request's Idempotency-Key. */
  readonly idempotency_key?: string | undefined;
};

/** Members of an entry of any kind; missing ones are undefined. */
type Members = { readonly [name: string]: unknown };

const textOf = (value: unknown): string | undefined =>
  typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "bigint"
      ? String(value)
      : undefined;
const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
const mapOf = (value: unknown): Members | undefined =>
  typeof value === "object" && value !== null ? (value as Members) : undefined;

export const fieldsOf = ({ at, entries }: Transaction): Fields => {
  const [first] = entries;
  const asked: Members = first ?? {};
  const closing: Members = entries.length > 1 ? entries.at(-1)! : asked;
  return {
    at,
    time: readMicros(textOf(asked["time"]) ?? ""),
    kinds: entries.map(({ kind }) => kind),
    id: textOf(asked["id"]),
    ...callerFields(asked),
    ...operationFields(asked),
    ...resultFields(closing),
    upstream: upstreamOf(closing) ?? upstreamOf(asked),
    ...stateOf(closing),
    would: textOf(asked["would_refuse"]),
    dnc: numberOf(asked["dnc"]),
    idempotency_key: textOf(asked["idempotency_key"]),
  };
};

/** From an intent or a refusal. */
export const callerFields = (asked: Members): Partial<Fields> => {
  const tenant = mapOf(asked["tenant"]);
  const credential = mapOf(asked["credential"]);
  return {
    tenant: tenant && { dbid: numberOf(tenant["dbid"]) ?? 0, name: textOf(tenant["name"]) ?? "" },
    client: textOf(asked["client"]),
    credential: credential && `${textOf(credential["kind"])}/${textOf(credential["id"])}`,
    source: textOf(asked["source"]),
    listener: textOf(asked["listener"]),
    config: textOf(asked["config_hash"]),
    trace: textOf(asked["traceparent"])?.split("-")[1],
  };
};

/** From an intent or a refusal. */
export const operationFields = (asked: Members): Partial<Fields> => {
  const resource = textOf(asked["resource"]);
  const identifier = textOf(asked["identifier"]);
  const body = mapOf(asked["body"]) ?? {};
  const tokens = mapOf(asked["tokens"]);
  const announced = mapOf(asked["announced"]);
  return {
    action: textOf(asked["action"]) ?? (asked["kind"] === "access" ? textOf(asked["operation"]) : undefined),
    resource,
    record: resource === "records" ? identifier : undefined,
    list: resource === "lists" ? identifier : textOf(body["GSW_CALLING_LIST"]),
    group: resource === "campaigngroups" ? identifier : undefined,
    campaign: textOf(body["GSW_CAMPAIGN_NAME"]),
    phone: textOf(tokens?.["phone"]),
    customer: textOf(tokens?.["customer_id"]),
    announced_phone: textOf(announced?.["phone"]),
    announced_customer: textOf(announced?.["customer_id"]),
    missing: missingNamesIn(asked),
  };
};

const resultFields = (closing: Members): Partial<Fields> => {
  const waits = mapOf(closing["waits"]);
  const lane = textOf(closing["lane"]);
  return {
    status: numberOf(closing["status"]),
    code: textOf(closing["code"]),
    delivery: textOf(closing["delivery"]) as Delivery | undefined,
    warning: warningOf(textOf(closing["warning"])),
    lane,
    endpoint: textOf(closing["endpoint"]),
    reason: textOf(closing["reason"]),
    stage: textOf(closing["stage"]) as Stage | undefined,
    setting: textOf(closing["setting"]),
    suspected: closing["suspected"] === true ? true : undefined,
    queue: numberOf(waits?.["queue_ms"]),
    ocs: numberOf(waits?.["ocs_ms"]),
    total: numberOf(waits?.["total_ms"]),
  };
};

const upstreamOf = (entry: Members): string | undefined =>
  textOf(entry["lane"])?.replace(/\/[^/]*$/, "") ?? textOf(entry["upstream"]);

/** `Warning: 112 - "No call found"` begins with the number. */
const warningOf = (warning: string | undefined): number | undefined => {
  const number = /^\s*(\d{1,9})/.exec(warning ?? "")?.[1];
  return number === undefined ? undefined : Number(number);
};

const stateOf = (closing: Members): { readonly state?: State; readonly origin?: Origin } => {
  switch (closing["kind"]) {
    case "intent":
      return { state: "open" };
    case "refusal":
      return { state: "refused", origin: "gateway" };
    case "replay":
      return { state: "replayed", origin: "gateway" };
    case "abandoned":
      return { state: "abandoned", origin: "gateway" };
    case "in-doubt":
      return { state: "in-doubt" };
    case "open-dnc":
      return { state: closing["state"] as State };
    case "outcome":
      return outcomeOf(closing);
    default:
      return {};
  }
};

const outcomeOf = ({ origin, status, delivery }: Members): { readonly state: State; readonly origin: Origin } => {
  // Accepted with 202; its attempts are transactions of their own.
  if (origin !== "ocs" && (numberOf(status) ?? 500) < 400) return { state: "accepted", origin: "gateway" };
  if (origin === "ocs") return { state: (numberOf(status) ?? 0) < 400 ? "ok" : "ocs-no", origin };
  return { state: delivery === "sent-no-answer" ? "no-answer" : "refused", origin: "gateway" };
};

/** Whether the entry closes the intent with the same id. */
export const closesIntent = (
  entry: Recorded,
): entry is Extract<Recorded, { kind: "outcome" | "abandoned" | "in-doubt" }> => CLOSING.has(entry.kind);

const CLOSING: ReadonlySet<string> = new Set(["outcome", "abandoned", "in-doubt"] satisfies Kind[]);
