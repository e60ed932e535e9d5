/**
 * What a search cannot read because its lines are not there: set aside, as entries say, or gone and nobody says why. That
 * lines are missing is seen by their leaf hashes and the last checkpoint; an entry only explains it, and counts only
 * where it leads to the signed root. A segment that was put back from a copy is read again.
 */
import { nodeDisk } from "../disk.ts";
import type { Deleted, Recorded, SetAside } from "../entry.ts";
import { parseFilter, type Filter } from "../filter.ts";
import { places } from "../places.ts";
import { coveredIn, Prover, type Proof } from "../proof.ts";
import { spansIn } from "../spans.ts";
import type { ToldStory } from "../stories.ts";
import { readMicros } from "../time.ts";

/**
 * Entries from `from` to before `to`. `oldest`, `youngest`: as in the entry, RFC 3339. `entry`: the index of the entry
 * that says so; null where none that is proved does.
 */
export type AsideSpan = {
  readonly from: number;
  readonly to: number;
  readonly oldest: string | null;
  readonly youngest: string | null;
  readonly entry: number | null;
  /** Open Do-Not-Calls in it that nobody can tell any more; null where it is not known whether there are any. */
  readonly lost: number | null;
};

/** An entry and what its line is worth. */
export type Stated = { readonly entry: Recorded; readonly proof: Proof };

/** Of single entries that fit, the youngest first, at most so many. */
export type Statements = (filter: Filter, most: number) => Promise<readonly Stated[]>;

/** `spans`: ascending. `deleted`: the last entry that is proved and tells of a deletion. */
export type Missing = { readonly spans: readonly AsideSpan[]; readonly deleted: Deleted | undefined };

const SET_ASIDE = parseFilter("kind:set-aside");
const DELETED = parseFilter("kind:deleted");
const MOST = 1000;
const FEW = 10;

/** `size`: of the entries that were searched. */
export const missingFrom = async (dir: string, size: number, statements: Statements): Promise<Missing> =>
  missingIn(dir, size, [...(await statements(SET_ASIDE, MOST)), ...(await statements(DELETED, FEW))]);

/** The same for who goes through all entries. */
export class AsideWatch {
  readonly #seen: { readonly entry: Recorded; readonly line: string }[] = [];

  see({ entries: [entry], lines: [line] }: ToldStory): void {
    if (entry?.kind === "set-aside" || entry?.kind === "deleted") this.#seen.unshift({ entry, line: line! });
  }

  /** Of the first `size` entries. */
  async spans(dir: string, size: number): Promise<readonly AsideSpan[]> {
    const prover = await Prover.open({ disk: nodeDisk, dir });
    try {
      const stated: Stated[] = [];
      for (const { entry, line } of this.#seen) {
        stated.push({ entry, proof: await prover.of(entry.index, Buffer.from(line)) });
      }
      return (await missingIn(dir, size, stated)).spans;
    } finally {
      await prover.close();
    }
  }
}

const missingIn = async (dir: string, size: number, stated: readonly Stated[]): Promise<Missing> => {
  const proved = stated.flatMap(({ entry, proof }) => (proof === "proved" ? [entry] : []));
  const deleted = proved.find((entry) => entry.kind === "deleted");
  const said = saidBy(proved.filter((entry) => entry.kind === "set-aside"));
  const spans = spansIn(await nodeDisk.list(places(dir).segments));
  const there = new Set(spans.flatMap(({ first, isThere }) => (isThere ? [first] : [])));
  const holes = spans.filter(({ isThere }) => !isThere).map(({ first, end }) => ({ from: first, to: end }));
  const oldest = spans[0]?.first ?? 0;
  if (oldest > 0) holes.unshift({ from: 0, to: oldest });
  const gone = deleted?.to ?? 0;
  const told = said.filter(({ from, to }) => !there.has(from) && to > gone);
  const untold = holes
    // The last one may be begun and have no line yet.
    .filter(
      ({ from, to }) =>
        to !== Number.POSITIVE_INFINITY && to > gone && !told.some((each) => each.from <= from && each.to >= to),
    )
    .map(({ from, to }) => untoldSpan(Math.max(from, gone), to));
  const covered = await coveredIn({ disk: nodeDisk, dir });
  if (covered > size) untold.push(untoldSpan(size, covered));
  return { spans: [...told, ...joined(untold)].toSorted((one, other) => one.from - other.from), deleted };
};

/** By `from`. `entries`: the youngest first. */
const saidBy = (entries: readonly (SetAside & Recorded)[]): readonly AsideSpan[] => {
  const spans = new Map<number, AsideSpan>();
  for (const { from, to, oldest, youngest, lost, index, before } of entries.toReversed()) {
    // An entry that was set aside itself, or that is not as it was signed, is known from a later one.
    for (const each of before) {
      if (!spans.has(each.from)) spans.set(each.from, { from: each.from, to: each.to, ...UNKNOWN, entry: each.by });
    }
    spans.set(from, { from, to, oldest, youngest, entry: index, lost });
  }
  return [...spans.values()];
};

const UNKNOWN = { oldest: null, youngest: null, lost: null } as const;
const untoldSpan = (from: number, to: number): AsideSpan => ({ from, to, ...UNKNOWN, entry: null });

/** Neighbours as one. */
const joined = (spans: readonly AsideSpan[]): readonly AsideSpan[] => {
  const all: AsideSpan[] = [];
  for (const span of spans) {
    const last = all.at(-1);
    if (last?.to === span.from) all[all.length - 1] = { ...last, to: span.to };
    else all.push(span);
  }
  return all;
};

/** Those that may have entries of the period: microseconds since 1970, ends included. */
export const asidesWithin = (
  spans: readonly AsideSpan[],
  [since, until]: readonly [from: number, to: number],
): readonly AsideSpan[] =>
  spans.filter(({ oldest, youngest }) => {
    const [from, to] = [
      oldest === null ? -Infinity : readMicros(oldest),
      youngest === null ? Infinity : readMicros(youngest),
    ];
    return from <= until && to >= since;
  });

/** A sentence without a full stop. */
export const saysAside = ({ from, to, oldest, youngest, entry }: AsideSpan): string => {
  if (entry !== null)
    return `entries ${from} to ${to - 1} (from ${oldest ?? "the beginning"} to ${youngest ?? "now"}) were damaged and are set aside, as entry ${entry} says`;
  return `entries ${from} to ${to - 1} are missing, and no entry that is as it was signed says why; ocsgw audit verify tells more`;
};
