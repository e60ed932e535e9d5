/** Rejects RSA public keys whose signatures prove nothing. */
import type { KeyObject } from "node:crypto";

/** FIPS 186-5, 5.4(e): the exponent is odd, above 2^16 and below 2^256. With exponent 1 or 3 anyone can forge. */
const MIN_EXPONENT = 2n ** 16n;
const MAX_EXPONENT = 2n ** 256n;
const MIN_BITS = 2048;
/** A longer modulus costs too much CPU time for each verification. */
const MAX_BITS = 8192;

/** Undefined for a key without a known weakness. */
export const rsaWeakness = (key: KeyObject, modulus: string): string | undefined => {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_BITS || modulusLength > MAX_BITS)
    return `its RSA modulus has ${modulusLength} bits; expected ${MIN_BITS} to ${MAX_BITS}`;
  if (publicExponent <= MIN_EXPONENT || publicExponent >= MAX_EXPONENT || publicExponent % 2n === 0n)
    return "its RSA public exponent is even, too small or too large";
  if (hasRocaShape(modulus)) return "its RSA modulus comes from a broken generator (ROCA, CVE-2017-15361)";
  return undefined;
};

/**
 * ROCA: the generator's primes are powers of 65537 modulo a product of small primes, so its moduli are too. Fewer than
 * one in a hundred million random moduli looks like that by chance.
 */
const hasRocaShape = (modulus: string): boolean => {
  const n = BigInt(`0x${Buffer.from(modulus, "base64url").toString("hex")}`);
  return ROCA_RESIDUES.every(([prime, residues]) => residues.has(Number(n % BigInt(prime))));
};

const powersOf65537 = (prime: number): ReadonlySet<number> => {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * (65_537 % prime)) % prime) powers.add(power);
  return powers;
};

const SMALL_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
];
const ROCA_RESIDUES = SMALL_PRIMES.map((prime) => [prime, powersOf65537(prime)] as const);
