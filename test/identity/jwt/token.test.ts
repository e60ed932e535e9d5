import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifySignature } from "../../../src/identity/jwt/signature.ts";
import { splitCompact } from "../../../src/identity/jwt/token.ts";
import {
  anIssuer,
  aWorld,
  bearer,
  claims,
  ecPair,
  encode,
  es256,
  jwkOf,
  rsaPair,
  SECONDS,
  signParts,
  without,
  type Opened,
} from "../kit.ts";

const ec = ecPair();
const otherEc = ecPair();
const rsa = rsaPair();
const header = { alg: "ES256", kid: "ec", typ: "JWT" };
const world = aWorld();
let gate: Opened;
let lure: Server;
let lureUrl: string;
let lured = 0;

beforeAll(async () => {
  lure = createServer((_, reply) => {
    lured++;
    reply.end("{}");
  }).listen(0, "127.0.0.1");
  await new Promise((ready) => lure.once("listening", ready));
  lureUrl = `http://127.0.0.1:${(lure.address() as AddressInfo).port}/keys`;
  const first = world.file("first.json", {
    keys: [jwkOf(ec.publicKey, { kid: "ec" }), jwkOf(rsa.publicKey, { kid: "rsa" })],
  });
  const second = world.file("second.json", {
    keys: [jwkOf(otherEc.publicKey, { kid: "ec" }), jwkOf(otherEc.publicKey, { kid: "other" })],
  });
  gate = await world.open({
    jwt: [
      anIssuer({ jwks_file: first }),
      anIssuer({ name: "second", issuer: "https://second.test/", jwks_file: second }),
    ],
  });
});

afterAll(() => {
  lure.closeAllConnections();
  lure.close();
  world.end();
});

const token = (payload: unknown = claims(), head: unknown = header): string => es256(ec.privateKey, head, payload);
const [head, body, signature] = token().split(".") as [string, string, string];
const pem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();

const hs256 = (secret: string | Buffer): string => {
  const input = `${encode({ alg: "HS256", kid: "rsa", typ: "JWT" })}.${encode(claims())}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
};

const es256With = (r: bigint, s: bigint): string => {
  const hex = (value: bigint) => value.toString(16).padStart(64, "0");
  return `${head}.${body}.${Buffer.from(hex(r) + hex(s), "hex").toString("base64url")}`;
};
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const der = sign("sha256", Buffer.from(`${head}.${body}`), ec.privateKey).toString("base64url");
const raw = Buffer.from(signature, "base64url");
const signed = (bytes: Uint8Array): string => `${head}.${body}.${Buffer.from(bytes).toString("base64url")}`;
/** A payload with one claim as it is written here. */
const written = (name: string, json: string): string =>
  JSON.stringify(claims({ [name]: 0 })).replace(`"${name}":0`, `"${name}":${json}`);
const withHeader = (more: object): string => token(claims(), { ...header, ...more });
/** A part whose last letter has unused bits: these payloads end one byte into a group of three. */
const loose = [0, 1, 2].map((more) => encode(claims({ x: "x".repeat(more) }))).find((part) => part.length % 4 === 2)!;
const withDash = (): string => {
  for (;;) {
    const text = token();
    if (/[-_][^.]*$/.test(text)) return text;
  }
};
const nextLetter = (letter: string): string => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return alphabet[alphabet.indexOf(letter) + 1]!;
};

describe("a valid token", () => {
  it.each([
    [
      "names the client, its jti and no tenant",
      claims(),
      { client: "ors-main", credential: { kind: "jwt", id: "one" } },
    ],
    [
      "may narrow to a tenant by name",
      claims({ ocs_tenant: "Alpha Tenant" }),
      { client: "ors-main", credential: { kind: "jwt", id: "one" }, tenant: "Alpha Tenant" },
    ],
    [
      "may narrow to a tenant by DBID",
      claims({ ocs_tenant: 101 }),
      { client: "ors-main", credential: { kind: "jwt", id: "one" }, tenant: "101" },
    ],
  ])("%s", async (_, payload, identity) => {
    expect(await gate.ask(token(payload))).toEqual(identity);
  });

  it("is identified by its hash without jti", async () => {
    expect((await gate.ask(token(without(claims(), "jti"))))?.credential.id).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    ["aud is an array with ours in it", claims({ aud: ["billing", "ocs-gateway"] }), header],
    ["iat is absent", without(claims(), "iat"), header],
    ["typ is absent", claims(), { alg: "ES256", kid: "ec" }],
    ["typ is at+jwt", claims(), { ...header, typ: "at+jwt" }],
    ["typ is jwt in small letters", claims(), { ...header, typ: "jwt" }],
    ["exp passed one skew ago", claims({ iat: SECONDS - 300, exp: SECONDS - 60 }), header],
    ["iat lies one skew ahead", claims({ iat: SECONDS + 60 }), header],
    ["nbf lies one skew ahead", claims({ nbf: SECONDS + 60 }), header],
    ["it lives for 24 hours exactly", claims({ exp: SECONDS + 86_400 }), header],
    [
      "a foreign claim nests as deep as identity providers do",
      claims({ resource_access: { account: { roles: ["view"] } } }),
      header,
    ],
    ["a foreign claim nests five deep", claims({ a: { b: { c: { d: { e: ["x"] } } } } }), header],
    [
      "it has 200 groups",
      claims({
        groups: Array.from({ length: 200 }, (_, at) => `8d7f1c2a-1b2c-4d5e-8f90-${String(at).padStart(12, "0")}`),
      }),
      header,
    ],
    ["it has 400 roles", claims({ roles: Array.from({ length: 400 }, (_, at) => `role-${at}`) }), header],
    ["exp has a fraction", claims({ exp: SECONDS + 300.5 }), header],
    ["iat and nbf have a fraction", claims({ iat: SECONDS - 0.25, nbf: SECONDS - 0.001 }), header],
    ["exp has a fraction of nothing", written("exp", `${SECONDS + 300}.0`), header],
    ["exp has an exponent", written("exp", `${(SECONDS + 300) / 10}e1`), header],
    ["iat has a capital exponent", written("iat", `${SECONDS}.5E+0`), header],
    ["typ is application/jwt", claims(), { ...header, typ: "application/jwt" }],
    ["it is nearly 16 KiB long", claims({ x: "x".repeat(11_800) }), header],
    ["its header is nearly 4 KiB long", claims(), { ...header, x: "x".repeat(3000) }],
    ["its key is the second issuer's own of that kid", undefined, header],
  ])("is accepted when %s", async (_, payload, head) => {
    const text = payload
      ? token(payload, head)
      : es256(otherEc.privateKey, head, claims({ iss: "https://second.test/" }));
    expect((await gate.ask(text))?.client).toBe("ors-main");
  });
});

const noneTokens = ["none", "None", "NONE", "nOnE"].flatMap((alg) => {
  const input = `${encode({ alg, kid: "ec", typ: "JWT" })}.${body}`;
  return [
    ["empty", ""],
    ["original", signature],
    ["garbage", "AAAA"],
  ].map(([name, end]) => [`alg ${alg} with ${name} signature`, `${input}.${end}`] as const);
});

const RS256_INPUT = `${encode({ ...header, alg: "RS256" })}.${body}`;

const attacks: readonly (readonly [string, string])[] = [
  ...noneTokens,
  ["null signature", `${head}.${body}.`],
  ["two parts", `${head}.${body}`],
  ["four parts", `${head}.${body}.${signature}.${signature}`],
  ["five parts", `${head}.${body}.${signature}.AAAA.AAAA`],
  ["JSON serialisation", JSON.stringify({ payload: body, protected: head, signature })],
  ["nothing", ""],
  ["HS256 with the PEM as secret", hs256(pem)],
  ["HS256 with the PEM, no last newline", hs256(pem.trimEnd())],
  ["HS256 with the PEM, one more newline", hs256(`${pem}\n`)],
  ["HS256 with the PEM in CRLF", hs256(pem.replaceAll("\n", "\r\n"))],
  ["HS256 with the DER", hs256(rsa.publicKey.export({ type: "spki", format: "der" }))],
  ["HS256 with the PKCS#1 DER", hs256(rsa.publicKey.export({ type: "pkcs1", format: "der" }))],
  ["HS256 with the JWK", hs256(JSON.stringify(jwkOf(rsa.publicKey)))],
  ["HS256 with the modulus", hs256(jwkOf(rsa.publicKey).n!)],
  ["HS256 with an empty secret", hs256("")],
  ...(
    [
      [0n, 0n],
      [0n, 1n],
      [1n, 0n],
      [n, n],
      [n, 1n],
      [1n, n],
      [n + 1n, n + 1n],
    ] as const
  ).map(([r, s]) => [`ES256 with r=${r}, s=${s}`, es256With(r, s)] as const),
  ["ES256 in DER", `${head}.${body}.${der}`],
  ["ES256 one byte short", signed(raw.subarray(0, 63))],
  ["ES256 one byte long", signed(Buffer.concat([raw, Buffer.from([0])]))],
  ["ES256 with a flipped bit", signed(Buffer.concat([Buffer.from([raw[0]! ^ 1]), raw.subarray(1)]))],
  ["a changed payload", `${head}.${encode(claims({ azp: "alpha-ops" }))}.${signature}`],
  ["another's key", es256(otherEc.privateKey, header, claims())],
  ["an alg that is the issuer's but not the key's", token(claims(), { ...header, kid: "rsa" })],
  [
    "an RSA signature for the elliptic key",
    `${RS256_INPUT}.${sign("sha256", Buffer.from(RS256_INPUT), rsa.privateKey).toString("base64url")}`,
  ],
  ["kid unknown", withHeader({ kid: "nobody" })],
  ["kid absent", token(claims(), without(header, "kid"))],
  ["kid of 4 KiB", withHeader({ kid: "k".repeat(2900) })],
  ["kid a path", withHeader({ kid: "../../dev/null" })],
  ["kid a query", withHeader({ kid: "' OR 1=1" })],
  ["kid with NUL", withHeader({ kid: "ec\0" })],
  ["kid an array", withHeader({ kid: ["ec"] })],
  ["kid a number", withHeader({ kid: 1 })],
  ["kid empty", withHeader({ kid: "" })],
  ["kid of another issuer", es256(otherEc.privateKey, { ...header, kid: "other" }, claims())],
  ["crit unknown", withHeader({ crit: ["exp"], exp: 1 })],
  ["crit with b64", withHeader({ crit: ["b64"], b64: true })],
  ["crit empty", withHeader({ crit: [] })],
  ["b64 false", withHeader({ b64: false })],
  ["zip", withHeader({ zip: "DEF" })],
  ["enc", withHeader({ enc: "A256GCM" })],
  [
    "PBES2 with a huge p2c",
    token(claims(), { alg: "PBES2-HS256+A128KW", enc: "A128GCM", p2c: 2_147_483_647, p2s: "AAAA", kid: "ec" }),
  ],
  ["typ logout+jwt", withHeader({ typ: "logout+jwt" })],
  ["typ a number", withHeader({ typ: 1 })],
  ["typ null", withHeader({ typ: null })],
  ["alg absent", token(claims(), without(header, "alg"))],
  ["alg an array", withHeader({ alg: ["ES256"] })],
  ["alg __proto__", withHeader({ alg: "__proto__" })],
  ["header an array", token(claims(), "[]")],
  ["payload an array", token([1])],
  ["payload no JSON", token("hello")],
  ["iss absent", token(without(claims(), "iss"))],
  ["iss of the other issuer", token(claims({ iss: "https://second.test/" }))],
  ["iss without its slash", token(claims({ iss: "https://idp.test" }))],
  ["iss in capitals", token(claims({ iss: "https://IDP.test/" }))],
  ["iss with a look-alike", token(claims({ iss: "https://іdp.test/" }))],
  ["iss an array", token(claims({ iss: ["https://idp.test/"] }))],
  ["aud absent", token(without(claims(), "aud"))],
  ["aud another", token(claims({ aud: "billing" }))],
  ["aud a part of ours", token(claims({ aud: "ocs" }))],
  ["aud longer than ours", token(claims({ aud: "ocs-gateway2" }))],
  ["aud a number", token(claims({ aud: 1 }))],
  ["aud an empty array", token(claims({ aud: [] }))],
  ["aud an array with a number", token(claims({ aud: ["ocs-gateway", 1] }))],
  ["aud an array in an array", token(claims({ aud: [["ocs-gateway"]] }))],
  ["exp absent", token(without(claims(), "exp"))],
  ["exp past by the skew and a second", token(claims({ iat: SECONDS - 300, exp: SECONDS - 61 }))],
  ["exp a text", token(claims({ exp: String(SECONDS + 300) }))],
  ["exp a fraction that has passed", token(claims({ iat: SECONDS - 300, exp: SECONDS - 60.001 }))],
  ["iat a fraction ahead", token(claims({ iat: SECONDS + 60.001 }))],
  ["nbf a fraction ahead", token(claims({ nbf: SECONDS + 60.001 }))],
  ["a life of a fraction over 24 hours", token(claims({ exp: SECONDS + 86_400.001 }))],
  ["nbf -1e308", token(written("nbf", "-1e308"))],
  ["iat -1e308", token(written("iat", "-1e308"))],
  ["exp 1e999", token(written("exp", "1e999"))],
  ["exp minus zero", token(written("exp", "-0.0"))],
  ["exp an object", token(claims({ exp: { value: SECONDS + 300 } }))],
  ["claims 17 deep", token(written("x", `${"[".repeat(16)}${"]".repeat(16)}`))],
  ["more than 2,048 members", token(claims({ x: Array.from({ length: 2050 }, () => 1) }))],
  ["exp 1e308", token(JSON.stringify(claims({ exp: 0 })).replace('"exp":0', '"exp":1e308'))],
  ["exp beyond 2^53", token(JSON.stringify(claims({ exp: 0 })).replace('"exp":0', '"exp":9007199254740993'))],
  ["exp negative", token(claims({ exp: -1 }))],
  ["exp null", token(claims({ exp: null }))],
  ["iat ahead by the skew and a second", token(claims({ iat: SECONDS + 61 }))],
  ["nbf ahead by the skew and a second", token(claims({ nbf: SECONDS + 61 }))],
  ["nbf a text", token(claims({ nbf: "0" }))],
  ["iat null", token(claims({ iat: null }))],
  ["a life of a second over 24 hours", token(claims({ exp: SECONDS + 86_401 }))],
  ["a life of a second over 24 hours, iat left out", token(without(claims({ exp: SECONDS + 86_401 }), "iat"))],
  ["a life over 24 hours that is nearly over", token(claims({ iat: SECONDS - 90_000 }))],
  ["client absent", token(without(claims(), "azp"))],
  ["client empty", token(claims({ azp: "" }))],
  ["client a number", token(claims({ azp: 7 }))],
  ["client an array", token(claims({ azp: ["ors-main"] }))],
  ["tenant an array", token(claims({ ocs_tenant: [101] }))],
  ["tenant empty", token(claims({ ocs_tenant: "" }))],
  ["tenant null", token(claims({ ocs_tenant: null }))],
  ["tenant a fraction", token(claims({ ocs_tenant: 101.5 }))],
  ["tenant true", token(claims({ ocs_tenant: true }))],
  ["jti a number", token(claims({ jti: 1 }))],
  ["a doubled key in the payload", token(JSON.stringify(claims()).replace("{", '{"azp":"alpha-ops",'))],
  [
    "a doubled key written in two ways",
    token(JSON.stringify(claims()).replace("{", String.raw`{"a\u007ap":"alpha-ops",`)),
  ],
  ["a doubled key deep in the payload", token(JSON.stringify(claims()).replace("{", '{"x":[{"y":1,"y":2}],'))],
  ["a doubled key in the header", token(claims(), '{"alg":"ES256","alg":"ES256","kid":"ec"}')],
  ["__proto__ in the payload", token(JSON.stringify(claims()).replace("{", '{"__proto__":{"azp":"x"},'))],
  ["a byte order mark before the payload", token(`\ufeff${JSON.stringify(claims())}`)],
  ["more than 16 KiB", token(claims({ x: "x".repeat(12_100) }))],
  ["a header of over 4 KiB", withHeader({ x: "x".repeat(3100) })],
  ["10,000 dots", ".".repeat(10_000)],
  ["1 MiB", `${head}.${"A".repeat(1_048_576)}.${signature}`],
  ["padding", `${head}.${body}.${signature}==`],
  ["padding that was signed", signParts(ec.privateKey, head, `${loose}==`)],
  ["unused bits that were signed", signParts(ec.privateKey, head, loose.slice(0, -1) + nextLetter(loose.at(-1)!))],
  ["a blank that was signed", signParts(ec.privateKey, head, `${body.slice(0, 8)} ${body.slice(8)}`)],
  [
    "a signature in the other base64 alphabet",
    withDash().replace(/[^.]*$/, (part) => part.replaceAll("-", "+").replaceAll("_", "/")),
  ],
  ["a blank inside", `${head}. ${body}.${signature}`],
  ["a blank at the end", `${head}.${body}.${signature} `],
  ["a newline inside", `${head}.${body.slice(0, 8)}\n${body.slice(8)}.${signature}`],
  // 64 bytes end in a letter of which four bits are not used.
  ["unused bits set", `${head}.${body}.${signature.slice(0, -1)}${nextLetter(signature.at(-1)!)}`],
];

describe("an invalid token", () => {
  it.each(attacks)("is refused: %s", async (_, text) => {
    expect(await gate.ask(text)).toBeUndefined();
  });

  it("is derived from a token that is valid", async () => {
    expect((await gate.ask(`${head}.${body}.${signature}`))?.client).toBe("ors-main");
  });
  it("gets a reason that never contains the token", () => {
    const reasons = new Set(gate.denials.map(({ reason }) => reason.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, "then")));
    expect(reasons.size).toBeGreaterThan(15);
    for (const reason of reasons) expect(reason).toMatch(/^[a-zA-Z0-9 ',.:_()-]+$/);
  });
});

describe("each layer rejects separately", () => {
  it("a text without three parts, before any library sees it", () => {
    for (const text of ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e"])
      expect(() => splitCompact(text)).toThrow("three parts");
  });

  it("an algorithm that is not the key's, before any library sees it", () => {
    const demanded = { kid: "ec", algorithm: "ES256", key: ec.publicKey } as const;
    expect(() => verifySignature({ text: token(), algorithm: "ES384" }, demanded)).toThrow("not its key's");
    expect(() => verifySignature({ text: token(), algorithm: "ES256" }, demanded)).not.toThrow();
  });
});

describe("a token that contains a key or refers to one", () => {
  const mine = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const forged = (more: object): string => es256(mine.privateKey, { ...header, ...more }, claims());
  const rows: readonly (readonly [string, () => object])[] = [
    ["jwk", () => ({ jwk: jwkOf(mine.publicKey) })],
    ["x5c", () => ({ x5c: ["AAAA"] })],
    ["jku to loopback", () => ({ jku: lureUrl })],
    ["x5u to loopback", () => ({ x5u: lureUrl })],
    ["jku to a file", () => ({ jku: "file:///etc/passwd" })],
    ["jku with the issuer as user", () => ({ jku: lureUrl.replace("://", "://idp.test@") })],
    ["kid that is an address", () => ({ kid: lureUrl })],
  ];
  it.each(rows)("is refused: %s", async (_, more) => {
    expect(await gate.ask(forged(more()))).toBeUndefined();
    expect(await gate.ask(token(claims(), { ...header, ...more() }))).toBeUndefined();
  });

  it("causes no connection", async () => {
    for (const [, more] of rows) await gate.ask(forged(more()));
    await gate.ask(es256(mine.privateKey, header, claims({ iss: lureUrl })));
    expect(lured).toBe(0);
  });
});

describe("a token", () => {
  const good = token();
  it.each<[string, readonly (readonly [string, string])[]]>([
    ["in a cookie", [["Cookie", `access_token=${good}`]]],
    ["in Proxy-Authorization", [["Proxy-Authorization", `Bearer ${good}`]]],
    ["in two Authorization lines", [...bearer(good), ...bearer(good)]],
    [
      "in two Authorization lines of different case",
      [
        ["Authorization", `Bearer ${good}`],
        ["authorization", `Bearer ${good}`],
      ],
    ],
    ["after Bearer twice", [["Authorization", `Bearer Bearer ${good}`]]],
    ["twice, with a comma", [["Authorization", `Bearer ${good}, Bearer ${good}`]]],
    ["after a tab", [["Authorization", `bearer\t${good}`]]],
    ["after a blank and a tab", [["Authorization", `Bearer \t${good}`]]],
    ["without a scheme", [["Authorization", good]]],
    ["after another scheme", [["Authorization", `JWT ${good}`]]],
    [
      "as a Basic password, which is off",
      [["Authorization", `Basic ${Buffer.from(`ors-main:${good}`).toString("base64")}`]],
    ],
    ["nowhere", [["Host", "gw"]]],
  ])("is not accepted at another place: %s", async (_, headers) => {
    expect(await gate.identify(headers)).toBeUndefined();
  });

  it.each(["Bearer", "bearer", "BEARER", "Bearer "])(
    "is accepted after %s, in any case of the header's name",
    async (scheme) => {
      expect((await gate.identify([["aUTHORIZATION", `${scheme} ${good}`]]))?.client).toBe("ors-main");
    },
  );
});

describe("the longest lifetime of a token", () => {
  const life = (seconds: number, more: object = {}): string => token(claims({ exp: SECONDS + seconds, ...more }));
  it.each<[string, number | undefined, string, string]>([
    ["a day unless stated", undefined, life(86_400), "ors-main"],
    [
      "no more unless stated",
      undefined,
      life(86_401),
      "the token's lifetime of 86401 s exceeds max_lifetime (86400 s)",
    ],
    ["as the settings say, longer", 30 * 86_400_000, life(30 * 86_400), "ors-main"],
    ["as the settings say, shorter", 300_000, life(301), "the token's lifetime of 301 s exceeds max_lifetime (300 s)"],
    [
      "from now on without iat",
      300_000,
      token(without(claims({ exp: SECONDS + 301 }), "iat")),
      "the token's lifetime of 301 s exceeds max_lifetime (300 s)",
    ],
    [
      "from iat, and not from nbf",
      300_000,
      life(301, { nbf: SECONDS + 1 }),
      "the token's lifetime of 301 s exceeds max_lifetime (300 s)",
    ],
  ])("is limited: %s", async (_what, max_lifetime, text, expected) => {
    const jwks_file = world.file("lifetime.json", { keys: [jwkOf(ec.publicKey, { kid: "ec" })] });
    const opened = await world.open({
      jwt: [anIssuer({ jwks_file, ...(max_lifetime !== undefined && { max_lifetime }) })],
    });
    expect((await opened.ask(text))?.client ?? opened.denials[0]?.reason).toBe(expected);
  });
});

describe("a tenant claim that is not in the settings", () => {
  it("is not read", async () => {
    const path = world.file("plain.json", { keys: [jwkOf(ec.publicKey, { kid: "ec" })] });
    const plain = await world.open({ jwt: [anIssuer({ jwks_file: path, claims: { client: "azp" } })] });
    expect(await plain.ask(token(claims({ ocs_tenant: [1] })))).toEqual({
      client: "ors-main",
      credential: { kind: "jwt", id: "one" },
    });
  });
});
