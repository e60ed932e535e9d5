/** An issuer's key set (RFC 7517): which of its keys may be used, and why the others may not. */
import { isSameAlgorithm, readKey, UnfitKey, type Algorithm, type VerificationKey } from "./jwk.ts";
import type { SkippedKey } from "./types.ts";

export type KeySet = { readonly keys: Keys; readonly skipped: readonly SkippedKey[] };

/** By kid. The only usable key of a set may have none (RFC 7517, 4.5: it is optional); then it stands under `NO_KID`. */
export type Keys = ReadonlyMap<string, VerificationKey>;

/** No kid is empty. */
const NO_KID = "";

/**
 * The key that a token means. Where the set has one usable key, a token without kid means that one; where that key has no
 * kid, every token does.
 */
export const keyFor = (keys: Keys, kid: string | undefined): VerificationKey | undefined => {
  if (kid !== undefined) return keys.get(kid) ?? keys.get(NO_KID);
  const [only, another] = keys.values();
  return another === undefined ? only : undefined;
};

const MAX_KEYS = 256;

/** Leaves out every key that is not fit, with the reason. Throws when the value is no key set or not one of its keys can be used. */
export const readKeySet = (jwks: unknown, algorithms: readonly Algorithm[]): KeySet => {
  const entries = isObject(jwks) && Array.isArray(jwks["keys"]) ? (jwks["keys"] as readonly unknown[]) : undefined;
  if (!entries) throw new Error("not a JSON Web Key Set");
  if (entries.length > MAX_KEYS) throw new Error(`more than ${MAX_KEYS} keys`);
  const read = entries.map((entry) => tryKey(entry, algorithms));
  const skipped = read.filter((key): key is SkippedKey => !isFit(key));
  const fit = read.filter(isFit);
  const keys = new Map<string, VerificationKey>();
  for (const [kid, [key, ...more]] of Map.groupBy(fit, (key) => key.kid)) {
    // Which of several is meant nobody can say, so none is used.
    if (kid === undefined && fit.length > 1) skipped.push({ reason: "no kid, and it is not the only usable key" });
    else if (more.length > 0) skipped.push({ ...(kid !== undefined && { kid }), reason: "its kid stands twice" });
    else keys.set(kid ?? NO_KID, key!);
  }
  if (keys.size === 0)
    throw new Error(
      `no usable key${skipped.map(({ kid, reason }) => `; ${kid ?? "without kid"}: ${reason}`).join("")}`,
    );
  return { keys, skipped };
};

const tryKey = (entry: unknown, algorithms: readonly Algorithm[]): VerificationKey | SkippedKey => {
  if (!isObject(entry)) return { reason: "not an object" };
  try {
    return readKey(entry, algorithms);
  } catch (problem) {
    if (!(problem instanceof UnfitKey)) throw problem;
    const { kid } = entry;
    return { ...(typeof kid === "string" && { kid: kid.slice(0, 64) }), reason: problem.message };
  }
};

const isFit = (key: VerificationKey | SkippedKey): key is VerificationKey => "algorithm" in key;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** True when every key of the old set is still the same key, for the same algorithm, in the new one. */
export const keepsAll = (old: Keys, next: Keys): boolean =>
  [...old.values()].every(({ kid, algorithm, key }) => {
    const other = next.get(kid ?? NO_KID);
    return other !== undefined && isSameAlgorithm(other.algorithm, algorithm) && other.key.equals(key);
  });
