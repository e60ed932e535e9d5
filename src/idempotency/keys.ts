/**
 * Idempotency keys: a request with a key is carried out at most once in 24 hours. A key is on disk before the intent of
 * its request, and its end is on disk before the outcome.
 */
import { faultInWords } from "../common/system-error.ts";
import type { TokensOf } from "./key-tokens.ts";
import { KeysUnavailable, type KeptAnswer, type KeyEnd, type KeyScope, type KeyStore, type NewKey } from "./types.ts";

export const KEPT_MS = 24 * 3_600_000;

export type KeyedRequest = KeyScope & {
  readonly id: string;
  readonly key: string;
  /** From `canonicalRequest`. */
  readonly request: string;
  /** Only asks whether the key was used before. */
  readonly looksOnly?: boolean;
};

/** A key that this request uses first. */
export type HeldKey = {
  readonly token: string;
  /** Resolves when the end is on disk, or after 2 s; never rejects. Retried until it is on disk. */
  readonly settle: (end: KeyEnd) => Promise<void>;
};

/** `first`: the id of the request that used the key first. `seconds`: until a key of the scope expires. */
export type KeyClaim =
  | { readonly kind: "absent" }
  | { readonly kind: "held"; readonly key: HeldKey }
  | { readonly kind: "running" | "other-request"; readonly token: string; readonly first: string }
  | { readonly kind: "answered"; readonly token: string; readonly first: string; readonly answer: KeptAnswer }
  | {
      readonly kind: "unknown";
      readonly token: string;
      readonly first: string;
      readonly refusal: string;
      readonly detail: string;
    }
  | { readonly kind: "full"; readonly seconds: number };

/** Rejects with KeysUnavailable. */
export type ClaimKey = (request: KeyedRequest) => Promise<KeyClaim>;

export type ClaimDeps = {
  /** Rejects with KeysUnavailable. */
  readonly store: () => Promise<KeyStore>;
  readonly tokensOf: TokensOf;
  /** What a claim keeps of the time and the journal. */
  readonly position: () => Pick<NewKey, "at" | "entry" | "entryTime" | "certain">;
};

export const claimWith =
  ({ store: open, tokensOf, position }: ClaimDeps): ClaimKey =>
  async ({ id, key, request, looksOnly = false, upstream, tenant, client }) => {
    const scope = { upstream, tenant, client };
    const tokens = tokensOf(scope, key, request);
    const store = await open();
    const at = position();
    const claim = await store.claim({ ...scope, id, tokens, looksOnly, ...at });
    if (claim.kind === "absent") return claim;
    if (claim.kind === "full") return { kind: "full", seconds: secondsUntil(claim.oldest + KEPT_MS - at.at) };
    if (claim.kind === "claimed")
      return {
        kind: "held",
        key: { token: tokens[0]!.token, settle: async (end) => void (await store.settle(id, end)) },
      };
    const { token, fingerprint, id: first, end } = claim.key;
    const isSame = tokens.some((each) => each.token === token && each.fingerprint === fingerprint);
    if (!isSame) return { kind: "other-request", token, first };
    if (!end) return { kind: "running", token, first };
    if (end.state === "answered") return { kind: "answered", token, first, answer: end.answer };
    return { kind: "unknown", token, first, refusal: end.refusal, detail: end.detail };
  };

const LONGEST_RETRY_AFTER = 3600;

const secondsUntil = (ms: number): number => Math.min(LONGEST_RETRY_AFTER, Math.max(60, Math.ceil(ms / 1000)));

/**
 * Opens the store when it is needed first, and once more per second while that fails. `open` also finds the ends of
 * requests that an earlier run left.
 */
export class KeyStoreKeeper {
  readonly #open: () => Promise<KeyStore>;
  readonly #onFailed: (reason: string) => void;
  #opening: Promise<KeyStore> | undefined;
  #failed: { readonly error: KeysUnavailable; readonly at: number } | undefined;
  #opened: KeyStore | undefined;
  #isClosed = false;

  constructor(open: () => Promise<KeyStore>, onFailed: (reason: string) => void = () => undefined) {
    [this.#open, this.#onFailed] = [open, onFailed];
  }

  /** Rejects with KeysUnavailable. */
  readonly store = (): Promise<KeyStore> => {
    if (this.#isClosed) return Promise.reject(new KeysUnavailable("the gateway is stopping"));
    if (this.#failed && performance.now() - this.#failed.at < RETRY_MS) return Promise.reject(this.#failed.error);
    return (this.#opening ??= this.#tryOpen());
  };

  /** The store, if it is open. */
  get opened(): KeyStore | undefined {
    return this.#opened;
  }

  /** Why keys cannot be used; undefined while they can, or none was used yet. */
  get failed(): string | undefined {
    return this.#failed?.error.message;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.then((store) => store.close()).catch(() => undefined);
  }

  async #tryOpen(): Promise<KeyStore> {
    try {
      this.#opened = await this.#open();
      this.#failed = undefined;
      return this.#opened;
    } catch (error) {
      const reason = faultInWords(error);
      if (this.#failed?.error.message !== reason) this.#onFailed(reason);
      this.#failed = { error: new KeysUnavailable(reason, { cause: error }), at: performance.now() };
      this.#opening = undefined;
      throw this.#failed.error;
    }
  }
}

const RETRY_MS = 1000;
