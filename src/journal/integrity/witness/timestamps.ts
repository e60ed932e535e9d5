/**
 * Requests timestamps of checkpoints from an external authority (RFC 3161): the newest checkpoint gets one when the
 * last timestamp is old enough. The reply is verified before it is kept. Nothing waits for it.
 */
import { randomBytes, type X509Certificate } from "node:crypto";
import { reasonOf } from "../../errors.ts";
import { replaceWhole, type Disk } from "../../disk.ts";
import { readCheckpoint } from "../checkpoints/signed-note.ts";
import { paths } from "../../paths.ts";
import { imprintOf, readTimestamp, timestampRequest } from "../../verify/bundle/timestamp.mjs";
import { postTo } from "./ask.ts";
import { Retry, type Timing } from "./retry.ts";

export type TimestampState = {
  readonly url: string;
  /** Entries that the last timestamp of this run covers, and its time (milliseconds since 1970); undefined before. */
  readonly last: { readonly size: number; readonly time: number; readonly age: number } | undefined;
  /** Why there is no new timestamp. */
  readonly trouble: string | undefined;
};

export type TimestampEvent = { readonly url: string } & (
  | { readonly kind: "away"; readonly reason: string }
  | { readonly kind: "back" }
);

export type TimestampsOptions = {
  readonly disk: Disk;
  readonly dir: string;
  readonly url: string;
  readonly authorities: readonly X509Certificate[];
  readonly everyMs: number;
  readonly onNews: (news: TimestampEvent) => void;
  readonly timing?: Timing | undefined;
};

const TIMING: Timing = { timeout: 15_000, firstTry: 5000, longestTry: 300_000, stop: 2000 };

/** A token with its certificates has a few thousand bytes. */
const MOST_BYTES = 256 << 10;
const NONCE_BYTES = 8;

export class Timestamps {
  readonly #options: TimestampsOptions;
  readonly #timing: Timing;
  readonly #retry: Retry;
  #newest: string | undefined;
  #last: { readonly size: number; readonly time: number; readonly at: number } | undefined;
  #trouble: string | undefined;

  constructor(options: TimestampsOptions) {
    this.#options = options;
    this.#timing = options.timing ?? TIMING;
    this.#retry = new Retry(this.#timing, () => this.#requestNewest());
  }

  get state(): TimestampState {
    const last = this.#last && { size: this.#last.size, time: this.#last.time, age: performance.now() - this.#last.at };
    return { url: this.#options.url, last, trouble: this.#trouble };
  }

  readonly submit = (note: string): void => {
    this.#newest = note;
    if (this.#trouble === undefined && this.#isDue()) this.#retry.start();
  };

  /** Does not wait for the authority; the next run asks again. */
  readonly stop = async (): Promise<void> => {
    this.#retry.close();
    await this.#retry.settled();
  };

  #isDue(): boolean {
    return this.#last === undefined || performance.now() - this.#last.at >= this.#options.everyMs;
  }

  async #requestNewest(): Promise<void> {
    const note = this.#newest;
    if (note === undefined) return;
    const { disk, dir, url, authorities, onNews } = this.#options;
    const { size } = readCheckpoint(note)!;
    try {
      const imprint = imprintOf(note);
      const nonce = aNonce();
      const { status, type, body } = await postTo({
        url,
        body: timestampRequest(imprint, nonce),
        contentType: "application/timestamp-query",
        timeoutMs: this.#timing.timeout,
        mostBytes: MOST_BYTES,
        signal: this.#retry.signal,
      });
      if (status !== 200) throw new Error(`it answered ${status}`);
      if (type !== "application/timestamp-reply")
        throw new Error(
          `it answered with ${type === "" ? "no content type" : type} and not application/timestamp-reply`,
        );
      const { time } = readTimestamp(body, { imprint, nonce, authorities });
      await replaceWhole(disk, paths(dir).timestamp(size), body);
      this.#last = { size, time, at: performance.now() };
      this.#retry.succeeded();
      if (this.#trouble !== undefined) onNews({ kind: "back", url });
      this.#trouble = undefined;
    } catch (error) {
      if (!this.#retry.isClosed) this.#failed(reasonOf(error));
    }
  }

  #failed(reason: string): void {
    const { url, onNews } = this.#options;
    if (this.#trouble === undefined) onNews({ kind: "away", url, reason });
    this.#trouble = `the time stamping authority ${url} gives no timestamp: ${reason}`;
    this.#retry.failed();
  }
}

/** A positive INTEGER without a leading zero, so that the authority returns the same bytes. */
const aNonce = (): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  nonce[0] = (nonce[0]! & 0x7f) | 0x40;
  return nonce;
};
