/**
 * Finds the transactions of an export with the index, for queries with few matches. It writes nothing beside the
 * segments, which can belong to a running gateway. If the index is not reliable, the result is undefined and the export
 * reads all lines.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "../disk.ts";
import { parseFilter, type Filter } from "../search/filter/filter.ts";
import { SearchIndex, lineAt, StaleIndex, type Candidate } from "../search/index/search-index.ts";
import { LineDamaged, parseEntry } from "../search/index/segment-lines.ts";
import { isDatabaseFault } from "../search/index/schema.ts";
import { isRecordOf, RECORD_DISTANCE } from "./export.ts";
import type { Line } from "../read/read-entries.ts";
import { firstsOf, openSegment, type SegmentFile } from "../segments/segment.ts";
import type { GroupedEntries } from "../search/group-entries.ts";

/** With more matches it is faster to read all lines; the matches are kept in memory. */
const MOST_TRANSACTIONS = 5000;
/** If the index lacks more entries, reading the lines is faster than updating it. */
const MOST_LACKING = 500_000;

export type IndexQuery = { readonly dir: string; readonly filter: Filter; readonly size: number };

/**
 * Oldest first, as they were when the journal had `size` entries. `own`: index of the record of this export, -1 when
 * there is none.
 */
export type IndexResult = { readonly transactions: readonly GroupedEntries[]; readonly own: number };

/** Undefined if all lines must be read. */
export const transactionsByIndex = async (wanted: IndexQuery): Promise<IndexResult | undefined> => {
  const temporary = await mkdtemp(join(tmpdir(), "ocsgw-index-"));
  const index = new SearchIndex(wanted.dir, temporary);
  try {
    await index.copyLiveIndex();
    if (wanted.size - index.size > MOST_LACKING) return undefined;
    await index.catchUp();
    const own = await ownRecordIn(index, wanted);
    const candidates = await candidatesOf(index, wanted);
    if (!candidates) return undefined;
    const all = own && candidates.every(({ at }) => at !== own.at) ? [...candidates, own] : candidates;
    return {
      transactions: await readTransactions(
        all.toSorted((one, other) => one.at - other.at),
        wanted,
      ),
      own: own?.at ?? -1,
    };
  } catch (error) {
    // Reading all lines shows whether the damaged line is covered by the checkpoint.
    if (error instanceof StaleIndex || error instanceof LineDamaged || isDatabaseFault(error)) return undefined;
    throw error;
  } finally {
    index.close();
    await rm(temporary, { recursive: true, force: true });
  }
};

const DELETED = parseFilter("kind:deleted,set-aside");

const ACCESS = parseFilter("kind:access");

const ownRecordIn = async (index: SearchIndex, { dir, filter, size }: IndexQuery): Promise<Candidate | undefined> => {
  const lines = new Lines(dir, await firstsOf(nodeDisk, dir));
  try {
    for await (const candidate of index.candidates(ACCESS.expression, size)) {
      if (candidate.at < size - RECORD_DISTANCE) return undefined;
      if (isRecordOf((await lines.at(candidate.at, candidate.position)).entry, filter)) return candidate;
    }
    return undefined;
  } finally {
    await lines.close();
  }
};

const candidatesOf = async (
  index: SearchIndex,
  { filter, size }: IndexQuery,
): Promise<readonly Candidate[] | undefined> => {
  const found = new Map<number, Candidate>();
  for (const candidate of await index.openAt(size)) found.set(candidate.at, candidate);
  for (const { expression } of [filter, DELETED]) {
    for await (const candidate of index.candidates(expression, size)) {
      found.set(candidate.at, candidate);
      if (found.size > MOST_TRANSACTIONS) return undefined;
    }
  }
  return [...found.values()];
};

const readTransactions = async (
  candidates: readonly Candidate[],
  { dir, size }: IndexQuery,
): Promise<GroupedEntries[]> => {
  const lines = new Lines(dir, await firstsOf(nodeDisk, dir));
  try {
    const transactions: GroupedEntries[] = [];
    for (const { at, position, closed, closed_position } of candidates) {
      const parts = [await lines.at(at, position)];
      if (closed !== null && closed_position !== null && closed < size)
        parts.push(await lines.at(closed, closed_position));
      transactions.push({ at, entries: parts.map(({ entry }) => entry), lines: parts.map(({ text }) => text) });
    }
    return transactions;
  } finally {
    await lines.close();
  }
};

/**
 * Reads lines by index and byte, oldest first, so that few segments are open at once: that of the entries, and those
 * of outcomes in later segments.
 */
class Lines {
  readonly #dir: string;
  readonly #firsts: readonly number[];
  readonly #files = new Map<number, SegmentFile>();

  constructor(dir: string, firsts: readonly number[]) {
    this.#dir = dir;
    this.#firsts = firsts;
  }

  async at(index: number, position: number): Promise<Line> {
    const text = (await lineAt(await this.#segmentOf(index), position))?.toString("utf8");
    const entry = text === undefined ? undefined : parseEntry(text);
    if (text === undefined || entry?.index !== index)
      throw new StaleIndex(`no line of index ${index} at byte ${position}`, [index]);
    return { text, entry };
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
    this.#files.clear();
  }

  async #segmentOf(index: number): Promise<SegmentFile> {
    const first = this.#firsts.findLast((each) => each <= index);
    if (first === undefined) throw new StaleIndex(`no segment for index ${index}`, [index]);
    const open = this.#files.get(first);
    if (open) return open;
    if (this.#files.size > 2) await this.close();
    const file = await openSegment(nodeDisk, this.#dir, first);
    this.#files.set(first, file);
    return file;
  }
}
