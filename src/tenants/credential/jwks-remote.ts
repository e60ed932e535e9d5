/**
 * A key set that lives at an address. Known keys are found without waiting; the address is asked at start, when the set grows old,
 * and for a key that is not in it, one exchange at a time and never twice within the cooldown, whatever callers send. While the address
 * fails, the last good set counts as long as the settings say, and nobody waits for the next attempt.
 */
import { createRemoteJWKSet, customFetch, type FetchImplementation, type RemoteJWKSet } from "jose";
import type { VerificationKey } from "./jwk.ts";
import { CredentialFault, type Tell } from "./types.ts";
import { keepsAll, keyFor, type KeySet } from "./jwks.ts";
import type { KeysAway, KeySetState } from "./key-source.ts";
import type { Kept, KeySetCache } from "./jwks-cache.ts";
import { faultInWords, reason } from "../../system-error.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** At least this long between two exchanges with the address, also when they fail: no flood of odd tokens becomes a flood there. */
const COOLDOWN = 30 * SECOND;
/** From this age on the set is asked for again in the background. */
const REFRESH_AFTER = 5 * MINUTE;
/** From this age on a request waits for the refreshed set, so that a key which was taken out of it is refused. */
const FRESH_FOR = 10 * MINUTE;
/** How often it is looked at whether the set is old, also while nobody asks. */
const LOOK_EVERY = MINUTE;
/** As long as the longest token that its keys may have signed. */
export const MAX_STALE = 24 * 60 * MINUTE;
const TIMEOUT = 5 * SECOND;
const MAX_BYTES = 512 * 1024;

type Options = {
  readonly issuer: string;
  readonly address: string;
  /** Throws when the answer is not a key set that can be used. */
  readonly read: (jwks: unknown) => KeySet;
  readonly now: () => number;
  readonly tell: Tell;
  readonly onKeyGone: () => void;
  /** Milliseconds for which the last good keys stay in force as long as the address fails. */
  readonly maxStale: number;
  readonly cache: KeySetCache | undefined;
};

/** Rejects with CredentialFault when the address may not be used. */
export const openRemoteKeys = async (options: Options): Promise<RemoteKeys> => {
  const keys = new RemoteKeys(options);
  const kept = await options.cache?.read();
  if (typeof kept === "string") options.tell({ kind: "kept-keys-refused", issuer: options.issuer, reason: kept });
  else if (kept) keys.recall(kept);
  void keys.refresh();
  return keys;
};

class RemoteKeys {
  readonly #options: Options;
  readonly #remote: RemoteJWKSet;
  readonly #closing = new AbortController();
  #keys: KeySet["keys"] = new Map();
  #loadedAt = -Infinity;
  #triedAt = -Infinity;
  #refreshing: Promise<void> | undefined;
  #told = "";
  /** Why the last attempt failed. */
  #failing: string | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(options: Options) {
    this.#options = options;
    this.#timer = setInterval(() => this.#within(this.#loadedAt, REFRESH_AFTER) || this.refresh(), LOOK_EVERY).unref();
    this.#remote = createRemoteJWKSet(addressOf(options), {
      timeoutDuration: TIMEOUT,
      [customFetch]: fetchCapped(this.#closing.signal),
    });
  }

  find(kid: string | undefined): VerificationKey | undefined | Promise<VerificationKey | undefined> {
    const known = this.#current(kid);
    if (known && this.#within(this.#loadedAt, FRESH_FOR)) {
      if (!this.#within(this.#loadedAt, REFRESH_AFTER)) void this.refresh();
      return known;
    }
    const refreshed = this.refresh();
    return refreshed && !(known && this.#failing !== undefined) ? refreshed.then(() => this.#current(kid)) : known;
  }

  renew(): void {
    void this.refresh();
  }

  /** A token without kid may mean any key; while keys are in force it is known which there are. */
  away(kid: string | undefined): KeysAway | undefined {
    if (this.#failing === undefined || (kid === undefined && this.#counts > 0)) return undefined;
    const wait = this.#triedAt + COOLDOWN - this.#options.now();
    return { reason: this.#failing, retryAfter: Math.min(COOLDOWN / SECOND, Math.max(1, Math.ceil(wait / SECOND))) };
  }

  state(): KeySetState {
    const { issuer, now } = this.#options;
    const age = this.#loadedAt === -Infinity ? undefined : Math.max(0, now() - this.#loadedAt);
    return { issuer, age, counts: this.#counts, failing: this.#failing };
  }

  /** Milliseconds for which the keys in force still count. */
  get #counts(): number {
    return Math.max(0, this.#loadedAt + this.#options.maxStale - this.#options.now());
  }

  /** What was fetched in an earlier life of the process. A set that is none, or too old, is passed over. */
  recall({ jwks, fetchedAt }: Kept): void {
    if (!this.#within(fetchedAt, this.#options.maxStale)) return;
    try {
      this.#keys = this.#options.read(jwks).keys;
      this.#loadedAt = fetchedAt;
    } catch {
      // As if there had been no file.
    }
  }

  /** Never rejects; once closed it fails before it connects. Undefined when the address may not be asked now. */
  refresh(): Promise<void> | undefined {
    if (this.#refreshing) return this.#refreshing;
    if (this.#within(this.#triedAt, COOLDOWN)) return undefined;
    this.#triedAt = this.#options.now();
    this.#refreshing = this.#fetch().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closing.abort();
  }

  async #fetch(): Promise<void> {
    const { issuer, read, tell } = this.#options;
    try {
      await this.#remote.reload();
      const jwks = this.#remote.jwks();
      this.#put(read(jwks));
      if (this.#failing !== undefined) tell({ kind: "key-set-back", issuer });
      this.#failing = undefined;
      await this.#keep(jwks);
    } catch (problem) {
      this.#failing = reasonOf(problem);
      this.#told = "";
      if (!this.#closing.signal.aborted) tell({ kind: "key-set-failed", issuer, reason: this.#failing });
    }
  }

  /** A disk that cannot take it costs what it is for, and nothing else. */
  async #keep(jwks: unknown): Promise<void> {
    const { issuer, cache, tell } = this.#options;
    await cache
      ?.write({ jwks, fetchedAt: this.#loadedAt })
      .catch((problem: unknown) => tell({ kind: "key-set-not-kept", issuer, reason: faultInWords(problem) }));
  }

  #put({ keys, skipped }: KeySet): void {
    const { issuer, now, tell, onKeyGone } = this.#options;
    const kept = keepsAll(this.#keys, keys);
    this.#keys = keys;
    this.#loadedAt = now();
    if (!kept) onKeyGone();
    // The same set again is no news.
    const found = JSON.stringify([[...keys.keys()], skipped]);
    if (found !== this.#told) tell({ kind: "key-set-loaded", issuer, usable: keys.size, skipped });
    this.#told = found;
  }

  #current(kid: string | undefined): VerificationKey | undefined {
    return this.#counts > 0 ? keyFor(this.#keys, kid) : undefined;
  }

  /** A clock that was set back makes nothing younger: a moment to come is not within any span. */
  #within(moment: number, span: number): boolean {
    const age = this.#options.now() - moment;
    return age >= 0 && age < span;
  }
}

const reasonOf = (problem: unknown): string => {
  const { message, cause } = problem as Error;
  return cause instanceof Error ? `${message}: ${reason(cause)}` : message;
};

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

const addressOf = ({ issuer, address }: Options): URL => {
  const url = URL.parse(address);
  if (!url) throw new CredentialFault(`issuer "${issuer}": jwks_uri is not an address`);
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (!isSafe) throw new CredentialFault(`issuer "${issuer}": jwks_uri must be https (http to this machine only)`);
  if (url.username !== "" || url.password !== "")
    throw new CredentialFault(`issuer "${issuer}": jwks_uri must not carry a user or password`);
  return url;
};

/** jose follows no redirect and takes nothing but a 200; this adds an end to how much it reads. */
const fetchCapped =
  (closing: AbortSignal): FetchImplementation =>
  async (url, init) => {
    const response = await fetch(url, { ...init, signal: AbortSignal.any([init.signal, closing]) });
    if (response.status === 200) return new Response(await readCapped(response));
    await response.body?.cancel();
    return response;
  };

const readCapped = async (response: Response): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`a key set of more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
