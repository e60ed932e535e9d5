/** The plain types of one exchange with OCS. Nothing here knows who asks or why; a tenant is only a key in a queue. */
import type { HeaderLine } from "../message.ts";

/** What is to be sent. `path` is origin form; `body` is JSON text or empty. */
export type Request = {
  /** Whose turn it is, and whose lane: its DBID, which no reload gives to another tenant of the same OCS. */
  readonly tenant: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: string;
  /** Goes before what is not, within its tenant. */
  readonly urgent: boolean;
  /** For a GET: whether a positive answer's body is the one that was asked for. */
  readonly fits?: ((body: Uint8Array) => boolean) | undefined;
  /**
   * Undefined while the request may be sent, else why it may not be sent any more. Asked when it takes its turn, and with `leaves` just before
   * its first byte is written.
   */
  readonly withdrawn?: ((leaves?: boolean) => Withdrawal | undefined) | undefined;
  /** The end of an earlier request that this one has to follow, within its `maxWait`; undefined while none is under way. */
  readonly after?: (() => Promise<void> | undefined) | undefined;
};

/** Why a request may not be sent any more: its record is finished, whose record it is cannot be told now, or its credential was revoked. */
export type Withdrawal = "void" | "unclear" | "revoked";

/** Milliseconds: in the queue, and from the first byte to OCS until its whole answer. */
export type Waits = { readonly queue: number; readonly ocs: number };

export type Answer = {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
  readonly lane: string;
  readonly endpoint: string;
  readonly waits: Waits;
  /** It may be another request's answer: an alarm was raised, and its connection is closed. */
  readonly suspected?: true;
};

/** Why there is no answer. A closed list. */
export type Failing =
  | "queue-full" // this tenant's queue is full
  | "waited" // no lane came free in time
  | "abandoned" // the client hung up while it waited
  | Withdrawal
  | "unreachable" // no connection to OCS could be made
  | "no-answer" // OCS did not answer in time
  | "cut" // the connection ended after sending
  | "garbled"; // what came back is not one whole HTTP answer

/** No answer. `sent` is a fact: false only when not one byte of the request left. */
export class NoAnswer extends Error {
  readonly why: Failing;
  readonly sent: boolean;
  /** Seconds after which asking again is sensible. */
  readonly retryAfter: number | undefined;
  waits: Waits = { queue: 0, ocs: 0 };
  lane: string | undefined;
  endpoint: string | undefined;
  constructor(why: Failing, sent: boolean, detail: string, retryAfter?: number) {
    super(detail);
    this.name = "NoAnswer";
    this.why = why;
    this.sent = sent;
    this.retryAfter = retryAfter;
  }
}
