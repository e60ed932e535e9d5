/** Revoked tokens, keys, certificates and clients. Checked at every request. */
import type { Credential, Identity } from "./types.ts";

/** `token`: a token's jti. `key`: a key's id. `certificate`: its x5t#S256. */
export type RevocationKind = "token" | "key" | "certificate" | "client";

export type Revocation = {
  readonly kind: RevocationKind;
  readonly id: string;
  /** Milliseconds since 1970; undefined for a revocation that never ends. */
  readonly until?: number;
};

export type Revocations = {
  /** Increases with every change. */
  readonly revision: number;
  readonly isRevoked: (identity: Pick<Identity, "client" | "credential">) => boolean;
  readonly replaceAll: (all: readonly Revocation[]) => void;
  readonly add: (one: Revocation) => void;
};

const KIND: Readonly<Record<Credential["kind"], RevocationKind>> = {
  jwt: "token",
  key: "key",
  certificate: "certificate",
};

/** `now`: a time that is not ahead, because a wrong clock must not end a revocation early. */
export const createRevocations = (now: () => number = Date.now): Revocations => {
  let ends = new Map<string, number>();
  let revision = 0;
  const isInForce = (kind: RevocationKind, id: string): boolean => {
    const end = ends.get(`${kind} ${id}`);
    return end !== undefined && (end === Infinity || end > now());
  };
  return {
    get revision() {
      return revision;
    },
    isRevoked: ({ client, credential }) =>
      ends.size > 0 && (isInForce(KIND[credential.kind], credential.id) || isInForce("client", client)),
    replaceAll: (all) => {
      revision++;
      ends = new Map(all.map(({ kind, id, until }) => [`${kind} ${id}`, until ?? Infinity]));
    },
    add: ({ kind, id, until }) => {
      revision++;
      ends.set(`${kind} ${id}`, until ?? Infinity);
    },
  };
};
