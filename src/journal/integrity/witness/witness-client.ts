/**
 * The gateway's client of one external witness. It submits the newest checkpoint, one request at a time; a later
 * checkpoint covers those that were missed. Nothing waits for the witness.
 */
import { readCheckpoint } from "../checkpoints/signed-note.ts";
import { readWitnessKey, type WitnessKey } from "../../verify/bundle/cosignature.mjs";
import { submitCheckpoint, type Submitted } from "./add-checkpoint.ts";
import type { Send } from "./ask.ts";
import type { ConsistencyProofs } from "./consistency.ts";
import type { CosignedNotes } from "./cosigned.ts";
import { Retry, type Timing } from "./retry.ts";
import { faultInWords } from "../../../common/system-error.ts";

/** As in the config. */
export type WitnessAddress = { readonly url: string; /** Verifier key. */ readonly key: string };

export type WitnessEvent = { readonly witness: string } & (
  | { readonly kind: "away"; readonly reason: string }
  | { readonly kind: "back" }
  /** `size`: as the witness claims; `own`: the size of the submitted checkpoint. */
  | { readonly kind: "ahead"; readonly size: number; readonly own: number }
  | { readonly kind: "contradiction"; readonly size: number; readonly own: number }
  /** The witness had cosigned `before` entries, but now remembers only `now`. */
  | { readonly kind: "lost"; readonly before: number; readonly now: number }
);

export type WitnessState = {
  /** Name and id of its key. */
  readonly witness: string;
  readonly url: string;
  /** Entries that its last cosignature covers; 0 if there is none. */
  readonly size: number;
  /** Milliseconds since its last cosignature in this run; undefined before. */
  readonly age: number | undefined;
  /** Why the witness does not cosign. */
  readonly trouble: string | undefined;
};

export type ClientOptions = {
  readonly proofs: ConsistencyProofs;
  readonly address: WitnessAddress;
  readonly notes: CosignedNotes;
  /** From the start state: entries that witnesses had cosigned, by name. */
  readonly saved: unknown;
  readonly onNews: (news: WitnessEvent) => void;
  /** Called after each request. */
  readonly changed: () => void;
  readonly timing?: Timing | undefined;
  /** Default: HTTP to the address. */
  readonly send?: Send | undefined;
};

const TIMING: Timing = { timeout: 10_000, firstTry: 1000, longestTry: 60_000, stop: 2000 };

type Trouble = { readonly kind: "away" | "ahead" | "contradiction"; readonly text: string };

export class WitnessClient {
  readonly name: string;
  readonly #options: ClientOptions;
  readonly #key: WitnessKey;
  readonly #timing: Timing;
  readonly #retry: Retry;
  #newest: string | undefined;
  #size: number;
  #at: number | undefined;
  #trouble: Trouble | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#key = readWitnessKey(options.address.key);
    this.name = `${this.#key.name}+${this.#key.id}`;
    this.#timing = options.timing ?? TIMING;
    this.#size = savedSize(options.saved, this.name);
    this.#retry = new Retry(this.#timing, () => this.#work());
  }

  get state(): WitnessState {
    const age = this.#at === undefined ? undefined : performance.now() - this.#at;
    return { witness: this.name, url: this.#options.address.url, size: this.#size, age, trouble: this.#trouble?.text };
  }

  readonly submit = (note: string): void => {
    this.#newest = note;
    // After a failure the retry timer asks.
    if (this.#trouble === undefined) this.#retry.start();
  };

  /** Tries once more, for at most two seconds. */
  readonly stop = async (): Promise<void> => {
    this.#retry.start();
    await this.#retry.settled();
    this.#retry.close();
    // A pending write must end before the journal's lock is released; a hanging disk is not waited for.
    await this.#retry.settled();
  };

  async #work(): Promise<void> {
    for (let note = this.#newest; note !== undefined && !this.#retry.isClosed; note = this.#newest) {
      const submitted = await this.#ask(note);
      if (this.#retry.isClosed) return;
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
      send,
    } = this.#options;
    const submitted = await submitCheckpoint({
      proofs,
      url,
      note,
      key: this.#key,
      old: this.#size,
      timeoutMs: this.#timing.timeout,
      signal: this.#retry.signal,
      send,
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
    const { onNews, changed } = this.#options;
    if (lost !== undefined) onNews({ kind: "lost", witness: this.name, before: this.#size, now: lost });
    this.#size = readCheckpoint(note)!.size;
    this.#at = performance.now();
    this.#retry.succeeded();
    if (this.#trouble !== undefined) onNews({ kind: "back", witness: this.name });
    this.#trouble = undefined;
    changed();
  }

  #failed(submitted: Exclude<Submitted, { kind: "cosigned" }>, note: string): void {
    const { onNews, changed } = this.#options;
    const own = readCheckpoint(note)!.size;
    const before = this.#trouble;
    this.#trouble = { kind: submitted.kind, text: inWords(this.name, submitted, own) };
    if (before?.kind !== submitted.kind) {
      const witness = this.name;
      onNews(submitted.kind === "away" ? { witness, ...submitted } : { witness, own, ...submitted });
    }
    this.#retry.failed();
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
        `witness ${witness} says that it cosigned ${submitted.size} entries, and this journal has ${own}: it is ` +
        "an older copy, or another journal has the same origin and key, or the witness is wrong"
      );
    case "contradiction":
      return (
        `witness ${witness} cosigned another history of the first ${submitted.size} entries: this journal was ` +
        "rewritten, or replaced by a copy"
      );
  }
};
