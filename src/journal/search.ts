/**
 * Searching the journal, page by page, youngest first. What is shown is read from the segments and asked again whether it fits: the index is
 * believed in nothing but where to look, and one that does not fit the files is made again.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "./disk.ts";
import type { Recorded } from "./entry.ts";
import { readLine } from "./entry-line.ts";
import { judge, parseFilter, type Filter } from "./filter.ts";
import { damagedLine, Index, lineAt, Misplaced, type Candidate, type EpochSeen, type Progress } from "./index.ts";
import type { Count } from "./index/count.ts";
import { isDatabaseFault } from "./index/schema.ts";
import type { Snapshot } from "./open-do-not-calls.ts";
import { isAsWritten, Prover } from "./proof.ts";
import { missingFrom, type AsideSpan, type Missing, type Stated } from "./search/asides.ts";
import { TookTooLong, type TimeLimit } from "./search/time-limit.ts";
import { firstsOf, openSegment, withSegment, type SegmentFile } from "./segment.ts";
import { factsOf, type Story } from "./story.ts";

export type Page = {
  readonly stories: readonly Story[];
  /** Where the next page begins; undefined when this is the last one. */
  readonly next: number | undefined;
};

/** What was searched: so many entries from the first index on, with the times of the first and the last. */
export type Searched = {
  readonly from: number;
  readonly to: number;
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** Of those entries the ones that could not be searched. */ readonly set_aside: readonly AsideSpan[];
  /** The time of the youngest entry that was deleted, as a proved entry says; undefined where none does. */ readonly deleted_to?:
    | string
    | undefined;
};

export type PageOptions = {
  /** Stories with an index below it. */
  readonly before?: number | undefined;
  readonly limit: number;
  /** Without one a page takes as long as it takes. */
  readonly timeLimit?: TimeLimit | undefined;
};

/** A page ends before its limit when its entries are longer than this together: whoever hands them on has other things to do. */
const MOST_PAGE_BYTES = 4 << 20;
/** `more`: there are more than that. */
export type Counted = Count & { readonly more?: true };

const MOST_COUNTED = 10_000;
const MOST_ATTEMPTS = 2;

export class Finder {
  readonly #dir: string;
  #index: Index;
  #temporary: string | undefined;

  /** `elsewhere`: the index is made in a temporary directory, and nothing is written beside the segments. */
  constructor(dir: string, { elsewhere = false }: { readonly elsewhere?: boolean } = {}) {
    this.#dir = dir;
    this.#index = elsewhere ? this.#openElsewhere() : this.#open();
  }

  /** Takes in what was appended since the last time. */
  async refresh(onProgress?: Progress): Promise<void> {
    try {
      await this.#index.catchUp(onProgress);
    } catch (error) {
      if (!isStale(error)) throw error;
      if (error instanceof Misplaced) await this.#index.distrust(error.indexes, true);
      else if (isDatabaseFault(error)) this.#index.rebuild();
      await this.#index.catchUp(onProgress);
    }
  }

  /** One step of what can wait (see `Index`). Resolves with whether there may be more to do. */
  tend(): Promise<boolean> {
    return this.#trusting(() => this.#index.tend());
  }

  /** Of what `refresh` took in. Rejects with TookTooLong. */
  async page(filter: Filter, options: PageOptions): Promise<Page> {
    return this.#trusting(() => this.#page(filter, options));
  }

  /** How many stories fit. Where only their lines can tell, they are counted up to `MOST_COUNTED`. */
  async count(filter: Filter, timeLimit?: TimeLimit): Promise<Counted> {
    const known = await this.#trusting(() => this.#index.count(filter.expression));
    if (known) return known;
    let [count, refused, before]: [number, number, number | undefined] = [0, 0, undefined];
    do {
      const { stories, next } = await this.page(filter, { limit: MOST_COUNTED - count, before, timeLimit });
      count += stories.length;
      refused += stories.filter((story) => factsOf(story).state === "refused").length;
      before = next;
    } while (before !== undefined && count < MOST_COUNTED);
    return { count, refused, ...(before !== undefined && { more: true as const }) };
  }

  /** The stories of all requests whose id begins so, youngest first; at most `limit`. */
  async byId(id: string, limit = 10): Promise<readonly Story[]> {
    return (await this.page(parseFilter(`id:${JSON.stringify(id)}`), { limit })).stories;
  }

  /** Do-Not-Calls that are still owed, oldest first. */
  async owed(): Promise<Story[]> {
    return this.#trusting(async () => {
      const reader = new Reader(this.#dir);
      try {
        const stories: Story[] = [];
        for (const candidate of await this.#index.duties()) stories.push(await reader.story(candidate));
        return stories;
      } finally {
        await reader.close();
      }
    });
  }

  /** How many numbers, each with its tenant and scope; and which, unless there are more than `most`. */
  openDoNotCalls(most: number): Promise<Snapshot> {
    return this.#trusting(() => this.#index.openDoNotCalls(most));
  }

  epochs(): Promise<readonly EpochSeen[]> {
    return this.#trusting(() => this.#index.epochs());
  }

  /**
   * Entries that fit and are stories by themselves, youngest first, each with whether its line leads to the root of the
   * last checkpoint. With an index below `before`.
   */
  async statements(filter: Filter, most: number, before?: number): Promise<readonly Stated[]> {
    return this.#trusting(async () => {
      const reader = new Reader(this.#dir);
      // Most journals have no such entry, and many checkpoints to look through.
      let prover: Prover | undefined;
      try {
        const stated: Stated[] = [];
        for await (const {
          entries: [entry],
        } of this.#fitting(filter, { reader, before })) {
          prover ??= await Prover.open({ disk: nodeDisk, dir: this.#dir });
          stated.push({ entry: entry!, proof: await prover.of(entry!.index, reader.lines[0]!) });
          if (stated.length === most) break;
        }
        return stated;
      } finally {
        await reader.close();
        await prover?.close();
      }
    });
  }

  async searched(): Promise<Searched> {
    const [first] = await firstsOf(nodeDisk, this.#dir);
    const everything = parseFilter("");
    const oldest = first === undefined ? undefined : await firstTime(this.#dir, first);
    const [youngest] = (await this.page(everything, { limit: 1 })).stories;
    const { spans, deleted } = await this.#missing();
    const from = spans.reduceRight((before, span) => (span.to === before ? span.from : before), first ?? 0);
    return {
      from,
      to: this.#index.size,
      first: oldest,
      last: youngest?.entries.at(-1)?.time,
      set_aside: spans,
      deleted_to: deleted?.youngest,
    };
  }

  /** The entry that explains what is missing may have been written since the last time. */
  async #missing(): Promise<Missing> {
    const look = (): Promise<Missing> =>
      missingFrom(this.#dir, this.#index.size, (filter, most) => this.statements(filter, most));
    const missing = await look();
    if (missing.spans.every(({ entry }) => entry !== null)) return missing;
    await this.refresh();
    return look();
  }

  close(): void {
    this.#index.close();
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true });
  }

  /** An index that does not hold what it says is made again: first that of the segment, then also the live one. */
  async #trusting<Found>(look: () => Promise<Found>): Promise<Found> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await look();
      } catch (error) {
        if (!isStale(error) || attempt === MOST_ATTEMPTS) throw error;
        if (error instanceof Misplaced) await this.#index.distrust(error.indexes, attempt > 0);
        else if (isDatabaseFault(error)) this.#index.rebuild();
        await this.refresh();
      }
    }
  }

  /** Youngest first. */
  async *#fitting(
    filter: Filter,
    { reader, before = Number.MAX_SAFE_INTEGER, onStep }: Fitting,
  ): AsyncGenerator<Story, void, undefined> {
    for await (const candidate of this.#index.candidates(filter.expression, before, onStep)) {
      const story = await reader.story(candidate);
      onStep?.();
      if (judge(filter.expression, factsOf(story)) === true) yield story;
    }
  }

  async #page(filter: Filter, { before, limit, timeLimit }: PageOptions): Promise<Page> {
    const stories: Story[] = [];
    const reader = new Reader(this.#dir);
    let bytes = 0;
    const onStep = (): void => timeLimit?.check(stories.length);
    try {
      for await (const story of this.#fitting(filter, { reader, before, onStep })) {
        if (stories.length === limit || (stories.length > 0 && bytes > MOST_PAGE_BYTES))
          return { stories, next: stories.at(-1)!.at };
        stories.push(story);
        bytes += reader.bytes;
      }
    } catch (error) {
      // A page that is full is an answer; only whether there is another one was not found out.
      if (!(error instanceof TookTooLong && stories.length === limit)) throw error;
      return { stories, next: stories.at(-1)!.at };
    } finally {
      await reader.close();
    }
    return { stories, next: undefined };
  }

  /** Where the directory cannot be written to, the index is made elsewhere and for this time only. */
  #open(): Index {
    try {
      return new Index(this.#dir);
    } catch (error) {
      if (!/readonly|unable to open|EACCES|EROFS|EPERM/.test(String(error))) throw error;
      return this.#openElsewhere();
    }
  }

  #openElsewhere(): Index {
    this.#temporary = mkdtempSync(join(tmpdir(), "ocsgw-index-"));
    return new Index(this.#dir, this.#temporary);
  }
}

/** Stories with an index below `before`. */
type Fitting = {
  readonly reader: Reader;
  readonly before?: number | undefined;
  readonly onStep?: (() => void) | undefined;
};

/** An index that does not hold what it says, or of a segment that was removed meanwhile. */
const isStale = (error: unknown): boolean =>
  error instanceof Misplaced || isDatabaseFault(error) || (error as NodeJS.ErrnoException).code === "ENOENT";

/** A page may show as many segments as it has rows, and each that is open takes a descriptor. */
const MOST_FILES = 8;

/** Lines by index and byte, one at a time; keeps the segments open that it met last. */
class Reader {
  readonly #dir: string;
  #firsts: Promise<number[]> | undefined;
  /** The one used last is the last. */
  readonly #files = new Map<number, SegmentFile>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Of the story that was read last. */
  lines: Buffer[] = [];

  get bytes(): number {
    return this.lines.reduce((sum, { length }) => sum + length, 0);
  }

  async story({ at, position, closed, closed_position }: Candidate): Promise<Story> {
    this.lines = [];
    const entries = [await this.#entry(at, position)];
    if (closed !== null && closed_position !== null) entries.push(await this.#entry(closed, closed_position));
    return { at, entries };
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  /** Throws Misplaced where another line is there, and LineDamaged where the line is not as it was written. */
  async #entry(index: number, position: number): Promise<Recorded> {
    const { first, file } = await this.#segmentOf(index);
    const line = await lineAt(file, position);
    const entry = line && readOrNothing(line.toString("utf8"));
    if (!line || entry?.index !== index) throw new Misplaced(`no line of index ${index} at byte ${position}`, [index]);
    const part = { bytes: line, start: 0, end: line.length, index };
    if (!(await isAsWritten({ disk: nodeDisk, dir: this.#dir }, first, part))) throw damagedLine(first, index);
    this.lines.push(line);
    return entry;
  }

  async #segmentOf(index: number): Promise<{ readonly first: number; readonly file: SegmentFile }> {
    this.#firsts ??= firstsOf(nodeDisk, this.#dir);
    const first = (await this.#firsts).findLast((each) => each <= index);
    if (first === undefined) throw new Misplaced(`no segment for index ${index}`, [index]);
    const file = this.#files.get(first) ?? (await openSegment(nodeDisk, this.#dir, first));
    this.#files.delete(first);
    this.#files.set(first, file);
    const [oldest] = this.#files.keys();
    if (this.#files.size > MOST_FILES) {
      await this.#files.get(oldest!)!.close();
      this.#files.delete(oldest!);
    }
    return { first, file };
  }
}

const readOrNothing = (line: string): Recorded | undefined => {
  try {
    return readLine(line);
  } catch {
    return undefined;
  }
};

const firstTime = async (dir: string, first: number): Promise<string | undefined> => {
  const line = await withSegment(nodeDisk, dir, first, (file) => lineAt(file, 0));
  return line && readOrNothing(line.toString("utf8"))?.time;
};
