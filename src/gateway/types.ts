/** The values that the stages produce. Only one stage can make each `Proven` value, so that no stage can be skipped. */
import type { Attributes } from "../ocs/body.ts";
import type { Operation } from "../ocs/target.ts";
import type { Credential, Identity } from "../identity/credentials.ts";
import type { KeptAnswer } from "../idempotency/types.ts";
import type { HandleLease } from "../ownership/ownership.ts";
import type { Charge } from "../tenancy/quota.ts";
import type { Registry, Tenant } from "../tenancy/registry.ts";
import type { Stage } from "../journal/entry.ts";
import type { Arrival, HeaderLine, Reply } from "../common/message.ts";

declare const proof: unique symbol;
type Proven<Name extends string, Value> = Value & { readonly [proof]: Name };

/** The only function that makes proven values; `test/architecture.test.ts` says which file may make which. */
export const proven = <P extends { readonly [proof]: string }>(value: Omit<P, typeof proof>): P => value as P;

/** A client with a valid credential, and the tenants that it may act for (at least one). Made by `authenticate`. */
export type Caller = Proven<
  "Caller",
  {
    readonly client: string;
    readonly credential: Credential;
    readonly tenants: readonly Tenant[];
    /** The registry and revision when the credential was checked; undefined where no request waits. */
    readonly checkedUnder: { readonly registry: Registry; readonly revision: number } | undefined;
  }
>;

/** The current registry and revocations. */
export type InForce = {
  readonly registry: Registry;
  /** Changes with every revocation. */
  readonly revision: number;
  readonly isRevoked: (caller: Pick<Caller, "client" | "credential">) => boolean;
  /** Like `identify`, for a request whose credential was valid on arrival; does not count a failure. */
  readonly identifyAgain: (arrival: Arrival) => Identity | "unknown" | undefined;
};

/** A tenant that was charged for the request. Its policy allows the request, or it has `mode: observe`. */
export type ChargedTenant = {
  readonly tenant: Tenant;
  readonly charge: Charge;
  /** With `mode: observe`: the code of the refusal that the policy would have caused. */
  readonly wouldRefuse: string | undefined;
};

/** The client may do this operation for each of `tenants`. Made by `authorize`. */
export type Grant = Proven<
  "Grant",
  {
    readonly caller: Caller;
    readonly operation: Operation;
    /** At least one. */
    readonly tenants: readonly Tenant[];
    /** The tenant, if `tenants` has only one; undefined if there are several. */
    readonly charged: ChargedTenant | undefined;
  }
>;

/** A body that is valid for this operation. Made by `parseBody`. */
export type Command = Proven<"Command", { readonly attributes: Attributes }>;

/** The client may do this operation for this tenant. Made by `resolveTenant`. */
export type Permit = Proven<
  "Permit",
  ChargedTenant & {
    readonly caller: Caller;
    readonly operation: Operation;
    /** True if everything that other gateways know about record handles was read for this request. */
    readonly isOwnerCurrent: boolean;
  }
>;

/** A request about this tenant alone; only an Order can be sent to OCS. Made by `isolate`. */
export type Order = Proven<
  "Order",
  {
    /** The request's id. */
    readonly id: string;
    readonly client: string;
    readonly credential: Credential;
    readonly owner: Tenant;
    readonly operation: Operation;
    readonly attributes: Attributes;
    readonly wouldRefuse: string | undefined;
    /** The id of the request that a client handed over (`Prefer: respond-async`), if this is an attempt to send it. */
    readonly attemptOf: string | undefined;
    /**
     * The owner's DBID: the key of its queue and lanes, because a reload may rename the owner. This member and the
     * following ones are the parameters of `upstream`.
     */
    readonly tenant: string;
    readonly method: "GET" | "POST";
    readonly path: string;
    readonly body: string;
    /** True: sent before the tenant's other queued requests. */
    readonly urgent: boolean;
    /** Checks that the body of a positive answer matches the request; undefined if OCS sends no body. */
    readonly fits: ((body: Uint8Array) => boolean) | undefined;
    /** The lease on the record handle; undefined for the other resources. */
    readonly lease: HandleLease | undefined;
    /** Called just before sending: returns why the request must not be sent any more. */
    readonly withdrawn: ((leaves?: boolean) => Withdrawal | undefined) | undefined;
    /** Resolves at the end of an earlier request for the same record, which must be sent first. */
    readonly after: (() => Promise<void> | undefined) | undefined;
  }
>;

/** Why a permitted request must not be sent any more. */
export type Withdrawal = "handle-expired" | "unclear" | "revoked" | "dnc-pending";

/** Milliseconds. */
export type Waits = { readonly queue: number; readonly ocs: number };

/** OCS's answer, with the lane, the endpoint and the waits. */
export type Answer = {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
  readonly lane: string;
  readonly endpoint: string;
  readonly waits: Waits;
  /** True: it may be the answer to another request. */
  readonly suspected?: true;
};

/** Why OCS gave no answer. `sent` is false only if no byte of the request was sent. */
export type Failure = {
  readonly reason:
    | "queue-full"
    | "queue-timeout"
    | "abandoned"
    | Withdrawal
    | "unreachable"
    | "no-answer"
    | "connection-lost"
    | "malformed-response";
  readonly sent: boolean;
  /** The setting of the queue that a "queue-full" is about. */
  readonly limit?: "max" | "max_wait" | undefined;
  readonly message: string;
  /** Seconds. */
  readonly retryAfter: number | undefined;
  readonly waits: Waits;
  readonly lane: string | undefined;
  readonly endpoint: string | undefined;
};

/** The result of sending an Order. */
export type Exchange = {
  /** Undefined when the exchange failed. */
  answer: Answer | undefined;
  /** Milliseconds until the intent was on disk; after that the journal needs an outcome. */
  intended: number | undefined;
  /** Milliseconds until the outcome was on disk; undefined when it could not be written. */
  recorded: number | undefined;
  /** Milliseconds that the journal took for both, including failed writes. */
  journal: number;
  waits: Waits | undefined;
  /** The lane on which the request was sent, if no answer came. */
  lane: string | undefined;
};

/**
 * The Idempotency-Key of a request: its token and, if it was used before, the id of the request that used it first.
 * `answer`: OCS's answer to that one. `isReplayed`: the reply repeats the one of that request.
 */
export type UsedKey = {
  readonly token: string;
  readonly first?: string | undefined;
  readonly answer?: KeptAnswer | undefined;
  readonly isReplayed?: true;
};

/** What is known about a request so far. Only the pipeline writes it; the journal, the log and the metrics read it. */
export type Trace = Exchange & {
  readonly arrival: Arrival;
  /** The current stage. */
  stage: Stage;
  caller: Caller | undefined;
  operation: Operation | undefined;
  tenant: Tenant | undefined;
  charge: Charge | undefined;
  wouldRefuse: string | undefined;
  /** Milliseconds from arrival until all checks were passed. */
  decided: number | undefined;
  lease: HandleLease | undefined;
  /** Undefined without a key, and for actions that ignore it. */
  key: UsedKey | undefined;
};

/** What a stage had found before it refused a request. */
export type Found = Partial<Exchange & Pick<Trace, "tenant" | "charge" | "wouldRefuse" | "key">>;

/** The trace of a request that has just arrived. */
export const newTrace = (arrival: Arrival): Trace => ({
  arrival,
  stage: "message",
  caller: undefined,
  operation: undefined,
  tenant: undefined,
  charge: undefined,
  wouldRefuse: undefined,
  decided: undefined,
  lease: undefined,
  key: undefined,
  answer: undefined,
  intended: undefined,
  recorded: undefined,
  journal: 0,
  waits: undefined,
  lane: undefined,
});

/** A reply to which `respond` adds headers. `accepted`: the gateway's own 202, for a request that it sends later. */
export type OpenReply = Reply & {
  readonly headers: HeaderLine[];
  readonly accepted?: true;
  /** The reply is the gateway's own, and not about a request to OCS. */
  readonly isOwn?: true;
};
