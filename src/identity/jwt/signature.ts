/** Verifies the signature of a token with the issuer's key and the one algorithm of that key. */
import { verify, type KeyObject } from "node:crypto";
import jsonwebtoken from "jsonwebtoken";
import { isEd25519, isSameAlgorithm, type VerificationKey } from "./jwk.ts";
import { RejectedCredential } from "../types.ts";

type SignedToken = {
  readonly text: string;
  /** The algorithm in the token's header. */
  readonly algorithm: string;
};

/**
 * Throws the library's error if the signature is invalid. Synchronous, so that a failure is counted before the client's
 * next request is processed.
 */
export const verifySignature = (
  { text, algorithm }: SignedToken,
  { key, algorithm: required }: VerificationKey,
): void => {
  if (!isSameAlgorithm(algorithm, required))
    throw new RejectedCredential("token-algorithm", "the token's algorithm is not its key's");
  // jsonwebtoken does not support Ed25519.
  if (isEd25519(required)) return verifyEd25519(text, key);
  // `readClaims` checks the times more strictly, by the gateway's clock.
  jsonwebtoken.verify(text, key, {
    algorithms: [required as jsonwebtoken.Algorithm],
    ignoreExpiration: true,
    ignoreNotBefore: true,
  });
};

const verifyEd25519 = (text: string, key: KeyObject): void => {
  const end = text.lastIndexOf(".");
  if (!verify(null, Buffer.from(text.slice(0, end)), key, Buffer.from(text.slice(end + 1), "base64url")))
    throw new Error("invalid signature");
};
