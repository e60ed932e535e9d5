/**
 * Which entries a search cannot read: segments that were set aside, as entries record, and segments that are missing
 * for no recorded reason. Leaf hashes and the last checkpoint show that lines are missing; an entry only explains it,
 * and counts only if it leads to the signed root. A segment that was put back from a copy is read again.
 */
import { nodeDisk } from "../disk.ts";
import type { Deleted, DeletedKinds, Recorded, SetAside } from "../entry.ts";
import { parseFilter, type Filter } from "./filter/filter.ts";
import { paths } from "../paths.ts";
import { coveredIn, Prover, type Proof } from "../integrity/entry-proof.ts";
import { spansIn } from "../segments/entry-ranges.ts";
import type { GroupedEntries } from "./group-entries.ts";
import { readMicros } from "../time.ts";

/**
 * Entries from `from` to before `to`. `oldest`, `youngest`: RFC 3339. `entry`: the index of the entry that records it;
 * null if there is no proved one.
 */
export type SetAsideSpan = {
  readonly from: number;
  readonly to: number;
  readonly oldest: string | null;
  readonly youngest: string | null;
  readonly entry: number | null;
  /** Number of open Do-Not-Calls in it that are lost; null if unknown. */
  readonly lost: number | null;
};

/** An entry with the result of its inclusion proof. */
export type EntryWithProof = { readonly entry: Recorded; readonly proof: Proof };

/** Matching single entries, newest first, at most `most`. */
export type FindWithProof = (filter: Filter, most: number) => Promise<readonly EntryWithProof[]>;

/** `spans`: ascending. `deleted`: the last proved entry about a deletion. */
export type MissingEntries = { readonly spans: readonly SetAsideSpan[]; readonly deleted: Deleted | undefined };

const SET_ASIDE = parseFilter("kind:set-aside");
const DELETED = parseFilter("kind:deleted");
const MOST = 1000;
const FEW = 10;

/** `size`: how many entries were searched. */
export const findMissing = async (dir: string, size: number, statements: FindWithProof): Promise<MissingEntries> =>
  missingIn(dir, size, [...(await statements(SET_ASIDE, MOST)), ...(await statements(DELETED, FEW))]);

/** The same for a caller that reads all entries. */
export class MissingEntriesScan {
  readonly #statements: { readonly entry: Recorded; readonly line: string }[] = [];

  add({ entries: [entry], lines: [line] }: GroupedEntries): void {
    if (entry?.kind === "set-aside" || entry?.kind === "deleted") this.#statements.unshift({ entry, line: line! });
  }

  /** What is missing among the first `size` entries. */
  async missing(dir: string, size: number): Promise<MissingEntries> {
    const prover = await Prover.open({ disk: nodeDisk, dir });
    try {
      const stated: EntryWithProof[] = [];
      for (const { entry, line } of this.#statements) {
        stated.push({ entry, proof: await prover.of(entry.index, Buffer.from(line)) });
      }
      return await missingIn(dir, size, stated);
    } finally {
      await prover.close();
    }
  }
}

const missingIn = async (dir: string, size: number, stated: readonly EntryWithProof[]): Promise<MissingEntries> => {
  const proved = stated.flatMap(({ entry, proof }) => (proof === "proved" ? [entry] : []));
  const deleted = proved.find((entry) => entry.kind === "deleted");
  const statedSpans = spansStatedBy(proved.filter((entry) => entry.kind === "set-aside"));
  const spans = spansIn(await nodeDisk.list(paths(dir).segments));
  const there = new Set(spans.flatMap(({ first, isThere }) => (isThere ? [first] : [])));
  const holes = spans.filter(({ isThere }) => !isThere).map(({ first, end }) => ({ from: first, to: end }));
  const oldest = spans[0]?.first ?? 0;
  if (oldest > 0) holes.unshift({ from: 0, to: oldest });
  const deletedTo = deleted?.to ?? 0;
  const explained = statedSpans.filter(({ from, to }) => !there.has(from) && to > deletedTo);
  const unexplained = holes
    // The last segment may be new and without a line.
    .filter(
      ({ from, to }) =>
        to !== Number.POSITIVE_INFINITY &&
        to > deletedTo &&
        !explained.some((each) => each.from <= from && each.to >= to),
    )
    .map(({ from, to }) => unexplainedSpan(Math.max(from, deletedTo), to));
  const covered = await coveredIn({ disk: nodeDisk, dir });
  if (covered > size) unexplained.push(unexplainedSpan(size, covered));
  return {
    spans: [...explained, ...mergeNeighbors(unexplained)].toSorted((one, other) => one.from - other.from),
    deleted,
  };
};

/** By `from`. `entries`: the youngest first. */
const spansStatedBy = (entries: readonly (SetAside & Recorded)[]): readonly SetAsideSpan[] => {
  const spans = new Map<number, SetAsideSpan>();
  for (const { from, to, oldest, youngest, lost, index, before } of entries.toReversed()) {
    // Later entries repeat what an entry recorded that was itself set aside or changed.
    for (const each of before) {
      if (!spans.has(each.from)) spans.set(each.from, { from: each.from, to: each.to, ...UNKNOWN, entry: each.by });
    }
    spans.set(from, { from, to, oldest, youngest, entry: index, lost });
  }
  return [...spans.values()];
};

const UNKNOWN = { oldest: null, youngest: null, lost: null } as const;
const unexplainedSpan = (from: number, to: number): SetAsideSpan => ({ from, to, ...UNKNOWN, entry: null });

/** Merges adjacent spans. */
const mergeNeighbors = (spans: readonly SetAsideSpan[]): readonly SetAsideSpan[] => {
  const all: SetAsideSpan[] = [];
  for (const span of spans) {
    const last = all.at(-1);
    if (last?.to === span.from) all[all.length - 1] = { ...last, to: span.to };
    else all.push(span);
  }
  return all;
};

/** Kinds that may have lost entries of the period (see `setAsideWithin`). */
export const deletedKindsWithin = (
  kinds: DeletedKinds = {},
  [since]: readonly [from: number, to: number],
): DeletedKinds =>
  Object.fromEntries(
    Object.entries(kinds).filter(([, { youngest }]) => youngest !== null && readMicros(youngest) >= since),
  );

/** Without entries of kind `access`: no request is lost with them. Notes about Do-Not-Calls are never deleted early. */
export const aboutRequests = ({ access: _access, ...kinds }: DeletedKinds = {}): DeletedKinds => kinds;

/** A sentence for each time up to which retention deleted entries of some kinds. `to`: that time, RFC 3339. */
export const describeDeletedKinds = (
  kinds: DeletedKinds = {},
): readonly { readonly to: string; readonly text: string }[] => {
  const lost = Object.entries(kinds).flatMap(([kind, { youngest }]) => (youngest === null ? [] : [{ kind, youngest }]));
  return [...Map.groupBy(lost, ({ youngest }) => youngest)].map(([to, of]) => ({
    to,
    text: `entries of kind ${of.map(({ kind }) => kind).join(", ")} up to ${to} are deleted, as audit.retention says`,
  }));
};

/** Spans that may have entries of the period (microseconds since 1970, ends included). */
export const setAsideWithin = (
  spans: readonly SetAsideSpan[],
  [since, until]: readonly [from: number, to: number],
): readonly SetAsideSpan[] =>
  spans.filter(({ oldest, youngest }) => {
    const [from, to] = [
      oldest === null ? -Infinity : readMicros(oldest),
      youngest === null ? Infinity : readMicros(youngest),
    ];
    return from <= until && to >= since;
  });

/** A sentence without a full stop. */
export const describeSetAside = ({ from, to, oldest, youngest, entry }: SetAsideSpan): string =>
  entry === null
    ? `entries ${from} to ${to - 1} are missing, and no valid entry explains why; to find out: ` +
      "ocsgw audit verify -c FILE"
    : `entries ${from} to ${to - 1} (from ${oldest ?? "the beginning"} to ${youngest ?? "now"}) were damaged and ` +
      `set aside, as entry ${entry} records`;
