/** Server-sent events that the gateway itself writes into a flow stream. */
import { bytesOf } from "../../common/message.ts";

/** How long a client waits before it connects again, in milliseconds. */
export const RETRY_MS = 1000;

/**
 * Sent when the stream begins. People who may see single tenants only get no number of entries. `warnings`: for example
 * about names that the config does not have.
 */
export type BeginEvent = {
  readonly filter: string;
  readonly time: string;
  /** The stream continues at the client's cursor. */
  readonly resumed: boolean;
  /** Entries of the journal between that cursor and its end. */
  readonly behind?: number;
  readonly warnings: readonly string[];
};

/** Sent while no flow is. Both numbers count from the beginning of the stream. */
export type HeartbeatEvent = {
  readonly time: string;
  /** Matching flows, and flows that did not match. */
  readonly sent: number;
  readonly passed?: number;
  readonly behind?: number;
  /** Why the journal cannot be written, so that no flow can appear; null while it works. */
  readonly journal: string | null;
};

export const END_REASONS = {
  stopping: "the gateway is stopping",
  slow: "this client reads too slowly",
  overload: "the gateway is overloaded and serves requests first",
  failed: "the journal cannot be read",
} as const;
export type EndReason = keyof typeof END_REASONS;

/** The last event of a stream that the gateway ends. */
export type EndEvent = { readonly reason: EndReason; readonly message: string };

type Events = { readonly begin: BeginEvent; readonly heartbeat: HeartbeatEvent; readonly end: EndEvent };

/** `cursor`: what a client that connects again sends as Last-Event-ID. */
export const eventBytes = <Name extends keyof Events>(
  name: Name,
  data: Events[Name],
  cursor: string | undefined,
): Uint8Array =>
  bytesOf(
    `${name === "begin" ? `retry: ${RETRY_MS}\n` : ""}${cursor === undefined ? "" : `id: ${cursor}\n`}` +
      `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`,
  );
