/**
 * A key set at an address. Known keys are found synchronously. The set is fetched at start, when it is old, and for an
 * unknown key; one fetch at a time, and at most one per cooldown, regardless of the clients. While the address fails,
 * the last set is used for the configured time, and no request waits for the next attempt.
 */
import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type RemoteJWKSet } from "jose";
import type { VerificationKey } from "./jwk.ts";
import { CredentialSettingsError, type ReportCredentialEvent } from "../types.ts";
import { keepsAll, keyFor, type KeySet } from "./jwks.ts";
import type { CachedKeySet, KeySetCache } from "./jwks-cache.ts";
import { faultInWords } from "../../common/system-error.ts";

/** `reason`: why the keys cannot be fetched. `retryAfter`: whole seconds until the next attempt. */
export type KeysUnavailable = { readonly reason: string; readonly retryAfter: number };

/** An issuer's keys at an address. Times in milliseconds. */
export type KeySetState = {
  /** The issuer's name in the settings. */
  readonly issuer: string;
  /** Time since the last fetch; undefined before the first one. */
  readonly age: number | undefined;
  /** How long the keys are accepted without another fetch; 0 if there are none. */
  readonly validFor: number;
  /** Why the last fetch failed; undefined after a success. */
  readonly lastError: string | undefined;
};

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/**
 * Minimum time between fetches, including failed ones, so that a flood of unknown tokens does not flood the address.
 */
const COOLDOWN = 30 * SECOND;
/** From this age on the set is fetched again in the background. */
const REFRESH_AFTER = 5 * MINUTE;
/** From this age on a request waits for the refreshed set, so that a removed key is refused. */
const FRESH_FOR = 10 * MINUTE;
/** How often the age of the set is checked, also without requests. */
const CHECK_EVERY = MINUTE;
/** The longest lifetime of a token that its keys have signed. */
export const MAX_STALE = 24 * 60 * MINUTE;
const TIMEOUT = 5 * SECOND;
const MAX_BYTES = 512 * 1024;

type Options = {
  readonly issuer: string;
  readonly address: string;
  /** Throws for an answer without any usable key. */
  readonly read: (jwks: unknown) => KeySet;
  readonly now: () => number;
  readonly onEvent: ReportCredentialEvent;
  readonly onKeyGone: () => void;
  /** Milliseconds for which the last keys are used while the address fails. */
  readonly maxStale: number;
  readonly cache: KeySetCache | undefined;
};

/** Rejects with CredentialSettingsError for an address that is not allowed. */
export const openRemoteKeys = async (options: Options): Promise<RemoteKeys> => {
  const keys = new RemoteKeys(options);
  const cached = await options.cache?.read();
  if (typeof cached === "string")
    options.onEvent({ kind: "key-set-cache-rejected", issuer: options.issuer, reason: cached });
  else if (cached) keys.useCached(cached);
  void keys.refresh();
  return keys;
};

class RemoteKeys {
  readonly #options: Options;
  readonly #remote: RemoteJWKSet;
  readonly #closing = new AbortController();
  #keys: KeySet["keys"] = new Map();
  #loadedAt = -Infinity;
  #attemptedAt = -Infinity;
  #refreshing: Promise<void> | undefined;
  #reported = "";
  /** Why the last attempt failed; undefined after a success. */
  #lastError: string | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(options: Options) {
    this.#options = options;
    this.#timer = setInterval(() => this.#within(this.#loadedAt, REFRESH_AFTER) || this.refresh(), CHECK_EVERY).unref();
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
    return refreshed && !(known && this.#lastError !== undefined) ? refreshed.then(() => this.#current(kid)) : known;
  }

  /** A token without kid may need any key, but while keys are accepted the set is known. */
  whyUnavailable(kid: string | undefined): KeysUnavailable | undefined {
    if (this.#lastError === undefined || (kid === undefined && this.#validFor > 0)) return undefined;
    const wait = this.#attemptedAt + COOLDOWN - this.#options.now();
    return { reason: this.#lastError, retryAfter: Math.min(COOLDOWN / SECOND, Math.max(1, Math.ceil(wait / SECOND))) };
  }

  state(): KeySetState {
    const { issuer, now } = this.#options;
    const age = this.#loadedAt === -Infinity ? undefined : Math.max(0, now() - this.#loadedAt);
    return { issuer, age, validFor: this.#validFor, lastError: this.#lastError };
  }

  /** Milliseconds for which the keys are still accepted. */
  get #validFor(): number {
    return Math.max(0, this.#loadedAt + this.#options.maxStale - this.#options.now());
  }

  /** Uses a set that an earlier run fetched. Ignores an invalid or too old one. */
  useCached({ jwks, fetchedAt }: CachedKeySet): void {
    if (!this.#within(fetchedAt, this.#options.maxStale)) return;
    try {
      this.#keys = this.#options.read(jwks).keys;
      this.#loadedAt = fetchedAt;
    } catch {
      // Continues as without a file.
    }
  }

  /** Never rejects. Undefined during the cooldown. After `close` it fails before it connects. */
  refresh(): Promise<void> | undefined {
    if (this.#refreshing) return this.#refreshing;
    if (this.#within(this.#attemptedAt, COOLDOWN)) return undefined;
    this.#attemptedAt = this.#options.now();
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
    const { issuer, read, onEvent } = this.#options;
    try {
      await this.#remote.reload();
      const jwks = this.#remote.jwks();
      this.#use(read(jwks));
      if (this.#lastError !== undefined) onEvent({ kind: "key-set-recovered", issuer });
      this.#lastError = undefined;
      await this.#writeCache(jwks);
    } catch (problem) {
      this.#lastError = reasonOf(problem);
      this.#reported = "";
      if (!this.#closing.signal.aborted) onEvent({ kind: "key-set-failed", issuer, reason: this.#lastError });
    }
  }

  /** Writes the cache. A failure matters only if the gateway starts while the address fails. */
  async #writeCache(jwks: unknown): Promise<void> {
    const { issuer, cache, onEvent } = this.#options;
    await cache
      ?.write({ jwks, fetchedAt: this.#loadedAt })
      .catch((problem: unknown) => onEvent({ kind: "key-set-not-cached", issuer, reason: faultInWords(problem) }));
  }

  #use({ keys, skipped }: KeySet): void {
    const { issuer, now, onEvent, onKeyGone } = this.#options;
    const isComplete = keepsAll(this.#keys, keys);
    this.#keys = keys;
    this.#loadedAt = now();
    if (!isComplete) onKeyGone();
    // Reports an unchanged set only once.
    const found = JSON.stringify([[...keys.keys()], skipped]);
    if (found !== this.#reported) onEvent({ kind: "key-set-loaded", issuer, usable: keys.size, skipped });
    this.#reported = found;
  }

  #current(kid: string | undefined): VerificationKey | undefined {
    return this.#validFor > 0 ? keyFor(this.#keys, kid) : undefined;
  }

  /** False also for a time in the future, so that setting the clock back does not extend anything. */
  #within(time: number, span: number): boolean {
    const age = this.#options.now() - time;
    return age >= 0 && age < span;
  }
}

/** Contains nothing of the answer, which may be another file than a key set. */
const reasonOf = (problem: unknown): string => {
  const { cause } = problem as Error;
  if (problem instanceof errors.JWKSTimeout) return `no answer within ${TIMEOUT / SECOND} s`;
  if (problem instanceof errors.JWKSInvalid) return "the answer is not a JSON Web Key Set";
  if (cause instanceof SyntaxError) return "the answer is not JSON";
  return faultInWords(cause instanceof Error ? cause : problem);
};

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

const addressOf = ({ issuer, address }: Options): URL => {
  const url = URL.parse(address);
  if (!url) throw new CredentialSettingsError(`issuer "${issuer}": jwks_uri is not a URL`);
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (!isSafe)
    throw new CredentialSettingsError(`issuer "${issuer}": jwks_uri must be https (http to this machine only)`);
  if (url.username !== "" || url.password !== "")
    throw new CredentialSettingsError(`issuer "${issuer}": jwks_uri must not contain a user or password`);
  return url;
};

/** jose follows no redirect; this accepts a 200 only, and limits how much is read. */
const fetchCapped =
  (closing: AbortSignal): FetchImplementation =>
  async (url, init) => {
    const response = await fetch(url, { ...init, signal: AbortSignal.any([init.signal, closing]) });
    if (response.status === 200) return new Response(await readCapped(response));
    await response.body?.cancel();
    throw new Error(`the answer has status ${response.status}, not 200`);
  };

const readCapped = async (response: Response): Promise<Buffer<ArrayBuffer>> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
