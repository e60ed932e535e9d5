/** The messages between the gateway's main thread and the store's thread. */
import type { OwnershipRow, RestoredUpstream } from "./types.ts";

export type StoreChange =
  | { readonly do: "put"; readonly row: OwnershipRow }
  | { readonly do: "remove"; readonly upstream: string; readonly handle: number; readonly generation: number }
  | {
      readonly do: "epoch";
      readonly upstream: string;
      readonly epoch: number;
      readonly endpoint: string;
      readonly keepFrom: number | undefined;
    }
  | { readonly do: "doubt"; readonly upstream: string; readonly generation: number }
  | {
      readonly do: "announced";
      readonly upstream: string;
      readonly epoch: number;
      readonly handle: number;
      readonly generation: number;
    };

/** Changes that are retried until they are on disk. */
export type RetriedChange = Exclude<StoreChange, { do: "put" }>;

export type ThreadRequest =
  | { readonly kind: "commit"; readonly changes: readonly StoreChange[]; readonly mark: number }
  | { readonly kind: "attempt"; readonly id: number; readonly upstream: string; readonly attempt: string }
  | { readonly kind: "close" };

export type ThreadReply =
  | {
      readonly kind: "opened";
      readonly restored: readonly RestoredUpstream[];
      readonly movedAside: string | undefined;
      readonly downtime: number | undefined;
      readonly mark: number;
    }
  | { readonly kind: "committed"; readonly failed: string | undefined }
  | { readonly kind: "attempt"; readonly id: number; readonly handle: number | undefined }
  | { readonly kind: "closed" };
