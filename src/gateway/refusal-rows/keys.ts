/** Refusals of requests with an Idempotency-Key, and of questions about earlier requests. */
import { LANES, row, WAIT, type RefusalRow } from "./row.ts";

export const KEY_ROWS = {
  "key-running": row(
    3101,
    409,
    "the first request with this Idempotency-Key has not ended yet",
    "Client: send the same request again when Retry-After says: it gets the first request's reply then. Operator: " +
      `ocsgw explain -c FILE ID names the first request. ${LANES}`,
  ),
  "key-reused": row(
    3102,
    422,
    "this Idempotency-Key was used with another request",
    "Client: make a new key for each new request, and repeat a request only as it was: the same path, tenant and " +
      "body (the order of its members does not matter). Operator: ocsgw explain -c FILE ID names the first request.",
  ),
  "bad-key": row(
    3103,
    400,
    "the header Idempotency-Key is malformed",
    'Client: send the header once, with one text of 1 to 255 printable ASCII characters in quotes, as in "8e03978e-' +
      '40d5-43dd-bc93-6894a57f9324"; a text without blanks, commas and semicolons may have no quotes. Operator: a ' +
      "proxy may have joined or repeated the header.",
  ),
  "too-many-keys": row(
    3104,
    429,
    "this client has as many idempotency keys as the gateway keeps for it",
    `${WAIT} Each key is forgotten 24 hours after its request; use keys only for requests that must not be carried ` +
      "out twice. Operator: the client sends more than 1,000,000 requests with a key in 24 hours; " +
      "limits.actions.AddRecord of the tenant limits them.",
  ),
} as const satisfies Record<string, RefusalRow>;

export const UNKNOWN_ROWS = {
  "database-unavailable": row(
    5104,
    503,
    "the database that this request needs cannot be reached or written, so nothing was sent",
    `${WAIT} An AddRecord without Idempotency-Key would be sent, and a repeat could be carried out twice; a ` +
      "Do-Not-Call without Prefer: respond-async is sent at once. Operator: the log and /readyz say why. With " +
      "shared, repair the database or the network to it. Without, free disk space or repair the disk of audit.dir; " +
      "if audit.dir/idempotency.sqlite is corrupt, restore it, or stop the gateway and remove it: then the keys of " +
      "the last 24 hours are forgotten. The gateway recovers by itself.",
  ),
  "request-unclear": row(
    5105,
    503,
    "it cannot be said now whether this client made such a request, or how it ended",
    `${WAIT} Operator: ocsgw explain -c FILE ID says why: the index of the journal is being built or too busy, ` +
      "entries of that time were deleted, set aside or lost, or an outcome is not on disk yet.",
  ),
} as const satisfies Record<string, RefusalRow>;
