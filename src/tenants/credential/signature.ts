/** The signature of a token, by a key that the token did not choose and for the one algorithm of that key. */
import { compactVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";
import { isEd25519, isSameAlgorithm, type VerificationKey } from "./jwk.ts";
import { Unusable } from "./types.ts";

type Signed = { readonly text: string; /** As the header says. */ readonly algorithm: string };

/** Throws or rejects, with whatever the library throws, unless the signature is this key's. */
export const verifySignature = ({ text, algorithm }: Signed, { key, algorithm: demanded }: VerificationKey): void | Promise<void> => {
  if (!isSameAlgorithm(algorithm, demanded)) throw new Unusable("the token's algorithm is not its key's");
  // jsonwebtoken knows no Ed25519.
  if (isEd25519(demanded)) return compactVerify(text, key, { algorithms: [algorithm] }).then(() => {});
  // Times and the other claims have been judged before, more strictly and by our own clock.
  jsonwebtoken.verify(text, key, { algorithms: [demanded as jsonwebtoken.Algorithm], ignoreExpiration: true, ignoreNotBefore: true });
};
