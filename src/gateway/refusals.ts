/**
 * All reasons to refuse a request: code, status, title, how far the request got, and what to do. Header, body, journal,
 * metric and documents use the same code.
 */
import { KEY_ROWS, UNKNOWN_ROWS } from "./refusal-rows/keys.ts";
import { OUTBOX_ROWS } from "./refusal-rows/outbox.ts";
import { CREDENTIAL, FOLLOW, HANDLE, LANES, REPEAT, row, WAIT, type RefusalRow } from "./refusal-rows/row.ts";

export type { RefusalRow } from "./refusal-rows/row.ts";

export const REFUSALS = {
  "no-resource": row(
    1001,
    404,
    "the path names no OCS resource, or its identifier is invalid",
    "Client: correct the path: /records, /phones, /customer_ids, /lists or /campaigngroups, with an identifier (only " +
      "GET /campaigngroups has none); the reply says what is expected.",
  ),
  "no-registration": row(
    1001,
    404,
    "the path is not /ownership/<upstream>/<handle>, or no tenant of this registrar owns the handle",
    "Registrar: use the upstream of these callbacks and a record handle in the path; GET finds only handles that one " +
      "of its tenants owns now. Operator: after a switchover or restart of OCS the registrar must register its " +
      "handles again; until then clients get 410 or 503 for them.",
  ),
  "bad-action": row(
    1002,
    400,
    "req is missing or not an action of this resource, or a GET has parameters",
    "Client: send exactly one query parameter, req, with an action of this resource (the reply lists them), and none " +
      "with GET.",
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
    "the URI, the header Ocsgw-Tenant and the body name different things, or GSW_TENANT_DBID and GSW_TENANT_NAME do",
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
    "Client: send less; the reply says what is too large. Operator: listeners[].max_body is the limit for clients.",
  ),
  "head-too-large": row(
    1006,
    431,
    "the header block or the request target is too large",
    "Client: shorten what the reply names: a target has at most 2048 bytes, a header block 64 lines and 24 KiB.",
  ),
  "bad-attribute": row(
    1007,
    400,
    "an attribute is missing or has an invalid type or value",
    'Client: correct, add or remove the attribute that the reply names. Registrar: send {"tenant": NAME}, or its ' +
      "DBID, and nothing else. Operator: a user-defined field must be among the tenant's `fields`, or these `any`.",
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
    "the body must be application/json, in UTF-8 and not encoded",
    "Client: send Content-Type: application/json, and no Content-Encoding; the reply says what is wrong. Operator: " +
      "listeners[].accept_content_types allows another type, but no other charset or encoding.",
  ),
  "foreign-authority": row(
    1010,
    421,
    "the host name in the request is not configured here",
    "Client: use a host name of the gateway. Operator: add the name to listeners[].names, or name:* where clients " +
      "know another port than the listener's; an address of OCS that clients use goes to upstreams.<name>.aliases.",
  ),
  ambiguous: row(
    1011,
    400,
    "not a valid HTTP/1.1 request, or one that could be read in two ways",
    "Client: the reply says what is wrong; often it is plain http to a TLS port, HTTP/1.0, an Upgrade, CONNECT, or a " +
      "request that did not arrive in time. Operator: a proxy in front of the gateway may change requests.",
  ),
  "no-such-request": row(
    1012,
    404,
    "this client made no such request, or one that was refused and only counted",
    "Client: take the id from Ocsgw-Request-Id of the reply, and ask with a credential of the client that made the " +
      "request. Operator: ocsgw explain -c FILE ID shows who made it.",
  ),
  "no-credential": row(2001, 401, "no usable credential", CREDENTIAL),
  revoked: row(2001, 401, "no usable credential", CREDENTIAL),
  throttled: row(
    2002,
    429,
    "too many failed credentials from this address, or too many failures of this credential",
    "Client: correct the credential, and wait as long as Retry-After says. Operator: ocsgw audit search -c FILE " +
      "code:OCSGW-2001 shows the failures; identity.failures sets the limit; behind a proxy set " +
      "listeners[].trusted_proxies, because all its clients share its address.",
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
    "Client: name a tenant of its own, or use a credential for that tenant; a client of one tenant may leave the " +
      "tenant out (the gateway fills it in). Registrar: name a tenant that the operator allows it. Operator: to " +
      "allow the tenant, add the client to that tenant's clients, and the tenant to the tenants of its issuer, key, " +
      "certificate rule or registrar if they are limited.",
  ),
  "foreign-object": row(
    2104,
    403,
    "this campaign group, campaign or list does not belong to this tenant",
    "Client: name a group, campaign or list of the tenant that it asks for. Operator: if it is the tenant's, add it " +
      "to campaign_groups, campaigns or lists of the tenant.",
  ),
  "ambiguous-tenant": row(
    2105,
    400,
    "ambiguous tenant: this client acts for several, and the request does not say which",
    "Client: name the tenant with GSW_TENANT_DBID or GSW_TENANT_NAME in the body, or with the header Ocsgw-Tenant; " +
      "where two tenants on two OCS share one of them, send both or the other one. Operator: a key for one tenant " +
      "(ocsgw keys create -c FILE --client NAME --tenant TENANT) needs no name in requests.",
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
  "dnc-pending": OUTBOX_ROWS.pending,
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
  "queue-timeout": row(3003, 503, "no lane to OCS became free in time", `${WAIT} Operator: ${LANES}`),
  "outbox-full": OUTBOX_ROWS.full,
  abandoned: row(
    3003,
    503,
    "the client hung up while its request was queued",
    "Client: wait longer for the reply: 20 s or more, unless the operator configured other times. Operator: the " +
      "client's timeout should be longer than queue.max_wait and timeouts.answer of the upstream together, or OCS is " +
      `slow: ${LANES}`,
  ),
  ...KEY_ROWS,
  unreachable: row(
    4001,
    503,
    "no OCS reachable, or the gateway is stopping",
    `${WAIT} Operator: unless the gateway is stopping, ocsgw status -c FILE shows which OCS is reachable, and ocsgw ` +
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
    "OCS's answer was incomplete, malformed or not for this request; OCS may have carried out the request",
    `${REPEAT} Operator: the connection ended within the answer, or what answers there is not OCS, such as a proxy: ` +
      "ocsgw explain -c FILE ID says what was wrong.",
    "sent-no-answer",
  ),
  "journal-unavailable": row(
    5101,
    503,
    "the journal cannot be written, so nothing was sent",
    `${WAIT} Operator: free disk space or repair the disk; the log and /readyz say why the journal cannot be ` +
      "written, and the gateway recovers by itself.",
  ),
  "outbox-unavailable": OUTBOX_ROWS.unavailable,
  "ownership-unavailable": row(
    5103,
    503,
    "the registration of this handle cannot be stored or removed now",
    "Registrar: send the request again after Retry-After, unless the record has ended or was registered again. " +
      "Operator: the reply says why: the disk, a full table, a request that is still in flight, a switchover, or an " +
      "OCS whose role is not known.",
  ),
  unclear: row(
    5103,
    503,
    "the owner of this record handle is not known now, or an earlier request on the record has not ended",
    "Client: send the request again after Retry-After, or a Do-Not-Call by phone number or customer id at once. " +
      "Operator: connections to OCS were lost, the gateway was restarted, the owner is being stored, an earlier " +
      "request has not ended, or OCS contradicts itself: ocsgw explain -c FILE ID says which.",
  ),
  ...UNKNOWN_ROWS,
  "internal-error": row(
    5900,
    500,
    "internal error of the gateway",
    `Client: Ocsgw-Delivery says whether OCS got the request; ${FOLLOW} Operator: report it with the log line that ` +
      "has this request id.",
    "varies",
  ),
} as const satisfies Record<string, RefusalRow>;

export type Refusal = keyof typeof REFUSALS;

/** The codes of these refusals. Only this file lists codes; other files use the names. */
export const codesOf = (...refusals: readonly Refusal[]): ReadonlySet<string> =>
  new Set(refusals.map((refusal) => REFUSALS[refusal].code));

/** Not a refusal: OCS has acted and the client gets its answer, but the outcome could not be written to the journal. */
export const OUTCOME_DELAYED = "OCSGW-5102";
