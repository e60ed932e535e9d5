/**
 * How often each client got each code in the last ten minutes, so that a client that is refused again and again stands
 * out. Tenants, clients and codes are names of the config, and their number is limited besides.
 */

export type ClientCode = {
  /** Undefined if the request was refused before its tenant was known. */
  readonly tenant: TenantKey | undefined;
  /** Undefined without a valid credential. */
  readonly client: string | undefined;
  readonly code: string;
  /** The request was sent, and OCS gave no complete answer. Otherwise the gateway refused it. */
  readonly isSent: boolean;
};

export type TenantKey = { readonly upstream: string; readonly dbid: number };

export type ClientCodeCount = ClientCode & {
  readonly count: number;
  /** When the first one was counted, in seconds on the monotonic clock. */
  readonly since: number;
};

/** By minute: how many, and when the first one was. */
type Tally = ClientCode & { readonly minutes: Uint32Array; readonly firsts: Float64Array; newest: number };

/** Minutes. */
const WINDOW = 10;
/** Rows in memory, of about 400 bytes. */
export const MOST_ROWS = 5000;

export class ClientCodes {
  /** By owner, client and code. */
  readonly #tallies = new Map<object, Map<string, Map<string, Tally>>>();
  #size = 0;
  /** The minute in which rows without a request were last looked for. */
  #expiredIn = -1;

  get size(): number {
    return this.#size;
  }

  /** `owner`: one object for each tenant. `now`: seconds on the monotonic clock. */
  add(owner: object, what: ClientCode, now: number): void {
    const tally = this.#tallyOf(owner, what, now);
    if (!tally) return;
    const minute = Math.floor(now / 60);
    advance(tally, minute);
    const place = minute % WINDOW;
    if (tally.minutes[place]!++ === 0) tally.firsts[place] = now;
  }

  /** Those with at least one in the last ten minutes. */
  *rows(now: number): Iterable<ClientCodeCount> {
    const minute = Math.floor(now / 60);
    for (const clients of this.#tallies.values())
      for (const codes of clients.values())
        for (const tally of codes.values()) {
          advance(tally, minute);
          const { tenant, client, code, isSent } = tally;
          const count = countOf(tally);
          if (count > 0) yield { tenant, client, code, isSent, count, since: firstOf(tally, minute) };
        }
  }

  #tallyOf(owner: object, what: ClientCode, now: number): Tally | undefined {
    const { client = "" } = what;
    // One code stands for both kinds.
    const code = what.isSent ? `${what.code} sent` : what.code;
    const known = this.#tallies.get(owner)?.get(client)?.get(code);
    if (known) return known;
    if (this.#size >= MOST_ROWS) this.#expire(now);
    if (this.#size >= MOST_ROWS) return undefined;
    let clients = this.#tallies.get(owner);
    if (!clients) this.#tallies.set(owner, (clients = new Map()));
    let codes = clients.get(client);
    if (!codes) clients.set(client, (codes = new Map()));
    const [minutes, firsts] = [new Uint32Array(WINDOW), new Float64Array(WINDOW)];
    const tally = { ...what, minutes, firsts, newest: Math.floor(now / 60) };
    codes.set(code, tally);
    this.#size++;
    return tally;
  }

  /** At most once a minute, because it reads all rows. */
  #expire(now: number): void {
    const minute = Math.floor(now / 60);
    if (minute === this.#expiredIn) return;
    this.#expiredIn = minute;
    for (const [owner, clients] of this.#tallies) {
      for (const [client, codes] of clients) {
        for (const [code, tally] of codes) {
          advance(tally, minute);
          if (countOf(tally) === 0 && codes.delete(code)) this.#size--;
        }
        if (codes.size === 0) clients.delete(client);
      }
      if (clients.size === 0) this.#tallies.delete(owner);
    }
  }
}

const countOf = ({ minutes }: Tally): number => minutes.reduce((sum, each) => sum + each, 0);

const advance = (tally: Tally, minute: number): void => {
  const from = Math.max(0, tally.newest + 1, minute - WINDOW + 1);
  for (let each = from; each <= minute; each++) tally.minutes[each % WINDOW] = 0;
  tally.newest = Math.max(tally.newest, minute);
};

const firstOf = ({ minutes, firsts }: Tally, minute: number): number => {
  let first = Math.max(0, minute - WINDOW + 1);
  while (minutes[first % WINDOW] === 0) first++;
  return firsts[first % WINDOW]!;
};
