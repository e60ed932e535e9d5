/**
 * HMACs of keys and requests. The store and the journal have no key and no phone number, and nobody without the index
 * key can try out which number a request had.
 */
import { hmacWith } from "../journal/hmac.ts";
import { indexKeysOf, type IndexKeys } from "../journal/redact.ts";
import type { KeyScope, KeyToken } from "./types.ts";

/** `request`: the canonical text of a request, from `canonicalRequest`. */
export type TokensOf = (scope: KeyScope, key: string, request: string) => readonly KeyToken[];

export const tokensWith = (keys: IndexKeys): TokensOf => {
  const makers = indexKeysOf(keys)
    .map(({ epoch, secret }) => ({ epoch, hmac: hmacWith(Buffer.from(secret as string)) }))
    .toReversed();
  return ({ upstream, tenant, client }, key, request) => {
    const named = `idempotency-key\0${JSON.stringify([upstream, tenant, client, key])}`;
    return makers.map(({ epoch, hmac }) => ({
      token: `${epoch}:${hmac(named)}`,
      fingerprint: hmac(`idempotency-request\0${request}`),
    }));
  };
};

type Value = string | number | bigint | boolean | ReadonlyMap<string, Value>;

/** What makes requests the same: method, path, and the attributes in any order. A later version must not change it. */
export const canonicalRequest = (method: string, path: string, attributes: ReadonlyMap<string, unknown>): string =>
  `${method} ${path}\n${canonical(attributes as ReadonlyMap<string, Value>)}`;

const canonical = (value: Value): string => {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object") return String(value);
  const members = [...value].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(",")}}`;
};
