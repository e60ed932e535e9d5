/** Entries about one request: its intent, its outcome, and counted refusals. */

export type Tenant = { readonly dbid: number; readonly name: string };
export type Credential = { readonly kind: string; readonly id: string };
/** `t1:` and 64 hex digits each: equal values have equal tokens, whatever `redact` shows of them. */
export type Tokens = { readonly phone?: string; readonly customer_id?: string };
export type Waits = { readonly queue_ms: number; readonly ocs_ms: number; readonly total_ms: number };
export type Delivery = "not-sent" | "answered" | "sent-no-answer";
export type Origin = "ocs" | "gateway";

/** Written and flushed before the gateway sends the first byte to OCS. */
export type Intent = {
  readonly kind: "intent";
  readonly id: string;
  readonly tenant: Tenant;
  readonly client: string;
  readonly credential: Credential;
  readonly source: string;
  readonly listener: string;
  readonly resource: string;
  readonly identifier: string | null;
  readonly action: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly tokens?: Tokens | undefined;
  readonly config_hash: string;
  /** For a Do-Not-Call and an owned record handle: the OCS. */
  readonly upstream?: string | undefined;
  /** For a record handle: that OCS's epoch. */
  readonly epoch?: number | undefined;
  /** For an owned record handle: the announcement or registration that it belongs to. */
  readonly generation?: number | undefined;
  /** Tokens of the person whose record OCS announced, if the request itself names a person: the two may differ. */
  readonly announced?: Tokens | undefined;
  /** The code of the refusal that the tenant's policy would have caused; the tenant is in observe mode. */
  readonly would_refuse?: string | undefined;
  /** The journal adds it: see `write/dnc-sequence.ts`. A number without a sequence belongs to that of its DBID. */
  readonly dnc_sequence?: string | undefined;
  readonly dnc?: number | undefined;
  /** Names of the request's user-defined fields that `body` lacks because `audit.redact` dropped their values. */
  readonly dropped_fields?: readonly string[] | undefined;
  /** W3C Trace Context: the trace and the span of the client's call, if it sent a valid header. */
  readonly traceparent?: string | undefined;
  /** The token of the header Idempotency-Key: the same in all requests of this client and tenant with the same key. */
  readonly idempotency_key?: string | undefined;
  /** An attempt to send a request that the gateway accepted with 202: that request's id. */
  readonly attempt_of?: string | undefined;
};

/** The pipeline stage that refused a request, in the order in which `explain` shows them. */
export type Stage =
  | "message"
  | "identity"
  | "operation"
  | "policy"
  | "body"
  | "scope"
  | "key"
  | "journal"
  | "queue"
  | "ocs";

/**
 * What a rejected client claimed: nothing of it is verified, and numbers in it are masked. `issuer`: a token's `iss`.
 * `key`: the id of the API key that it sent, which the keys file has. `path`: without a query.
 */
export type PresentedBy = {
  readonly client?: string | undefined;
  readonly kid?: string | undefined;
  readonly issuer?: string | undefined;
  readonly key?: string | undefined;
  readonly path?: string | undefined;
};

/** Flushed before the reply. */
export type Outcome = {
  readonly kind: "outcome";
  readonly id: string;
  readonly delivery: Delivery;
  readonly origin: Origin;
  readonly status: number;
  readonly code: string | null;
  readonly warning: string | null;
  readonly waits: Waits;
  readonly lane: string | null;
  readonly endpoint: string | null;
  /** Why a record's request was not sent; the client did not get this reason. */
  readonly reason?: string | undefined;
  /**
   * The stage that refused the request or failed, and the setting that decided, for example
   * `tenants[0].limits.requests`.
   */
  readonly stage?: Stage | undefined;
  readonly setting?: string | undefined;
  /** OCS's answer may belong to another request, so what OCS did with this one is uncertain. */
  readonly suspected?: true | undefined;
};

/** What the gateway knew about a request when it refused it. */
export type Refusal = {
  readonly kind: "refusal";
  readonly id: string;
  readonly tenant?: Tenant | null | undefined;
  readonly client?: string | null | undefined;
  readonly credential?: Credential | null | undefined;
  readonly source?: string | null | undefined;
  readonly listener?: string | null | undefined;
  readonly resource?: string | null | undefined;
  readonly identifier?: string | null | undefined;
  readonly action?: string | null | undefined;
  readonly tokens?: Tokens | undefined;
  /** As in an intent, if the record belongs, or belonged, to one of the client's tenants. */
  readonly announced?: Tokens | undefined;
  readonly code: string;
  readonly status: number;
  readonly delivery: Delivery;
  readonly detail?: string | undefined;
  /** A reason that the client did not get. */
  readonly reason?: string | undefined;
  readonly pointer?: string | undefined;
  /** As in an outcome. */
  readonly stage?: Stage | undefined;
  readonly setting?: string | undefined;
  readonly presented?: PresentedBy | undefined;
  readonly waits?: Waits | undefined;
  /** As in an intent: the policy would have refused the request earlier. */
  readonly would_refuse?: string | undefined;
  /** For a Do-Not-Call whose tenant was known: the OCS, and for a record handle its epoch. */
  readonly upstream?: string | undefined;
  readonly epoch?: number | undefined;
  /** The journal adds it: see `write/dnc-sequence.ts`. */
  readonly dnc_sequence?: string | undefined;
  readonly dnc?: number | undefined;
  /** The campaign or list at `pointer` that is not this tenant's. Numbers in it are masked. */
  readonly named?: string | undefined;
  /** As in an intent. */
  readonly traceparent?: string | undefined;
};

/**
 * A repeated request with the Idempotency-Key of an earlier one: the client got that one's reply again, and nothing was
 * sent to OCS.
 */
export type Replay = {
  readonly kind: "replay";
  readonly id: string;
  readonly tenant: Tenant;
  readonly client: string;
  readonly credential: Credential;
  readonly source: string;
  readonly listener: string;
  readonly resource: string;
  readonly identifier: string | null;
  readonly action: string;
  /** The id of the earlier request. */
  readonly first: string;
  /** What the client got again: OCS's status, or the gateway's with its code. */
  readonly status: number;
  readonly code: string | null;
  /** Of the earlier request. */
  readonly delivery: Delivery;
  readonly waits: Waits;
  readonly traceparent?: string | undefined;
  readonly idempotency_key: string;
};

/**
 * Written at a start for an intent of an earlier run without an outcome: OCS may have carried it out or never received
 * it. It closes the intent.
 */
export type InDoubt = {
  readonly kind: "in-doubt";
  readonly id: string;
  /** The intent's index. */
  readonly intent: number;
  readonly tenant: Tenant;
  readonly client: string;
  readonly resource: string;
  readonly action: string;
  readonly reason: string;
};

/**
 * Counted refusals: of unknown clients, by source; of one client, beyond its tenant's budget; or of identical
 * Do-Not-Calls of one client.
 */
export type Flood = {
  readonly kind: "flood";
  /** `*`: several sources. */
  readonly source: string;
  readonly listener?: string | undefined;
  readonly tenant?: Tenant | null | undefined;
  /** `*`: several known clients. */
  readonly client?: string | null | undefined;
  readonly action?: string | undefined;
  readonly resource?: string | undefined;
  readonly identifier?: string | null | undefined;
  readonly tokens?: Tokens | undefined;
  readonly announced?: Tokens | undefined;
  /** RFC 3339, the start of the counted period. */
  readonly second: string;
  /** The length of that period; 1 if missing. */
  readonly seconds?: number | undefined;
  readonly count: number;
  readonly codes?: Readonly<Record<string, number>> | undefined;
  /** The lowest and the highest request id of the counted refusals. */
  readonly first_id?: string | undefined;
  readonly last_id?: string | undefined;
};

/** The client disconnected while its request was queued; the gateway removed the request and did not send it. */
export type Abandoned = {
  readonly kind: "abandoned";
  readonly id: string;
  readonly delivery: "not-sent";
  readonly waits: Waits;
};
