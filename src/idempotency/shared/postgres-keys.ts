/**
 * Keys in the database that gateways share: one row for each, committed before the intent of its request. A gateway
 * that dies leaves rows without an end. It resolves them from its journal when it starts again; until then others
 * tell a repeat that the end is unknown, and never carry it out.
 */
import type { Query } from "../../cluster/database.ts";
import { GroupCommit } from "../../cluster/group-commit.ts";
import { faultInWords } from "../../common/system-error.ts";
import {
  KeysUnavailable,
  type KeyEnd,
  type KeyStore,
  type NewKey,
  type RunningKey,
  type StoreClaim,
} from "../types.ts";
import { EndQueue } from "./end-queue.ts";
import { KeyRoom } from "./key-room.ts";
import {
  countKeys,
  deleteKeys,
  endForgotten,
  endKeys,
  expireKeys,
  findKeys,
  insertKeys,
  oldestOf,
  runningKeys,
  type FoundRow,
  type Runner,
} from "./key-rows.ts";

/** After this time a claim fails for its client. */
const PATIENCE_MS = 2000;
/** Claims that wait for the database. */
const MOST_WAITING = 10_000;
/** Attempts, when keys are freed again and again between two statements. */
const MOST_ATTEMPTS = 5;

export type PostgresKeysOptions = Runner & {
  readonly query: Query;
  readonly mostKeys: number;
  /** What this gateway knows of another one; undefined: nothing yet. */
  readonly stateOf: (node: string) => "live" | "dead" | "stopped" | undefined;
  /** The name of the reply to a repeat of a request of which nobody can tell how it ended. */
  readonly refusal: string;
};

type Claiming = { readonly key: NewKey; readonly looksOnly: boolean; isLate: boolean };

/** Rejects with DatabaseUnavailable. */
export const openPostgresKeys = async (options: PostgresKeysOptions): Promise<PostgresKeys> =>
  new PostgresKeys(options, await runningKeys(options.query, options, "earlier runs"));

export class PostgresKeys implements KeyStore {
  readonly running: readonly RunningKey[];
  readonly #options: PostgresKeysOptions;
  readonly #query: Query;
  readonly #claims: GroupCommit<Claiming, StoreClaim | undefined>;
  readonly #ends: EndQueue;
  readonly #room: KeyRoom;
  /** Ids of requests whose claim is under way, or whose end is not committed. */
  readonly #held = new Set<string>();
  #waiting = 0;
  #isClosed = false;

  constructor(options: PostgresKeysOptions, running: readonly RunningKey[]) {
    [this.#options, this.#query, this.running] = [options, options.query, running];
    this.#claims = new GroupCommit((claims) => this.#claimAll(claims));
    this.#ends = new EndQueue((ends) => this.#writeEnds(ends));
    this.#room = new KeyRoom(options.mostKeys, (scope) => countKeys(this.#query, scope));
  }

  readonly claim = async (key: NewKey): Promise<StoreClaim> => {
    if (this.#isClosed) throw new KeysUnavailable("the store of idempotency keys is closed");
    if (this.#waiting >= MOST_WAITING)
      throw new KeysUnavailable("too many requests with a key wait for the shared database");
    this.#waiting++;
    const late = Promise.withResolvers<never>();
    const claiming = { key, looksOnly: key.looksOnly ?? false, isLate: false };
    const timer = setTimeout(() => {
      claiming.isLate = true;
      late.reject(new KeysUnavailable(`the shared database did not answer within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
    try {
      return await Promise.race([this.#claim(claiming), late.promise]);
    } catch (error) {
      throw error instanceof KeysUnavailable ? error : new KeysUnavailable(faultInWords(error), { cause: error });
    } finally {
      clearTimeout(timer);
      this.#waiting--;
    }
  };

  readonly settle = (id: string, end: KeyEnd): Promise<boolean> => this.#ends.settle(id, end);

  readonly expire = async (before: number, latest: number | undefined): Promise<number> => {
    await endForgotten(this.#query, this.#unknown(FORGOTTEN));
    await this.#freeLost();
    const gone = await expireKeys(this.#query, before, latest);
    this.#room.freed();
    return gone;
  };

  /** Rows of an earlier run of this gateway that were committed after it had ended. */
  readonly leftBehind = (): Promise<readonly RunningKey[]> => runningKeys(this.#query, this.#options, "earlier runs");

  readonly pending = (): number => this.#ends.size;

  readonly close = async (): Promise<void> => {
    this.#isClosed = true;
    await this.#ends.close();
  };

  async #claim(claiming: Claiming): Promise<StoreClaim> {
    const { key } = claiming;
    if (claiming.looksOnly) return this.#ask(claiming);
    const hasRoom = await this.#room.take(key);
    const claimed = await this.#hold(hasRoom ? claiming : { ...claiming, looksOnly: true });
    if (claimed.kind !== "absent") {
      // Its client was refused meanwhile, so nothing was sent.
      if (claiming.isLate && claimed.kind === "claimed") void this.settle(key.id, { state: "free" });
      return claimed;
    }
    return { kind: "full", oldest: (await oldestOf(this.#query, key)) ?? key.at };
  }

  async #hold(claiming: Claiming): Promise<StoreClaim> {
    const { id } = claiming.key;
    this.#held.add(id);
    let isClaimed = false;
    try {
      const claim = await this.#ask(claiming);
      isClaimed = claim.kind === "claimed";
      return claim;
    } finally {
      if (!isClaimed) this.#held.delete(id);
    }
  }

  async #ask(claiming: Claiming): Promise<StoreClaim> {
    const claim = await this.#claims.add(claiming);
    if (!claim) throw new KeysUnavailable("the key is used and freed by other requests all the time");
    return claim;
  }

  /** A commit whose result is unknown is asked for once more: the second time finds what the first one did. */
  async #claimAll(claims: readonly Claiming[]): Promise<readonly (StoreClaim | undefined)[]> {
    try {
      return await this.#claimOnce(claims);
    } catch {
      return this.#claimOnce(claims);
    }
  }

  /** Undefined for a key that was found used, and then free, in all attempts. */
  async #claimOnce(claims: readonly Claiming[]): Promise<readonly (StoreClaim | undefined)[]> {
    const results = new Map<Claiming, StoreClaim>();
    for (let attempt = 0; attempt < MOST_ATTEMPTS && results.size < claims.length; attempt++) {
      const open = claims.filter((claim) => !results.has(claim));
      const won = await insertKeys(this.#query, open.filter(isWanted).map(keyOf), this.#options);
      const others = open.filter((claim) => !won.has(claim.key.id));
      for (const claim of open) if (won.has(claim.key.id)) results.set(claim, { kind: "claimed" });
      const rows = await findKeys(this.#query, others.map(keyOf));
      const away: string[] = [];
      for (const [place, claim] of others.entries()) {
        const result = this.#judge(claim, rows[place]!, away);
        if (result) results.set(claim, result);
      }
      await deleteKeys(this.#query, away);
    }
    return claims.map((claim) => results.get(claim));
  }

  /** Undefined: the key may be free now. `away`: gets the ids of rows of which nothing was, or will be, sent. */
  #judge(claim: Claiming, rows: readonly FoundRow[], away: string[]): StoreClaim | undefined {
    const { id, tokens } = claim.key;
    const others = rows.filter((row) => row.id !== id);
    const own = rows.length - others.length;
    // The claim's first attempt was committed.
    if (own === tokens.length) return { kind: "claimed" };
    // Of a key that another request has under an older index key.
    if (own > 0) away.push(id);
    const [other] = others;
    if (!other) return claim.looksOnly || claim.isLate ? { kind: "absent" } : undefined;
    if (this.#isLost(other)) {
      away.push(other.id);
      return claim.isLate ? { kind: "absent" } : undefined;
    }
    const { token, fingerprint, end } = other;
    return { kind: "kept", key: { token, fingerprint, id: other.id, end: end ?? this.#endOf(other) } };
  }

  /** This run has claimed it, and has told its client that nothing was sent. */
  #isLost({ id, node, instance, end }: FoundRow): boolean {
    return !end && node === this.#options.node && instance === this.#options.instance && !this.#held.has(id);
  }

  /** Of a request without an end: undefined while the gateway that carries it out may tell it soon. */
  #endOf({ node, isKnown }: FoundRow): Extract<KeyEnd, { state: "unknown" }> | undefined {
    if (node === this.#options.node) return undefined;
    if (!isKnown) return this.#unknown(FORGOTTEN);
    const state = this.#options.stateOf(node);
    return state === "dead" || state === "stopped" ? this.#unknown(goneWith(node)) : undefined;
  }

  #unknown(detail: string): Extract<KeyEnd, { state: "unknown" }> {
    return { state: "unknown", refusal: this.#options.refusal, detail };
  }

  async #writeEnds(ends: readonly (readonly [string, KeyEnd])[]): Promise<void> {
    await endKeys(this.#query, ends);
    for (const [id] of ends) this.#held.delete(id);
    if (ends.some(([, { state }]) => state === "free")) this.#room.freed();
  }

  /** Claims that were committed after they had failed here. */
  async #freeLost(): Promise<void> {
    const running = await runningKeys(this.#query, this.#options, "this run");
    const lost = running.map(({ id }) => id).filter((id) => !this.#held.has(id));
    await deleteKeys(this.#query, lost);
  }
}

const isWanted = ({ looksOnly, isLate }: Claiming): boolean => !looksOnly && !isLate;
const keyOf = ({ key }: Claiming): NewKey => key;

const FORGOTTEN =
  "the gateway that had the first request with this key is no longer one of the nodes; OCS may have carried it out";
const goneWith = (node: string): string =>
  `the node ${node}, which had the first request with this key, does not run or is cut off; OCS may have carried the ` +
  "request out, and a later repeat learns it when that node runs again";
