/**
 * Applies one event of the log to the owners in memory. All gateways apply the same events in the same order, so
 * nothing here may depend on the gateway: no clock, no setting, no request.
 */
import type { LogRow } from "../../../cluster/log/shared-log.ts";
import type { NewLife } from "../../handles/announced-handles.ts";
import { announce, markUnowned, register } from "../../handles/handle-claims.ts";
import { disputedAmong, OWNED, type ClaimResult, type HandleEntry } from "../../handles/handle-state.ts";
import type { Handles } from "../../handles/handles.ts";
import { personOf, type PersonTokens } from "../../handles/lease-decision.ts";
import type { LifeProof } from "../../types.ts";
import type { Claims } from "./claims.ts";
import type { LogEvent } from "./events.ts";
import type { TakenAt } from "./taken-at.ts";
import type { VoteEffect, Votes } from "./votes.ts";

export type ReplicaState = {
  readonly handles: Handles;
  readonly votes: Votes;
  readonly claims: Claims;
  readonly taken: TakenAt;
};

/** The row's place in the log, and when and by whom it was written. */
export type Place = Pick<LogRow, "seq" | "id" | "at" | "node" | "instance">;

export type BegunEpoch = {
  readonly from: string;
  readonly to: string;
  readonly epoch: number;
  readonly reason: string;
  readonly proof?: LifeProof | undefined;
};

export type Applied = {
  /** Of an announcement or registration. `void`: the log has another active OCS. `nobody`: no owner, and needs none. */
  readonly claimed?: ClaimResult | { readonly as: "void" | "nobody" } | undefined;
  /** This handle was taken from these tenants: their requests in flight must end. */
  readonly took?: { readonly handle: number; readonly except: number | undefined } | "all" | undefined;
  readonly epoch?: BegunEpoch | undefined;
  readonly isUnconfirmed?: boolean;
};

type Event<Kind extends LogEvent["kind"]> = Extract<LogEvent, { kind: Kind }>;
const NOTHING: Applied = {};

export const applyEvent = (state: ReplicaState, place: Place, event: LogEvent): Applied => {
  const { handles, votes, claims, taken } = state;
  switch (event.kind) {
    case "announce":
    case "unowned":
    case "register":
      return applyClaimOf(state, place, event);
    case "end":
      return applyEnd(state, place, event);
    case "free-end":
      return applyFreeEnd(state, place, event);
    case "claim":
      return applyFinalizing(state, place, event);
    case "release":
      claims.release(event.handle, event.claim);
      return NOTHING;
    case "settle":
      settle(handles, event);
      return NOTHING;
    case "withdraw":
      return withdraw(state, place, event);
    case "connected":
      return follow(state, place, votes.connect(place, event.endpoint, place.seq));
    case "lost":
      return follow(state, place, votes.lose(place.instance, place.seq));
    case "vouch":
      votes.vouch(place.instance, event);
      return NOTHING;
    case "gone":
      claims.removeOf(event.instance);
      return follow(state, place, votes.lose(event.instance, place.seq));
    case "stale":
      handles.makeStale(secondsOf(place) - event.after);
      return NOTHING;
    case "epoch-known":
      if (event.epoch <= handles.epoch) return NOTHING;
      handles.epoch = event.epoch + 1;
      handles.markStoreLost();
      return NOTHING;
    case "log-lost":
      handles.markStoreLost();
      handles.unconfirm();
      taken.setAll(place.seq);
      return { isUnconfirmed: true, took: "all" };
    case "void":
      return NOTHING;
  }
};

const secondsOf = ({ at }: Place): number => Math.floor(at / 1000);

const applyClaimOf = (
  state: ReplicaState,
  place: Place,
  event: Event<"announce" | "unowned" | "register">,
): Applied => {
  const { handles, votes } = state;
  // What a gateway hears that others believe dead, or before it is certain, may be from an earlier life of OCS.
  if (event.endpoint !== votes.endpoint || !votes.isTrusted(place.instance)) return { claimed: { as: "void" } };
  const epoch = event.kind === "register" ? undefined : beginLife(state, place, event);
  const before = handles.table.find(event.handle);
  const claimed = claim(handles, place, event) ?? ({ as: "nobody" } as const);
  if ("entry" in claimed) claimed.entry.namedAt = place.seq;
  const took = "entry" in claimed ? takenBy(state, place, { handle: event.handle, before, claimed }) : undefined;
  return { claimed, epoch, took: epoch ? "all" : took };
};

const claim = (
  handles: Handles,
  place: Place,
  event: Event<"announce" | "unowned" | "register">,
): ClaimResult | undefined => {
  const { handle } = event;
  const now = secondsOf(place);
  switch (event.kind) {
    case "announce": {
      const { tenant, attempt, phone, customer } = event;
      return announce(handles, { handle, tenant, attempt, announced: personOf({ phone, customer }), now });
    }
    case "unowned":
      return markUnowned(handles, handle, event.among, now);
    case "register":
      return register(handles, { handle, tenant: event.tenant, now }, (owner) => event.speaksFor.includes(owner));
  }
};

type Taking = {
  readonly handle: number;
  readonly before: HandleEntry | undefined;
  readonly claimed: Extract<ClaimResult, { entry: HandleEntry }>;
};

/** Gives the handle to its new owner; from a tenant that has it, only when all gateways know (`settle`). */
const takenBy = (
  { claims, taken }: ReplicaState,
  { seq }: Place,
  { handle, before, claimed }: Taking,
): Applied["took"] => {
  const { entry } = claimed;
  const took = { handle, except: disputedAmong(entry) ? undefined : entry.tenant };
  if (before === undefined) {
    if (entry.state.name === "storing") own(entry);
    return took;
  }
  if (entry.state.name === "owned") own(entry);
  const isOtherRecord = claimed.as === "new" || claimed.as === "disputed";
  if (isOtherRecord) claims.clear(handle);
  if (isOtherRecord || isOtherPerson(before.announced, entry.announced)) taken.set(handle, seq);
  return took;
};

const isOtherPerson = (before: PersonTokens = {}, now: PersonTokens = {}): boolean =>
  before.phone !== now.phone || before.customer_id !== now.customer_id;

/** Maximum milliseconds after which OCS gets its 200: see `Acknowledgements`. */
const ANSWERED_WITHIN_MS = 2000;

/** OCS gets its 200 some time after this. Until it has opened the record, its 410 does not end the handle. */
const own = (entry: HandleEntry): void => {
  entry.state = OWNED;
  entry.acknowledgedAt ??= entry.registered ? -Infinity : performance.now() + ANSWERED_WITHIN_MS;
};

const settle = ({ table }: Handles, { handle, generation }: Event<"settle">): void => {
  const entry = table.find(handle);
  if (entry?.generation === generation && entry.state.name === "storing") own(entry);
};

const withdraw = ({ handles, claims, taken }: ReplicaState, { seq }: Place, event: Event<"withdraw">): Applied => {
  const { handle, generation, named } = event;
  const entry = handles.table.find(handle);
  if (entry?.generation !== generation || entry.namedAt !== named) return NOTHING;
  handles.withdraw(handle, entry);
  claims.clear(handle);
  taken.set(handle, seq);
  return { took: { handle, except: undefined } };
};

const applyEnd = (
  { handles, votes, claims, taken }: ReplicaState,
  { seq, at }: Place,
  event: Event<"end">,
): Applied => {
  const { handle, ending, by, claim: id, endpoint } = event;
  if (endpoint !== undefined && endpoint !== votes.endpoint) return { claimed: { as: "void" } };
  const entry = handles.table.find(handle);
  const isEnded = entry !== undefined && isMeant(entry, event);
  // The requests that wait for the claim find the handle ended.
  if (isEnded) handles.end(handle, entry, { ending, by, at });
  if (id !== undefined) claims.release(handle, id);
  if (!isEnded) return NOTHING;
  claims.clear(handle);
  taken.set(handle, seq);
  return { took: { handle, except: undefined } };
};

const isMeant = (entry: HandleEntry, { generation, upTo, attempt }: Event<"end">): boolean =>
  (generation === undefined || entry.generation === generation) &&
  (upTo === undefined || entry.generation <= upTo) &&
  (attempt === undefined || entry.attempt === undefined || entry.attempt === attempt);

const applyFreeEnd = ({ handles, claims }: ReplicaState, { at }: Place, event: Event<"free-end">): Applied => {
  const { handle, tenant, period, by, claim: id } = event;
  handles.finishFree(handle, period, { tenant, ending: "finished", by, at, connectionPeriod: period });
  if (id !== undefined) claims.release(handle, id);
  return NOTHING;
};

/** A claim on a record that has ended has no turn. */
const applyFinalizing = (
  { handles, claims }: ReplicaState,
  { id, instance }: Place,
  event: Event<"claim">,
): Applied => {
  const { handle, generation } = event;
  const entry = handles.table.find(handle);
  const isOver = generation !== undefined && (entry === undefined || generation < entry.firstGeneration);
  if (!isOver) claims.add({ id, handle, instance });
  return NOTHING;
};

const beginLife = (
  state: ReplicaState,
  place: Place,
  { handle, window, ...seen }: Event<"announce" | "unowned">,
): BegunEpoch | undefined => {
  const { handles, claims, taken } = state;
  // On its way to the log, other gateways' announcements may have overtaken this one.
  const isFarBelow = seen.epoch === handles.epoch && handle < seen.highest - window;
  if (!isFarBelow || !handles.provesNewLife(handle, window)) return undefined;
  const reason = `OCS was restarted: handle ${handle} is new, and far below the highest one so far, ${handles.highest}`;
  const newLife: NewLife = { upTo: handle + window, proof: handle };
  handles.newEpoch(place.at, newLife);
  claims.keep((each) => handles.table.find(each) !== undefined);
  taken.setAll(place.seq);
  const { epoch, endpoint = "", keepFrom = 0 } = handles;
  return {
    from: endpoint,
    to: endpoint,
    epoch,
    reason,
    proof: { handle, up_to: newLife.upTo, generation: keepFrom },
  };
};

const follow = (
  { handles, votes, claims, taken }: ReplicaState,
  { at, seq, node }: Place,
  effect: VoteEffect,
): Applied => {
  if (effect === undefined) {
    handles.endpoint = votes.endpoint;
    return NOTHING;
  }
  if (effect === "unconfirm") {
    handles.unconfirm();
    return { isUnconfirmed: true };
  }
  const { endpoint: from = "" } = handles;
  handles.newEpoch(at);
  handles.endpoint = effect.takeover;
  claims.keep(() => false);
  taken.setAll(seq);
  const reason = `gateway ${node} is connected to OCS ${effect.takeover}, and no gateway to ${from} any more`;
  return { took: "all", epoch: { from, to: effect.takeover, epoch: handles.epoch, reason } };
};
