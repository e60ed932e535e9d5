/**
 * Every reason to say no, as a closed list: code, status, one sentence, how far the request got, and what to do now. The code is
 * the same in header, body, journal, metric and README.
 */
import type { Stage } from "../journal/entry.ts";
import { maskNumbers } from "../mask.ts";
import type { Rule } from "../ocs/violation.ts";
import type { Fault, HeaderLine } from "../message.ts";
import type { AuthFailure } from "../tenants/credential.ts";

export type Delivery = "not-sent" | "answered" | "sent-no-answer";

type Row = {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly delivery: Delivery;
  /** For operators and for who writes the client. */
  readonly advice: string;
};

const row = (code: number, status: number, title: string, advice: string, delivery: Delivery = "not-sent"): Row => ({
  code: `OCSGW-${code}`,
  status,
  title,
  delivery,
  advice,
});

const CREDENTIAL =
  "The journal says what was wrong with the credential. Send the key as Basic or X-Api-Key, or a token; " +
  "ocsgw keys list shows the keys.";
const HANDLE =
  "The journal says why. A finished record cannot be used again; the call of today has a handle of its own.";
const AGAIN = "Wait as long as Retry-After says.";
const READ_REPEAT = "Ocsgw-Repeat says whether the same request may be sent again.";

export const REFUSALS = {
  "no-resource": row(
    1001,
    404,
    "the path is no OCS resource",
    "Correct the path: /records, /phones, /customer_ids, /lists, /campaigngroups.",
  ),
  "bad-action": row(
    1002,
    400,
    "req is missing or not an action of this resource",
    "Send exactly one parameter, req; the reply lists the actions of this resource.",
  ),
  "bad-json": row(
    1003,
    400,
    "the body is not a JSON object in UTF-8",
    "Correct the body at the line and column of the reply.",
  ),
  "doubled-scope": row(1004, 400, "a key that decides scope stands twice", "Send each key once."),
  "uri-and-body": row(
    1005,
    400,
    "the URI, the header Ocsgw-Tenant and the body name different things",
    "Leave out of the body what the URI or the header says.",
  ),
  "wrong-length": row(1006, 400, "the length of the body is wrong", "Let the HTTP library set Content-Length."),
  "body-too-large": row(1006, 413, "the body is too large", "Send less, or raise listeners[].max_body."),
  "head-too-large": row(
    1006,
    431,
    "the header block or the target is too large",
    "Send fewer or shorter headers; a token of 16 KiB fits.",
  ),
  "bad-attribute": row(
    1007,
    400,
    "an attribute is missing or has a wrong type or value",
    "Correct the attribute that the pointer names; a field must be one of the tenant's `fields`.",
  ),
  "wrong-method": row(1008, 405, "the method is not for this resource", "Use a method that Allow names."),
  "bad-content-type": row(
    1009,
    415,
    "a body must be application/json",
    "Send application/json in UTF-8; for a client that cannot be changed, name its type in " +
      "listeners[].accept_content_types.",
  ),
  "foreign-authority": row(
    1010,
    421,
    "the request is addressed to a host that is not this gateway",
    "Add the name to listeners[].names; name:* where clients know another port than the listener's.",
  ),
  ambiguous: row(
    1011,
    400,
    "not one unambiguous HTTP request",
    "Correct the client, or the proxy in front of the gateway: the reply says what is ambiguous.",
  ),
  "no-credential": row(2001, 401, "no usable credential", CREDENTIAL),
  revoked: row(2001, 401, "no usable credential", CREDENTIAL),
  throttled: row(
    2002,
    429,
    "too many failed credentials from this address, or of this one",
    "Correct the client that sends the bad credential: the entries before this one name it. identity.failures " +
      "sets the allowance; behind a proxy set listeners[].trusted_proxies.",
  ),
  "no-keys": row(
    2003,
    503,
    "the keys of the token's issuer cannot be had",
    "Ask again as Retry-After says. The log and /readyz say why the keys cannot be fetched; identity.jwt[].jwks_uri is " +
      "their address, max_stale says for how long the last good ones count.",
  ),
  "not-granted": row(
    2101,
    403,
    "this client may not do this action",
    "ocsgw can tells what this client may do, and the line that grants it.",
  ),
  "other-tenant": row(
    2103,
    403,
    "the request names a tenant that this client may not act for",
    "Leave the tenant out of the body (it is filled in), or use a key of that tenant.",
  ),
  "not-yours": row(
    2104,
    403,
    "this campaign group, campaign or list is not this tenant's",
    "Name a group, campaign or list of this tenant, or add it to the tenant in the config.",
  ),
  "which-tenant": row(
    2105,
    400,
    "which of the client's tenants is meant is not said",
    "Say for which tenant: GSW_TENANT_DBID or the header Ocsgw-Tenant.",
  ),
  "no-such-record": row(2106, 410, "no such record for this tenant", HANDLE),
  void: row(2106, 410, "no such record for this tenant", HANDLE),
  taken: row(
    2107,
    409,
    "this record handle has a tenant already, and it is another one",
    "Ask who runs the registrar: two components name different tenants for one handle.",
  ),
  probing: row(
    2108,
    429,
    "too many requests for record handles that are not this tenant's",
    "Find out where the client has the handles from: OCS announced none of them for this tenant. An alarm in " +
      "the journal names the tenant.",
  ),
  "over-limit": row(3001, 429, "over a rate limit", AGAIN),
  "queue-full": row(3002, 503, "this tenant's queue is full", `${AGAIN} ocsgw status tells who has the lanes.`),
  waited: row(3003, 503, "no lane to OCS came free in time", "Ask again; ocsgw status tells who has the lanes."),
  abandoned: row(
    3003,
    503,
    "the client hung up while its request waited",
    "Let the client wait for longer than upstreams.<name>.queue.max_wait.",
  ),
  unreachable: row(4001, 503, "no OCS reachable", "Ask again later; ocsgw status tells which OCS is reachable."),
  "no-answer": row(4101, 504, "OCS did not answer in time; it may still act", READ_REPEAT, "sent-no-answer"),
  cut: row(
    4102,
    502,
    "the connection to OCS ended after sending; the request may have been carried out",
    READ_REPEAT,
    "sent-no-answer",
  ),
  garbled: row(
    4103,
    502,
    "what came back from OCS is not one whole HTTP answer; the request may have been carried out",
    READ_REPEAT,
    "sent-no-answer",
  ),
  "no-journal": row(
    5101,
    503,
    "the journal cannot be written, so nothing was sent",
    "Ask again when the journal can be written: /readyz tells why it cannot.",
  ),
  "no-store": row(
    5103,
    503,
    "ownership cannot be written or OCS's roles are open, so nothing was registered",
    "Register the handle again.",
  ),
  unclear: row(
    5103,
    503,
    "whose record this is cannot be told now; nothing was sent, repeat the request",
    "Ask again; the journal says what is not known yet.",
  ),
  defect: row(5900, 500, "a defect of the gateway", "Report it with the log line of this request id."),
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
  /** For the journal and the operator alone: what the client must not be told. A word, a colon and a sentence. */
  readonly reason?: string;
  /** Why the request is nobody's: the word of `reason`. For the metric. */
  readonly authFailure?: AuthFailure;
  /** The id of the API key that was presented. For the journal. */
  readonly key?: string | undefined;
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
  resource: "no-resource",
  method: "wrong-method",
  action: "bad-action",
  json: "bad-json",
  truncated: "bad-json",
  "doubled-scope": "doubled-scope",
  attribute: "bad-attribute",
};

/** The word for each fault of the message itself. */
export const FOR_FAULT: Readonly<Record<Fault["kind"], Refusal>> = {
  ambiguous: "ambiguous",
  "wrong-length": "wrong-length",
  "body-too-large": "body-too-large",
  "head-too-large": "head-too-large",
  "foreign-authority": "foreign-authority",
};
