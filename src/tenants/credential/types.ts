/** What the settings say about credentials, and what a request's credentials say about who asks. */

export type Credential = {
  readonly kind: "jwt" | "key";
  /** The token's `jti`, or the key's id; for a token without `jti` the first 16 hexadecimal digits of its SHA-256. */
  readonly id: string;
};

export type Identity = {
  readonly client: string;
  readonly credential: Credential;
  /** The token's tenant claim: a name, or a DBID as text. It narrows, never widens. */
  readonly tenant?: string;
};

export type JwtIssuer = {
  readonly name: string;
  /** The only `iss` that tokens of this issuer carry, compared character by character. */
  readonly issuer: string;
  readonly audience: string;
  /** Exactly one of `jwks_uri` (https; http to this machine only) and `jwks_file` (an absolute path). */
  readonly jwks_uri?: string;
  readonly jwks_file?: string;
  /** Signature algorithms by their JOSE names; for a key that states none, the first that fits it counts. */
  readonly algorithms: readonly string[];
  /** Milliseconds. */
  readonly clock_skew: number;
  /** Which claim names the client, and which (if any) the tenant. */
  readonly claims: { readonly client: string; readonly tenant?: string };
};

export type KeyRecord = {
  readonly id: string;
  readonly client: string;
  /** "sha256:" and 64 hexadecimal digits: the hash of the whole key string. */
  readonly hash: string;
  /** ISO 8601; the key is refused from then on. */
  readonly expires?: string;
  /** ISO 8601; the key is refused from then on, and at once when this is not a moment at all. */
  readonly revoked?: string;
};

export type SkippedKey = { readonly kid?: string; readonly reason: string };

/** What is worth telling an operator. No token, no key and no claim's value is ever in it. */
export type CredentialNews =
  | { readonly kind: "key-set-loaded"; readonly issuer: string; readonly usable: number; readonly skipped: readonly SkippedKey[] }
  | { readonly kind: "key-set-failed"; readonly issuer: string; readonly reason: string }
  | { readonly kind: "refused"; readonly credential: "jwt" | "key"; readonly reason: string };

export type Tell = (news: CredentialNews) => void;

/** Settings that cannot be worked with; the message names the issuer, key or carrier at fault. */
export class CredentialFault extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = "CredentialFault";
  }
}

/** A credential that is refused. The message is for operators, never for the caller. */
export class Unusable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Unusable";
  }
}
