/** Why a request was not authenticated: for the journal, `explain` and the metric, but not for the client. */

/** The labels of `ocsgw_auth_failures_total`, and the first words of the journal's `reason`. */
export const AUTH_FAILURES = [
  "no-credential", // the request has none
  "unreadable", // Authorization, or a key's header, is malformed or a duplicate
  "token-malformed", // not a strict JWT in compact form
  "token-issuer", // its issuer is not in the config
  "token-algorithm", // its algorithm is not one of its issuer's, or not its key's
  "token-claims", // a required claim is missing or has the wrong type
  "token-expired",
  "token-not-yet-valid", // nbf or iat is in the future
  "token-lifetime", // its lifetime exceeds max_lifetime
  "token-audience", // its audience is another one
  "token-key", // its kid is unknown
  // its key is unknown and its issuer's keys cannot be fetched: the token may be valid
  "issuer-unavailable",
  "token-signature", // invalid signature
  "token-binding", // bound to another client certificate
  "key-unknown", // not in the keys file
  "key-expired",
  "key-revoked", // in the keys file
  "key-client", // Basic names another client
  "certificate-invalid", // expired, revoked, or of an untrusted authority
  "certificate-client", // names no client of the config, or several
  "revoked", // by `ocsgw revoke`, or while the request was queued
  "contradiction", // several credentials that name different clients
  "no-tenant", // no tenant lists the client, or its credential may speak for none of its tenants
  "no-registrar", // on the callbacks listener: the client is not a registrar, or not from this address
  "throttled", // too many failures; the credential was not verified
] as const;
export type AuthFailure = (typeof AUTH_FAILURES)[number];

export type Denial = {
  readonly denied: AuthFailure;
  /** A sentence without any credential or secret. */
  readonly reason: string;
  /** The id of the API key in the request, if the keys file has it. */
  readonly key?: string | undefined;
  /** Whole seconds after which the client may retry. */
  readonly retryAfter?: number | undefined;
};

export const isDenial = (answer: object): answer is Denial => "denied" in answer;
