/** What is kept of an idempotency key, and the interface of the store that keeps it. */
import type { HeaderLine } from "../common/message.ts";

/** Keys of two tenants, or of two clients of one tenant, are never the same key. `tenant`: a DBID. */
export type KeyScope = { readonly upstream: string; readonly tenant: number; readonly client: string };

/** HMACs under one index key: of the scope with the key, and of the request. */
export type KeyToken = { readonly token: string; readonly fingerprint: string };

/** A key to be kept before its request is journaled. */
export type NewKey = KeyScope & {
  /** The request's id. */
  readonly id: string;
  /** One for each index key, the newest first: a key that was kept under an older one is found too. */
  readonly tokens: readonly KeyToken[];
  /** Milliseconds since 1970, never too low: the key is kept for 24 hours from then on. */
  readonly at: number;
  /** Index and time (microseconds since 1970) of the last journal entry on disk; -1 if that is not known. */
  readonly entry: number;
  readonly entryTime: number;
  /** The journal never loses an intent that it has accepted, so a missing intent proves that nothing was sent. */
  readonly certain: boolean;
  /** Only asks whether the key was used before. */
  readonly looksOnly?: boolean;
};

/** The answer that the first request got from OCS, as its client saw it. */
export type KeptAnswer = {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
};

/**
 * How the first request ended. `unknown`: OCS may have carried it out; `refusal`: the name of the reply, with its
 * detail. `free`: nothing was sent, so the key may be used again.
 */
export type KeyEnd =
  | { readonly state: "answered"; readonly answer: KeptAnswer }
  | { readonly state: "unknown"; readonly refusal: string; readonly detail: string }
  | { readonly state: "free" };

/** A key that was used before. `end` is undefined while its request is in progress. */
export type KeptKey = KeyToken & { readonly id: string; readonly end: Exclude<KeyEnd, { state: "free" }> | undefined };

/**
 * `absent`: a key that was only looked for was not used before. `full`: the scope has as many keys as allowed; the
 * oldest was kept at this time.
 */
export type StoreClaim =
  | { readonly kind: "claimed" }
  | { readonly kind: "absent" }
  | { readonly kind: "kept"; readonly key: KeptKey }
  | { readonly kind: "full"; readonly oldest: number };

/** A request of an earlier run of which the store does not know the end. */
export type RunningKey = Pick<NewKey, "id" | "entry" | "entryTime" | "certain">;

export type KeyStore = {
  /** Keys that an earlier run left without an end. */
  readonly running: readonly RunningKey[];
  /** Where keys of an earlier run can appear later: those without an end now. */
  readonly leftBehind?: () => Promise<readonly RunningKey[]>;
  /**
   * Resolves when the key is on disk, or when it is known that it was used before. Two claims of one key never both
   * succeed. Rejects with KeysUnavailable; then the key is not kept, or is released as soon as possible.
   */
  readonly claim: (key: NewKey) => Promise<StoreClaim>;
  /**
   * Resolves to true when the end is on disk, to false when that takes too long. Retried until it is on disk. The first
   * end of a request counts.
   */
  readonly settle: (id: string, end: KeyEnd) => Promise<boolean>;
  /**
   * Deletes ended keys that were kept before this time. `latest`: keys with a later time get this one, because the
   * clock was wrong when they were kept. Resolves to the number of deleted keys.
   */
  readonly expire: (before: number, latest: number | undefined) => Promise<number>;
  /** Ends that are not on disk yet. */
  readonly pending: () => number;
  readonly close: () => Promise<void>;
};

export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
}
