/** A revocation as entries and start states contain it. */

/**
 * `until`: RFC 3339; null means no expiry. `shared`: the gateway that decided it and the decision's number in the
 * shared database; missing while the database does not have it, and where gateways share none.
 */
export type Revoked = {
  readonly kind: "token" | "key" | "certificate" | "client";
  readonly id: string;
  readonly until: string | null;
  readonly shared?: SharedDecision | undefined;
};

export type SharedDecision = { readonly node: string; readonly seq: number };
