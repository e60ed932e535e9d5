/**
 * Implements leases, the permission to use a record handle for one request: when a lease is withdrawn, which earlier
 * request it waits for, and how OCS's answer changes the handle.
 */
import { Finalization } from "./finalization.ts";
import { disputedAmong, type HandleEntry } from "./handle-state.ts";
import type { Handles } from "./handles.ts";
import {
  reasonOfUnclear,
  type HandleLease,
  type LeaseDecision,
  type LeaseRequester,
  type OwnedRecord,
  type PersonTokens,
  type Reason,
} from "./lease-decision.ts";
import { reasonFor, reasonForEnded, verdictOn } from "./verdict.ts";

/** `finalizes`: true if the request ends the handle, so that it waits for earlier finalizing requests. */
export const requestLease = (
  handles: Handles,
  requester: LeaseRequester,
  handle: number,
  finalizes: boolean,
): LeaseDecision => {
  const verdict = verdictOn(handles, requester, handle);
  if ("owned" in verdict) return { lease: new OwnedLease(handles, handle, verdict.owned, finalizes) };
  if ("free" in verdict) return { lease: new FreeLease(handles, handle, requester.dbid, finalizes) };
  return verdict;
};

/** Maximum milliseconds that OCS needs to open a record after it got its 200. */
const OPENS_WITHIN_MS = 1000;

/** A lease on a handle that OCS announced or a registrar named. */
class OwnedLease implements HandleLease {
  readonly #handles: Handles;
  readonly #handle: number;
  readonly #finalizes: boolean;
  #entry: HandleEntry;
  #finalization: Finalization | undefined;
  #before: Promise<void> | undefined;
  #isInFlight = false;
  #sentAt = 0;

  constructor(handles: Handles, handle: number, entry: HandleEntry, finalizes: boolean) {
    [this.#handles, this.#handle, this.#entry, this.#finalizes] = [handles, handle, entry, finalizes];
    handles.openLeases.add(this);
    this.#joinFinalizations();
  }

  get record(): OwnedRecord {
    const { upstream, epoch } = this.#handles;
    const { generation, announced } = this.#entry;
    return { upstream, epoch, generation, ...(announced && { announced }) };
  }

  readonly withdrawn = (leaves = false): "handle-expired" | "unclear" | undefined => {
    const { tenant, announced } = this.#entry;
    const now = this.#handles.table.find(this.#handle);
    if (now?.tenant !== tenant || now.state.name === "disputed")
      return now && disputedAmong(now)?.includes(tenant) ? "unclear" : "handle-expired";
    if (this.#isAnotherRecord(now) || now.finished) return "handle-expired";
    if (now.state.name === "storing" || !this.#handles.confirmation.isConfirmed(now)) return "unclear";
    // OCS may have opened a newer attempt for the same tenant: this request ends that attempt.
    if (now.acknowledgedAt !== undefined) {
      if (isOtherPerson(announced, now.announced)) return "unclear";
      this.#entry = now;
    }
    if (leaves) this.#sentAt = performance.now();
    if (leaves && !this.#isInFlight) {
      this.#isInFlight = true;
      this.#handles.inFlight.add(this.#handle, tenant);
    }
    return undefined;
  };

  readonly after = (): Promise<void> | undefined => (this.#finalization ? this.#finalization.before : this.#before);

  /** If OCS gave no answer, the handle stays with its owner, who may try again. */
  readonly release = (status: number | undefined, by?: string): void => {
    if ((status === 410 && this.#wasOpen) || (status === 200 && this.#finalizes)) {
      const ending = status === 410 ? "gone" : "finished";
      this.#handles.outcomes.onEnded(this.#handle, this.#entry, { ending, by, at: Date.now() });
    }
    this.#handles.openLeases.remove(this);
    if (this.#isInFlight) this.#handles.inFlight.remove(this.#handle, this.#entry.tenant);
    this.#isInFlight = false;
    this.#finalization?.end();
  };

  readonly isOwned = (): boolean =>
    this.#handles.isActiveOcsKnown &&
    this.#handles.confirmation.isConfirmed(this.#entry) &&
    this.#handles.table.isOwned(this.#handle, this.#entry);

  readonly reason = (): Reason => {
    const { tenant, announced } = this.#entry;
    const now = this.#handles.table.find(this.#handle);
    const own = now?.tenant === tenant ? now : undefined;
    if (own && isOtherPerson(announced, own.announced)) return reasonOfUnclear("announced-again");
    return own && !own.finished && this.#isAnotherRecord(own)
      ? reasonForEnded(this.#handles, this.#handle)
      : reasonFor(this.#handles, tenant, this.#handle);
  };

  /** True if the record has ended and OCS uses its number for another one. */
  #isAnotherRecord({ firstGeneration }: HandleEntry): boolean {
    return this.#entry.generation < firstGeneration;
  }

  /**
   * True if OCS had opened the record, which it does after it got its 200. Before that it answers 410, which does not
   * mean that the record has ended.
   */
  get #wasOpen(): boolean {
    return this.#sentAt - (this.#entry.acknowledgedAt ?? Infinity) >= OPENS_WITHIN_MS;
  }

  /** Waits for the last finalizing request of this generation; a finalizing request becomes the last one. */
  #joinFinalizations(): void {
    const entry = this.#entry;
    if (!this.#finalizes) {
      this.#before = entry.finalizing;
      void this.#before?.then(() => (this.#before = undefined));
      return;
    }
    const finalization = new Finalization(entry.finalizing);
    this.#finalization = finalization;
    const { ended } = finalization;
    entry.finalizing = ended;
    void ended.then(() => entry.finalizing === ended && (entry.finalizing = undefined));
  }
}

/**
 * True if OCS has, or may have, announced the record for another person than the one in the request's journal entry.
 * Tokens made with different index keys cannot be compared.
 */
const isOtherPerson = (named: PersonTokens = {}, now: PersonTokens = {}): boolean =>
  isOtherToken(named.phone, now.phone) || isOtherToken(named.customer_id, now.customer_id);

const isOtherToken = (named: string | undefined, now: string | undefined): boolean =>
  named !== undefined && named !== now && (now === undefined || keyEpochOf(named) === keyEpochOf(now));

const keyEpochOf = (token: string): string => token.slice(0, token.indexOf(":"));

/** A lease on a handle that needs no owner. */
class FreeLease implements HandleLease {
  readonly #handles: Handles;
  readonly #handle: number;
  readonly #tenant: number;
  readonly #connectionPeriod: number;
  readonly #epoch: number;
  readonly #finalization: Finalization | undefined;
  #before: Promise<void> | undefined;
  #isInFlight = false;
  readonly record = undefined;

  constructor(handles: Handles, handle: number, tenant: number, finalizes: boolean) {
    [this.#handles, this.#handle, this.#tenant] = [handles, handle, tenant];
    [this.#connectionPeriod, this.#epoch] = [handles.confirmation.connectionPeriod, handles.epoch];
    const before = handles.freeFinalizations.last(handle);
    if (finalizes) {
      this.#finalization = new Finalization(before);
      handles.freeFinalizations.add(handle, this.#finalization.ended);
    } else {
      this.#before = before;
      void before?.then(() => (this.#before = undefined));
    }
  }

  /** Withdrawn if another tenant owns the handle now, or an earlier request has finished it. */
  readonly withdrawn = (leaves = false): "handle-expired" | "unclear" | undefined => {
    const owner = this.#handles.table.find(this.#handle);
    if (owner !== undefined && owner.tenant !== this.#tenant) return "handle-expired";
    if (owner === undefined && this.#handles.hasEnded(this.#handle)) return "handle-expired";
    // The request arrived before a switchover: the client may have the handle of either OCS.
    if (this.#handles.epoch !== this.#epoch) return "unclear";
    if (leaves && !this.#isInFlight) {
      this.#isInFlight = true;
      this.#handles.inFlight.add(this.#handle, this.#tenant);
    }
    return undefined;
  };

  /** True if no connection was lost since the request arrived, and the lease is still valid. */
  readonly isOwned = (): boolean =>
    this.#handles.isActiveOcsKnown &&
    this.#handles.epoch === this.#epoch &&
    this.#handles.confirmation.connectionPeriod === this.#connectionPeriod &&
    this.withdrawn() === undefined;

  readonly reason = (): Reason =>
    this.#handles.epoch === this.#epoch
      ? reasonFor(this.#handles, this.#tenant, this.#handle)
      : reasonOfUnclear("roles");

  readonly after = (): Promise<void> | undefined => (this.#finalization ? this.#finalization.before : this.#before);

  /** Remembers handles that OCS has finished, but not those with a 410, which OCS may issue later. */
  readonly release = (status: number | undefined, by?: string): void => {
    if (this.#finalization && status === 200) {
      this.#handles.outcomes.onFreeEnded(this.#handle, this.#connectionPeriod, {
        tenant: this.#tenant,
        ending: "finished",
        by,
        at: Date.now(),
        connectionPeriod: this.#connectionPeriod,
      });
    }
    if (this.#isInFlight) this.#handles.inFlight.remove(this.#handle, this.#tenant);
    this.#isInFlight = false;
    this.#finalization?.end();
  };
}
