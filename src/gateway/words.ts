/** The values that a request becomes on its way. A `Proven` value can be made by one stage alone, so no stage can be left out. */
import type { Attributes } from "../ocs/body.ts";
import type { Operation } from "../ocs/target.ts";
import type { AuthFailure, Claimed, Credential, Identified, Identity } from "../tenants/credential.ts";
import type { HandleLease, Ownership } from "../tenants/ownership.ts";
import type { Charge } from "../tenants/quota.ts";
import type { Register, Tenant } from "../tenants/register.ts";
import type { Entry, Stage } from "../journal/entry.ts";
import type { Redactor } from "../journal/redact.ts";
import type { Arrival, HeaderLine, Reply } from "../message.ts";
import type { Delivery, Refusal } from "./refusals.ts";

declare const proof: unique symbol;
export type Proven<Name extends string, Value> = Value & { readonly [proof]: Name };

/** Who asks, and for which tenants this client may speak. Made by `authenticate`. */
export type Caller = Proven<
  "Caller",
  {
    readonly client: string;
    readonly credential: Credential;
    readonly tenants: readonly Tenant[];
    /** What was in force then. */
    readonly judgedBy?: { readonly register: Register; readonly revision: number } | undefined;
  }
>;

/** The client may do that. `tenant` is undefined while a client of several tenants has not said which. Made by `admit`. */
export type Permit = Proven<
  "Permit",
  {
    readonly caller: Caller;
    readonly operation: Operation;
    /** Those tenants of the caller under which it may do this. */
    readonly tenants: readonly Tenant[];
    readonly tenant: Tenant | undefined;
  }
>;

/** The body says it in OCS's language, and for one tenant. Made by `readCommand`. */
export type Command = Proven<
  "Command",
  {
    readonly permit: Permit;
    readonly tenant: Tenant;
    readonly attributes: Attributes;
  }
>;

/** It is about this tenant alone: the one thing that can be sent. Made by `isolate`. */
export type Order = Proven<
  "Order",
  {
    readonly client: string;
    readonly credential: Credential;
    readonly owner: Tenant;
    readonly operation: Operation;
    readonly attributes: Attributes;
    /** The owner's DBID: queue and lanes are its, whatever a reload calls it. With what follows it is by shape what the upstream takes. */
    readonly tenant: string;
    readonly method: "GET" | "POST";
    readonly path: string;
    readonly body: string;
    /** Goes before what is not, within its tenant. */
    readonly urgent: boolean;
    /** Whether a positive answer's body is the one that was asked for. */
    readonly fits: ((body: Uint8Array) => boolean) | undefined;
    /** Leave to use the record handle; undefined for the other resources. */
    readonly lease: HandleLease | undefined;
    /** Asked just before the request leaves: why it may not be sent any more. */
    readonly withdrawn: ((leaves?: boolean) => Withdrawal | undefined) | undefined;
    /** An earlier request on the same record that this one has to wait for. */
    readonly after: (() => Promise<void> | undefined) | undefined;
  }
>;

/** Why a request that was permitted may not be sent any more. */
export type Withdrawal = "void" | "unclear" | "revoked";

/** What OCS answered, and how it came. */
export type Answer = {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
  readonly lane: string;
  readonly endpoint: string;
  readonly waits: { readonly queue: number; readonly ocs: number };
  /** It may be another request's answer. */
  readonly suspected?: true;
  /** The outcome could not be journalled. */
  readonly unjournalled?: true;
};

/** How `Parts.send` fails: `sent` is false only when not one byte of the request left. */
export type Failure = {
  readonly why: Extract<
    Refusal,
    | "queue-full"
    | "waited"
    | "abandoned"
    | "void"
    | "unclear"
    | "revoked"
    | "unreachable"
    | "no-answer"
    | "cut"
    | "garbled"
  >;
  readonly sent: boolean;
  readonly message: string;
  readonly retryAfter: number | undefined;
  readonly waits: Answer["waits"];
  readonly lane: string | undefined;
  readonly endpoint: string | undefined;
};

/** What is known of a request so far: for the journal's line and the reply when a stage says no. */
export type Seen = {
  readonly arrival: Arrival;
  caller: Caller | undefined;
  operation: Operation | undefined;
  tenant: Tenant | undefined;
  charge: Charge | undefined;
  /** The stage that is at work. */
  stage: Stage;
  /** The code under which the tenant's policy would have refused it, and did not because the tenant observes. */
  wouldRefuse: string | undefined;
  /** Milliseconds since arrival at which policy was done. */
  decided: number | undefined;
  /** Milliseconds after which the intent was on disk: from here on the journal owes an outcome. */
  intended: number | undefined;
  /** Milliseconds after which the outcome was on disk. */
  recorded: number | undefined;
  /** Milliseconds of the journal's two flushes, failed ones too. */
  journal: number;
  /** Of the exchange, also when it failed. */
  waits: Answer["waits"] | undefined;
  /** On which it was sent, where no answer came. */
  lane: string | undefined;
  answer: Answer | undefined;
  /** Of a record's request, once it was to be sent. */
  lease: HandleLease | undefined;
};

/** Of a request that has just arrived. */
export const seenOf = (arrival: Arrival): Seen => ({
  arrival,
  caller: undefined,
  operation: undefined,
  tenant: undefined,
  charge: undefined,
  stage: "message",
  wouldRefuse: undefined,
  decided: undefined,
  intended: undefined,
  recorded: undefined,
  journal: 0,
  waits: undefined,
  lane: undefined,
  answer: undefined,
  lease: undefined,
});

/** A reply that is the line's own still, so that headers can be added to it. */
export type Screened = Reply & { readonly headers: HeaderLine[] };

export type Dialect = "auto" | "ocs" | "problem";

/** Who may act for whom, as it is now. */
export type InForce = {
  readonly register: Register;
  /** Another number after every revocation. */
  readonly revision: number;
  readonly isRevoked: (caller: Pick<Caller, "client" | "credential">) => boolean;
  /** As `identify`, of a request whose credentials were valid when it came: a failure is not counted. */
  readonly identifyAgain: (arrival: Arrival) => Identity | "unknown" | undefined;
};

/** The reply to a refusal waits for so long, because its tenant has very many that are each an entry. */
export type Held = { readonly holdMs: number };

/** How a request ended. Without a code OCS answered. `authFailure`: why it is nobody's. */
export type Ending = {
  readonly status: number;
  readonly code?: string;
  readonly delivery?: Delivery;
  readonly authFailure?: AuthFailure | undefined;
};

/** The line's outside world, as functions. */
export type Parts = {
  readonly identify: (arrival: Arrival) => Promise<Identified> | Identified;
  readonly challenge: string;
  /** What a request's credentials say of themselves, verified or not. Nothing when left out. */
  readonly claimed?: (arrival: Arrival) => Claimed;
  /** By the config in force now, a later one perhaps than this line's. Left out where nothing waits. */
  readonly inForce?: () => InForce;
  readonly register: Register;
  readonly ownership: Pick<Ownership, "ask" | "ownersAmong"> & Partial<Pick<Ownership, "epochOf" | "announcedFor">>;
  readonly charge: (tenant: Tenant, client: string, action: Operation["action"]["name"]) => Promise<Charge> | Charge;
  /** For a request that was refused before anybody knew for which tenant it is; nothing is charged when left out. */
  readonly chargeClient?: (
    tenant: Tenant,
    client: string,
    action: Operation["action"]["name"],
  ) => Promise<Charge> | Charge;
  /** Resolves when the entry is on disk. */
  readonly append: (entry: Entry) => Promise<unknown>;
  /** For entries that may share the next flush. */
  /** Writes the entry soon, and waits for nothing. Undefined as a rule: see `Held`. */
  readonly note: (entry: Entry) => Held | void;
  readonly redact: Redactor;
  /** Takes a fair turn, runs one exchange. Rejects with `why` and `sent`. */
  readonly send: (order: Order, gone: () => AbortSignal) => Promise<Answer>;
  readonly dialect: (listener: string) => Dialect;
  /** Whether a listener takes bodies of this media type (in small letters) besides application/json; none when left out. */
  readonly acceptsType?: (listener: string, type: string) => boolean;
  /** Told of every request once, when its reply is decided. */
  readonly observe: (seen: Seen, ending: Ending) => void;
  readonly configHash: string;
};
