/** Caches the identities of verified tokens, so that a token is verified once a minute at most. */
import type { Identity } from "./types.ts";

export type TokenCache = {
  /** `digest`, here and below: the token's SHA-256. The token itself is never stored. */
  readonly get: (digest: string) => Identity | undefined;
  /** True for a token that was valid and has not expired, even if it must be verified again. */
  readonly wasValid: (digest: string) => boolean;
  /** `expires`: milliseconds since 1970. */
  readonly set: (digest: string, identity: Identity, expires: number) => void;
  readonly clear: () => void;
};

type Entry = { readonly identity: Identity; readonly from: number; until: number; readonly expires: number };
type Options = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly capacity?: number;
};

const MAX_AGE_MS = 60_000;
const CAPACITY = 10_000;

export const createTokenCache = ({ now, capacity = CAPACITY }: Options): TokenCache => {
  const entries = new Map<string, Entry>();
  return {
    get: (digest) => {
      const entry = entries.get(digest);
      if (entry === undefined) return undefined;
      const at = now();
      // `from`: setting the clock back must not extend the minute.
      if (at >= entry.from && at < entry.until) return entry.identity;
      if (at >= entry.expires) entries.delete(digest);
      else entry.until = -Infinity;
      return undefined;
    },
    wasValid: (digest) => (entries.get(digest)?.expires ?? -Infinity) > now(),
    set: (digest, identity, expires) => {
      const from = now();
      entries.delete(digest);
      if (expires <= from) return;
      if (entries.size >= capacity) entries.delete(entries.keys().next().value!);
      entries.set(digest, { identity, from, until: Math.min(from + MAX_AGE_MS, expires), expires });
    },
    clear: () => entries.clear(),
  };
};
