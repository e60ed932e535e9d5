/**
 * An entry of the journal → the question that it was, as far as the journal knows it. Personal data is not in the journal, and no policy looks
 * at it: a number stands for every number. Of a refused request the body is not there; what an action needs is filled in.
 */
import type { Intent, Recorded, Refusal } from "../journal/entry.ts";
import { isAttributeName } from "../ocs/attributes.ts";
import { ACTIONS, type Action } from "../ocs/catalog.ts";
import { caseOf } from "../ocs/examples.ts";
import type { Settings } from "../settings/schema.ts";
import type { Question } from "./rehearse.ts";

export type Asked = {
  readonly question: Question;
  readonly resource: string;
  readonly action: string;
  /** What was decided then: "allow" or a code. For a tenant that observed, what its policy would have said. */
  readonly decided: string;
  /** That refusal was recorded and not applied. Undefined where something else refused the request. */
  readonly observed: boolean | undefined;
};

/** `why`: in words that count entries of one kind. Undefined: no decision of a policy. */
export type Replayed = Asked | { readonly why: string } | undefined;

const OVER_LIMIT = { why: "refusals over a limit (OCSGW-3001), which depend on when requests came" };

/** The codes that a policy gives, other than for what only the body says. */
const BY_POLICY: ReadonlySet<string> = new Set(["OCSGW-2101", "OCSGW-2104"]);

/** No policy is asked before it is known who asks, nor whose a record handle is. */
const OF_NO_CREDENTIAL: ReadonlySet<string> = new Set(["OCSGW-2001", "OCSGW-2002", "OCSGW-2003"]);
const OF_HANDLES: ReadonlySet<string> = new Set(["OCSGW-2106", "OCSGW-2108", "OCSGW-5103"]);

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
  if (!action) return { why: "requests of an action that is not known here" };
  const { would_refuse: policy } = entry;
  if (policy === "OCSGW-3001") return OVER_LIMIT;
  // The field at fault may be one that was dropped.
  if (policy === "OCSGW-1007")
    return {
      why: "requests with fields that their tenant does not declare (OCSGW-1007), let pass by one that observes: not every field is recorded",
    };
  return {
    ...asked(entry, action, bodyOf(action, { ...entry.body }), settings),
    decided: policy ?? "allow",
    observed: policy !== undefined,
  };
};

const ofRefusal = (entry: Refusal, settings: Settings): Replayed => {
  const { client, would_refuse: policy } = entry;
  // What its policy would have said comes before what did say no.
  const [code, pointer] = policy === undefined ? [entry.code, entry.pointer] : [policy, undefined];
  const action = actionOf(entry);
  if (OF_NO_CREDENTIAL.has(code)) return { why: `refusals for want of a credential (${code})` };
  if (!action || typeof client !== "string") return undefined;
  if (code === "OCSGW-3001") return OVER_LIMIT;
  if (OF_HANDLES.has(code)) return { why: `refusals of record handles (${code}), which depend on who owned them then` };
  const field =
    code === "OCSGW-1007" && pointer !== undefined && !isAttributeName(pointer.slice(1)) && !pointer.startsWith("/GSW_")
      ? namedBy(pointer)
      : undefined;
  if (field === undefined && (!BY_POLICY.has(code) || pointer !== undefined)) {
    return code.startsWith("OCSGW-2") || policy !== undefined
      ? { why: `refusals by what the body said (${code}): bodies of refused requests are not recorded` }
      : undefined;
  }
  const tenant = settings.tenants.find(({ name, dbid, clients }) =>
    entry.tenant ? entry.tenant.dbid === dbid && entry.tenant.name === name : Object.hasOwn(clients, client),
  );
  const campaign = tenant?.campaigns[0];
  const body = {
    ...standIn(action),
    ...(campaign !== undefined && action.required.includes("GSW_CAMPAIGN_NAME") && { GSW_CAMPAIGN_NAME: campaign }),
    ...(field !== undefined && { [field]: "x" }),
  };
  return {
    ...asked({ ...entry, client }, action, bodyOf(action, body), settings),
    decided: code,
    observed: policy === undefined ? false : undefined,
  };
};

/** The member that a pointer into a body names (RFC 6901). */
const namedBy = (pointer: string): string => pointer.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");

type Known = Pick<Intent, "client"> & {
  readonly identifier?: string | null | undefined;
  readonly tenant?: Intent["tenant"] | null | undefined;
};

const asked = (
  { client, identifier, tenant }: Known,
  action: Action,
  body: string,
  settings: Settings,
): Pick<Asked, "question" | "resource" | "action"> => {
  const { resource, name, method } = action;
  // Numbers and customer ids are not there, and no policy looks at them nor at handles.
  const any = resource === "phones" || resource === "customer_ids" || resource === "records";
  const whole = method === "GET" && (identifier ?? undefined) === undefined;
  const target = whole
    ? `/${resource}`
    : caseOf(action, any || typeof identifier !== "string" ? undefined : identifier).target;
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

/** The DBID, unless the client stands under two tenants of that DBID, on two OCS. */
const headerFor = ({ dbid, name }: NonNullable<Intent["tenant"]>, client: string, { tenants }: Settings): string =>
  tenants.filter((each) => each.dbid === dbid && Object.hasOwn(each.clients, client)).length > 1 ? name : String(dbid);

const STAND_IN: Readonly<Record<string, unknown>> = { GSW_PHONE: "4155550100", GSW_CUSTOMER_ID: "A-0091" };

/** Without the tenant, which the gateway fills in. */
const standIn = (action: Action): Record<string, unknown> => {
  const { GSW_TENANT_NAME: _, ...body } = JSON.parse(caseOf(action).body || "{}") as Record<string, unknown>;
  return body;
};

/** What was redacted is replaced, what was dropped and is needed is filled in. */
const bodyOf = (action: Action, body: Readonly<Record<string, unknown>>): string => {
  const missing = Object.entries(standIn(action)).filter(
    ([name]) => action.required.includes(name as never) && !Object.hasOwn(body, name),
  );
  const shown = Object.entries(body).map(([name, value]) => [
    name,
    Object.hasOwn(STAND_IN, name) ? STAND_IN[name] : isAttributeName(name) ? value : "x",
  ]);
  return JSON.stringify(Object.fromEntries([...missing, ...shown]));
};
