/** What the gateway and the reading thread say to each other. */
import type { Damage, RereadOptions, Verified } from "./reread.ts";

/** `flag`: one 32-bit integer, 1 while the reading is to pause. */
export type Asked = Pick<RereadOptions, "dir" | "until" | "from" | "asides" | "published"> & {
  readonly flag: SharedArrayBuffer;
};

export type Told =
  | { readonly kind: "verified"; readonly verified: Verified }
  | { readonly kind: "damaged"; readonly damage: Damage }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string };
