/** Credentials in the settings, and the identity that a request's credentials prove. */
import type { AuthFailure } from "./auth-failure.ts";

export type Credential = {
  readonly kind: "jwt" | "key" | "certificate";
  /**
   * The token's `jti`, the key's id, or the certificate's x5t#S256; for a token without `jti` the first 16 hexadecimal
   * digits of its SHA-256.
   */
  readonly id: string;
};

export type Identity = {
  readonly client: string;
  readonly credential: Credential;
  /** The token's tenant claim, a name or a DBID as text. It restricts the client's tenants. */
  readonly tenant?: string;
  /** Keys (`keyOf`) of the only tenants that its issuer, rule or key allows; absent: all tenants of the client. */
  readonly tenants?: readonly string[];
  /** The x5t#S256 of the only certificate with which the token is valid (RFC 8705, 3.1). */
  readonly boundTo?: string;
};

/** A client certificate of a connection. Its chain was verified, or `fault` says why the certificate is invalid. */
export type PresentedCertificate = {
  /** DNS names of its subject alternative name, in lower case. */
  readonly names: readonly string[];
  /** SHA-256, base64url. */
  readonly thumbprint: string;
  /** SHA-256, hexadecimal, of each issuer certificate in its chain. */
  readonly authorities: readonly string[];
  readonly fault?: string;
};

export type CertificateRule = {
  readonly name: string;
  /** A DNS name; `*` matches a part of one label. */
  readonly san_dns: string;
  readonly client: string;
  /** SHA-256, hexadecimal, of CAs, one of which must be in the chain. Absent: any CA that the listener trusts. */
  readonly authorities?: readonly string[];
  readonly tenants?: readonly string[];
};

export type JwtIssuer = {
  readonly name: string;
  /** The `iss` of its tokens, compared character by character. */
  readonly issuer: string;
  readonly audience: string;
  /** Either `jwks_uri` (https; http to this machine only) or `jwks_file` (an absolute path). */
  readonly jwks_uri?: string;
  readonly jwks_file?: string;
  /** JOSE names of signature algorithms; the first suitable one is used for a key without `alg`. */
  readonly algorithms: readonly string[];
  /** Milliseconds. */
  readonly clock_skew: number;
  /** The longest time from `iat` to `exp`, in milliseconds; default: a day. */
  readonly max_lifetime?: number;
  /** Which claim names the client, and which (if any) the tenant. */
  readonly claims: { readonly client: string; readonly tenant?: string };
  /** Milliseconds for which the last keys of `jwks_uri` are accepted while they cannot be fetched; default: a day. */
  readonly max_stale?: number;
  /** Keys (`keyOf`) of the only tenants that its tokens allow. */
  readonly tenants?: readonly string[];
};

export type KeyRecord = {
  readonly id: string;
  readonly client: string;
  /** "sha256:" and 64 hexadecimal digits: the hash of the whole key. */
  readonly hash: string;
  /** ISO 8601. */
  readonly expires?: string;
  /** ISO 8601; any other text revokes the key at once. */
  readonly revoked?: string;
  readonly tenants?: readonly string[];
};

export type SkippedKey = { readonly kid?: string; readonly reason: string };

/** Events for operators. They contain no token, no key and no value of a claim. */
export type CredentialEvent =
  | {
      readonly kind: "key-set-loaded";
      readonly issuer: string;
      readonly usable: number;
      readonly skipped: readonly SkippedKey[];
    }
  | { readonly kind: "key-set-failed"; readonly issuer: string; readonly reason: string }
  /** The key set was fetched after a failure. */
  | { readonly kind: "key-set-recovered"; readonly issuer: string }
  /** The key set was fetched but not cached: a restart while the address fails has no keys. */
  | { readonly kind: "key-set-not-cached"; readonly issuer: string; readonly reason: string }
  /** A cached key set on disk was changed, and is not used. */
  | { readonly kind: "key-set-cache-rejected"; readonly issuer: string; readonly reason: string };

export type ReportCredentialEvent = (news: CredentialEvent) => void;

/** Invalid settings; the message names the issuer, key, rule or carrier. */
export class CredentialSettingsError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = "CredentialSettingsError";
  }
}

/** The message is for operators, never for the client. */
export class RejectedCredential extends Error {
  readonly denied: AuthFailure;
  constructor(denied: AuthFailure, reason: string) {
    super(reason);
    this.name = "RejectedCredential";
    this.denied = denied;
  }
}
