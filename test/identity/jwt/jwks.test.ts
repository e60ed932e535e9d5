import { generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCredentials, CredentialSettingsError } from "../../../src/identity/credentials.ts";
import { isAlgorithm } from "../../../src/identity/jwt/jwk.ts";
import { keyFor, readKeySet } from "../../../src/identity/jwt/jwks.ts";
import { anIssuer, aWorld, ecPair, jwkOf, rsaPair, type World } from "../kit.ts";

const ec = ecPair();
const rsa = rsaPair();
const ecJwk = jwkOf(ec.publicKey, { kid: "ec" });
const rsaJwk = jwkOf(rsa.publicKey, { kid: "rsa" });

describe("a key of the set", () => {
  const weak = (bits: number, publicExponent = 65_537) =>
    jwkOf(generateKeyPairSync("rsa", { modulusLength: bits, publicExponent }).publicKey, { kid: "k" });
  const all = ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"].filter(isAlgorithm);
  const k = { kid: "k" };

  it.each<[string, unknown, RegExp]>([
    ["RSA with 1024 bits", weak(1024), /1024 bits/],
    ["RSA with exponent 3", weak(2048, 3), /exponent/],
    ["RSA with exponent 257", weak(2048, 257), /exponent/],
    ["RSA with exponent 1", { ...rsaJwk, ...k, e: "AQ" }, /exponent|not a valid key/],
    ["RSA with an even exponent", { ...rsaJwk, ...k, e: "AQAC" }, /exponent|not a valid key/],
    ["a secret", { kty: "oct", k: "c2VjcmV0", ...k }, /not an RSA, EC or OKP key/],
    ["a private EC key", { ...jwkOf(ec.privateKey), ...k }, /a private key/],
    ["a private RSA key", { ...jwkOf(rsa.privateKey), ...k }, /a private key/],
    ["for encryption", { ...ecJwk, ...k, use: "enc" }, /use/],
    ["of an odd use", { ...ecJwk, ...k, use: ["sig"] }, /use/],
    ["for encrypting", { ...ecJwk, ...k, key_ops: ["encrypt"] }, /key_ops/],
    ["for signing and verifying", { ...ecJwk, ...k, key_ops: ["sign", "verify"] }, /key_ops/],
    ["for verifying and signing", { ...ecJwk, ...k, key_ops: ["verify", "sign"] }, /key_ops/],
    ["with key_ops as a text", { ...ecJwk, ...k, key_ops: "verify" }, /key_ops/],
    ["without kid beside another key", jwkOf(rsa.publicKey), /it has no kid and is not the only usable key/],
    ["with an empty kid", { ...ecJwk, kid: "" }, /its kid is not 1 to 256 printable/],
    ["with a number as kid", { ...ecJwk, kid: 7 }, /kid/],
    ["of an algorithm for secrets", { ...ecJwk, ...k, alg: "HS256" }, /algorithm/],
    ["of an algorithm that does not fit", { ...ecJwk, ...k, alg: "RS256" }, /algorithm/],
    ["of an algorithm off the list", { ...rsaJwk, ...k, alg: "RS512" }, /algorithm/],
    ["of an unknown curve", { ...ecJwk, ...k, crv: "P-999" }, /algorithm/],
    ["of another curve than its point", { ...ecJwk, ...k, crv: "P-384" }, /not a valid key/],
    ["of Bitcoin's curve", jwkOf(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey, k), /algorithm/],
    ["of X25519, which cannot sign", jwkOf(generateKeyPairSync("x25519").publicKey, k), /algorithm/],
    ["a point off its curve", { ...ecJwk, ...k, x: ecJwk.y }, /not a valid key/],
    ["padded", { ...ecJwk, ...k, x: `${ecJwk.x}=` }, /base64url/],
    ["without its point", { kty: "EC", crv: "P-256", ...k }, /base64url/],
    ["of type __proto__", { ...ecJwk, ...k, kty: "__proto__" }, /not an RSA, EC or OKP key/],
    ["null", null, /not an object/],
    ["an array", [], /not an object/],
  ])("is skipped if it is %s, and the others are used", (_, key, reason) => {
    const { keys, skipped } = readKeySet({ keys: [key, ecJwk] }, all);
    expect([...keys.keys()]).toEqual(["ec"]);
    expect(skipped).toHaveLength(1);
    expect(skipped[0]!.reason).toMatch(reason);
  });

  it("may have no kid when it is the only usable one", () => {
    const [alone, encryption, weakOne] = [jwkOf(ec.publicKey), { ...rsaJwk, use: "enc" }, weak(1024)];
    for (const set of [[alone], [encryption, alone], [alone, weakOne]]) {
      const { keys } = readKeySet({ keys: set }, all);
      expect([keyFor(keys, undefined)?.algorithm, keyFor(keys, "any")?.algorithm]).toEqual(["ES256", "ES256"]);
    }
    expect(readKeySet({ keys: [alone, alone, rsaJwk] }, all).skipped.map(({ reason }) => reason)).toEqual([
      "it has no kid and is not the only usable key",
    ]);
    expect(() => readKeySet({ keys: [alone, alone] }, all)).toThrow("it has no kid and is not the only usable key");
  });

  it("is used for a token without kid when it is the only usable one", () => {
    const one = readKeySet({ keys: [ecJwk] }, all).keys;
    expect([keyFor(one, undefined)?.kid, keyFor(one, "ec")?.kid, keyFor(one, "other")]).toEqual([
      "ec",
      "ec",
      undefined,
    ]);
    expect(keyFor(readKeySet({ keys: [ecJwk, rsaJwk] }, all).keys, undefined)).toBeUndefined();
  });

  it("is skipped with its duplicate if two have the same kid", () => {
    const { keys, skipped } = readKeySet({ keys: [{ ...ecJwk, kid: "k" }, ecJwk, { ...rsaJwk, kid: "k" }] }, all);
    expect([...keys.keys()]).toEqual(["ec"]);
    expect(skipped).toEqual([{ kid: "k", reason: "duplicate kid" }]);
  });

  it("is used if the other key with its kid is for encryption", () => {
    expect([...readKeySet({ keys: [{ ...rsaJwk, kid: "ec", use: "enc" }, ecJwk] }, all).keys.keys()]).toEqual(["ec"]);
  });

  it.each<[string, readonly string[], JsonWebKey, string]>([
    ["states it", ["RS256", "PS256"], { ...rsaJwk, alg: "PS256" }, "PS256"],
    ["states none: the list's first that fits", ["ES256", "PS256", "RS256"], rsaJwk, "PS256"],
    ["is a curve's", ["RS256", "ES384", "ES256"], ecJwk, "ES256"],
    [
      "states Ed25519 if the list has EdDSA",
      ["EdDSA"],
      jwkOf(generateKeyPairSync("ed25519").publicKey, { kid: "k", alg: "Ed25519" }),
      "EdDSA",
    ],
  ])("has one algorithm: %s", (_, names, jwk, algorithm) => {
    const { keys } = readKeySet({ keys: [jwk] }, names.filter(isAlgorithm));
    expect([...keys.values()].map((key) => key.algorithm)).toEqual([algorithm]);
  });

  it.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /not a JSON Web Key Set/],
    ["a lone key", ecJwk, /not a JSON Web Key Set/],
    ["a list of keys", [ecJwk], /not a JSON Web Key Set/],
    ["keys that are not a list", { keys: { 0: ecJwk } }, /not a JSON Web Key Set/],
    ["an empty list", { keys: [] }, /no usable key/],
    ["nothing but bad keys", { keys: [{ ...ecJwk, use: "enc" }] }, /no usable key; ec: its use is not sig/],
    [
      "10,000 keys",
      { keys: Array.from({ length: 10_000 }, (_, at) => ({ ...ecJwk, kid: `k${at}` })) },
      /more than 256 keys/,
    ],
  ])("is rejected with its whole set if that is %s", (_, set, message) => {
    expect(() => readKeySet(set, all)).toThrow(message);
  });
});

describe("settings of an issuer", () => {
  let world: World;
  beforeEach(() => {
    world = aWorld();
  });
  afterEach(() => world.end());

  const refused = async (more: object, message: RegExp) => {
    const opening = createCredentials({ jwt: [anIssuer(more)] });
    await expect(opening).rejects.toBeInstanceOf(CredentialSettingsError);
    await expect(opening).rejects.toThrow(message);
  };

  it.each<[string, object, RegExp]>([
    [
      "HS256",
      { jwks_uri: "https://idp.test/", algorithms: ["ES256", "HS256"] },
      /issuer "corp": algorithm "HS256" is not supported/,
    ],
    ["none", { jwks_uri: "https://idp.test/", algorithms: ["none"] }, /algorithm "none"/],
    ["toString", { jwks_uri: "https://idp.test/", algorithms: ["toString"] }, /algorithm "toString"/],
    ["no algorithm", { jwks_uri: "https://idp.test/", algorithms: [] }, /no algorithm/],
    ["neither address nor file", {}, /needs either jwks_uri or jwks_file/],
    ["both address and file", { jwks_uri: "https://idp.test/", jwks_file: "/x" }, /needs either jwks_uri or jwks_file/],
    ["http to elsewhere", { jwks_uri: "http://idp.test/" }, /must be https/],
    ["http to a name that begins like ours", { jwks_uri: "http://127.0.0.1.idp.test/" }, /must be https/],
    ["a file as address", { jwks_uri: "file:///etc/passwd" }, /must be https/],
    ["an address with a user", { jwks_uri: "https://user:secret@idp.test/" }, /must not contain a user/],
    ["no address at all", { jwks_uri: "idp" }, /not a URL/],
    ["an empty audience", { jwks_uri: "https://idp.test/", audience: "" }, /audience is empty/],
    ["an empty claim", { jwks_uri: "https://idp.test/", claims: { client: "" } }, /claims.client is empty/],
    ["a skew below 0", { jwks_uri: "https://idp.test/", clock_skew: -1 }, /clock_skew/],
    ["a skew of a day", { jwks_uri: "https://idp.test/", clock_skew: 86_400_000 }, /clock_skew/],
    ["a skew that is not a number", { jwks_uri: "https://idp.test/", clock_skew: Number.NaN }, /clock_skew/],
    [
      "a missing file",
      { jwks_file: "/nowhere/keys.json" },
      /issuer "corp": jwks_file \/nowhere\/keys.json: there is no such file/,
    ],
  ])("are refused for %s", async (_, more, message) => {
    await refused(more, message);
  });

  it("are refused for a file that is not JSON, without quoting it", async () => {
    const path = world.file("keys.json", '{"keys":[{"d":"secret');
    await refused({ jwks_file: path }, /keys\.json: it is not JSON$/);
  });

  it("are refused for a file without a usable key", async () => {
    await refused(
      { jwks_file: world.file("keys.json", { keys: [jwkOf(ec.privateKey, { kid: "mine" })] }) },
      /no usable key; mine: it is a private key/,
    );
  });

  it("are refused for two issuers with the same iss", async () => {
    const jwks_file = world.file("keys.json", { keys: [ecJwk] });
    await expect(
      createCredentials({ jwt: [anIssuer({ jwks_file }), anIssuer({ name: "twin", jwks_file })] }),
    ).rejects.toThrow('issuer "twin": another issuer has the same URL (issuer)');
  });

  it("report the skipped keys", async () => {
    const { news } = await world.open({
      jwt: [anIssuer({ jwks_file: world.file("keys.json", { keys: [ecJwk, { ...rsaJwk, use: "enc" }] }) })],
    });
    expect(news).toEqual([
      { kind: "key-set-loaded", issuer: "corp", usable: 1, skipped: [{ kid: "rsa", reason: "its use is not sig" }] },
    ]);
  });
});
