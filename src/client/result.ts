/** What a call resolves to. It never rejects because of an answer or the network: the compiler asks for each case. */

/** How far the request got. `sent-no-answer`: OCS may have carried it out. */
export type Delivery = "not-sent" | "answered" | "sent-no-answer";

/**
 * May the same request be sent again? `safe`: yes, after `retryAfter`. `check-first`: read the state of the campaign
 * group first. `no`: it would be refused again, or could happen twice. For a record, `safe` applies while its call goes
 * on: later the handle may mean another record.
 */
export type Repeat = "safe" | "check-first" | "no";

export type GatewayCode = `OCSGW-${number}`;

/** OCS's 200. */
export type Done<Value> = {
  readonly ok: true;
  readonly origin: "ocs";
  readonly delivery: "answered";
  readonly repeat: "no";
  readonly status: number;
  /** OCSGW-5102 if the gateway could not write the outcome to its journal yet; OCS has acted all the same. */
  readonly code: GatewayCode | undefined;
  /** Of a readStatus; undefined for other actions. */
  readonly value: Value;
  readonly text: string;
  /** For the journal, the log, and `ocsgw explain`. */
  readonly requestId: string;
};

/** Of a Do-Not-Call with `respondAsync`: the gateway has stored it, and sends it until OCS answers 200. */
export type Accepted = {
  readonly ok: true;
  readonly origin: "gateway";
  readonly delivery: "not-sent";
  readonly repeat: "safe";
  readonly status: 202;
  /** OCSGW-5102 if the gateway could not write the outcome to its journal yet; it has accepted the request. */
  readonly code: GatewayCode | undefined;
  readonly value: undefined;
  readonly text: string;
  /** `GET /ocsgw/requests/<requestId>` tells how far it got. */
  readonly requestId: string;
};

/** OCS answered no. */
export type OcsRefusal = {
  readonly ok: false;
  readonly origin: "ocs";
  readonly delivery: "answered";
  readonly repeat: "no";
  readonly status: number;
  readonly code: GatewayCode | undefined;
  /** OCS's own error number, from the header Warning: 112 is "no call found for the record handle". */
  readonly ocsError: number | undefined;
  /** OCS's words; empty if it sent none. */
  readonly text: string;
  /** What the manual says about this status. */
  readonly reading: string;
  readonly requestId: string;
};

/** The gateway refused the request, or got no answer from OCS (`delivery` says which). */
export type GatewayRefusal = {
  readonly ok: false;
  readonly origin: "gateway";
  readonly delivery: Delivery;
  readonly repeat: Repeat;
  readonly status: number;
  readonly code: GatewayCode;
  /** What is wrong, and what to do. */
  readonly text: string;
  /** JSON pointer to the part of the body that is wrong. */
  readonly pointer: string | undefined;
  /** Seconds to wait before the request is sent again. */
  readonly retryAfter: number | undefined;
  readonly requestId: string;
};

/**
 * `not-a-gateway`: an answer without the gateway's headers, as from a proxy between. `closed`: the client was closed
 * while the request waited.
 */
export type NetworkReason =
  | "connect"
  | "tls"
  | "timeout"
  | "aborted"
  | "closed"
  | "connection-lost"
  | "malformed-answer"
  | "not-a-gateway";

/** No answer of the gateway came. */
export type NetworkFailure = {
  readonly ok: false;
  readonly origin: "network";
  readonly delivery: "not-sent" | "sent-no-answer";
  readonly repeat: Repeat;
  readonly reason: NetworkReason;
  /** Of an answer that is not the gateway's. */
  readonly status: number | undefined;
  readonly code: undefined;
  readonly text: string;
  readonly requestId: undefined;
};

export type Result<Value = undefined> =
  | Done<Value>
  /** Not of a readStatus. */
  | ([undefined] extends [Value] ? Accepted : never)
  | OcsRefusal
  | GatewayRefusal
  | NetworkFailure;
