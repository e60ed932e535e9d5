/**
 * Why a request is nobody's: for the journal, `explain` and the metric. The client is told none of it, but that it has to
 * wait.
 */

/** A closed list: the labels of `ocsgw_auth_failures_total`, and the word in front of the journal's `reason`. */
export const AUTH_FAILURES = [
  "no-credential", // none stands in the request
  "unreadable", // Authorization, or a key's header, cannot be read or stands twice
  "token-malformed", // no strict JWT in compact form
  "token-issuer", // of no issuer in the config
  "token-algorithm", // signed with an algorithm that the issuer, or the key, does not have
  "token-claims", // a claim that is needed is missing or has another type
  "token-expired",
  "token-not-yet-valid", // nbf or iat is to come
  "token-lifetime", // lives longer than max_lifetime
  "token-audience", // for another audience
  "token-key", // its kid is not one of its issuer's
  "issuer-unavailable", // its key is not known, and its issuer's keys cannot be fetched: whether it is valid cannot be told
  "token-signature", // the signature is not valid
  "token-binding", // bound to another client certificate
  "key-unknown", // not in the keys file
  "key-expired",
  "key-revoked", // in the keys file
  "key-client", // another client's than Basic names
  "certificate-invalid", // expired, revoked, or of an authority that is not trusted
  "certificate-client", // names no client of the config, or several
  "revoked", // by `ocsgw revoke`, or while the request waited
  "contradiction", // several credentials that name different clients
  "no-tenant", // the client stands under no tenant, or its credential may speak for none of them
  "no-registrar", // on the callbacks listener: the client is no registrar, or not from this address
  "throttled", // too many failures, so that nothing was verified
] as const;
export type AuthFailure = (typeof AUTH_FAILURES)[number];

export type Denial = {
  readonly denied: AuthFailure;
  /** A sentence. No credential and no secret is in it. */
  readonly reason: string;
  /** The id of the API key that was presented, where it is one of the keys file. */
  readonly key?: string | undefined;
  /** Whole seconds after which it is worth asking again. */
  readonly retryAfter?: number | undefined;
};

export const isDenial = (answer: object): answer is Denial => "denied" in answer;
