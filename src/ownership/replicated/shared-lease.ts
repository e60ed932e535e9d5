/**
 * A lease on a record handle where several gateways share the owners. In addition to the lease in memory, it ends with
 * this gateway's own lease in the database, and a finalizing request needs its turn in the log before it is sent.
 */
import type { HandleEntry, HowEnded } from "../handles/handle-state.ts";
import { requestLease } from "../handles/lease.ts";
import {
  reasonOfUnclear,
  type EndedHandle,
  type HandleLease,
  type LeaseDecision,
  type LeaseRequester,
  type OwnedRecord,
  type Reason,
  type Unclear,
} from "../handles/lease-decision.ts";
import type { LogEvent } from "./state/events.ts";
import { NotWritten, type Replica } from "./replica.ts";

export type LeaseDeps = {
  readonly replica: Replica;
  /** False while other gateways may have changed what this one knows. */
  readonly mayAnswer: () => boolean;
  /** False if no tenant's handles need an owner at this upstream: then OCS decides alone while the database is gone. */
  readonly needsOwners: boolean;
};

export const requestSharedLease = (
  deps: LeaseDeps,
  requester: LeaseRequester,
  handle: number,
  finalizes: boolean,
): LeaseDecision => {
  const decision = requestLease(deps.replica.state.handles, requester, handle, finalizes);
  return "lease" in decision ? { lease: new SharedLease(deps, decision.lease, { handle, finalizes }) } : decision;
};

/** The turn of a finalizing request. */
class Turn {
  readonly id = crypto.randomUUID();
  /** Resolves when it is this request's turn, or when that cannot be known. */
  readonly ready: Promise<void>;
  #state: "asked" | "ready" | "failed" = "asked";

  constructor(replica: Replica, handle: number, generation: number | undefined) {
    const event: LogEvent = { kind: "claim", handle, ...(generation !== undefined && { generation }) };
    this.ready = this.#ask(replica, event);
  }

  get isAsked(): boolean {
    return this.#state === "asked";
  }

  get hasFailed(): boolean {
    return this.#state === "failed";
  }

  async #ask(replica: Replica, event: LogEvent & { kind: "claim" }): Promise<void> {
    try {
      await replica.append(event, this.id);
      await replica.state.claims.turnOf(event.handle, this.id);
      this.#state = "ready";
    } catch (error) {
      if (!(error instanceof NotWritten)) throw error;
      this.#state = "failed";
      replica.cancel(this.id, () => ({ kind: "release", handle: event.handle, claim: this.id }));
    }
  }
}

type Ended =
  | { readonly entry: HandleEntry; readonly how: HowEnded }
  | { readonly free: EndedHandle; readonly period: number };

class SharedLease implements HandleLease {
  readonly #deps: LeaseDeps;
  readonly #inner: HandleLease;
  readonly #handle: number;
  /** As long as this is the replica's: a state that was read again knows nothing of this lease. */
  readonly #state: Replica["state"];
  readonly #turn: Turn | undefined;
  /** Finalizing requests that were there before this request. */
  #before: Promise<void> | undefined;
  #why: Unclear | undefined;

  constructor(
    deps: LeaseDeps,
    inner: HandleLease,
    { handle, finalizes }: { readonly handle: number; readonly finalizes: boolean },
  ) {
    [this.#deps, this.#inner, this.#handle, this.#state] = [deps, inner, handle, deps.replica.state];
    // Until the end of the handle is in the log.
    this.#state.handles.openLeases.add(this);
    if (finalizes) {
      this.#turn = new Turn(deps.replica, handle, inner.record?.generation);
      return;
    }
    this.#before = this.#state.claims.whenFree(handle);
    void this.#before?.then(() => (this.#before = undefined));
  }

  get record(): OwnedRecord | undefined {
    return this.#inner.record;
  }

  readonly withdrawn = (leaves = false): "handle-expired" | "unclear" | undefined => {
    const why = this.#inner.withdrawn();
    this.#why = why === undefined ? this.#barred(leaves) : undefined;
    if (why !== undefined) return why;
    return this.#why === undefined ? this.#inner.withdrawn(leaves) : "unclear";
  };

  readonly after = (): Promise<void> | undefined =>
    this.#inner.after() ?? (this.#turn?.isAsked ? this.#turn.ready : this.#before);

  readonly isOwned = (): boolean => this.#barred(false) === undefined && this.#inner.isOwned();

  readonly reason = (): Reason => (this.#why === undefined ? this.#inner.reason() : reasonOfUnclear(this.#why));

  readonly release = (status: number | undefined, by?: string): void => {
    const { handles } = this.#state;
    let ended: Ended | undefined;
    handles.outcomes = {
      onEnded: (_handle, entry, how) => (ended = { entry, how }),
      onFreeEnded: (_handle, period, free) => (ended = { free, period }),
    };
    this.#inner.release(status, by);
    const event = this.#eventFor(ended, by);
    if (!event) return handles.openLeases.remove(this);
    void this.#deps.replica.appendSurely(event).then(() => handles.openLeases.remove(this));
  };

  /** Why the request must not be sent now. */
  #barred(leaves: boolean): Unclear | undefined {
    const { replica, mayAnswer, needsOwners } = this.#deps;
    if (!needsOwners) return undefined;
    if (!mayAnswer() || replica.state !== this.#state || this.#turn?.hasFailed) return "database";
    if (!leaves) return undefined;
    if (!this.#state.handles.isActiveOcsKnown) return "roles";
    return this.#turn && !this.#state.claims.isFirst(this.#handle, this.#turn.id) ? "database" : undefined;
  }

  #eventFor(ended: Ended | undefined, by: string | undefined): LogEvent | undefined {
    const handle = this.#handle;
    const turn = this.#turn && { claim: this.#turn.id };
    const request = by === undefined ? {} : { by };
    if (ended === undefined)
      return turn && !this.#turn!.hasFailed ? { kind: "release", handle, claim: this.#turn!.id } : undefined;
    if ("free" in ended)
      return { kind: "free-end", handle, tenant: ended.free.tenant, period: ended.period, ...request, ...turn };
    const { entry, how } = ended;
    // Until the log has it, this gateway knows alone that the handle has ended.
    entry.finished = how;
    return { kind: "end", handle, generation: entry.generation, ending: how.ending, ...request, ...turn };
  }
}
