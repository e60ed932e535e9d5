/** What is refused although it would be good: single tokens, keys and certificates, and clients as a whole. Asked at every request. */
import type { Credential, Identity } from "./types.ts";

/** `token`: a token's jti. `key`: a key's id. `certificate`: its x5t#S256. */
export type RevocationKind = "token" | "key" | "certificate" | "client";

export type Revocation = {
  readonly kind: RevocationKind;
  readonly id: string;
  /** Milliseconds since 1970; undefined for ever. */
  readonly until?: number;
};

export type Revocations = {
  /** Another number after every change. */
  readonly revision: number;
  readonly holds: (identity: Pick<Identity, "client" | "credential">) => boolean;
  /** These and no others from now on. */
  readonly put: (all: readonly Revocation[]) => void;
  readonly add: (one: Revocation) => void;
};

const KIND: Readonly<Record<Credential["kind"], RevocationKind>> = {
  jwt: "token",
  key: "key",
  certificate: "certificate",
};

/** `now`: the time at least; a revocation that ends must not end early because a clock is wrong. */
export const createRevocations = (now: () => number = Date.now): Revocations => {
  let ends = new Map<string, number>();
  let revision = 0;
  const stands = (kind: RevocationKind, id: string): boolean => {
    const end = ends.get(`${kind} ${id}`);
    return end !== undefined && (end === Infinity || end > now());
  };
  return {
    get revision() {
      return revision;
    },
    holds: ({ client, credential }) =>
      ends.size > 0 && (stands(KIND[credential.kind], credential.id) || stands("client", client)),
    put: (all) => {
      revision++;
      ends = new Map(all.map(({ kind, id, until }) => [`${kind} ${id}`, until ?? Infinity]));
    },
    add: ({ kind, id, until }) => {
      revision++;
      ends.set(`${kind} ${id}`, until ?? Infinity);
    },
  };
};
