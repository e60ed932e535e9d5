/**
 * The revocations in the journal: the result of its entries of kind `config` that revoke or reinstate something. An
 * entry about deleted segments contains the whole set, so retention loses no revocation.
 */
import type { Config, Deleted, Entry, Revoked } from "../entry.ts";

export type { Revoked, SharedDecision } from "../entry.ts";

/** A revocation may be forgotten this long after its expiry; a clock that is wrong by less loses none. */
const FORGET_MS = 7 * 86_400_000;
/** From this number of revocations on, expired ones are removed. */
const MANY = 10_000;

const nameOf = ({ kind, id }: Pick<Revoked, "kind" | "id">): string => `${kind} ${id}`;

/** A later expiry revokes more; without one the revocation never expires. */
export const endOf = ({ until }: Pick<Revoked, "until">): number =>
  until === null ? Number.POSITIVE_INFINITY : Date.parse(until);

export class RevokedSet {
  readonly #standing = new Map<string, Revoked>();
  /** What entries that are not yet on disk reinstate: still revoked until they are. */
  readonly #reinstating = new Map<Entry, Revoked>();
  #isComplete = false;
  #trimAt = MANY;

  /**
   * Whether the journal's entries contain every revocation, so that none is only in the file that format 1 kept beside
   * them.
   */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get(of: Pick<Revoked, "kind" | "id">): Revoked | undefined {
    return this.#standing.get(nameOf(of)) ?? this.#reinstating.values().find((each) => nameOf(each) === nameOf(of));
  }

  /** Including expired ones: the reader decides whether a time has passed. */
  all(): readonly Revoked[] {
    const reinstating = this.#reinstating.values().filter((each) => !this.#standing.has(nameOf(each)));
    return [...this.#standing.values(), ...reinstating];
  }

  /** An entry that has got its index, or a line on disk, in the order of the journal. */
  accept(entry: Entry): void {
    if (entry.kind === "deleted" || entry.kind === "set-aside") this.#replace(entry.revocations);
    else if (entry.kind === "config") this.#change(entry);
  }

  /** An entry passed to `accept` is on disk. */
  settled(entry: Entry): void {
    if (entry.kind === "config") this.#reinstating.delete(entry);
  }

  /** Fails closed: an entry that did not reach the disk still revokes, and reinstates nothing. */
  lost(entry: Entry): void {
    const before = this.#reinstating.get(entry);
    if (before && !this.#standing.has(nameOf(before))) this.#standing.set(nameOf(before), before);
    this.#reinstating.delete(entry);
  }

  /** The entry as it is written. `now`: returns the trusted time, in milliseconds since 1970. */
  given(entry: Entry, now: () => number): Entry {
    if ((entry.kind !== "deleted" && entry.kind !== "set-aside") || !(this.#isComplete || this.#standing.size > 0))
      return entry;
    return { ...entry, revocations: this.#remembered(now()) };
  }

  /** If there are many, forgets those that expired long ago. `now`: as for `given`; an untrusted clock expires none. */
  trim(now: () => number): void {
    if (this.#standing.size <= this.#trimAt) return;
    const kept = this.#remembered(now());
    this.#standing.clear();
    for (const each of kept) this.#standing.set(nameOf(each), each);
    this.#trimAt = Math.max(MANY, 2 * kept.length);
  }

  save(): { readonly complete: boolean; readonly standing: readonly Revoked[] } {
    return { complete: this.#isComplete, standing: this.all() };
  }

  restore({ complete, standing }: ReturnType<RevokedSet["save"]>): void {
    this.#isComplete ||= complete;
    for (const each of standing) this.#standing.set(nameOf(each), each);
  }

  #change(entry: Config): void {
    if (entry.change === "revocations") return this.#replace(entry.revocations);
    const said =
      entry.change === "revoked" || entry.change === "lifted" ? (entry.revocation ?? readWords(entry)) : undefined;
    if (!said) return;
    if (entry.change === "revoked") this.#standing.set(nameOf(said), said);
    else this.#reinstate(entry, said);
    // The first such entry of a journal also states all others.
    this.#replace(entry.revocations);
  }

  #reinstate(entry: Entry, said: Revoked): void {
    const before = this.#standing.get(nameOf(said));
    if (before) this.#reinstating.set(entry, before);
    this.#standing.delete(nameOf(said));
  }

  #replace(all: Deleted["revocations"]): void {
    if (!all) return;
    this.#isComplete = true;
    this.#standing.clear();
    for (const each of all) this.#standing.set(nameOf(each), each);
  }

  #remembered(now: number): readonly Revoked[] {
    return [...this.#standing.values()].filter((each) => endOf(each) > now - FORGET_MS);
  }
}

const REVOKED = /^(token|key|certificate|client) ([^]+) is revoked(?: until (\d{4}-\d\d-\d\dT[\d:.]+Z))?$/;
const REINSTATED = /^(token|key|certificate|client) ([^]+) counts again$/;

/** Format 1 stated only in words what was revoked. */
const readWords = ({ change, detail = "" }: Config): Revoked | undefined => {
  const [, kind, id, until = null] = (change === "revoked" ? REVOKED : REINSTATED).exec(detail) ?? [];
  return id === undefined ? undefined : { kind: kind as Revoked["kind"], id, until };
};
