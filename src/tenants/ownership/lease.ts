/** Leave to use a record handle for one request: what may change until it leaves, what it has to wait for, and what its answer does. */
import type { Handles } from "./handles.ts";
import type { Held } from "./held.ts";
import { reasonOfUnclear, type HandleLease, type OwnedRecord, type PersonTokens, type Reason } from "./verdict.ts";

/** Its own end, and not before the end of the one that it waits for. */
class FinalizingTurn {
  readonly over: Promise<void>;
  readonly #own = Promise.withResolvers<void>();
  #before: Promise<void> | undefined;

  constructor(before: Promise<void> | undefined) {
    this.#before = before;
    void before?.then(() => (this.#before = undefined));
    this.over = before ? Promise.all([before, this.#own.promise]).then(() => undefined) : this.#own.promise;
  }

  get before(): Promise<void> | undefined {
    return this.#before;
  }

  end(): void {
    this.#own.resolve();
  }
}

const OPENS_WITHIN_MS = 1000;

/** For a handle that OCS announced or a registrar named. */
export class OwnedLease implements HandleLease {
  readonly #handles: Handles;
  readonly #handle: number;
  readonly #finalizes: boolean;
  #held: Held;
  #turn: FinalizingTurn | undefined;
  #before: Promise<void> | undefined;
  #isInFlight = false;
  #leftAt = 0;

  constructor(handles: Handles, handle: number, held: Held, finalizes: boolean) {
    [this.#handles, this.#handle, this.#held, this.#finalizes] = [handles, handle, held, finalizes];
    handles.begin(this);
    this.#line();
  }

  get record(): OwnedRecord {
    const { upstream, epoch } = this.#handles;
    const { generation, announced } = this.#held;
    return { upstream, epoch, generation, ...(announced && { announced }) };
  }

  readonly withdrawn = (leaves = false): "void" | "unclear" | undefined => {
    const now = this.#handles.find(this.#handle);
    if (now === undefined || now.tenant !== this.#held.tenant)
      return now?.among?.includes(this.#held.tenant) ? "unclear" : "void";
    if (now.state === "disputed") return now.among?.includes(this.#held.tenant) ? "unclear" : "void";
    if (this.#isFollowedBy(now)) return "void";
    if (now.state === "storing" || !this.#handles.isConfirmed(now)) return "unclear";
    // The same tenant's newer attempt, once OCS may have opened it: what this request ends is that one.
    if (now.heardAt !== undefined) {
      if (isOtherPerson(this.#held.announced, now.announced)) return "unclear";
      this.#held = now;
    }
    if (leaves) this.#leftAt = performance.now();
    if (leaves && !this.#isInFlight) {
      this.#isInFlight = true;
      this.#handles.inFlight.add(this.#handle, now.tenant);
    }
    return undefined;
  };

  readonly after = (): Promise<void> | undefined => (this.#turn ? this.#turn.before : this.#before);

  /** Without an answer it is in doubt whether OCS has acted: the owner, and no other tenant, may try again. */
  readonly settle = (status: number | undefined, by?: string): void => {
    if ((status === 410 && this.#isOpen) || (status === 200 && this.#finalizes)) {
      this.#handles.end(this.#handle, this.#held, { ending: status === 410 ? "gone" : "finished", by, at: Date.now() });
    }
    this.#handles.over(this);
    if (this.#isInFlight) this.#handles.inFlight.remove(this.#handle, this.#held.tenant);
    this.#isInFlight = false;
    this.#turn?.end();
  };

  readonly isOwned = (): boolean =>
    this.#handles.rolesKnown &&
    this.#handles.isConfirmed(this.#held) &&
    this.#handles.isOwned(this.#handle, this.#held);

  readonly reason = (): Reason => {
    const now = this.#handles.find(this.#handle);
    if (now?.tenant === this.#held.tenant && isOtherPerson(this.#held.announced, now.announced)) {
      return reasonOfUnclear("announced-again");
    }
    return now?.tenant === this.#held.tenant && this.#isFollowedBy(now)
      ? this.#handles.reasonForEnded(this.#handle)
      : this.#handles.reasonFor(this.#held.tenant, this.#handle);
  };

  /** The record has ended, and the number is another record's. */
  #isFollowedBy({ began }: Held): boolean {
    return this.#held.generation < began;
  }

  /** OCS opens a record when it hears 200: a request that overtook that was answered 410 too early to say that the record is over. */
  get #isOpen(): boolean {
    return this.#leftAt - (this.#held.heardAt ?? Infinity) >= OPENS_WITHIN_MS;
  }

  /** Behind the last finalizing request of this generation; a finalizing one is then the last itself. */
  #line(): void {
    const held = this.#held;
    if (!this.#finalizes) {
      this.#before = held.finalizing;
      void this.#before?.then(() => (this.#before = undefined));
      return;
    }
    const turn = new FinalizingTurn(held.finalizing);
    this.#turn = turn;
    held.finalizing = turn.over;
    void turn.over.then(() => held.finalizing === turn.over && (held.finalizing = undefined));
  }
}

/**
 * The journal has named a person for the request, and the record is by now another one's, or may be. Tokens of two
 * epochs of the index key cannot be compared.
 */
const isOtherPerson = (named: PersonTokens = {}, now: PersonTokens = {}): boolean =>
  isOther(named.phone, now.phone) || isOther(named.customer_id, now.customer_id);

const isOther = (named: string | undefined, now: string | undefined): boolean =>
  named !== undefined && named !== now && (now === undefined || epochOf(named) === epochOf(now));

const epochOf = (token: string): string => token.slice(0, token.indexOf(":"));

/** For a handle that needs no owner. */
export class FreeLease implements HandleLease {
  readonly #handles: Handles;
  readonly #handle: number;
  readonly #tenant: number;
  readonly #stretch: number;
  readonly #epoch: number;
  readonly #turn: FinalizingTurn | undefined;
  #before: Promise<void> | undefined;
  #isInFlight = false;
  readonly record = undefined;

  constructor(handles: Handles, handle: number, tenant: number, finalizes: boolean) {
    [this.#handles, this.#handle, this.#tenant] = [handles, handle, tenant];
    [this.#stretch, this.#epoch] = [handles.stretch, handles.epoch];
    const before = handles.freeFinalizing(handle);
    if (finalizes) {
      this.#turn = new FinalizingTurn(before);
      handles.setFreeFinalizing(handle, this.#turn.over);
    } else {
      this.#before = before;
      void before?.then(() => (this.#before = undefined));
    }
  }

  /** A handle that another tenant owns by now, or that an earlier request has finished, is no longer free. */
  readonly withdrawn = (leaves = false): "void" | "unclear" | undefined => {
    const owner = this.#handles.find(this.#handle);
    if (owner !== undefined && owner.tenant !== this.#tenant) return "void";
    if (owner === undefined && this.#handles.hasEnded(this.#handle)) return "void";
    // Of which OCS the client has the handle cannot be told: it came while one was followed by the other.
    if (this.#handles.epoch !== this.#epoch) return "unclear";
    if (leaves && !this.#isInFlight) {
      this.#isInFlight = true;
      this.#handles.inFlight.add(this.#handle, this.#tenant);
    }
    return undefined;
  };

  /** No connection was lost since, and neither has it ended nor is it another tenant's by now. */
  readonly isOwned = (): boolean =>
    this.#handles.rolesKnown &&
    this.#handles.epoch === this.#epoch &&
    this.#handles.stretch === this.#stretch &&
    this.withdrawn() === undefined;

  readonly reason = (): Reason =>
    this.#handles.epoch === this.#epoch
      ? this.#handles.reasonFor(this.#tenant, this.#handle)
      : reasonOfUnclear("roles");

  readonly after = (): Promise<void> | undefined => (this.#turn ? this.#turn.before : this.#before);

  /** A 410 of OCS may speak of a handle that is still to be given out: only what was finished here is remembered. */
  readonly settle = (status: number | undefined, by?: string): void => {
    if (this.#turn && status === 200) {
      this.#handles.finishFree(this.#handle, this.#stretch, {
        tenant: this.#tenant,
        ending: "finished",
        by,
        at: Date.now(),
        stretch: this.#stretch,
      });
    }
    if (this.#isInFlight) this.#handles.inFlight.remove(this.#handle, this.#tenant);
    this.#isInFlight = false;
    this.#turn?.end();
  };
}
