/** The messages between the gateway's main thread and the thread of the keys. */
import type { KeyEnd, NewKey, RunningKey, StoreClaim } from "../types.ts";

export type Expiry = { readonly before: number; readonly latest: number | undefined };

export type ThreadRequest =
  | {
      readonly kind: "commit";
      /** Applied before the claims. */
      readonly ends: readonly (readonly [id: string, end: KeyEnd])[];
      readonly claims: readonly NewKey[];
      readonly expire: Expiry | undefined;
    }
  | { readonly kind: "close" };

export type ThreadReply =
  | { readonly kind: "opened"; readonly running: readonly RunningKey[] }
  | {
      readonly kind: "committed";
      /** Why nothing was written. */
      readonly failed: string | undefined;
      /** In the order of the claims. */
      readonly claims: readonly StoreClaim[];
      readonly expired: number;
    }
  | { readonly kind: "closed" };

export type ThreadData = { readonly file: string; readonly mostKeys: number };
