/** The types of one exchange with OCS. Here a tenant is only a key for queues and lanes. */
import type { HeaderLine } from "../common/message.ts";
import type { Operation } from "../ocs/target.ts";

/** `path` is in origin form; `body` is JSON text or empty. */
export type Request = {
  /** Of the client's request; only `onSent` of a lane needs it. */
  readonly id?: string | undefined;
  /** The DBID, which stays the same when a reload renames the tenant. Queues, turns and lanes are per tenant. */
  readonly tenant: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: string;
  /** Sent before the tenant's other requests. */
  readonly urgent: boolean;
  /** For a GET: checks that the body of a positive answer belongs to this request. */
  readonly fits?: ((body: Uint8Array) => boolean) | undefined;
  /**
   * Returns why the request must not be sent any more; undefined if it may be sent. Called when the request gets its
   * turn, and with `leaves` just before its first byte is written.
   */
  readonly withdrawn?: ((leaves?: boolean) => Withdrawal | undefined) | undefined;
  /** What the request asks for, so that people can see what a lane is doing. */
  readonly operation?: Operation | undefined;
  /** Resolves at the end of an earlier request that this one must wait for; undefined without one. */
  readonly after?: (() => Promise<void> | undefined) | undefined;
};

/**
 * Why a request must not be sent any more: its record handle has expired, the owner of its record is currently unknown,
 * its credential was revoked, or a Do-Not-Call for its number was accepted meanwhile.
 */
export type Withdrawal = "handle-expired" | "unclear" | "revoked" | "dnc-pending";

/** Milliseconds. `queue`: in the queue. `ocs`: from the first byte sent to the last byte of the answer. */
export type Waits = { readonly queue: number; readonly ocs: number };

export type Answer = {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
  readonly lane: string;
  readonly endpoint: string;
  readonly waits: Waits;
  /** The answer may belong to another request: an alarm was raised, and the connection was closed. */
  readonly suspected?: true;
};

/** Why there is no answer. */
export type FailureReason =
  | "queue-full" // this tenant's queue is full, or the wait would be too long
  | "queue-timeout" // no lane became free in time
  | "abandoned" // the client disconnected while its request waited
  | Withdrawal
  | "unreachable" // no connection to OCS could be made
  | "no-answer" // OCS did not answer in time
  | "connection-lost" // the connection ended after the request was sent
  | "malformed-response"; // the answer is incomplete or malformed

/** `sent` is false only if no byte of the request was sent. */
export class UpstreamError extends Error {
  readonly reason: FailureReason;
  readonly sent: boolean;
  /** Seconds after which the client may send the request again. */
  readonly retryAfter: number | undefined;
  /** The setting of the queue that a "queue-full" is about. */
  limit: "max" | "max_wait" | undefined;
  waits: Waits = { queue: 0, ocs: 0 };
  lane: string | undefined;
  endpoint: string | undefined;
  constructor(reason: FailureReason, sent: boolean, detail: string, retryAfter?: number) {
    super(detail);
    this.name = "UpstreamError";
    this.reason = reason;
    this.sent = sent;
    this.retryAfter = retryAfter;
  }
}
