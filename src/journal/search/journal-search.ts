/**
 * Searches the journal page by page, newest first. Results are read from the segments, and the filter is evaluated
 * again on them: the index only says where to look. An index that does not match the segments is built again.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "../disk.ts";
import type { DeletedKinds } from "../entry.ts";
import { evaluate, parseFilter, type Filter } from "./filter/filter.ts";
import { SearchIndex, StaleIndex, type EpochRange, type Progress } from "./index/search-index.ts";
import type { Count } from "./index/count.ts";
import { lineAt, parseEntry } from "./index/segment-lines.ts";
import { isDatabaseFault } from "./index/schema.ts";
import type { Snapshot } from "../open-dnc/open-dnc-rows.ts";
import { Prover } from "../integrity/entry-proof.ts";
import { findMissing, type SetAsideSpan, type MissingEntries, type EntryWithProof } from "./missing-segments.ts";
import { SearchTimeout, type TimeLimit } from "./worker/time-limit.ts";
import type { Scope } from "./scope/part.ts";
import { candidateFilter, countedFilter, matchingPart } from "./scope/scoped-filter.ts";
import { listSegments, type SegmentPage, type SegmentQuery } from "./segment-rows.ts";
import { withSegment } from "../segments/segment.ts";
import { fieldsOf, type Transaction } from "./transaction.ts";
import { readAhead } from "./read-ahead.ts";
import { TransactionReader, type ReadTransaction } from "./transaction-reader.ts";

export type Page = {
  readonly transactions: readonly Transaction[];
  /** Where the next page begins; undefined on the last page. */
  readonly next: number | undefined;
};

/** The range of searched entries, from index `from` to before `to`, with the times of the first and the last. */
export type Searched = {
  readonly from: number;
  readonly to: number;
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** Entries among them that cannot be read. */
  readonly set_aside: readonly SetAsideSpan[];
  /** The time of the newest deleted entry, according to a proved entry; undefined if there is none. */
  readonly deleted_to?: string | undefined;
  /** By kind, which of those entries were deleted before the others, according to a proved entry. */
  readonly deleted_kinds?: DeletedKinds | undefined;
};

export type PageOptions = {
  /** Only transactions with a lower index. */
  readonly before?: number | undefined;
  readonly limit: number;
  /** Unlimited if undefined. */
  readonly timeLimit?: TimeLimit | undefined;
  /** Only what people of this scope may see. */
  readonly scope?: Scope | undefined;
};

/** A page ends before its limit if its entries together are longer. */
const MOST_PAGE_BYTES = 4 << 20;
/** `more`: there are more than counted. */
export type Counted = Count & { readonly more?: true };

const MOST_COUNTED = 10_000;
const MOST_ATTEMPTS = 2;

export class JournalSearch {
  readonly dir: string;
  #index: SearchIndex;
  #temporary: string | undefined;

  /** `isTemporary`: the index is built in a temporary directory, and nothing is written beside the segments. */
  constructor(dir: string, { isTemporary = false }: { readonly isTemporary?: boolean } = {}) {
    this.dir = dir;
    this.#index = isTemporary ? this.#openTemporary() : this.#open();
  }

  /** Indexes the entries that were appended since the last time. */
  async refresh(onProgress?: Progress): Promise<void> {
    try {
      await this.#index.catchUp(onProgress);
    } catch (error) {
      if (!isStale(error)) throw error;
      if (error instanceof StaleIndex) await this.#index.discard(error.indexes, true);
      else if (isDatabaseFault(error)) this.#index.rebuild();
      await this.#index.catchUp(onProgress);
    }
  }

  /** One step of maintenance (see SearchIndex). Resolves to true if there may be more to do. */
  maintain(): Promise<boolean> {
    return this.#trusting(() => this.#index.maintain());
  }

  /** Searches the entries that `refresh` has indexed. Rejects with SearchTimeout. */
  async page(filter: Filter, options: PageOptions): Promise<Page> {
    return this.#trusting(() => this.#page(filter, options));
  }

  /** Counts the matches that people of this scope may see. If only the lines can tell, it counts up to MOST_COUNTED. */
  async count(filter: Filter, timeLimit?: TimeLimit, scope?: Scope): Promise<Counted> {
    const counted = countedFilter(scope, filter.expression);
    const known = counted && (await this.#trusting(() => this.#index.count(counted)));
    if (known) return known;
    let [count, refused, before]: [number, number, number | undefined] = [0, 0, undefined];
    do {
      const { transactions, next } = await this.page(filter, { limit: MOST_COUNTED - count, before, timeLimit, scope });
      count += transactions.length;
      refused += transactions.filter((transaction) => fieldsOf(transaction).state === "refused").length;
      before = next;
    } while (before !== undefined && count < MOST_COUNTED);
    return { count, refused, ...(before !== undefined && { more: true as const }) };
  }

  /** The transactions whose request id begins with `id`, newest first; at most `limit`. */
  async byId(id: string, { limit = 10, scope }: Partial<PageOptions> = {}): Promise<readonly Transaction[]> {
    return (await this.page(parseFilter(`id:${JSON.stringify(id)}`), { limit, scope })).transactions;
  }

  /** The newest request whose id begins with `id`, and its lines without line breaks; undefined if there is none. */
  linesOf(id: string): Promise<(Transaction & { readonly lines: readonly Buffer[] }) | undefined> {
    return this.#reading(async (reader) => {
      for await (const { transaction, lines } of this.#fitting(parseFilter(`id:${JSON.stringify(id)}`), { reader }))
        return { ...transaction, lines };
      return undefined;
    });
  }

  /** Open Do-Not-Calls, oldest first. */
  openDnc(): Promise<Transaction[]> {
    return this.#reading(async (reader) => {
      const transactions: Transaction[] = [];
      for (const candidate of await this.#index.openDnc())
        transactions.push((await reader.read(candidate)).transaction);
      return transactions;
    });
  }

  /** How many Do-Not-Calls are open, and which, unless there are more than `most`. */
  openDncSnapshot(most: number): Promise<Snapshot> {
    return this.#trusting(() => this.#index.openDncSnapshot(most));
  }

  /** `before`: a first index. */
  segments(query: Pick<SegmentQuery, "before" | "limit">): Promise<SegmentPage> {
    return listSegments({ dir: this.dir, size: this.#index.size, ...query });
  }

  epochs(): Promise<readonly EpochRange[]> {
    return this.#trusting(() => this.#index.epochs());
  }

  /** Matching entries of single-entry transactions below `before`, newest first, each with the result of its proof. */
  async entriesWithProof(filter: Filter, most: number, before?: number): Promise<readonly EntryWithProof[]> {
    return this.#reading(async (reader) => {
      // Opened on demand: most journals have no such entry, but many checkpoints to list.
      let prover: Prover | undefined;
      try {
        const stated: EntryWithProof[] = [];
        for await (const { transaction, lines } of this.#fitting(filter, { reader, before })) {
          const entry = transaction.entries[0]!;
          prover ??= await Prover.open({ disk: nodeDisk, dir: this.dir });
          stated.push({ entry, proof: await prover.of(entry.index, lines[0]!) });
          if (stated.length === most) break;
        }
        return stated;
      } finally {
        await prover?.close();
      }
    });
  }

  async searched(): Promise<Searched> {
    const [first] = (await this.#index.segments.read()).firsts;
    const everything = parseFilter("");
    const oldest = first === undefined ? undefined : await firstTime(this.dir, first);
    const [youngest] = (await this.page(everything, { limit: 1 })).transactions;
    const { spans, deleted } = await this.#missing();
    const from = spans.reduceRight((before, span) => (span.to === before ? span.from : before), first ?? 0);
    return {
      from,
      to: this.#index.size,
      first: oldest,
      last: youngest?.entries.at(-1)?.time,
      set_aside: spans,
      deleted_to: deleted?.youngest,
      ...(deleted?.kinds && { deleted_kinds: deleted.kinds }),
    };
  }

  /** Refreshes once if a missing segment is unexplained: the entry about it may be new. */
  async #missing(): Promise<MissingEntries> {
    const look = (): Promise<MissingEntries> =>
      findMissing(this.dir, this.#index.size, (filter, most) => this.entriesWithProof(filter, most));
    const missing = await look();
    if (missing.spans.every(({ entry }) => entry !== null)) return missing;
    await this.refresh();
    return look();
  }

  close(): void {
    this.#index.close();
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true });
  }

  #reading<Found>(look: (reader: TransactionReader) => Promise<Found>): Promise<Found> {
    return this.#trusting(async () => {
      const reader = new TransactionReader(this.dir, this.#index.segments);
      try {
        return await look(reader);
      } finally {
        await reader.close();
      }
    });
  }

  /** Repeats `look` with a rebuilt index if the index is stale: first that of the segment, then also the live one. */
  async #trusting<Found>(look: () => Promise<Found>): Promise<Found> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await look();
      } catch (error) {
        if (!isStale(error) || attempt === MOST_ATTEMPTS) throw error;
        if (error instanceof StaleIndex) await this.#index.discard(error.indexes, attempt > 0);
        else if (isDatabaseFault(error)) this.#index.rebuild();
        await this.refresh();
      }
    }
  }

  /** Matches, newest first. */
  async *#fitting(
    filter: Filter,
    { reader, before = Number.MAX_SAFE_INTEGER, onStep, scope }: Matching,
  ): AsyncGenerator<ReadTransaction, void, undefined> {
    const { expression } = filter;
    const wanted = scope ? candidateFilter(scope, expression) : expression;
    const found = this.#index.candidates(wanted, before, onStep);
    for await (const read of readAhead(found, (candidate) => reader.read(candidate))) {
      const { transaction } = read;
      onStep?.();
      const isMatch = scope
        ? matchingPart(scope, expression, transaction) !== undefined
        : evaluate(expression, fieldsOf(transaction)) === true;
      if (isMatch) yield read;
    }
  }

  async #page(filter: Filter, { before, limit, timeLimit, scope }: PageOptions): Promise<Page> {
    const transactions: Transaction[] = [];
    const reader = new TransactionReader(this.dir, this.#index.segments);
    let bytes = 0;
    const onStep = (): void => timeLimit?.check(transactions.length);
    try {
      for await (const { transaction, lines } of this.#fitting(filter, { reader, before, onStep, scope })) {
        if (transactions.length === limit || (transactions.length > 0 && bytes > MOST_PAGE_BYTES))
          return { transactions, next: transactions.at(-1)!.at };
        transactions.push(transaction);
        bytes += lines.reduce((sum, { length }) => sum + length, 0);
      }
    } catch (error) {
      // A full page is a result; only whether there is a further page is unknown.
      if (!(error instanceof SearchTimeout && transactions.length === limit)) throw error;
      return { transactions, next: transactions.at(-1)!.at };
    } finally {
      await reader.close();
    }
    return { transactions, next: undefined };
  }

  /** If the directory is not writable, the index is built in a temporary one. */
  #open(): SearchIndex {
    try {
      return new SearchIndex(this.dir);
    } catch (error) {
      if (!/readonly|unable to open|EACCES|EROFS|EPERM/.test(String(error))) throw error;
      return this.#openTemporary();
    }
  }

  #openTemporary(): SearchIndex {
    this.#temporary = mkdtempSync(join(tmpdir(), "ocsgw-index-"));
    return new SearchIndex(this.dir, this.#temporary);
  }
}

/** Only transactions with an index below `before`. */
type Matching = {
  readonly reader: TransactionReader;
  readonly before?: number | undefined;
  readonly onStep?: (() => void) | undefined;
  readonly scope?: Scope | undefined;
};

/** Whether the index does not match the segments, or a segment was removed meanwhile. */
const isStale = (error: unknown): boolean =>
  error instanceof StaleIndex || isDatabaseFault(error) || (error as NodeJS.ErrnoException).code === "ENOENT";

const firstTime = async (dir: string, first: number): Promise<string | undefined> => {
  const line = await withSegment(nodeDisk, dir, first, (file) => lineAt(file, 0));
  return line && parseEntry(line.toString("utf8"))?.time;
};
