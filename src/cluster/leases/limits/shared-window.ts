/**
 * One limit that gateways count together: a number of points in a window that begins with the first request at any of
 * them. This gateway spends points that it took from the database before. With none in hand, a request waits for one
 * exchange with the database; a limit that is used often has points in hand for the next 100 ms.
 */
import type { Ask, Grant } from "./limit-store.ts";

export type Limit = { readonly points: number; readonly seconds: number };
/** `left`: the remaining points, below 0 when there was none. `ms`: until the window ends. */
export type TakeResult = { readonly left: number; readonly ms: number };

/** What a window needs of all. */
export type Ledger = {
  /** False while the database does not answer. */
  readonly isShared: boolean;
  /** The number of gateways that lived when it was last known. */
  readonly gateways: () => number;
  readonly now: () => number;
  /** Notes that the window is used. `isUrgent`: requests wait for points. */
  readonly use: (window: SharedWindow, isUrgent: boolean) => void;
};

/** Undefined: the database does not answer. */
type Waiter = (result: TakeResult | undefined) => void;

/** After a refusal, the database is asked again after this time: another gateway may have given points back. */
const ASK_AGAIN_MS = 100;
/** Points in hand, as a multiple of those that the last 100 ms used. */
const AHEAD = 1.5;
/** A limit that is used less often takes each point when it is needed. */
const OFTEN = 2;
const NEVER = Number.NEGATIVE_INFINITY;

export class SharedWindow {
  readonly #key: string;
  readonly #limit: Limit;
  readonly #ledger: Ledger;
  /** The window of the points in hand. */
  #window = "";
  #ends = NEVER;
  #inHand = 0;
  /** Points that nobody has, when last asked. */
  #rest = 0;
  #refusedUntil = NEVER;
  #waiting: Waiter[] = [];
  /** Points that requests are about to take. */
  #prepared = 0;
  /** Requests since the last regular exchange, and the expectation from those before. */
  #used = 0;
  #expected = 0;
  /** While the database does not answer: this gateway's own window. */
  #local = { ends: NEVER, left: 0 };
  #extra = 0;

  constructor(key: string, limit: Limit, ledger: Ledger) {
    [this.#key, this.#limit, this.#ledger] = [key, limit, ledger];
  }

  /** The used fraction of its points, from 0 to 1, at all gateways. */
  get used(): number {
    const { points } = this.#limit;
    return this.#ledger.now() >= this.#ends ? 0 : Math.min(1, Math.max(0, points - this.#rest - this.#inHand) / points);
  }

  get inHand(): number {
    return this.#ledger.now() >= this.#ends ? 0 : this.#inHand;
  }

  get isWaiting(): boolean {
    return this.#waiting.length + this.#prepared > 0;
  }

  /** Asks for the point of a `take` that follows, so that several limits are asked for together. */
  prepare(): void {
    if (!this.#mayAsk || this.inHand > this.#prepared) return;
    this.#prepared++;
    this.#ledger.use(this, true);
  }

  /** Takes a point if one is left. */
  async take(): Promise<TakeResult> {
    if (this.#prepared > 0) this.#prepared--;
    if (this.inHand > 0) {
      this.#inHand--;
      this.#used++;
      this.#ledger.use(this, false);
      return this.#result(this.#inHand + this.#rest);
    }
    if (!this.#mayAsk) return this.#ledger.isShared ? this.#result(-1) : this.#takeLocal();
    const asked = new Promise<TakeResult | undefined>((resolve) => this.#waiting.push(resolve));
    this.#ledger.use(this, true);
    return (await asked) ?? this.#takeLocal();
  }

  /** Returns the point of a request that another limit refused. */
  async giveBack(): Promise<void> {
    this.#used--;
    if (this.#ledger.isShared) this.#inHand++;
    else if (this.#extra > 0) [this.#extra, this.#local.left] = [this.#extra - 1, this.#local.left + 1];
  }

  /** What to ask now. `isRegular`: for the next 100 ms, not for waiting requests alone. */
  ask(isRegular: boolean): Ask {
    const waiting = this.#waiting.length;
    const used = Math.max(this.#used + waiting, this.#expected / 2);
    if (isRegular) [this.#used, this.#expected] = [0, used < 1 ? 0 : used];
    const ahead = used < OFTEN ? 0 : Math.ceil(used * AHEAD);
    const have = this.inHand;
    const back = isRegular ? Math.max(0, have - ahead) : 0;
    const need = waiting + this.#prepared;
    const extra = this.#extra;
    [this.#prepared, this.#inHand, this.#extra] = [0, have - back, 0];
    const { points, seconds } = this.#limit;
    return {
      key: this.#key,
      points,
      seconds,
      window: this.#window,
      back,
      need,
      want: Math.max(0, ahead - have),
      extra,
    };
  }

  /** True if nothing is in hand, expected, or to be told. */
  get isIdle(): boolean {
    return this.#used + this.#expected + this.inHand + this.#extra === 0 && !this.isWaiting;
  }

  /** `sent`: when the exchange began; the window ends at the database after `sent + ms`, not before. */
  grant({ window, given, rest, ms }: Grant, { need }: Ask, sent: number): void {
    if (window !== this.#window) this.#inHand = 0;
    [this.#window, this.#ends, this.#rest] = [window, sent + ms, rest];
    this.#local.ends = NEVER;
    this.#inHand += given;
    const waiting = this.#waiting.splice(0, need);
    // Taken from the end of a window that ended on the way; these requests belong to the next one.
    if (this.inHand === 0 && this.#inHand > 0) return void this.#waiting.unshift(...waiting);
    if (given < need) this.#refusedUntil = this.#ledger.now() + ASK_AGAIN_MS;
    for (const resolve of waiting) {
      const isGiven = this.#inHand > 0;
      if (isGiven) [this.#inHand, this.#used] = [this.#inHand - 1, this.#used + 1];
      resolve(this.#result(isGiven ? this.#inHand + rest : -1));
    }
  }

  /** The exchange failed: requests go on with this gateway's share. */
  fail({ extra }: Pick<Ask, "extra">): void {
    this.#extra += extra;
    this.goOn();
  }

  /** Lets requests that wait go on without the database. */
  goOn(): void {
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  /** Its part of what nobody had; the others may have taken as much as this gateway takes since that was known. */
  #partOfRest(gateways: number): number {
    const rest = this.#rest - this.#expected * AHEAD * (gateways - 1);
    return Math.max(0, Math.floor(rest / gateways));
  }

  get #mayAsk(): boolean {
    const now = this.#ledger.now();
    return this.#ledger.isShared && !(now < this.#refusedUntil && now < this.#ends);
  }

  #result(left: number): TakeResult {
    return { left, ms: Math.max(0, this.#ends - this.#ledger.now()) };
  }

  /**
   * This gateway's part: of what was left in the window that was last known, and then of a whole window. At least one
   * request a window, so that no gateway refuses all.
   */
  #takeLocal(): TakeResult {
    this.#ledger.use(this, false);
    const now = this.#ledger.now();
    const { points, seconds } = this.#limit;
    if (now >= this.#local.ends) {
      const gateways = Math.max(1, this.#ledger.gateways());
      this.#local =
        now < this.#ends
          ? { ends: this.#ends, left: this.#partOfRest(gateways) }
          : { ends: now + seconds * 1000, left: Math.max(1, Math.floor(points / gateways)) };
    }
    const { ends, left } = this.#local;
    if (left <= 0) return { left: -1, ms: ends - now };
    this.#local.left--;
    this.#extra++;
    return { left: left - 1, ms: ends - now };
  }
}
