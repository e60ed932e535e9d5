/** What the settings say about credentials, and what a request's credentials say about who asks. */
import type { AuthFailure } from "./denial.ts";

export type Credential = {
  readonly kind: "jwt" | "key" | "certificate";
  /** The token's `jti`, the key's id, or the certificate's x5t#S256; for a token without `jti` the first 16 hexadecimal digits of its SHA-256. */
  readonly id: string;
};

export type Identity = {
  readonly client: string;
  readonly credential: Credential;
  /** The token's tenant claim: a name, or a DBID as text. It narrows, never widens. */
  readonly tenant?: string;
  /** Keys (`keyOf`) of the only tenants that its issuer, rule or key may speak for; all of the client's when left out. */
  readonly tenants?: readonly string[];
  /** The x5t#S256 of the one certificate with which the token counts (RFC 8705, 3.1). */
  readonly boundTo?: string;
};

/** A client's certificate as the connection brought it. Its chain was verified, or `fault` says why it does not count. */
export type ShownCertificate = {
  /** DNS names of its subject alternative name, in small letters. */
  readonly names: readonly string[];
  /** SHA-256, base64url. */
  readonly thumbprint: string;
  /** SHA-256, hexadecimal, of each certificate above it. */
  readonly authorities: readonly string[];
  readonly fault?: string;
};

export type CertificateRule = {
  readonly name: string;
  /** A DNS name; `*` stands for a part of one label. */
  readonly san_dns: string;
  readonly client: string;
  /** SHA-256, hexadecimal, of the authorities of which one must stand above the certificate; any that the listener trusts when left out. */
  readonly authorities?: readonly string[];
  readonly tenants?: readonly string[];
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
  /** Milliseconds from `iat` to `exp` that a token may live; a day when left out. */
  readonly max_lifetime?: number;
  /** Which claim names the client, and which (if any) the tenant. */
  readonly claims: { readonly client: string; readonly tenant?: string };
  /** Milliseconds for which the last good keys of `jwks_uri` count while they cannot be fetched; a day when left out. */
  readonly max_stale?: number;
  /** Keys (`keyOf`) of the only tenants that its tokens may speak for. */
  readonly tenants?: readonly string[];
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
  readonly tenants?: readonly string[];
};

export type SkippedKey = { readonly kid?: string; readonly reason: string };

/** What is worth telling an operator. No token, no key and no claim's value is ever in it. */
export type CredentialNews =
  | {
      readonly kind: "key-set-loaded";
      readonly issuer: string;
      readonly usable: number;
      readonly skipped: readonly SkippedKey[];
    }
  | { readonly kind: "key-set-failed"; readonly issuer: string; readonly reason: string }
  /** It was fetched, after the last attempt had failed. */
  | { readonly kind: "key-set-back"; readonly issuer: string }
  /** It was fetched and counts, and a start while the address fails will not have it. */
  | { readonly kind: "key-set-not-kept"; readonly issuer: string; readonly reason: string }
  /** Key sets that were kept on disk: the gateway did not write them so, and uses none of them. */
  | { readonly kind: "kept-keys-refused"; readonly issuer: string; readonly reason: string };

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
  readonly denied: AuthFailure;
  constructor(denied: AuthFailure, reason: string) {
    super(reason);
    this.name = "Unusable";
    this.denied = denied;
  }
}
