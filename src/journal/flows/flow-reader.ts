/**
 * Reads what ended, in the order of the journal: a request with its outcome as one transaction, and every other entry
 * as one of its own. These are the transactions that a search shows, each at the index of its last entry. Every line
 * counts once, also across segments; what is gone or damaged is stated.
 */
import { nodeDisk } from "../disk.ts";
import type { Recorded } from "../entry.ts";
import { readLine } from "../entry-line.ts";
import { isAsWritten } from "../integrity/entry-proof.ts";
import { hasValidChecksum } from "../integrity/line-checksum.ts";
import { forEachLine } from "../read/read-lines.ts";
import { closesIntent, type Transaction } from "../search/transaction.ts";
import { isDeletedLine } from "../segments/retention/deleted-lines.ts";
import { firstsOf, openSegment, type SegmentFile } from "../segments/segment.ts";
import { readMicros } from "../time.ts";
import { EarlierIntents } from "./earlier-intents.ts";

/** Entries from `from` to before `to`, of which `entries` cannot be shown. */
export type Missing = {
  readonly from: number;
  readonly to: number;
  readonly entries: number;
  readonly reason: "deleted" | "set-aside" | "damaged";
};

/** `end`: the index of its last entry; `micros`: that entry's time. `bytes`: of its lines. */
export type Ended = {
  readonly end: number;
  readonly micros: number;
  readonly bytes: number;
  readonly transaction: Transaction;
};

type Gone = {
  readonly end: number;
  readonly micros: 0;
  readonly bytes: 0;
  readonly missing: Missing;
  readonly transaction?: undefined;
};
export type Flow = Ended | Gone;

/** `to`: the index after the last entry to read. `deletedTo`: retention deleted the segments below this index. */
export type Bounds = { readonly to: number; readonly deletedTo: number; readonly most: number };

type Place = { readonly first: number; readonly file: SegmentFile; at: number };
/** `bytes`: the length of the line. */
type ReadLine = {
  readonly index: number;
  readonly entry: Recorded | undefined;
  readonly bytes: number;
  readonly isDeleted: boolean;
};
type Intent = { readonly entry: Recorded; readonly bytes: number };

/** Bytes of lines that one `read` parses, at least one line. */
const MOST_BYTES = 4 << 20;
/** Bytes of intents in memory; when there are more, the outcome of the oldest one is shown without its intent. */
const MOST_OPEN_BYTES = 64 << 20;

export class FlowReader {
  readonly #dir: string;
  #next: number;
  #micros = 0;
  #place: Place | undefined;
  readonly #open = new Map<string, Intent>();
  #openBytes = 0;
  #earlier: EarlierIntents | undefined;

  /** `next`: the first index to read. */
  constructor(dir: string, next: number) {
    this.#dir = dir;
    this.#next = next;
  }

  /** The index after the last entry that was read. */
  get next(): number {
    return this.#next;
  }

  /** The time of the last entry that was read, in microseconds; 0 if it is unknown. */
  get micros(): number {
    return this.#micros;
  }

  /** Reads at most `most` lines before the index `to`; fewer if they are long or the journal has no more. */
  async read({ to, deletedTo, most }: Bounds): Promise<readonly Flow[]> {
    const flows: Flow[] = [];
    for (let [left, bytes] = [most, MOST_BYTES]; this.#next < to && left > 0 && bytes > 0;) {
      const lines = await this.#lines(Math.min(to, this.#next + left));
      if (lines.length > 0) {
        left -= lines.length;
        bytes -= lines.reduce((sum, line) => sum + line.bytes, 0);
        flows.push(...(await this.#flowsIn(lines)));
        continue;
      }
      const end = await this.#moveOn(to);
      if (end === undefined) break;
      flows.push(...holes(this.#next, end, deletedTo));
      this.#skipTo(end);
    }
    return flows;
  }

  async close(): Promise<void> {
    const file = this.#place?.file;
    this.#place = undefined;
    await file?.close();
  }

  /** The lines from `next` to before `to` that the open segment has. */
  async #lines(to: number): Promise<ReadLine[]> {
    const place = this.#place;
    if (!place) return [];
    const lines: ReadLine[] = [];
    let length = 0;
    const unproved: { readonly bytes: Buffer; readonly place: number }[] = [];
    place.at = await forEachLine(
      place.file,
      (bytes, start, end) => {
        const index = this.#next + lines.length;
        if (index >= to || length >= MOST_BYTES) return false;
        length += end - start;
        if (isDeletedLine(bytes, start, end))
          lines.push({ index, entry: undefined, bytes: end - start, isDeleted: true });
        else {
          const entry = entryIn(bytes.toString("utf8", start, end), index);
          // Copied, because the buffer is used again.
          if (entry && !hasValidChecksum(bytes, start, end))
            unproved.push({ bytes: Buffer.from(bytes.subarray(start, end)), place: lines.length });
          lines.push({ index, entry, bytes: end - start, isDeleted: false });
        }
        return true;
      },
      place.at,
    );
    for (const { bytes, place: line } of unproved) {
      const part = { bytes, start: 0, end: bytes.length, index: lines[line]!.index };
      if (!(await isAsWritten({ disk: nodeDisk, dir: this.#dir }, place.first, part)))
        lines[line] = { ...lines[line]!, entry: undefined };
    }
    this.#next += lines.length;
    if (lines.length > 0) this.#micros = microsOf(lines.at(-1)!.entry);
    return lines;
  }

  /**
   * Opens the segment with the next entry. Resolves to the end of a hole if no segment has it, and to undefined if that
   * is unknown yet.
   */
  async #moveOn(to: number): Promise<number | undefined> {
    const firsts = await firstsOf(nodeDisk, this.#dir);
    const first = firsts.findLast((each) => each <= this.#next);
    const following = firsts.find((each) => each > this.#next);
    // The open segment has no further line: either it is complete, or lines in front of the next segment are gone.
    if (first === undefined || first === this.#place?.first) {
      const end = following === undefined ? undefined : Math.min(following, to);
      return first === undefined && following === undefined ? to : end;
    }
    await this.close();
    const file = await openSegment(nodeDisk, this.#dir, first);
    let left = this.#next - first;
    const at = left === 0 ? 0 : await forEachLine(file, () => left-- > 0);
    if (left > 0) {
      await file.close();
      return following === undefined ? undefined : Math.min(following, to);
    }
    this.#place = { first, file, at };
    this.#earlier ??= new EarlierIntents(this.#dir, { first, at });
    return this.#next;
  }

  #skipTo(end: number): void {
    if (end > this.#next) this.#micros = 0;
    this.#next = end;
  }

  async #flowsIn(lines: readonly ReadLine[]): Promise<Flow[]> {
    const flows: Flow[] = [];
    const unknown: { readonly id: string; readonly place: number }[] = [];
    for (const { index, entry, bytes, isDeleted } of lines) {
      if (!entry) addMissing(flows, index, isDeleted ? "deleted" : "damaged");
      else if (entry.kind === "intent") this.#begin(entry.id, { entry, bytes });
      else {
        const begun = closesIntent(entry) ? this.#forget(entry.id) : undefined;
        if (!begun && closesIntent(entry)) unknown.push({ id: entry.id, place: flows.length });
        flows.push(endedWith(entry, bytes + (begun?.bytes ?? 0), begun?.entry));
      }
    }
    if (unknown.length === 0) return flows;
    const intents = await this.#earlier!.find(unknown.map(({ id }) => id));
    for (const { id, place } of unknown) {
      const intent = intents.get(id);
      const { bytes, transaction } = flows[place]!;
      if (intent) flows[place] = endedWith(transaction!.entries[0]!, bytes, intent);
    }
    return flows;
  }

  #begin(id: string, intent: Intent): void {
    this.#open.set(id, intent);
    this.#openBytes += intent.bytes;
    for (const oldest of this.#open.keys()) {
      if (this.#openBytes <= MOST_OPEN_BYTES) return;
      this.#forget(oldest);
    }
  }

  #forget(id: string): Intent | undefined {
    const intent = this.#open.get(id);
    this.#open.delete(id);
    this.#openBytes -= intent?.bytes ?? 0;
    return intent;
  }
}

/** The time of the entry with this index, in microseconds; undefined if it cannot be read any more. */
export const microsAt = async (dir: string, index: number): Promise<number | undefined> => {
  const reader = new FlowReader(dir, index);
  try {
    await reader.read({ to: index + 1, deletedTo: 0, most: 1 });
    return reader.micros === 0 ? undefined : reader.micros;
  } finally {
    await reader.close();
  }
};

const endedWith = (last: Recorded, bytes: number, intent: Recorded | undefined): Ended => ({
  bytes,
  end: last.index,
  micros: microsOf(last),
  transaction: intent ? { at: intent.index, entries: [intent, last] } : { at: last.index, entries: [last] },
});

const microsOf = (entry: Recorded | undefined): number => {
  const micros = readMicros(entry?.time ?? "");
  return Number.isNaN(micros) ? 0 : micros;
};

const entryIn = (line: string, index: number): Recorded | undefined => {
  try {
    const entry = readLine(line);
    return entry?.index === index ? entry : undefined;
  } catch {
    return undefined;
  }
};

const missingFlow = (from: number, to: number, reason: Missing["reason"]): Flow => ({
  end: to - 1,
  micros: 0,
  bytes: 0,
  missing: { from, to, entries: to - from, reason },
});

/** What retention deleted and what was set aside, apart. */
const holes = (from: number, to: number, deletedTo: number): Flow[] => {
  const middle = Math.min(Math.max(from, deletedTo), to);
  return [
    ...(middle > from ? [missingFlow(from, middle, "deleted")] : []),
    ...(to > middle ? [missingFlow(middle, to, "set-aside")] : []),
  ];
};

/** Extends the last statement if it is about the line before and gives the same reason. */
const addMissing = (flows: Flow[], index: number, reason: Missing["reason"]): void => {
  const last = flows.at(-1);
  if (last && "missing" in last && last.missing.to === index && last.missing.reason === reason)
    flows[flows.length - 1] = missingFlow(last.missing.from, index + 1, reason);
  else flows.push(missingFlow(index, index + 1, reason));
};
