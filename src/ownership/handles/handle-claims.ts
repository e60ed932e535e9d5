/** Applies announcements and registrations to a record handle: it gets an owner, or is disputed. */
import {
  disputedAmong,
  STORING,
  type ClaimResult,
  type DisputedClaim,
  type HandleClaim,
  type HandleEntry,
  type HandleState,
} from "./handle-state.ts";
import type { Handles } from "./handles.ts";
import type { Ending } from "./lease-decision.ts";

/** Maximum number of owned handles, more than OCS itself can have. */
const MAX_OWNED = 1_000_000;
/** After these, an announcement of the same attempt is a late copy. */
const FINAL: ReadonlySet<Ending> = new Set<Ending>(["finished", "call-ended"]);

/** Applies OCS's announcement of the handle for this tenant. */
export const announce = (handles: Handles, claim: Omit<HandleClaim, "isReused">): ClaimResult => {
  const { confirmation, table } = handles;
  const { handle, tenant, attempt } = claim;
  const { isReused } = handles.noteAnnounced(handle);
  const entry = table.find(handle);
  if (attempt !== undefined && entry?.attempt !== attempt && isFinished(handles, handle, attempt))
    return { as: "finished" };
  if (entry === undefined) return add(handles, { ...claim, isReused }, false);
  const reusing = { ...claim, isReused: true };
  const among = disputedAmong(entry);
  const isConfirmed = confirmation.isConfirmed(entry);
  if (isConfirmed) {
    if (among) return dispute(handles, handle, entry, { among: [tenant] });
    if (entry.tenant !== tenant)
      return dispute(handles, handle, entry, { among: [entry.tenant, tenant], claim: reusing });
  } else if (among || entry.tenant !== tenant) {
    if (among?.includes(tenant) !== true) confirmation.doubt(entry);
    return replace(handles, entry, reusing, STORING);
  }
  // An entry in doubt needs a new generation, beyond the doubt.
  const isSameAttempt =
    attempt !== undefined && attempt === entry.attempt && entry.connectionPeriod === confirmation.connectionPeriod;
  if (isConfirmed && isSameAttempt) return renew(handles, entry, claim);
  return replace(handles, entry, reusing, entry.state);
};

/**
 * Applies an announcement for no tenant here, or a contradictory one. `among`: DBIDs of the tenants that the handle
 * could belong to. `now`: seconds since 1970. Undefined if the handle had no owner and needs none.
 */
export const markUnowned = (
  handles: Handles,
  handle: number,
  among: readonly number[],
  now: number,
): ClaimResult | undefined => {
  const { confirmation, table } = handles;
  handles.noteAnnounced(handle);
  const entry = table.find(handle);
  if (entry) {
    const isConfirmed = confirmation.isConfirmed(entry);
    if (!isConfirmed) confirmation.doubt(entry);
    if (among.length === 0 && entry.state.name === "owned")
      handles.rememberEnded(handle, entry, { ending: "reassigned", at: now * 1000 });
    const disputed = dispute(handles, handle, entry, { among });
    // An unconfirmed owner may be of an earlier life: then OCS does not contradict itself.
    return among.length > 0 || isConfirmed ? disputed : { ...disputed, raisesAlarm: false };
  }
  if (among.length === 0) return undefined;
  const claimed = add(handles, { handle, tenant: among[0]!, now }, false);
  return "entry" in claimed ? dispute(handles, handle, claimed.entry, { among }) : claimed;
};

/**
 * Applies a registrar's registration. A handle of another tenant is refused, unless it is unconfirmed, a registrar
 * named its owner, and `mayReplace` allows it.
 */
export const register = (handles: Handles, claim: HandleClaim, mayReplace: (owner: number) => boolean): ClaimResult => {
  const { confirmation, table } = handles;
  const entry = table.find(claim.handle);
  if (entry === undefined) return add(handles, claim, true);
  if (entry.state.name === "disputed") return { as: "taken" };
  if (entry.tenant === claim.tenant) {
    const { attempt, announced } = entry;
    return replace(handles, entry, { ...claim, attempt, announced }, entry.state, entry.registered);
  }
  if (confirmation.isConfirmed(entry)) return { as: "taken" };
  confirmation.doubt(entry);
  return entry.registered && mayReplace(entry.tenant)
    ? replace(handles, entry, claim, STORING, true)
    : { as: "unclear" };
};

const isFinished = ({ table }: Handles, handle: number, attempt: string): boolean => {
  const ended = table.ended(handle);
  return ended?.attempt === attempt && FINAL.has(ended.ending);
};

const add = (handles: Handles, { handle, now, ...about }: HandleClaim, registered: boolean): ClaimResult => {
  if (handles.table.size >= MAX_OWNED) return { as: "full" };
  const entry = handles.enter(handle, { ...about, attempt: about.attempt, registered, since: now, state: STORING });
  return { as: "new", entry };
};

const replace = (
  handles: Handles,
  before: HandleEntry,
  { handle, now, ...about }: HandleClaim,
  state: HandleState,
  registered = false,
): ClaimResult => {
  const isSameTenant = before.tenant === about.tenant;
  const wasDisputed = before.state.name === "disputed";
  const entry = handles.enter(handle, {
    ...about,
    attempt: about.attempt,
    registered,
    since: now,
    state,
    ...((isSameTenant || wasDisputed) && { firstGeneration: before.firstGeneration }),
  });
  if (wasDisputed || !isSameTenant) return { as: "new", entry };
  entry.finalizing = before.finalizing;
  return { as: "renewed", entry };
};

const renew = (
  { confirmation, table }: Handles,
  entry: HandleEntry,
  { handle, announced, now }: Pick<HandleClaim, "handle" | "announced" | "now">,
): ClaimResult => {
  if (announced) entry.announced = { ...entry.announced, ...announced };
  entry.since = now;
  entry.connectionPeriod = confirmation.connectionPeriod;
  table.add(handle, entry);
  return { as: "again", entry };
};

type Contradiction = {
  readonly among: readonly number[];
  /** The announcement that contradicts the owner, if it is for one tenant. */
  readonly claim?: HandleClaim;
};

const dispute = (
  handles: Handles,
  handle: number,
  before: HandleEntry,
  { among, claim }: Contradiction,
): DisputedClaim => {
  const known = disputedAmong(before);
  const entry = handles.enter(handle, {
    tenant: claim?.tenant ?? before.tenant,
    attempt: claim?.attempt,
    announced: claim?.announced,
    firstGeneration: before.firstGeneration,
    registered: false,
    since: claim?.now ?? before.since,
    state: {
      name: "disputed",
      among: [...new Set([...(known ?? []), ...among])],
      contradicts: known === undefined && claim ? before.generation : undefined,
    },
  });
  return { as: "disputed", entry, raisesAlarm: known === undefined || among.some((dbid) => !known.includes(dbid)) };
};
