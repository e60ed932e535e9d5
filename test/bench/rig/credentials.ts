/** One issuer of ES256 tokens, in the forms that each peer reads its key in. */
import { generateKeyPairSync, sign } from "node:crypto";

export const ISSUER = "https://idp.bench.example/";
export const AUDIENCE = "ocs-gateway";

export type Issuer = {
  readonly jwks: string;
  readonly publicPem: string;
  /** A token of an hour for that client; no two are the same. */
  readonly token: (client: string) => string;
};

const HOUR_S = 3600;

export const createIssuer = (): Issuer => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  let minted = 0;
  return {
    jwks: JSON.stringify({
      keys: [{ ...publicKey.export({ format: "jwk" }), kid: "bench", alg: "ES256", use: "sig" }],
    }),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    token: (client) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: ISSUER, aud: AUDIENCE, azp: client, jti: `bench-${++minted}`, iat: now, exp: now + HOUR_S };
      const signed = [{ alg: "ES256", typ: "JWT", kid: "bench" }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
        .join(".");
      const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${signed}.${signature.toString("base64url")}`;
    },
  };
};
