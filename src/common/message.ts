/**
 * The types that all servers here share: Arrival (a request), Reply, and Handler, the function between them. The
 * gateway's pipeline, the embedded OCS and the admin API are Handlers, so that tests can call them without a socket.
 */

/** A header as received: the name in its original case, the value without surrounding blanks. */
export type HeaderLine = readonly [name: string, value: string];

/** An HTTP-level error in a message, found before its content is interpreted. */
export type Fault = {
  readonly kind:
    | "ambiguous" // not parseable as one unambiguous HTTP request
    | "wrong-length" // the body is shorter or longer than announced
    | "body-too-large"
    | "head-too-large"
    | "foreign-authority"; // Host or absolute-form authority is not ours
  readonly detail: string;
};

/** Thrown by `Arrival.body` when the body cannot be read completely. */
export class BodyFault extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.detail);
    this.fault = fault;
  }
}

/** The certificate that a client sent. Its chain was verified, or `fault` says why it was rejected. */
export type Peer = {
  /** DNS names of the subject alternative name, in lower case. The common name is never read. */
  readonly names: readonly string[];
  /** SHA-256 of the certificate, base64url (RFC 8705: x5t#S256). */
  readonly thumbprint: string;
  /** SHA-256, hexadecimal, of each issuer certificate in its chain. */
  readonly authorities: readonly string[];
  readonly fault?: string;
};

/** The trace that a request is part of, as its client says (`trace-context.ts`). */
export type TraceContext = {
  /** The header, as the first version writes it. */
  readonly parent: string;
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits: the client's span. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** The vendors' list, whole or not at all. */
  readonly state: string | undefined;
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
  /** Set when the client sent a certificate. */
  readonly peer?: Peer | undefined;
  /**
   * The current state of that certificate, which may have been revoked or expired since the request arrived. When
   * absent, `peer` applies.
   */
  readonly peerNow?: (() => Peer | undefined) | undefined;
  /** The trace that the client says the request is part of. */
  readonly trace?: TraceContext | undefined;
  /** Set when the message is malformed at the HTTP level: the handler must refuse it. */
  readonly fault?: Fault | undefined;
  /** Reads the body to its end, once. Rejects with BodyFault. */
  readonly body: () => Promise<Uint8Array>;
  /** True when the body is followed by bytes that cannot begin another request. Waits a moment for them. */
  readonly surplus: () => Promise<boolean>;
  /** Aborts when the client disconnects. */
  readonly gone: AbortSignal;
};

export type Reply = {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
  /** True: the server closes the connection after this reply. */
  readonly close?: boolean;
  /** Writes the body after the headers, for as long as it wants; `body` is not sent, and the connection closes then. */
  readonly stream?: ((to: BodyStream) => void) | undefined;
};

/** The body of a reply whose length is not known. */
export type BodyStream = {
  /** Resolves when the client has taken enough that more may be written, or has disconnected. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  readonly end: () => void;
  /** Closes the connection, whatever the client has read. */
  readonly destroy: () => void;
};

export type Handler = (arrival: Arrival) => Promise<Reply>;

/** The value of the first header with this name, ignoring case. */
export const headerOf = (headers: readonly HeaderLine[], name: string): string | undefined => {
  for (const [key, value] of headers)
    if (key.length === name.length && (key === name || key.toLowerCase() === name.toLowerCase())) return value;
  return undefined;
};

/** The names in an Accept-Encoding header, lower case, without those that the client refuses. */
export const encodingsIn = (accepted: string): string[] =>
  accepted.split(",").flatMap((each) => {
    const [name, quality] = each.split(";");
    return /q\s*=\s*0(?:\.0*)?\s*$/i.test(quality ?? "") ? [] : [name!.trim().toLowerCase()];
  });

const empty = new Uint8Array(0);
const utf8 = new TextEncoder();

export const bytesOf = (text: string): Uint8Array => (text === "" ? empty : utf8.encode(text));
