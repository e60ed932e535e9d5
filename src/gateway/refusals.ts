/** Every reason to say no, as a closed list: code, status, and one sentence. The code is the same in header, body, journal and README. */
import type { Stage } from "../journal/entry.ts";
import { maskNumbers } from "../mask.ts";
import type { Rule } from "../ocs/violation.ts";
import type { Fault, HeaderLine } from "../message.ts";

export type Delivery = "not-sent" | "answered" | "sent-no-answer";

type Row = { readonly code: string; readonly status: number; readonly title: string; readonly delivery: Delivery };

const row = (code: number, status: number, title: string, delivery: Delivery = "not-sent"): Row => ({ code: `OCSGW-${code}`, status, title, delivery });

export const REFUSALS = {
  "no-resource": row(1001, 404, "the path is no OCS resource"),
  "bad-action": row(1002, 400, "req is missing or not an action of this resource"),
  "bad-json": row(1003, 400, "the body is not a JSON object in UTF-8"),
  "doubled-scope": row(1004, 400, "a key that decides scope stands twice"),
  "uri-and-body": row(1005, 400, "the URI, the header Ocsgw-Tenant and the body name different things"),
  "wrong-length": row(1006, 400, "the length of the body is wrong"),
  "body-too-large": row(1006, 413, "the body is too large"),
  "head-too-large": row(1006, 431, "the header block or the target is too large"),
  "bad-attribute": row(1007, 400, "an attribute is missing or has a wrong type or value"),
  "wrong-method": row(1008, 405, "the method is not for this resource"),
  "bad-content-type": row(1009, 415, "a body must be application/json"),
  "foreign-authority": row(1010, 421, "the request is addressed to a host that is not this gateway"),
  "ambiguous": row(1011, 400, "not one unambiguous HTTP request"),
  "no-credential": row(2001, 401, "no usable credential"),
  "revoked": row(2001, 401, "no usable credential"),
  "not-granted": row(2101, 403, "this client may not do this action"),
  "other-tenant": row(2103, 403, "the request names a tenant that this client may not act for"),
  "not-yours": row(2104, 403, "this campaign group, campaign or list is not this tenant's"),
  "which-tenant": row(2105, 400, "which of the client's tenants is meant is not said"),
  "no-such-record": row(2106, 410, "no such record for this tenant"),
  "void": row(2106, 410, "no such record for this tenant"),
  "taken": row(2107, 409, "this record handle has a tenant already, and it is another one"),
  "over-limit": row(3001, 429, "over a rate limit"),
  "queue-full": row(3002, 503, "this tenant's queue is full"),
  "waited": row(3003, 503, "no lane to OCS came free in time"),
  "abandoned": row(3003, 503, "the client hung up while its request waited"),
  "unreachable": row(4001, 503, "no OCS reachable"),
  "no-answer": row(4101, 504, "OCS did not answer in time; it may still act", "sent-no-answer"),
  "cut": row(4102, 502, "the connection to OCS ended after sending; the request may have been carried out", "sent-no-answer"),
  "garbled": row(4103, 502, "what came back from OCS is not one whole HTTP answer; the request may have been carried out", "sent-no-answer"),
  "no-journal": row(5101, 503, "the journal cannot be written, so nothing was sent"),
  "no-store": row(5103, 503, "ownership cannot be written or OCS's roles are open, so nothing was registered"),
  "unclear": row(5103, 503, "whose record this is cannot be told now; nothing was sent, repeat the request"),
  "defect": row(5900, 500, "a defect of the gateway"),
} as const satisfies Record<string, Row>;

export type Refusal = keyof typeof REFUSALS;

/** OCS acted and the client has its answer, but the journal could not take the outcome. */
export const OUTCOME_DELAYED = "OCSGW-5102";

type More = {
  /** What exactly, and what to do. Never a value that the client sent, never a foreign tenant's name. */
  readonly detail?: string;
  readonly pointer?: string;
  /** The stage that refused it, where that is not the one at work; and the setting that decided (`setting.ts`). For the journal. */
  readonly stage?: Stage;
  readonly setting?: string;
  /** For the journal and the operator alone: what the client must not be told. */
  readonly reason?: string;
  readonly headers?: readonly HeaderLine[];
  readonly delivery?: Delivery;
  /** The connection cannot be used after the reply. */
  readonly close?: boolean;
  readonly cause?: unknown;
};

/** A pointer names what the client called a field, and so may the detail: should that be a number, it is not repeated. */
export class Refused extends Error {
  readonly refusal: Refusal;
  readonly more: More;
  constructor(refusal: Refusal, more: More = {}) {
    super(more.detail === undefined ? REFUSALS[refusal].title : maskNumbers(more.detail), { cause: more.cause });
    this.name = "Refused";
    this.refusal = refusal;
    this.more = more.pointer === undefined ? more : { ...more, pointer: maskNumbers(more.pointer) };
  }
}

export const refuse = (refusal: Refusal, more: More = {}): never => {
  throw new Refused(refusal, more);
};

/** The word for each rule of OCS's language. */
export const FOR_RULE: Readonly<Record<Rule, Refusal>> = {
  "resource": "no-resource", "method": "wrong-method", "action": "bad-action", "json": "bad-json", "truncated": "bad-json",
  "doubled-scope": "doubled-scope", "attribute": "bad-attribute",
};

/** The word for each fault of the message itself. */
export const FOR_FAULT: Readonly<Record<Fault["kind"], Refusal>> = {
  "ambiguous": "ambiguous", "wrong-length": "wrong-length", "body-too-large": "body-too-large", "head-too-large": "head-too-large",
  "foreign-authority": "foreign-authority",
};
