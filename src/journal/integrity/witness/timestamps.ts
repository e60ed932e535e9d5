/**
 * Timestamps of checkpoints by an outside authority (RFC 3161): the newest checkpoint gets one when the last is old
 * enough. The answer is verified before it is kept, and nobody waits for it.
 */
import { randomBytes, type X509Certificate } from "node:crypto";
import { reasonOf, within } from "../broken.ts";
import { replaceWhole, type Disk } from "../disk.ts";
import { readCheckpoint } from "../note.ts";
import { places } from "../places.ts";
import { imprintOf, readTimestamp, timestampRequest } from "../verify/timestamp.mjs";
import { ask } from "./ask.ts";

export type TimestampState = {
  readonly url: string;
  /** Entries that the last timestamp of this run covers, and its time (milliseconds since 1970); undefined before. */
  readonly last: { readonly size: number; readonly time: number; readonly age: number } | undefined;
  /** Why there is no new one, in words. */
  readonly trouble: string | undefined;
};

export type TimestampNews = { readonly url: string } & (
  | { readonly kind: "away"; readonly reason: string }
  | { readonly kind: "back" }
);

export type TimestampsOptions = {
  readonly disk: Disk;
  readonly dir: string;
  readonly url: string;
  readonly authorities: readonly X509Certificate[];
  readonly everyMs: number;
  readonly tell: (news: TimestampNews) => void;
  readonly timing?: Timing | undefined;
};

/** Milliseconds. */
export type Timing = {
  readonly timeout: number;
  readonly firstTry: number;
  readonly longestTry: number;
  readonly stop: number;
};
const TIMING: Timing = { timeout: 15_000, firstTry: 5000, longestTry: 300_000, stop: 2000 };

/** A token with its certificates has some thousand bytes. */
const MOST_BYTES = 256 << 10;
const NONCE_BYTES = 8;

export class Timestamps {
  readonly #options: TimestampsOptions;
  readonly #timing: Timing;
  readonly #closing = new AbortController();
  #newest: string | undefined;
  #last: { readonly size: number; readonly time: number; readonly at: number } | undefined;
  #trouble: string | undefined;
  #turn: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tryMs: number;

  constructor(options: TimestampsOptions) {
    this.#options = options;
    this.#timing = options.timing ?? TIMING;
    this.#tryMs = this.#timing.firstTry;
  }

  get state(): TimestampState {
    const last = this.#last && { size: this.#last.size, time: this.#last.time, age: performance.now() - this.#last.at };
    return { url: this.#options.url, last, trouble: this.#trouble };
  }

  readonly submit = (note: string): void => {
    this.#newest = note;
    if (this.#trouble === undefined && this.#isDue()) this.#start();
  };

  /** Does not wait for the authority: the next run asks again. */
  readonly stop = async (): Promise<void> => {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await within(this.#timing.stop, this.#turn ?? Promise.resolve()).catch(() => undefined);
  };

  #isDue(): boolean {
    return this.#last === undefined || performance.now() - this.#last.at >= this.#options.everyMs;
  }

  #start(): void {
    clearTimeout(this.#timer);
    const note = this.#newest;
    if (note === undefined || this.#closing.signal.aborted) return;
    this.#turn ??= this.#ask(note).finally(() => (this.#turn = undefined));
  }

  async #ask(note: string): Promise<void> {
    const { disk, dir, url, authorities, tell } = this.#options;
    const { size } = readCheckpoint(note)!;
    try {
      const imprint = imprintOf(note);
      const nonce = aNonce();
      const { status, type, body } = await ask({
        url,
        body: timestampRequest(imprint, nonce),
        contentType: "application/timestamp-query",
        timeoutMs: this.#timing.timeout,
        mostBytes: MOST_BYTES,
        signal: this.#closing.signal,
      });
      if (status !== 200) throw new Error(`it answered ${status}`);
      if (type !== "application/timestamp-reply")
        throw new Error(
          `it answered with ${type === "" ? "no content type" : type} and not application/timestamp-reply`,
        );
      const { time } = readTimestamp(body, { imprint, nonce, authorities });
      await replaceWhole(disk, places(dir).timestamp(size), body);
      this.#last = { size, time, at: performance.now() };
      this.#tryMs = this.#timing.firstTry;
      if (this.#trouble !== undefined) tell({ kind: "back", url });
      this.#trouble = undefined;
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#failed(reasonOf(error));
    }
  }

  #failed(reason: string): void {
    const { url, tell } = this.#options;
    if (this.#trouble === undefined) tell({ kind: "away", url, reason });
    this.#trouble = `the time stamping authority ${url} gives no timestamp: ${reason}`;
    this.#timer = setTimeout(() => this.#start(), this.#tryMs).unref();
    this.#tryMs = Math.min(2 * this.#tryMs, this.#timing.longestTry);
  }
}

/** A positive INTEGER without a leading zero: so it comes back byte for byte. */
const aNonce = (): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  nonce[0] = (nonce[0]! & 0x7f) | 0x40;
  return nonce;
};
