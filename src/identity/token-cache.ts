/** Remembers for a short while what a verified token said, so that a busy client pays for one verification a minute. */
import type { Identity } from "./types.ts";

export type Memory = {
  /** `digest` is the token's SHA-256: a token itself is never kept. */
  readonly recall: (digest: string) => Identity | undefined;
  /** True for a token that was good once and has not expired, also when it is to be verified again. */
  readonly knows: (digest: string) => boolean;
  readonly keep: (digest: string, identity: Identity, expires: number) => void;
  readonly clear: () => void;
};

type Entry = { readonly identity: Identity; readonly from: number; until: number; readonly expires: number };
type Options = { /** Milliseconds since 1970. */ readonly now: () => number; readonly capacity?: number };

const LONGEST = 60_000;
const CAPACITY = 10_000;

export const createMemory = ({ now, capacity = CAPACITY }: Options): Memory => {
  const entries = new Map<string, Entry>();
  return {
    recall: (digest) => {
      const entry = entries.get(digest);
      if (entry === undefined) return undefined;
      const at = now();
      // A clock that was set back would otherwise stretch the minute.
      if (at >= entry.from && at < entry.until) return entry.identity;
      if (at >= entry.expires) entries.delete(digest);
      else entry.until = -Infinity;
      return undefined;
    },
    knows: (digest) => (entries.get(digest)?.expires ?? -Infinity) > now(),
    keep: (digest, identity, expires) => {
      const from = now();
      entries.delete(digest);
      if (expires <= from) return;
      if (entries.size >= capacity) entries.delete(entries.keys().next().value!);
      entries.set(digest, { identity, from, until: Math.min(from + LONGEST, expires), expires });
    },
    clear: () => entries.clear(),
  };
};
