/** An issuer that a test has the key of. */
import { generateKeyPairSync } from "node:crypto";
import { es256, jwkOf } from "../identity/kit.ts";

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Its key set, as a file holds it. */
export const issuerFile = (): string =>
  JSON.stringify({ keys: [jwkOf(pair.publicKey, { kid: "k1", use: "sig", alg: "ES256" })] });

/** A Bearer of that client, now in force; `more` are claims besides. */
export const bearerOf = (client: string, more: object = {}): `Bearer ${string}` => {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "https://idp.test/",
    aud: "ocs-gateway",
    azp: client,
    iat: now,
    exp: now + 300,
    jti: `${client}-${now}`,
    ...more,
  };
  return `Bearer ${es256(pair.privateKey, { alg: "ES256", kid: "k1", typ: "JWT" }, claims)}`;
};
