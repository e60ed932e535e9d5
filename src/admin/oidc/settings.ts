/** What the login through an OpenID provider needs of the config, with the names of `admin.oidc`. */
import type { Role } from "../viewer.ts";

/** The name of a claim; or, for a claim inside others, the names on the way to it. */
export type ClaimPath = string | readonly string[];

export type ProviderSettings = {
  readonly issuer: string;
  readonly client_id: string;
  /** Null for a public client. */
  readonly client_secret: string | null;
  /** How the secret is sent to the token endpoint. */
  readonly client_auth: "basic" | "post";
  /** PEM file with the authorities of the provider's certificate; null for those that Node knows. */
  readonly ca: string | null;
  /** Milliseconds. */
  readonly clock_skew: number;
};

export type ClaimSettings = {
  readonly claims: { readonly user: ClaimPath; readonly role: ClaimPath; readonly tenants: ClaimPath | null };
  /** Values of the claim of roles that give each role. */
  readonly roles: Readonly<Record<Role, readonly string[]>>;
  /** The value of the claim of tenants that means all of them. */
  readonly all_tenants: string | null;
  /** The tenants of the config. */
  readonly tenants: readonly { readonly name: string; readonly dbid: number }[];
};

export type OidcSettings = ProviderSettings &
  ClaimSettings & {
    /** What users call the provider; null for the host of the issuer. */
    readonly name: string | null;
    /** The console's origin in browsers; null for the one that the browser uses. */
    readonly address: string | null;
    readonly scopes: readonly string[];
  };

/** Claims of one issuer and client: with another of these, whatever was said before has no meaning. */
export const generationOf = ({ issuer, client_id, claims }: OidcSettings): string =>
  JSON.stringify([issuer, client_id, claims]);
