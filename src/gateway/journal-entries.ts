/** Makes the journal's entries for a request. Values are redacted as `audit.redact` says. */
import type { Abandoned, Delivery, Entry, Intent, Outcome, Refusal, Replay, Tokens } from "../journal/entry.ts";
import type { Redactor } from "../journal/redact.ts";
import { maskNumbers, maskWarning } from "../common/mask.ts";
import { headerOf, type Arrival } from "../common/message.ts";
import type { Operation } from "../ocs/target.ts";
import type { Ownership } from "../ownership/ownership.ts";
import type { Tenant } from "../tenancy/registry.ts";
import { presentedBy, type PresentedDeps } from "./presented-path.ts";
import { REFUSALS } from "./refusals.ts";
import type { Refused } from "./refused.ts";
import type { Answer, Failure, Order, Trace, Waits } from "./types.ts";

/** Without `ownership`, the entries have no epochs. */
type EpochDeps = { readonly ownership?: Partial<Pick<Ownership, "epochOf">> };

export type IntentEntryDeps = EpochDeps & { readonly redact: Redactor; readonly configHash: string };

export type RefusalEntryDeps = EpochDeps &
  PresentedDeps & {
    readonly redact: Redactor;
    readonly ownership?: Partial<Pick<Ownership, "announcedFor">>;
  };

/** `key`: the token of its Idempotency-Key. */
export const intentEntry = (deps: IntentEntryDeps, arrival: Arrival, order: Order, key?: string): Entry => {
  const { redact, configHash } = deps;
  const { owner, operation, attributes, lease, wouldRefuse } = order;
  const { identifier } = operation;
  const { resource, name } = operation.action;
  const { announced: known, ...record } = lease?.record ?? {};
  const announced = known && redact.kept(known);
  const dropped = redact.dropped(attributes);
  return {
    kind: "intent",
    id: arrival.id,
    tenant: { dbid: owner.dbid, name: owner.name },
    client: order.client,
    credential: order.credential,
    source: arrival.source,
    listener: arrival.listener,
    resource,
    identifier: identifier === undefined ? null : redact.identifier(resource, identifier, owner.lists.has(identifier)),
    action: name,
    body: redact.body(attributes, (text) => isNameOf(owner, text)),
    ...personIn(redact.tokens(resource, identifier, attributes), announced),
    config_hash: configHash,
    ...(lease?.record ? record : upstreamOf(deps, owner, operation)),
    ...(wouldRefuse !== undefined && { would_refuse: wouldRefuse }),
    ...(dropped && { dropped_fields: dropped }),
    ...(arrival.trace && { traceparent: arrival.trace.parent }),
    ...(key !== undefined && { idempotency_key: key }),
    ...(order.attemptOf !== undefined && { attempt_of: order.attemptOf }),
  };
};

/** A repeat that got the first request's reply; `code`: of the gateway's own reply. */
export const replayEntry = (
  { redact }: Pick<RefusalEntryDeps, "redact">,
  { arrival, caller, operation, tenant, key }: Trace,
  { status, code, delivery }: Pick<Replay, "status" | "code" | "delivery">,
): Entry => ({
  kind: "replay",
  id: arrival.id,
  tenant: { dbid: tenant!.dbid, name: tenant!.name },
  client: caller!.client,
  credential: caller!.credential,
  source: arrival.source,
  listener: arrival.listener,
  resource: operation!.action.resource,
  identifier: redact.identifier(
    operation!.action.resource,
    operation!.identifier!,
    tenant!.lists.has(operation!.identifier!),
  ),
  action: operation!.action.name,
  first: key!.first!,
  status,
  code,
  delivery,
  waits: waitsOf(arrival, NO_WAITS),
  ...(arrival.trace && { traceparent: arrival.trace.parent }),
  idempotency_key: key!.token,
});

/** For DoNotCall: the upstream that must not call; for a record handle also the epoch, because OCS reuses handles. */
const upstreamOf = (
  { ownership }: EpochDeps,
  { upstream }: Tenant,
  { action: { name, resource } }: Operation,
): Pick<Intent, "upstream" | "epoch"> => {
  if (name !== "DoNotCall") return {};
  const epoch = resource === "records" ? ownership?.epochOf?.(upstream) : undefined;
  return { upstream, ...(epoch !== undefined && { epoch }) };
};

/**
 * The person's tokens: those in the request, else those that OCS announced with the record. If the request has tokens,
 * the announced ones are stored separately, because they may belong to another person.
 */
const personIn = (named: Tokens | undefined, announced: Tokens | undefined): Pick<Intent, "tokens" | "announced"> => {
  const tokens = named ?? announced;
  return { ...(tokens && { tokens }), ...(named && announced && { announced }) };
};

export const answerEntry = (arrival: Arrival, answer: Answer): Outcome => ({
  kind: "outcome",
  id: arrival.id,
  delivery: "answered",
  origin: "ocs",
  status: answer.status,
  code: null,
  warning: warningOf(headerOf(answer.headers, "Warning")),
  waits: waitsOf(arrival, answer.waits),
  lane: answer.lane,
  endpoint: answer.endpoint,
  ...(answer.suspected && { suspected: true }),
});

/** The gateway has stored the request and answers 202; the attempts to send it are requests of their own. */
export const acceptedEntry = (arrival: Arrival): Outcome => ownEntry(arrival, 202, null);

/** The request could not be stored, so the gateway refuses it. */
export const notAcceptedEntry = (arrival: Arrival, refusal: Refused["refusal"], reason: string): Outcome => ({
  ...ownEntry(arrival, REFUSALS[refusal].status, REFUSALS[refusal].code),
  reason,
  stage: "journal",
});

const ownEntry = (arrival: Arrival, status: number, code: string | null): Outcome => ({
  kind: "outcome",
  id: arrival.id,
  delivery: "not-sent",
  origin: "gateway",
  status,
  code,
  warning: null,
  waits: waitsOf(arrival, NO_WAITS),
  lane: null,
  endpoint: null,
});

/** `ended`: the stage, the setting that caused the failure, and a reason that the client does not get. */
export const failureEntry = (
  arrival: Arrival,
  failure: Failure,
  ended: Pick<Outcome, "stage" | "setting" | "reason">,
): Outcome => ({
  kind: "outcome",
  id: arrival.id,
  delivery: deliveryOf(failure),
  origin: "gateway",
  status: REFUSALS[failure.reason].status,
  code: REFUSALS[failure.reason].code,
  warning: null,
  waits: waitsOf(arrival, failure.waits),
  lane: failure.lane ?? null,
  endpoint: failure.endpoint ?? null,
  ...ended,
});

/** An internal error after the intent: it is unknown how far the request got. */
export const internalErrorEntry = (arrival: Arrival): Outcome => ({
  kind: "outcome",
  id: arrival.id,
  delivery: "sent-no-answer",
  origin: "gateway",
  status: REFUSALS["internal-error"].status,
  code: REFUSALS["internal-error"].code,
  warning: null,
  waits: waitsOf(arrival, NO_WAITS),
  lane: null,
  endpoint: null,
  stage: "ocs",
});

export const abandonedEntry = (arrival: Arrival, failure: Failure): Abandoned => ({
  kind: "abandoned",
  id: arrival.id,
  delivery: "not-sent",
  waits: waitsOf(arrival, failure.waits),
});

/** A refusal before the intent, with everything known at that time. */
export const refusalEntry = (deps: RefusalEntryDeps, trace: Trace, { refusal, message, details }: Refused): Refusal => {
  const { redact } = deps;
  const { arrival, caller, operation, tenant, stage, wouldRefuse } = trace;
  const { code, status } = REFUSALS[refusal];
  const { reason, pointer, setting, key, named } = details;
  return {
    kind: "refusal",
    id: arrival.id,
    tenant: tenant ? { dbid: tenant.dbid, name: tenant.name } : null,
    client: caller?.client ?? null,
    credential: caller?.credential ?? null,
    source: arrival.source,
    listener: arrival.listener,
    resource: operation?.action.resource ?? null,
    identifier:
      operation?.identifier === undefined
        ? null
        : redact.identifier(operation.action.resource, operation.identifier, tenant?.lists.has(operation.identifier)),
    action: operation?.action.name ?? null,
    ...personIn(
      operation && redact.tokens(operation.action.resource, operation.identifier, NO_ATTRIBUTES),
      announcedFor(deps, trace),
    ),
    code,
    status,
    delivery: "not-sent",
    detail: message,
    ...(reason !== undefined && { reason }),
    ...(pointer !== undefined && { pointer }),
    stage,
    ...(setting !== undefined && { setting }),
    ...(!caller && presentedBy(deps, arrival, key)),
    waits: waitsOf(arrival, NO_WAITS),
    ...(wouldRefuse !== undefined && { would_refuse: wouldRefuse }),
    ...(tenant && operation && upstreamOf(deps, tenant, operation)),
    ...(named !== undefined && { named: maskNumbers(named) }),
    ...(arrival.trace && { traceparent: arrival.trace.parent }),
  };
};

/** The announced tokens of a record that belongs, or belonged, to the tenant or to one of the caller's tenants. */
const announcedFor = (
  { redact, ownership }: RefusalEntryDeps,
  { operation, tenant, caller }: Trace,
): Tokens | undefined => {
  if (!caller || operation?.action.resource !== "records" || operation.identifier === undefined) return undefined;
  const tokens = ownership?.announcedFor?.(tenant ? [tenant] : caller.tenants, operation.identifier);
  return tokens && redact.kept(tokens);
};

const NO_ATTRIBUTES: ReadonlyMap<string, unknown> = new Map();
const NO_WAITS: Waits = { queue: 0, ocs: 0 };

const warningOf = (warning: string | undefined): string | null => (warning === undefined ? null : maskWarning(warning));

/** True for a name in the config, which cannot be a phone number. */
const isNameOf = ({ name, lists, campaigns }: Tenant, text: string): boolean =>
  text === name || lists.has(text) || campaigns.has(text);

const deliveryOf = ({ sent }: Failure): Delivery => (sent ? "sent-no-answer" : "not-sent");

const waitsOf = ({ at }: Arrival, { queue, ocs }: Waits) => ({
  queue_ms: rounded(queue),
  ocs_ms: rounded(ocs),
  total_ms: rounded(performance.now() - at),
});

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
