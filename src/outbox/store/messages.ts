/** The messages between the gateway's main thread and the outbox's thread. `item`: JSON; null deletes the item. */
export type Change = { readonly id: string; readonly item: string | null };

export type ThreadRequest =
  | { readonly kind: "commit"; readonly changes: readonly Change[] }
  | { readonly kind: "close" };

export type ThreadReply =
  | { readonly kind: "opened"; readonly items: readonly string[]; readonly movedAside: string | undefined }
  | { readonly kind: "committed"; readonly failed: string | undefined }
  | { readonly kind: "closed" };
