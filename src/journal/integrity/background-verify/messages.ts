/** The messages between the gateway and the verification thread. */
import type { Damage, BackgroundVerifyOptions, Verified } from "./background-verify.ts";

/** `flag`: one 32-bit integer; 1 pauses the verification. */
export type WorkerOptions = Pick<BackgroundVerifyOptions, "dir" | "until" | "from" | "setAsideRanges" | "published"> & {
  readonly flag: SharedArrayBuffer;
};

export type WorkerMessage =
  | { readonly kind: "verified"; readonly verified: Verified }
  | { readonly kind: "damaged"; readonly damage: Damage }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string };
