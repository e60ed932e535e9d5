/**
 * Writes batches to the disk and keeps what is known of the entries there: the tree, the leaf hashes, the scan state.
 */
import { withTimeout } from "../../common/timeout.ts";
import type { Head } from "../journal.ts";
import type { Entry } from "../entry.ts";
import type { Digest } from "../integrity/merkle-tree.ts";
import type { Segments } from "../segments/segment-writer.ts";
import type { Batch } from "./batch.ts";
import type { Recovered } from "./recovery/recover.ts";
import type { RecoveryScan } from "./recovery/recovery-scan.ts";
import { copyOf, stateText } from "./start-state.ts";

export type BatchWriterOptions = Pick<Recovered, "tree" | "leaves" | "trail" | "leaf"> & {
  readonly segments: Segments;
  /** A disk call that takes longer counts as failed, in milliseconds. */
  readonly stuckMs: number;
  readonly written: (entry: Entry, index: number, micros: number) => void;
  readonly beside?: Readonly<Record<string, () => unknown>>;
};

export class BatchWriter {
  /** What the entries on disk say. */
  readonly known: RecoveryScan;
  readonly #options: BatchWriterOptions;
  #leaf: Digest | undefined;
  /** The last write; it may still be running after the writer stopped waiting for it. */
  #asked: Promise<void> | undefined;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
    this.known = copyOf(options.trail);
    this.#leaf = options.leaf;
  }

  /** Entries on disk. */
  get size(): number {
    return this.#options.tree.size();
  }

  /** `isLate`: whether the writer has failed meanwhile; then `readBack` finds out what became of the batch. */
  async write(batch: Batch, isLate: () => boolean): Promise<void> {
    const { segments, leaves, stuckMs } = this.#options;
    this.#asked = segments.write({ bytes: batch.bytes, index: this.size, time: batch.since });
    await withTimeout(stuckMs, this.#asked);
    if (isLate()) return;
    segments.took(batch.length);
    batch.resolve();
    // First resolve the waiting appends, then grow the tree.
    await batch.done;
    this.#grow(batch, batch.entries.length);
    batch.empty();
    if (leaves.spills) await withTimeout(stuckMs, leaves.write());
  }

  /**
   * Entries of the failed batch that are on disk stay, because somebody may have read them; the others are dropped.
   * Resolves with the number of entries that are on disk.
   */
  async readBack(batch: Batch): Promise<number> {
    await this.#asked?.catch(() => undefined);
    const kept = batch.linesIn(await this.#options.segments.readBack(batch.bytes));
    this.#grow(batch, kept);
    return kept;
  }

  /** Flushes what the system may not have written yet. */
  async flush(): Promise<void> {
    const { segments, leaves, stuckMs } = this.#options;
    await withTimeout(stuckMs, Promise.all([segments.flush(), leaves.flush()]));
  }

  /** Call it only while no write is running. `stateFor`: the origin for a start state, if one is wanted. */
  head(stateFor: string | undefined): Head {
    const { tree } = this.#options;
    return { size: tree.size(), root: tree.root(), state: stateFor === undefined ? undefined : this.#state(stateFor) };
  }

  /** Undefined before the first entry. */
  #state(origin: string): string | undefined {
    const { tree, segments, beside = {} } = this.#options;
    const { first, bytes, number } = segments;
    if (first === undefined || this.#leaf === undefined) return undefined;
    const place = { size: tree.size(), tree, leaf: this.#leaf, segment: first, bytes, segments: number };
    const saved = Object.fromEntries(Object.entries(beside).map(([name, save]) => [name, save()]));
    return stateText({ ...place, trail: this.known, beside: saved }, origin);
  }

  /** Counts the first `count` entries of the batch as on disk. */
  #grow(batch: Batch, count: number): void {
    const { tree, leaves, trail, written } = this.#options;
    for (let at = 0; at < count; at++) {
      const [entry, leaf] = [batch.entries[at]!, batch.leaves[at]!];
      trail.settled(entry);
      written(entry, tree.size(), batch.times[at]!);
      this.known.take(entry, tree.size());
      tree.append(leaf);
      leaves.add(leaf);
      this.#leaf = leaf;
    }
  }
}
