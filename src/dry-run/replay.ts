/**
 * An entry of the journal → the question that the request asked, as far as the journal knows it. Personal data is not
 * in the journal, and no policy depends on it: one number replaces all numbers. The journal does not have the body of
 * a refused request; what the action needs is filled in.
 */
import { codesOf, REFUSALS } from "../gateway/refusals.ts";
import type { Intent, Recorded, Refusal } from "../journal/entry.ts";
import { isAttributeName } from "../ocs/attributes.ts";
import { ACTIONS, type Action } from "../ocs/catalog.ts";
import { caseOf } from "../ocs/examples.ts";
import type { Settings } from "../settings/schema/schema.ts";
import type { Question } from "./evaluate.ts";

export type ReplayedRequest = {
  readonly question: Question;
  readonly resource: string;
  readonly action: string;
  /** What became of the request: "allow" or the code of its refusal. */
  readonly applied: string;
  /** The same; for a tenant that observed, what its policy would have refused. */
  readonly decided: string;
};

/** `skipped`: why entries of one kind cannot be replayed. Undefined for an entry that no policy decided. */
export type Replayed = ReplayedRequest | { readonly skipped: string } | undefined;

const OVER_LIMIT = REFUSALS["over-limit"].code;
const BAD_ATTRIBUTE = REFUSALS["bad-attribute"].code;
/** Refused before the policy was asked, or by the owner of a record handle at that time. */
const CREDENTIAL_CODES = codesOf("no-credential", "throttled", "issuer-keys-unavailable");
const HANDLE_CODES = codesOf("no-such-record", "probing", "unclear");
/** Refused by the policy, or by isolation for what the URI or the body names. */
const URI_CODES = codesOf("not-granted", "foreign-object");
const BODY_CODES = codesOf("not-granted", "foreign-object", "other-tenant", "ambiguous-tenant");

const overLimit = { skipped: `refusals over a limit (${OVER_LIMIT}), which depend on when requests came` };

export const replay = (entry: Recorded, settings: Settings): Replayed => {
  if (entry.kind === "intent") return ofIntent(entry, settings);
  return entry.kind === "refusal" ? ofRefusal(entry, settings) : undefined;
};

const actionOf = ({
  resource,
  action,
}: {
  readonly resource?: string | null | undefined;
  readonly action?: string | null | undefined;
}): Action | undefined => ACTIONS.find((each) => each.resource === resource && each.name === action);

const ofIntent = (entry: Intent, settings: Settings): Replayed => {
  const action = actionOf(entry);
  if (!action) return { skipped: "requests of an unknown action" };
  const { would_refuse: policy } = entry;
  if (policy === OVER_LIMIT) return overLimit;
  const dropped = entry.dropped_fields ?? [];
  // An older gateway did not record the names of dropped fields: one of them may be at fault.
  if (policy === BAD_ATTRIBUTE && dropped.length === 0 && Object.keys(entry.body).every(isAttributeName))
    return {
      skipped:
        `requests with fields that their tenant does not declare (${policy}) and that observe mode let pass: not ` +
        "every field is recorded",
    };
  const fields = Object.fromEntries(dropped.map((name) => [name, "x"]));
  return {
    ...questionOf(entry, action, bodyOf(action, { ...entry.body, ...fields }), settings),
    applied: "allow",
    decided: policy ?? "allow",
  };
};

const ofRefusal = (entry: Refusal, settings: Settings): Replayed => {
  const { client, code, would_refuse: policy } = entry;
  const action = actionOf(entry);
  if (CREDENTIAL_CODES.has(code)) return { skipped: `refusals without a valid credential (${code})` };
  if (!action || typeof client !== "string") return undefined;
  if (code === OVER_LIMIT || policy === OVER_LIMIT) return overLimit;
  if (HANDLE_CODES.has(code))
    return { skipped: `refusals of record handles (${code}), which depend on the owner at that time` };
  const named = namedBy(entry);
  if (named === undefined) {
    return BODY_CODES.has(code) || policy !== undefined
      ? { skipped: `refusals because of the body (${code}): bodies of refused requests are not recorded` }
      : undefined;
  }
  const tenant = settings.tenants.find(({ name, dbid, clients }) =>
    entry.tenant ? entry.tenant.dbid === dbid && entry.tenant.name === name : Object.hasOwn(clients, client),
  );
  const campaign = tenant?.campaigns[0];
  const body = {
    ...sampleBody(action),
    ...(campaign !== undefined && action.required.includes("GSW_CAMPAIGN_NAME") && { GSW_CAMPAIGN_NAME: campaign }),
    ...named,
  };
  return {
    ...questionOf({ ...entry, client }, action, bodyOf(action, body), settings),
    applied: code,
    decided: policy ?? code,
  };
};

/** The part of the body at fault, {} if it is the URI; undefined where the journal does not have it. */
const namedBy = ({ code, pointer, named }: Refusal): Readonly<Record<string, string>> | undefined => {
  if (pointer === undefined) return URI_CODES.has(code) ? {} : undefined;
  if (named !== undefined && URI_CODES.has(code)) return { [pointer.slice(1)]: named };
  const field = code === BAD_ATTRIBUTE ? fieldNamedBy(pointer) : undefined;
  return field === undefined ? undefined : { [field]: "x" };
};

/** The user-defined field that a pointer into a body names (RFC 6901). */
const fieldNamedBy = (pointer: string | undefined): string | undefined => {
  if (pointer === undefined || pointer.startsWith("/GSW_") || isAttributeName(pointer.slice(1))) return undefined;
  return pointer.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");
};

type JournaledRequest = Pick<Intent, "client"> & {
  readonly identifier?: string | null | undefined;
  readonly tenant?: Intent["tenant"] | null | undefined;
};

const questionOf = (
  { client, identifier, tenant }: JournaledRequest,
  action: Action,
  body: string,
  settings: Settings,
): Pick<ReplayedRequest, "question" | "resource" | "action"> => {
  const { resource, name, method } = action;
  // The journal has no numbers and customer ids, and no policy depends on them or on handles.
  const isAny = resource === "phones" || resource === "customer_ids" || resource === "records";
  const isForAll = method === "GET" && (identifier ?? undefined) === undefined;
  const target = isForAll
    ? `/${resource}`
    : caseOf(action, isAny || typeof identifier !== "string" ? undefined : identifier).target;
  return {
    question: {
      client,
      method,
      target,
      body: method === "GET" ? "" : body,
      tenant: tenant ? headerFor(tenant, client, settings) : undefined,
    },
    resource,
    action: name,
  };
};

/** The DBID, unless the client is in two tenants of that DBID, on two OCS. */
const headerFor = ({ dbid, name }: NonNullable<Intent["tenant"]>, client: string, { tenants }: Settings): string =>
  tenants.filter((each) => each.dbid === dbid && Object.hasOwn(each.clients, client)).length > 1 ? name : String(dbid);

const SAMPLES: Readonly<Record<string, unknown>> = { GSW_PHONE: "4155550100", GSW_CUSTOMER_ID: "A-0091" };

/** Without the tenant, which the gateway fills in. */
const sampleBody = (action: Action): Record<string, unknown> => {
  const { GSW_TENANT_NAME: _, ...body } = JSON.parse(caseOf(action).body || "{}") as Record<string, unknown>;
  return body;
};

/** Redacted values are replaced; dropped ones that the action needs are filled in. */
const bodyOf = (action: Action, body: Readonly<Record<string, unknown>>): string => {
  const missing = Object.entries(sampleBody(action)).filter(
    ([name]) => action.required.includes(name as never) && !Object.hasOwn(body, name),
  );
  const replaced = Object.entries(body).map(([name, value]) => [
    name,
    Object.hasOwn(SAMPLES, name) ? SAMPLES[name] : isAttributeName(name) ? value : "x",
  ]);
  return JSON.stringify(Object.fromEntries([...missing, ...replaced]));
};
