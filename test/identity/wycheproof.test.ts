/** C2SP's Wycheproof vectors for JOSE, asked of our own compact form, header policy, key policy and signature check. */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { isAlgorithm } from "../../src/identity/jwt/jwk.ts";
import { verifySignature } from "../../src/identity/jwt/signature.ts";
import { keyFor, readKeySet } from "../../src/identity/jwt/jwks.ts";
import { readHeader, splitCompact } from "../../src/identity/jwt/token.ts";
import { anIssuer, aWorld, ecPair, jwkOf } from "./kit.ts";
import { CORPORA } from "../kit/corpora.ts";

const corpus = new URL("wycheproof-jose/", CORPORA);
const isThere = existsSync(corpus);
const ALL = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"].filter(
  isAlgorithm,
);

type Vector = { readonly tcId: number; readonly result: string; readonly jws?: unknown; readonly jwe?: unknown };
type Group = { readonly public?: object; readonly private?: object; readonly tests: readonly Vector[] };

const groupsOf = (file: string): readonly Group[] =>
  (JSON.parse(readFileSync(new URL(file, corpus), "utf8")) as { testGroups: Group[] }).testGroups;
/** A token that is not a text in the vectors is the JSON serialisation. */
const textOf = (token: unknown): string => (typeof token === "string" ? token : JSON.stringify(token));

const accepts = (group: Group, jws: string): boolean => {
  const given = group.public ?? group.private;
  try {
    const { keys } = readKeySet(given && "keys" in given ? given : { keys: [given] }, ALL);
    const { kid, algorithm } = readHeader(splitCompact(jws)[0]);
    const key = keyFor(keys, kid);
    if (!key) return false;
    verifySignature({ text: jws, algorithm }, key);
    return true;
  } catch {
    return false;
  }
};

const accepted = (file: string): { readonly asked: number; readonly ids: readonly number[] } => {
  const ids: number[] = [];
  let asked = 0;
  for (const group of groupsOf(file)) {
    for (const { tcId, jws } of group.tests.filter((test) => test.jws !== undefined)) {
      asked++;
      if (accepts(group, textOf(jws))) ids.push(tcId);
    }
  }
  return { asked, ids };
};

it("the Wycheproof corpus exists if CI runs the tests", () =>
  expect(isThere || process.env["CI"] !== "true").toBe(true));

describe.skipIf(!isThere)("Wycheproof", () => {
  const world = aWorld();
  afterAll(() => world.end());

  it("json_web_signature: accepts every valid vector of an algorithm that may be used, and no other", () => {
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
    // Not among them, though marked valid: HS256; 346, 347, 350 and 351, whose key names another algorithm than their
    // header; 259, 264, 268, 272, 320 and 325, whose payload is empty, which no claims can be.
    const valid = [
      18,
      33,
      ...range(260, 263),
      ...range(265, 267),
      ...range(269, 271),
      ...range(273, 275),
      287,
      288,
      ...range(321, 323),
      ...range(326, 328),
      345,
      349,
      378,
    ];
    expect(accepted("json_web_signature_test.json")).toEqual({ asked: 401, ids: valid });
    const marked = groupsOf("json_web_signature_test.json").flatMap(({ tests }) =>
      tests.filter(({ result }) => result === "valid").map(({ tcId }) => tcId),
    );
    expect(marked).toEqual(expect.arrayContaining(valid));
  });

  it("json_web_key: accepts the one good public key, and no weak, mixed or mislabelled one", () => {
    expect(accepted("json_web_key_test.json")).toEqual({ asked: 26, ids: [5] });
  });

  it("json_web_crypto: accepts the two good signatures by public keys, and no other", () => {
    expect(accepted("json_web_crypto_test.json")).toEqual({ asked: 49, ids: [18, 33] });
  });

  it("accepts no vector marked invalid: 355 of signatures, 21 of keys, 45 of the mixed ones", () => {
    for (const [file, invalid] of [
      ["json_web_signature_test.json", 355],
      ["json_web_key_test.json", 21],
      ["json_web_crypto_test.json", 45],
    ] as const) {
      const bad = groupsOf(file).flatMap(({ tests }) =>
        tests.filter(({ result, jws }) => result === "invalid" && jws !== undefined).map(({ tcId }) => tcId),
      );
      const { ids } = accepted(file);
      expect([file, bad.length, ids.filter((id) => bad.includes(id))]).toEqual([file, invalid, []]);
    }
  });

  it("refuses every encrypted token before it looks for a key", async () => {
    const jwks_file = world.file("keys.json", { keys: [jwkOf(ecPair().publicKey, { kid: "k" })] });
    const gate = await world.open({ jwt: [anIssuer({ jwks_file })] });
    const tokens = ["json_web_encryption_test.json", "json_web_crypto_test.json"].map((file) =>
      groupsOf(file).flatMap(({ tests }) => tests.flatMap(({ jwe }) => (jwe === undefined ? [] : [textOf(jwe)]))),
    );
    expect(tokens.map((list) => list.length)).toEqual([139, 34]);
    for (const text of tokens.flat()) {
      expect(() => readHeader(splitCompact(text)[0])).toThrow();
      expect(await gate.ask(text)).toBeUndefined();
    }
  });
});
