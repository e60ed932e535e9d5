/** An entry as an event of OCSF 1.3, class API Activity. */
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Kind, Recorded } from "../entry.ts";
import { readMicros } from "../time.ts";
import type { Request } from "./recent-intents.ts";
import { gapText } from "./rfc5424.ts";
import type { EntryLine, Missing } from "./segment-reader.ts";
import { VERDICTS } from "./severity.ts";

const VERSION = "1.3.0";
const CATEGORY = 6;
const CLASS = 6003;

const ACTIVITIES = { Create: 1, Read: 2, Update: 3, Delete: 4, Other: 99 } as const;
type Activity = keyof typeof ACTIVITIES;

/** Of requests; all further actions change something. */
const BY_ACTION: ReadonlyMap<string, Activity> = new Map([
  ["AddRecord", "Create"],
  ["ReadStatus", "Read"],
]);

const SEVERITIES = ["Unknown", "Informational", "Low", "Medium", "High"] as const;
const STATUSES = ["Unknown", "Success", "Failure"] as const;

const SERVICE = { name: "Outbound Contact Server" } as const;
const GATEWAY = { app_name: "ocs-gateway" } as const;
const HERE = { svc_name: "ocs-gateway", hostname: hostname() } as const;

type Members = Readonly<Record<string, unknown>>;
type Known = Partial<Request> &
  Partial<{
    readonly id: string;
    readonly user: string;
    readonly operation: string;
    readonly status: number;
    readonly code: string | null;
    readonly detail: string;
    readonly reason: string;
    readonly delivery: string;
    readonly traceparent: string;
    readonly endpoint: string | null;
    readonly upstream: string;
    readonly count: number;
    readonly waits: { readonly total_ms: number };
  }>;

/** One line of JSON. `version`: of the gateway. */
export const ocsfEntry =
  (version: string) =>
  ({ entry, text }: EntryLine, request: Request | undefined): string => {
    const known: Known = { ...request, ...(entry as unknown as Known) };
    const activity = activityOf(entry, known);
    const { severity = 1, status } = VERDICTS[entry.kind as Kind]?.(entry) ?? {};
    return onOneLine({
      ...classOf(activity, activity === "Other" ? entry.kind : activity),
      time: Math.floor(readMicros(entry.time) / 1000),
      severity_id: severity,
      severity: SEVERITIES[severity],
      ...(status !== undefined && { status_id: status, status: STATUSES[status] }),
      ...given("status_code", codeOf(known)),
      ...given("status_detail", known.detail ?? known.reason),
      message: messageOf(entry, known),
      metadata: metadataOf(version, entry, known),
      actor: actorOf(known, request !== undefined || "client" in entry),
      api: apiOf(entry, known),
      src_endpoint: sourceOf(known.source),
      ...given("dst_endpoint", destinationOf(known)),
      ...given("http_response", known.status === undefined ? undefined : { code: known.status }),
      ...given("resources", resourcesOf(known)),
      ...given("duration", known.waits && Math.round(known.waits.total_ms)),
      ...given("count", known.count),
      ...given("unmapped", unmappedIn(known)),
      raw_data: text,
    });
  };

/** What is not there to forward. It has no sequence number: it is not an entry. */
export const ocsfMissing =
  (version: string) =>
  (missing: Missing): string =>
    onOneLine({
      ...classOf("Other", "forward-gap"),
      time: Date.now(),
      severity_id: 4,
      severity: SEVERITIES[4],
      message: gapText(missing),
      metadata: { ...productOf(version), event_code: "forward-gap" },
      actor: GATEWAY,
      api: { operation: "forward-gap", service: { name: "ocs-gateway" } },
      src_endpoint: HERE,
      unmapped: { ...missing },
    });

/** JSON allows these characters in a text, but some programs end a line at one. */
const onOneLine = (event: Members): string =>
  JSON.stringify(event).replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const given = (name: string, value: unknown): Members =>
  value === undefined || value === null ? {} : { [name]: value };

const unmappedIn = ({ delivery, traceparent }: Known): Members | undefined =>
  delivery === undefined && traceparent === undefined
    ? undefined
    : { ...given("delivery", delivery), ...given("traceparent", traceparent) };

const codeOf = ({ code, status }: Known): string | undefined => code || status?.toString();

const classOf = (activity: Activity, name: string): Members => ({
  category_uid: CATEGORY,
  category_name: "Application Activity",
  class_uid: CLASS,
  class_name: "API Activity",
  activity_id: ACTIVITIES[activity],
  activity_name: name,
  type_uid: CLASS * 100 + ACTIVITIES[activity],
  type_name: `API Activity: ${activity}`,
});

const activityOf = ({ kind }: Recorded, { action }: Known): Activity => {
  // Nothing is created: the client gets an earlier reply again.
  if (kind === "access" || kind === "replay") return "Read";
  if (kind === "config") return "Update";
  if (kind === "deleted") return "Delete";
  return typeof action === "string" ? (BY_ACTION.get(action) ?? "Update") : "Other";
};

const productOf = (version: string): Members => ({
  version: VERSION,
  product: { name: "ocs-gateway", vendor_name: "ocs-gateway", version },
});

const metadataOf = (version: string, { index, kind, time }: Recorded, { id, tenant }: Known): Members => ({
  ...productOf(version),
  uid: String(index),
  sequence: index,
  event_code: kind,
  log_name: "journal",
  original_time: time,
  ...given("correlation_uid", id),
  ...given("tenant_uid", tenant && String(tenant.dbid)),
});

/** `type_id`: 0 Unknown, 1 User, 99 Other. An unknown client gets no name: a client could have every name. */
const actorOf = ({ user, client, credential }: Known, isRequest: boolean): Members => {
  if (user !== undefined) return { user: { name: user, type_id: 1, type: "User" } };
  if (typeof client !== "string") return isRequest ? { user: { uid: "-", type_id: 0, type: "Unknown" } } : GATEWAY;
  return { user: { name: client, type_id: 99, type: "Client", ...given("credential_uid", credential?.id) } };
};

const apiOf = ({ kind }: Recorded, { id, action, operation, status, code, detail }: Known): Members => ({
  operation: action ?? operation ?? kind,
  service: typeof action === "string" ? SERVICE : { name: "ocs-gateway" },
  ...given("request", id === undefined ? undefined : { uid: id }),
  ...given(
    "response",
    status === undefined ? undefined : { code: status, ...given("error", code), ...given("message", detail) },
  ),
});

const sourceOf = (source: string | null | undefined): Members => {
  if (typeof source !== "string") return HERE;
  return isIP(source) === 0 ? { name: source } : { ip: source };
};

const destinationOf = ({ endpoint, upstream }: Known): Members | undefined => {
  const name = endpoint ?? upstream;
  return typeof name === "string" ? { svc_name: SERVICE.name, name } : undefined;
};

const resourcesOf = ({ resource, identifier, tenant }: Known): readonly Members[] | undefined =>
  typeof resource === "string"
    ? [{ type: resource, ...given("uid", identifier), ...given("namespace", tenant?.name) }]
    : undefined;

const messageOf = ({ kind }: Recorded, { client, action, resource, status, code, tenant }: Known): string =>
  [kind, client, action, resource, tenant && `for ${tenant.name}`, status, code]
    .filter((part) => part !== undefined && part !== null)
    .join(" ");
