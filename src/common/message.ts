/**
 * Plain values that every server here shares: what came in, what goes out, and the function between them.
 * The gateway's line, the sandbox's OCS and the admin pages are each a Handler, so a test calls any of them without a socket.
 */

/** A header as it stood on the wire: name in its own case, value without surrounding blanks. */
export type HeaderLine = readonly [name: string, value: string];

/** What a server found wrong with a message before anyone asked what it means. The words are a closed list. */
export type Fault = {
  readonly kind:
    | "ambiguous" // not parseable as one unambiguous HTTP request
    | "wrong-length" // the body is shorter or longer than announced
    | "body-too-large"
    | "head-too-large"
    | "foreign-authority"; // Host or absolute-form authority is not ours
  readonly detail: string;
};

/** Thrown by `Arrival.body` when the body cannot be had whole. */
export class BodyFault extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.detail);
    this.fault = fault;
  }
}

/** The certificate that a client showed. Its chain was verified, or `fault` says why it counts for nothing. */
export type Peer = {
  /** DNS names of the subject alternative name, in small letters. The common name is never read. */
  readonly names: readonly string[];
  /** SHA-256 of the certificate, base64url (RFC 8705: x5t#S256). */
  readonly thumbprint: string;
  /** SHA-256, hexadecimal, of each certificate above it in its chain. */
  readonly authorities: readonly string[];
  readonly fault?: string;
};

/** One request as it arrived. `target` is the raw request target, never decoded. */
export type Arrival = {
  /** ULID, 26 characters of Crockford's base32; also the reply's `Ocsgw-Request-Id`. */
  readonly id: string;
  /** Milliseconds on the monotonic clock at which the header block was complete. */
  readonly at: number;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  /** The peer's address, without port. */
  readonly source: string;
  readonly listener: string;
  /** Set when the client showed a certificate. */
  readonly peer?: Peer | undefined;
  /** What that certificate is worth now: it may have been revoked, or have expired, since the request came. `peer` counts where it is left out. */
  readonly peerNow?: (() => Peer | undefined) | undefined;
  /** Set when the message itself is at fault: whoever handles the arrival must refuse it. */
  readonly fault?: Fault | undefined;
  /** Reads the body to its end, once. Rejects with BodyFault. */
  readonly body: () => Promise<Uint8Array>;
  /** True when bytes followed the announced end of the body that cannot begin another request. Waits a moment for them. */
  readonly surplus: () => Promise<boolean>;
  /** Aborts when the client hangs up. */
  readonly gone: AbortSignal;
};

export type Reply = {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
  /** The connection cannot be used after this reply. */
  readonly close?: boolean;
};

export type Handler = (arrival: Arrival) => Promise<Reply>;

/** The value of the first header of that name, in any case. */
export const headerOf = (headers: readonly HeaderLine[], name: string): string | undefined => {
  for (const [key, value] of headers)
    if (key.length === name.length && (key === name || key.toLowerCase() === name.toLowerCase())) return value;
  return undefined;
};

const empty = new Uint8Array(0);
const utf8 = new TextEncoder();

export const bytesOf = (text: string): Uint8Array => (text === "" ? empty : utf8.encode(text));
