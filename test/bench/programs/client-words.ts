/** What the bench says to its client process, and hears from it. */

/** `requests` are sent in turn, over and over, one at a time. */
export type Line = { readonly label: string; readonly requests: readonly string[] };
export type Crowd = {
  readonly port: number;
  /** The CA of a TLS listener, PEM. */ readonly ca?: string;
  readonly lines: readonly Line[];
};

/**
 * closed: each connection sends its next request when it has its answer, for `ms` or until `requests` were sent. paced:
 * `perSecond` requests over all connections at moments that do not depend on answers (open loop, exponential gaps from
 * a fixed seed).
 */
export type Run =
  | { readonly kind: "closed"; readonly ms: number; readonly requests?: number }
  | { readonly kind: "paced"; readonly ms: number; readonly perSecond: number };

export type Numbers = {
  readonly done: number;
  /**
   * Milliseconds from sending to the whole answer. Paced and with every connection busy: from when it should have been
   * sent.
   */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
  /** Of the sample, in square milliseconds. */
  readonly variance: number;
  /** By the gateway's Server-Timing, where it is there. */
  readonly queueP99: number;
  readonly ocsP50: number;
};

export type Outcome = {
  readonly seconds: number;
  readonly done: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, Numbers>>;
};

export type Order =
  | { readonly order: "open"; readonly crowd: Crowd }
  | { readonly order: "run"; readonly id: number; readonly run: Run }
  | { readonly order: "close"; readonly id: number };
export type Reply = { readonly id: number } | { readonly outcome: Outcome } | { readonly fault: string };
