/** The messages between the gateway and the thread that forwards entries. */
import type { Destination } from "./destination.ts";
import type { ForwardNews } from "./forwarder.ts";

/** `size`: entries on disk. */
export type ThreadData = {
  readonly dir: string;
  readonly version: string;
  readonly size: number;
  readonly destinations: readonly Destination[];
};

export type Command =
  | { readonly do: "read"; readonly size: number }
  | { readonly do: "change"; readonly destinations: readonly Destination[] }
  /** Forwards the last entries, and ends. */
  | { readonly do: "stop"; readonly size: number };

/** `stopped`: all forwarders have ended. */
export type ThreadNews = ForwardNews | { readonly kind: "stopped" };
