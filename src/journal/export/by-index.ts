/**
 * The stories of an export by the index: which ones may fit, each read where the index says that it lies. For what few entries match, however many the
 * journal has. Nothing is written beside the segments, which may be a running gateway's. Where the index cannot be relied on, nothing is given, and the
 * export goes through all lines.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "../disk.ts";
import { readLine } from "../entry-line.ts";
import { parseFilter, type Filter } from "../filter.ts";
import { Index, lineAt, Misplaced, type Candidate } from "../index.ts";
import { LineDamaged } from "../index/lines.ts";
import { isDatabaseFault } from "../index/schema.ts";
import { isRecordOf, NEAR } from "../export.ts";
import type { Line } from "../read.ts";
import { firstsOf, openSegment, type SegmentFile } from "../segment.ts";
import type { ToldStory } from "../stories.ts";

/** Of more it is quicker to go through the lines, and they would all be held in memory. */
const MOST_STORIES = 5000;
/** An index that lacks more entries takes longer to be brought up to date than the lines to be read. */
const MOST_LACKING = 500_000;

export type Wanted = { readonly dir: string; readonly filter: Filter; readonly size: number };

/** Oldest first, as they were when the journal had `size` entries. `own`: index of the record of this export, -1 when there is none. */
export type Listed = { readonly stories: readonly ToldStory[]; readonly own: number };

/** Undefined: to be looked for line by line. */
export const storiesByIndex = async (wanted: Wanted): Promise<Listed | undefined> => {
  const temporary = await mkdtemp(join(tmpdir(), "ocsgw-index-"));
  const index = new Index(wanted.dir, temporary);
  try {
    await index.takeOver();
    if (wanted.size - index.size > MOST_LACKING) return undefined;
    await index.catchUp();
    const own = await ownRecordIn(index, wanted);
    const candidates = await candidatesOf(index, wanted);
    if (!candidates) return undefined;
    const all = own && candidates.every(({ at }) => at !== own.at) ? [...candidates, own] : candidates;
    return {
      stories: await told(
        all.toSorted((one, other) => one.at - other.at),
        wanted,
      ),
      own: own?.at ?? -1,
    };
  } catch (error) {
    // By all lines it shows whether the damaged one belongs to what the checkpoint covers.
    if (error instanceof Misplaced || error instanceof LineDamaged || isDatabaseFault(error)) return undefined;
    throw error;
  } finally {
    index.close();
    await rm(temporary, { recursive: true, force: true });
  }
};

const DELETED = parseFilter("kind:deleted,set-aside");

const ACCESS = parseFilter("kind:access");

const ownRecordIn = async (index: Index, { dir, filter, size }: Wanted): Promise<Candidate | undefined> => {
  const lines = new Lines(dir, await firstsOf(nodeDisk, dir));
  try {
    for await (const candidate of index.candidates(ACCESS.expression, size)) {
      if (candidate.at < size - NEAR) return undefined;
      if (isRecordOf((await lines.at(candidate.at, candidate.position)).entry, filter)) return candidate;
    }
    return undefined;
  } finally {
    await lines.close();
  }
};

const candidatesOf = async (index: Index, { filter, size }: Wanted): Promise<readonly Candidate[] | undefined> => {
  const found = new Map<number, Candidate>();
  for (const candidate of await index.openAt(size)) found.set(candidate.at, candidate);
  for (const { expression } of [filter, DELETED]) {
    for await (const candidate of index.candidates(expression, size)) {
      found.set(candidate.at, candidate);
      if (found.size > MOST_STORIES) return undefined;
    }
  }
  return [...found.values()];
};

const told = async (candidates: readonly Candidate[], { dir, size }: Wanted): Promise<ToldStory[]> => {
  const lines = new Lines(dir, await firstsOf(nodeDisk, dir));
  try {
    const stories: ToldStory[] = [];
    for (const { at, position, closed, closed_position } of candidates) {
      const parts = [await lines.at(at, position)];
      if (closed !== null && closed_position !== null && closed < size)
        parts.push(await lines.at(closed, closed_position));
      stories.push({ at, entries: parts.map(({ entry }) => entry), lines: parts.map(({ text }) => text) });
    }
    return stories;
  } finally {
    await lines.close();
  }
};

/** Lines by index and byte, the oldest first: one segment is open at a time, and that of an end that is in a later one. */
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
    const entry = text === undefined ? undefined : readOrNothing(text);
    if (text === undefined || entry?.index !== index)
      throw new Misplaced(`no line of index ${index} at byte ${position}`, [index]);
    return { text, entry };
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
    this.#files.clear();
  }

  async #segmentOf(index: number): Promise<SegmentFile> {
    const first = this.#firsts.findLast((each) => each <= index);
    if (first === undefined) throw new Misplaced(`no segment for index ${index}`, [index]);
    const open = this.#files.get(first);
    if (open) return open;
    if (this.#files.size > 2) await this.close();
    const file = await openSegment(nodeDisk, this.#dir, first);
    this.#files.set(first, file);
    return file;
  }
}

const readOrNothing = (line: string): ReturnType<typeof readLine> | undefined => {
  try {
    return readLine(line);
  } catch {
    return undefined;
  }
};
