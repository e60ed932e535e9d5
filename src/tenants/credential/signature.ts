/** The signature of a token, by a key that the token did not choose and for the one algorithm of that key. */
import { verify, type KeyObject } from "node:crypto";
import jsonwebtoken from "jsonwebtoken";
import { isEd25519, isSameAlgorithm, type VerificationKey } from "./jwk.ts";
import { Unusable } from "./types.ts";

type Signed = { readonly text: string; /** As the header says. */ readonly algorithm: string };

/** Throws, with whatever the library throws, unless the signature is this key's. At once: who had to wait would be let on before its failure is counted. */
export const verifySignature = ({ text, algorithm }: Signed, { key, algorithm: demanded }: VerificationKey): void => {
  if (!isSameAlgorithm(algorithm, demanded))
    throw new Unusable("token-algorithm", "the token's algorithm is not its key's");
  // jsonwebtoken knows no Ed25519.
  if (isEd25519(demanded)) return verifyEd25519(text, key);
  // Times and the other claims have been judged before, more strictly and by our own clock.
  jsonwebtoken.verify(text, key, {
    algorithms: [demanded as jsonwebtoken.Algorithm],
    ignoreExpiration: true,
    ignoreNotBefore: true,
  });
};

const verifyEd25519 = (text: string, key: KeyObject): void => {
  const end = text.lastIndexOf(".");
  if (!verify(null, Buffer.from(text.slice(0, end)), key, Buffer.from(text.slice(end + 1), "base64url")))
    throw new Error("the signature is another key's");
};
