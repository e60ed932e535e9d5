/** An issuer's key set (RFC 7517): which of its keys may be used, and why the others may not. */
import { isSameAlgorithm, readKey, UnusableKey, type Algorithm, type VerificationKey } from "./jwk.ts";
import type { SkippedKey } from "../types.ts";

export type KeySet = { readonly keys: Keys; readonly skipped: readonly SkippedKey[] };

/** By kid. The only usable key of a set may have none (RFC 7517, 4.5: it is optional); then its kid is `NO_KID`. */
export type Keys = ReadonlyMap<string, VerificationKey>;

/** A kid is never empty. */
const NO_KID = "";

/**
 * The key of a token. The only usable key of a set is used for tokens without kid; if it has no kid, for all tokens.
 */
export const keyFor = (keys: Keys, kid: string | undefined): VerificationKey | undefined => {
  if (kid !== undefined) return keys.get(kid) ?? keys.get(NO_KID);
  const [only, another] = keys.values();
  return another === undefined ? only : undefined;
};

const MAX_KEYS = 256;

/** Skips unusable keys, with the reason. Throws for a value that is not a key set or has no usable key. */
export const readKeySet = (jwks: unknown, algorithms: readonly Algorithm[]): KeySet => {
  const entries = isObject(jwks) && Array.isArray(jwks["keys"]) ? (jwks["keys"] as readonly unknown[]) : undefined;
  if (!entries) throw new Error("it is not a JSON Web Key Set");
  if (entries.length > MAX_KEYS) throw new Error(`it has more than ${MAX_KEYS} keys`);
  const read = entries.map((entry) => tryKey(entry, algorithms));
  const skipped = read.filter((key): key is SkippedKey => !isUsable(key));
  const usable = read.filter(isUsable);
  const keys = new Map<string, VerificationKey>();
  for (const [kid, [key, ...more]] of Map.groupBy(usable, (key) => key.kid)) {
    // Duplicates are ambiguous, so none of them is used.
    if (kid === undefined && usable.length > 1)
      skipped.push({ reason: "it has no kid and is not the only usable key" });
    else if (more.length > 0) skipped.push({ ...(kid !== undefined && { kid }), reason: "duplicate kid" });
    else keys.set(kid ?? NO_KID, key!);
  }
  if (keys.size === 0)
    throw new Error(
      `it has no usable key${skipped.map(({ kid, reason }) => `; ${kid ?? "without kid"}: ${reason}`).join("")}`,
    );
  return { keys, skipped };
};

const tryKey = (entry: unknown, algorithms: readonly Algorithm[]): VerificationKey | SkippedKey => {
  if (!isObject(entry)) return { reason: "it is not an object" };
  try {
    return readKey(entry, algorithms);
  } catch (problem) {
    if (!(problem instanceof UnusableKey)) throw problem;
    const { kid } = entry;
    return { ...(typeof kid === "string" && { kid: kid.slice(0, 64) }), reason: problem.message };
  }
};

const isUsable = (key: VerificationKey | SkippedKey): key is VerificationKey => "algorithm" in key;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** True if the new set still has all keys of the old one, for the same algorithms. */
export const keepsAll = (old: Keys, next: Keys): boolean =>
  [...old.values()].every(({ kid, algorithm, key }) => {
    const other = next.get(kid ?? NO_KID);
    return other !== undefined && isSameAlgorithm(other.algorithm, algorithm) && other.key.equals(key);
  });
