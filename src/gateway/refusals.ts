/**
 * All reasons to refuse a request: code, status, title, how far the request got, and what to do. Header, body, journal,
 * metric and documents use the same code.
 */
import type { Delivery } from "../journal/entry.ts";

export type RefusalRow = {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly delivery: Delivery;
  /** What operators or client developers should do. */
  readonly advice: string;
};

const row = (
  code: number,
  status: number,
  title: string,
  advice: string,
  delivery: Delivery = "not-sent",
): RefusalRow => ({
  code: `OCSGW-${code}`,
  status,
  title,
  delivery,
  advice,
});

/** Advice: first what the client does, then what the operator does. Commands take the reader's config: -c FILE. */
const CREDENTIAL =
  "Client: send a key as Basic (client as user, key as password) or in X-Api-Key, or a token as Authorization: " +
  "Bearer. Operator: ocsgw explain -c FILE ID says what was wrong (expired, revoked, unknown, wrong header, no " +
  "tenant); ocsgw keys list -c FILE shows the keys.";
const HANDLE =
  "Client: use the handle of the present call, or send a Do-Not-Call by phone number or customer id. Operator: the " +
  "record was finished, OCS switched over or restarted, the handle is another tenant's, or nobody announced or " +
  "registered it for this tenant: ocsgw explain -c FILE ID says which.";
const WAIT = "Client: wait as long as Retry-After says.";
const LANES = "ocsgw status -c FILE shows which tenants use the lanes, and how long OCS takes.";
const REPEAT =
  "Client: follow Ocsgw-Repeat: safe = send it again; check-first = read the group's status first; no = do not send " +
  "it again.";

export const REFUSALS = {
  "no-resource": row(
    1001,
    404,
    "the path names no OCS resource, or its identifier is invalid",
    "Client: correct the path: /records, /phones, /customer_ids, /lists or /campaigngroups, with an identifier.",
  ),
  "no-registration": row(
    1001,
    404,
    "the path is not /ownership/<upstream>/<handle>, or no tenant of this registrar owns the handle",
    "Registrar: use the upstream of these callbacks and a record handle in the path; GET finds only handles that one " +
      "of its tenants owns now. Operator: after a switchover or restart of OCS they must be registered again.",
  ),
  "bad-action": row(
    1002,
    400,
    "req is missing or not an action of this resource",
    "Client: send exactly one query parameter, req, with an action of this resource; the reply lists them.",
  ),
  "bad-json": row(
    1003,
    400,
    "the body is not a JSON object in UTF-8",
    "Client: correct the body; for a syntax error the reply names line and column.",
  ),
  "duplicate-scope-key": row(
    1004,
    400,
    "a key that names a tenant or object appears twice",
    "Client: send each key once; the same key in upper and lower case counts as twice.",
  ),
  "conflicting-names": row(
    1005,
    400,
    "the URI, the header Ocsgw-Tenant and the body name different things",
    "Client: leave out of the body what the URI or the header already says, or correct the value that is wrong.",
  ),
  "wrong-length": row(
    1006,
    400,
    "the body is incomplete, or does not match Content-Length or the method",
    "Client: let the HTTP library set Content-Length, send the whole body without a pause, and send none with GET. " +
      "Operator: a proxy in front of the gateway may cut or delay bodies.",
  ),
  "body-too-large": row(
    1006,
    413,
    "the body is too large",
    "Client: send less. Operator: listeners[].max_body is the limit.",
  ),
  "head-too-large": row(
    1006,
    431,
    "the header block or the request target is too large",
    "Client: shorten what the detail names: a target has at most 2048 bytes, a header block 64 lines and 24 KiB.",
  ),
  "bad-attribute": row(
    1007,
    400,
    "an attribute is missing or has an invalid type or value",
    "Client: correct the attribute that the pointer names. Operator: a user-defined field must be among the tenant's " +
      "`fields`.",
  ),
  "wrong-method": row(
    1008,
    405,
    "this resource does not allow the method",
    "Client: use a method that the header Allow of the reply names.",
  ),
  "bad-content-type": row(
    1009,
    415,
    "the body must be application/json",
    "Client: send Content-Type: application/json. Operator: for a client that cannot be changed, add its type to " +
      "listeners[].accept_content_types.",
  ),
  "foreign-authority": row(
    1010,
    421,
    "the host name in the request is not configured here",
    "Client: use a host name of the gateway. Operator: add the name to listeners[].names, or name:* where clients " +
      "know another port than the listener's.",
  ),
  ambiguous: row(
    1011,
    400,
    "not a valid and unambiguous HTTP request",
    "Client: the reply says what is wrong; plain http to a TLS port is one cause. Operator: a proxy in front of the " +
      "gateway may change requests.",
  ),
  "no-credential": row(2001, 401, "no usable credential", CREDENTIAL),
  revoked: row(2001, 401, "no usable credential", CREDENTIAL),
  throttled: row(
    2002,
    429,
    "too many failed credentials from this address, or too many failures of this credential",
    "Client: correct the credential, and wait as long as Retry-After says. Operator: earlier journal entries name " +
      "the failures; identity.failures sets the limit; behind a proxy set listeners[].trusted_proxies, because all " +
      "its clients share its address.",
  ),
  "issuer-keys-unavailable": row(
    2003,
    503,
    "the keys of the token's issuer cannot be fetched",
    `${WAIT} Operator: the log (issuerKeysUnavailable) says why; check identity.jwt[].jwks_uri and the network. Keys ` +
      "fetched earlier are accepted for max_stale; a token with a new kid needs a fetch in any case.",
  ),
  "not-granted": row(
    2101,
    403,
    "this client may not do this action",
    "Client: ask the operator for the right. Operator: ocsgw can -c FILE CLIENT ACTION PATH shows the line of the " +
      "config that decides; add the action or the campaign group there.",
  ),
  "other-tenant": row(
    2103,
    403,
    "the request names a tenant that this client may not act for",
    "Client: leave the tenant out of the body and Ocsgw-Tenant (the gateway fills it in), or use a key of that " +
      "tenant. Registrar: name a tenant of its entry in callbacks.registrars.",
  ),
  "foreign-object": row(
    2104,
    403,
    "this campaign group, campaign or list does not belong to this tenant",
    "Client: name a group, campaign or list of its own tenant. Operator: if it is the tenant's, add it to " +
      "campaign_groups, campaigns or lists of the tenant.",
  ),
  "ambiguous-tenant": row(
    2105,
    400,
    "ambiguous tenant: this client acts for several, and the request does not say which",
    "Client: name the tenant with GSW_TENANT_DBID or GSW_TENANT_NAME in the body, or with the header Ocsgw-Tenant; " +
      "where two tenants on two OCS share one of them, send both or the other one.",
  ),
  "no-such-record": row(2106, 410, "no such record for this tenant", HANDLE),
  "handle-expired": row(2106, 410, "no such record for this tenant", HANDLE),
  "handle-taken": row(
    2107,
    409,
    "this record handle already belongs to another tenant",
    "Registrar: do not use the handle for this tenant. Operator: two components name different tenants for one " +
      "handle; find out which one is wrong.",
  ),
  probing: row(
    2108,
    429,
    "too many requests for record handles that do not belong to this tenant",
    "Client: use only handles of the tenant's own calls. Operator: find out where the client gets the handles: OCS " +
      "announced none of them for this tenant. An alarm names the tenant: ocsgw audit search -c FILE kind:alarm.",
  ),
  "over-limit": row(
    3001,
    429,
    "rate limit exceeded",
    `${WAIT} Operator: the journal names the limit: one under limits of the tenant or of the client.`,
  ),
  "queue-full": row(
    3002,
    503,
    "this tenant's queue is full, or the wait would be too long",
    `${WAIT} Operator: ${LANES}`,
  ),
  "queue-timeout": row(
    3003,
    503,
    "no lane to OCS became free in time",
    `Client: send the request again. Operator: ${LANES}`,
  ),
  abandoned: row(
    3003,
    503,
    "the client hung up while its request was queued",
    "Client: wait longer than upstreams.<name>.queue.max_wait for the reply.",
  ),
  unreachable: row(
    4001,
    503,
    "no OCS reachable, or the gateway is stopping",
    "Client: send the request again later. Operator: ocsgw status -c FILE shows which OCS is reachable, and ocsgw " +
      "check -c FILE --connect why not: OCS, network, firewall or TLS.",
  ),
  "no-answer": row(
    4101,
    504,
    "OCS did not answer in time and may still act",
    `${REPEAT} Operator: OCS is slow or hangs; timeouts.answer of the upstream is the limit.`,
    "sent-no-answer",
  ),
  "connection-lost": row(
    4102,
    502,
    "the connection to OCS ended after the request was sent and before OCS answered; OCS may have carried it out",
    `${REPEAT} Operator: OCS was stopped or switched over, or the network or a firewall ended the connection.`,
    "sent-no-answer",
  ),
  "malformed-response": row(
    4103,
    502,
    "OCS's answer was incomplete or malformed; OCS may have carried out the request",
    `${REPEAT} Operator: the connection ended within the answer, or what answers there is not OCS, such as a proxy.`,
    "sent-no-answer",
  ),
  "journal-unavailable": row(
    5101,
    503,
    "the journal cannot be written, so nothing was sent",
    "Client: send the request again after Retry-After. Operator: free disk space or repair the disk; the log and " +
      "/readyz say why the journal cannot be written, and the gateway recovers by itself.",
  ),
  "ownership-unavailable": row(
    5103,
    503,
    "the owner of the handle cannot be stored now, so nothing was registered",
    "Registrar: send the request again after Retry-After. Operator: the reply says why: the disk, a full table, or " +
      "an OCS whose role is not known.",
  ),
  unclear: row(
    5103,
    503,
    "the owner of this record handle is not known now, so nothing was sent",
    "Client: send the request again after Retry-After, or a Do-Not-Call by phone number or customer id at once. " +
      "Operator: connections to OCS were lost, the gateway was restarted, or the owner is being stored: ocsgw " +
      "explain -c FILE ID says which.",
  ),
  "internal-error": row(
    5900,
    500,
    "internal error of the gateway",
    "Operator: report it with the log line that has this request id.",
  ),
} as const satisfies Record<string, RefusalRow>;

export type Refusal = keyof typeof REFUSALS;

/** The codes of these refusals. Only this file lists codes; other files use the names. */
export const codesOf = (...refusals: readonly Refusal[]): ReadonlySet<string> =>
  new Set(refusals.map((refusal) => REFUSALS[refusal].code));

/** Not a refusal: OCS has acted and the client gets its answer, but the outcome could not be written to the journal. */
export const OUTCOME_DELAYED = "OCSGW-5102";
