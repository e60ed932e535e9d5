/**
 * The time for which other gateways count on this one. It is measured from when a beat was sent, on two clocks, because
 * the monotonic one may stand while a machine is suspended. A wall clock that is set forward ends the lease early; the
 * next beat begins a new one.
 */

/** Milliseconds. */
export const LEASE_MS = 1000;

/** Monotonic milliseconds; and milliseconds since 1970. */
export type Clocks = { readonly now: () => number; readonly wallClock: () => number };

export type Moment = { readonly monotonic: number; readonly wall: number };

export class OwnLease {
  readonly #clocks: Clocks;
  #sent: Moment = { monotonic: -Infinity, wall: -Infinity };
  /** Whether the nodes and the ends of the logs were read since the gateway came back. */
  #isRead = false;
  #number = 0;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
  }

  /** Counts the leases from 1 on. */
  get number(): number {
    return this.#number;
  }

  /** Milliseconds until it ends; 0 when it has ended or has not begun. */
  get left(): number {
    return this.#isRead ? this.#untilEnd() : 0;
  }

  moment(): Moment {
    return { monotonic: this.#clocks.now(), wall: this.#clocks.wallClock() };
  }

  /** The beat that was sent then makes others count on this gateway. The lease begins with the next one. */
  comeBack(sent: Moment): void {
    [this.#isRead, this.#sent] = [false, sent];
  }

  /** True if the beat that was sent then arrived in time, so that others have counted on this gateway all along. */
  renew(sent: Moment): boolean {
    if (this.#untilEnd() === 0) return (this.#isRead = false);
    if (!this.#isRead) this.#number++;
    [this.#isRead, this.#sent] = [true, sent];
    return true;
  }

  end(): void {
    this.#isRead = false;
  }

  #untilEnd(): number {
    const { monotonic, wall } = this.#sent;
    const { now, wallClock } = this.#clocks;
    return Math.max(0, LEASE_MS - Math.max(now() - monotonic, wallClock() - wall));
  }
}
