/**
 * Forwards the journal's entries to one destination, in order. The position advances when the receiver has taken them:
 * after a crash or a lost connection, entries may come twice, and never not at all. What is no longer in the journal is
 * named in a message of its own.
 */
import { faultInWords } from "../../common/system-error.ts";
import { deliver } from "./delivery.ts";
import { addressText, type Destination } from "./destination.ts";
import { journalLineIn, lastLineIn } from "./last-in-file.ts";
import { ocsfEntry, ocsfMissing } from "./ocsf.ts";
import { readWholePosition, within, writePosition } from "./position.ts";
import { RecentIntents, type Request } from "./recent-intents.ts";
import { rfc5424 } from "./rfc5424.ts";
import { SegmentReader, type EntryLine, type Missing } from "./segment-reader.ts";

export type ForwardState = {
  readonly name: string;
  /** The address, as the config has it. */
  readonly to: string;
  /** The index of the next entry; undefined until it is known. */
  readonly next: number | undefined;
  /** Why entries do not arrive. */
  readonly trouble: string | undefined;
  /** Failed attempts, and entries that were gone before they were forwarded, both in this run. */
  readonly failures: number;
  readonly missing: number;
};

export type ForwardNews =
  | { readonly kind: "state"; readonly state: ForwardState }
  | { readonly kind: "missing"; readonly name: string; readonly missing: Missing };

type Parts = {
  readonly dir: string;
  readonly version: string;
  readonly destination: Destination;
  /** Entries on disk. */
  readonly size: number;
  readonly onNews: (news: ForwardNews) => void;
};

type Form = {
  readonly entry: (line: EntryLine, request: Request | undefined) => string;
  readonly missing: (missing: Missing) => string;
};

type Sleep = { readonly until: "entries" | "pace" | "retry"; readonly wake: () => void };

/** Doubled at each failure, also the first one. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** A destination gets at most one batch in this time while it keeps up. */
const PACE_MS = 500;
/** Intents of requests that were in flight at the position. */
const WARM_UP = 5000;

export class Forwarder {
  readonly #dir: string;
  readonly #version: string;
  readonly #onNews: Parts["onNews"];
  readonly #reader: SegmentReader;
  readonly #intents = new RecentIntents();
  #destination: Destination;
  #form: Form;
  /** Entries on disk at the beginning, and now. */
  readonly #first: number;
  #size: number;
  #next: number | undefined;
  /** The position on disk. */
  #kept: number | undefined;
  #trouble: string | undefined;
  #failures = 0;
  #missing = 0;
  #retryMs = FIRST_RETRY_MS;
  /** Whether the destination file was compared with the position. */
  #isCompared = false;
  #isStopping = false;
  #isOver = false;
  #sleep: Sleep | undefined;

  constructor({ dir, version, destination, size, onNews }: Parts) {
    this.#dir = dir;
    this.#version = version;
    this.#destination = destination;
    this.#form = formOf(destination, version);
    this.#first = size;
    this.#size = size;
    this.#onNews = onNews;
    this.#reader = new SegmentReader(dir);
  }

  /** Entries on disk; never fewer than before. */
  set size(size: number) {
    if (size <= this.#size) return;
    this.#size = size;
    if (this.#sleep?.until === "entries") this.#wake();
  }

  /** The position stays: the new address gets the next entry. */
  set destination(destination: Destination) {
    if (JSON.stringify(destination) === JSON.stringify(this.#destination)) return;
    this.#destination = destination;
    this.#form = formOf(destination, this.#version);
    this.#isCompared = false;
    this.#retryMs = FIRST_RETRY_MS;
    this.#wake();
  }

  /** Ends when everything below the last size is forwarded, or cannot be now. */
  stop(): void {
    this.#isStopping = true;
    this.#wake();
  }

  /** Ends after the batch under way. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const size = this.#size;
      const isFine = await this.#step().then(
        () => true,
        (error: unknown) => this.#failed(error),
      );
      this.#report();
      if (isFine && this.#isBehind(this.#isStopping ? this.#size : size)) continue;
      if (this.#isStopping) return;
      if (!isFine) await this.#rest("retry", this.#retryMs);
      else await this.#rest("pace", PACE_MS);
      if (isFine && !this.#isBehind(this.#size)) await this.#rest("entries");
    }
  }

  #isBehind(size: number): boolean {
    return this.#next === undefined || this.#next < size;
  }

  async #rest(until: Sleep["until"], ms?: number): Promise<void> {
    if (this.#isStopping || this.#isOver) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    this.#sleep = { until, wake: resolve };
    await promise;
    this.#sleep = undefined;
    clearTimeout(timer);
  }

  #wake(): void {
    this.#sleep?.wake();
  }

  #failed(error: unknown): false {
    this.#failures++;
    this.#trouble = faultInWords(error);
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
    return false;
  }

  #report(): void {
    const { name, to } = this.#destination;
    const [next, trouble, failures, missing] = [this.#next, this.#trouble, this.#failures, this.#missing];
    this.#onNews({ kind: "state", state: { name, to: addressText(to), next, trouble, failures, missing } });
  }

  /** Forwards at most one portion. */
  async #step(): Promise<void> {
    await this.#begin();
    if (!this.#isCompared) await this.#compare();
    const [next, size] = [this.#next!, this.#size];
    if (next < size) {
      const portion = await this.#reader.read(next, size);
      const destination = this.#destination;
      const messages = this.#messagesOf(portion.pieces);
      if (messages.length > 0) await deliver(destination, messages);
      this.#take(portion.pieces);
      this.#next = portion.next;
    }
    await this.#keep();
    this.#trouble = undefined;
    this.#retryMs = FIRST_RETRY_MS;
  }

  async #begin(): Promise<void> {
    if (this.#next !== undefined) return;
    const { name, from } = this.#destination;
    const kept = await readWholePosition(this.#dir, name);
    // Not the present size: while the receiver was away, entries may have been written.
    const { next, lostTo } = within(kept ?? { next: from === "now" ? this.#first : 0 }, this.#first);
    if (lostTo !== undefined) {
      const missing: Missing = { from: next, to: lostTo, reason: "the journal was restored" };
      await this.#lastLine();
      await deliver(this.#destination, [this.#form.missing(missing)]);
      this.#lost(missing);
    }
    this.#kept = lostTo === undefined ? kept?.next : undefined;
    this.#next = next;
    await this.#warmUp(next);
  }

  /** Reads the entries before the position for their intents. */
  async #warmUp(next: number): Promise<void> {
    for (let at = Math.max(0, next - WARM_UP); at < next;) {
      const portion = await this.#reader.read(at, next);
      for (const piece of portion.pieces) if ("entry" in piece) this.#intents.take(piece.entry);
      at = portion.next;
    }
  }

  /** Skips what a destination file has already. */
  async #compare(): Promise<void> {
    const destination = this.#destination;
    const found = journalLineIn((await this.#lastLine()) ?? "");
    // Entries of another journal do not count.
    if (found && found.index >= this.#next! && found.index < this.#size && (await this.#has(found)))
      this.#next = found.index + 1;
    this.#isCompared = this.#destination === destination;
  }

  /** Of a destination file, after its incomplete last line was removed. */
  async #lastLine(): Promise<string | undefined> {
    const { to } = this.#destination;
    return to.kind === "file" ? lastLineIn(to.path) : undefined;
  }

  async #has({ index, text }: { readonly index: number; readonly text: string }): Promise<boolean> {
    const [piece] = (await this.#reader.read(index, index + 1)).pieces;
    return piece !== undefined && "text" in piece && piece.text === text;
  }

  #messagesOf(pieces: readonly (EntryLine | Missing)[]): string[] {
    const { kinds } = this.#destination;
    const requests = this.#requestsOf(pieces);
    return pieces.flatMap((piece) => {
      if (!("entry" in piece)) return [this.#form.missing(piece)];
      const { entry } = piece;
      return kinds === null || kinds.includes(entry.kind) ? [this.#form.entry(piece, requests.get(entry.index))] : [];
    });
  }

  /** The requests that entries of this portion end. A portion may be delivered again, so nothing is forgotten yet. */
  #requestsOf(pieces: readonly (EntryLine | Missing)[]): ReadonlyMap<number, Request> {
    const own = new RecentIntents();
    const found = new Map<number, Request>();
    for (const piece of pieces) {
      if (!("entry" in piece)) continue;
      const request = own.take(piece.entry) ?? this.#intents.of(piece.entry);
      if (request) found.set(piece.entry.index, request);
    }
    return found;
  }

  #take(pieces: readonly (EntryLine | Missing)[]): void {
    for (const piece of pieces) {
      if ("entry" in piece) this.#intents.take(piece.entry);
      else this.#lost(piece);
    }
  }

  #lost(missing: Missing): void {
    this.#missing += missing.to - missing.from;
    this.#onNews({ kind: "missing", name: this.#destination.name, missing });
  }

  async #keep(): Promise<void> {
    if (this.#kept === this.#next) return;
    await writePosition(this.#dir, this.#destination.name, { next: this.#next! });
    this.#kept = this.#next;
  }
}

const formOf = ({ format, to, enterprise_number }: Destination, version: string): Form =>
  format === "rfc5424"
    ? rfc5424(enterprise_number, to.kind !== "file" && to.protocol === "udp")
    : { entry: ocsfEntry(version), missing: ocsfMissing(version) };
