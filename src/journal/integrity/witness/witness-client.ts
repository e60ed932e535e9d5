/**
 * One external witness as the gateway sees it. It gets the newest checkpoint, one question at a time, however slow
 * it is; what it missed is covered by what it gets next. Nobody waits for it.
 */
import { within } from "../broken.ts";
import { readCheckpoint } from "../note.ts";
import { readWitnessKey, type WitnessKey } from "../verify/cosignature.mjs";
import { submitCheckpoint, type Submitted } from "./add-checkpoint.ts";
import type { ConsistencyProofs } from "./consistency.ts";
import type { CosignedNotes } from "./cosigned.ts";
import { faultInWords } from "../../system-error.ts";

/** As it stands in the config. */
export type WitnessAddress = { readonly url: string; /** Verifier key. */ readonly key: string };

export type WitnessNews = { readonly witness: string } & (
  | { readonly kind: "away"; readonly reason: string }
  | { readonly kind: "back" }
  /** The size that it named, and the size of the checkpoint that it was asked about. */
  | { readonly kind: "ahead"; readonly size: number; readonly own: number }
  | { readonly kind: "contradiction"; readonly size: number; readonly own: number }
  /** It had cosigned `before`, and remembers less. */
  | { readonly kind: "lost"; readonly before: number; readonly now: number }
);

export type WitnessState = {
  /** Name and id of its key. */
  readonly witness: string;
  readonly url: string;
  /** Entries that its last cosignature covers; 0 when there is none. */
  readonly size: number;
  /** Milliseconds since it cosigned, in this run; undefined before. */
  readonly age: number | undefined;
  /** Why it does not cosign, in words. */
  readonly trouble: string | undefined;
};

export type ClientOptions = {
  readonly proofs: ConsistencyProofs;
  readonly address: WitnessAddress;
  readonly notes: CosignedNotes;
  /** Of the start state: entries that witnesses had cosigned, by name. */
  readonly saved: unknown;
  readonly tell: (news: WitnessNews) => void;
  /** Told after each question. */
  readonly changed: () => void;
  readonly timing?: Timing | undefined;
};

/** Milliseconds. */
export type Timing = {
  readonly timeout: number;
  readonly firstTry: number;
  readonly longestTry: number;
  readonly stop: number;
};
const TIMING: Timing = { timeout: 10_000, firstTry: 1000, longestTry: 60_000, stop: 2000 };

type Trouble = { readonly kind: "away" | "ahead" | "contradiction"; readonly text: string };

export class WitnessClient {
  readonly name: string;
  readonly #options: ClientOptions;
  readonly #key: WitnessKey;
  readonly #timing: Timing;
  readonly #closing = new AbortController();
  #newest: string | undefined;
  #size: number;
  #at: number | undefined;
  #trouble: Trouble | undefined;
  #turn: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tryMs: number;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#key = readWitnessKey(options.address.key);
    this.name = `${this.#key.name}+${this.#key.id}`;
    this.#timing = options.timing ?? TIMING;
    this.#size = savedSize(options.saved, this.name);
    this.#tryMs = this.#timing.firstTry;
  }

  get state(): WitnessState {
    const age = this.#at === undefined ? undefined : performance.now() - this.#at;
    return { witness: this.name, url: this.#options.address.url, size: this.#size, age, trouble: this.#trouble?.text };
  }

  readonly submit = (note: string): void => {
    this.#newest = note;
    // While it gives no cosignature, its timer asks.
    if (this.#trouble === undefined) this.#start();
  };

  /** Tries once more, for two seconds at most. */
  readonly stop = async (): Promise<void> => {
    this.#start();
    await within(this.#timing.stop, this.#turn ?? Promise.resolve()).catch(() => undefined);
    this.#closing.abort();
    clearTimeout(this.#timer);
    // What it still writes must not come after the journal's lock was let go; a disk that hangs is not waited for.
    await within(this.#timing.stop, this.#turn ?? Promise.resolve()).catch(() => undefined);
  };

  #start(): void {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    this.#turn ??= this.#work().finally(() => (this.#turn = undefined));
  }

  async #work(): Promise<void> {
    for (let note = this.#newest; note !== undefined && !this.#closing.signal.aborted; note = this.#newest) {
      const submitted = await this.#ask(note);
      if (this.#closing.signal.aborted) return;
      if (submitted.kind !== "cosigned") return this.#failed(submitted, note);
      if (this.#newest === note) this.#newest = undefined;
      this.#done(submitted, note);
    }
  }

  async #ask(note: string): Promise<Submitted> {
    const {
      proofs,
      address: { url },
      notes,
    } = this.#options;
    const submitted = await submitCheckpoint({
      proofs,
      url,
      note,
      key: this.#key,
      old: this.#size,
      timeoutMs: this.#timing.timeout,
      signal: this.#closing.signal,
    });
    if (submitted.kind !== "cosigned") return submitted;
    try {
      await notes.add(note, submitted.line);
      return submitted;
    } catch (error) {
      return {
        kind: "away",
        reason: `its cosignature cannot be kept: ${faultInWords(error)}`,
      };
    }
  }

  #done({ lost }: Extract<Submitted, { kind: "cosigned" }>, note: string): void {
    const { tell, changed } = this.#options;
    if (lost !== undefined) tell({ kind: "lost", witness: this.name, before: this.#size, now: lost });
    this.#size = readCheckpoint(note)!.size;
    this.#at = performance.now();
    this.#tryMs = this.#timing.firstTry;
    if (this.#trouble !== undefined) tell({ kind: "back", witness: this.name });
    this.#trouble = undefined;
    changed();
  }

  #failed(submitted: Exclude<Submitted, { kind: "cosigned" }>, note: string): void {
    const { tell, changed } = this.#options;
    const own = readCheckpoint(note)!.size;
    const before = this.#trouble;
    this.#trouble = { kind: submitted.kind, text: inWords(this.name, submitted, own) };
    if (before?.kind !== submitted.kind) {
      const witness = this.name;
      tell(submitted.kind === "away" ? { witness, ...submitted } : { witness, own, ...submitted });
    }
    this.#timer = setTimeout(() => this.#start(), this.#tryMs).unref();
    this.#tryMs = Math.min(2 * this.#tryMs, this.#timing.longestTry);
    changed();
  }
}

const savedSize = (saved: unknown, name: string): number => {
  const size: unknown =
    typeof saved === "object" && saved !== null ? Object.getOwnPropertyDescriptor(saved, name)?.value : undefined;
  return typeof size === "number" && Number.isSafeInteger(size) && size > 0 ? size : 0;
};

const inWords = (witness: string, submitted: Exclude<Submitted, { kind: "cosigned" }>, own: number): string => {
  switch (submitted.kind) {
    case "away":
      return `witness ${witness} does not cosign: ${submitted.reason}`;
    case "ahead":
      return (
        `witness ${witness} says that it cosigned ${submitted.size} entries, ` +
        `and this journal has ${own}: it is an older copy, or another ` +
        "journal has the same origin and key, or the witness is wrong"
      );
    case "contradiction":
      return (
        `witness ${witness} cosigned another history of the first ${submitted.size} entries: ` +
        `this journal was rewritten, or replaced by a copy`
      );
  }
};
