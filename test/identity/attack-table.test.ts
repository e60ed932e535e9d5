/**
 * Every way to get in with a bad token that has a name, at a live listener: the same reply, nothing to OCS, and no
 * connection that the token asked for.
 */
import { createHmac, sign, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp, type Server as HttpServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aGateway, keyFor, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawClient, type RawReply } from "../kit/raw-client.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { ecPair, encode, es256, jwkOf, rsaPair, signParts } from "./kit.ts";

const [ec, rsa, foreign, unknown] = [ecPair(), rsaPair(), ecPair(), ecPair()];
const ISSUER = "https://idp.test/";
const now = (): number => Math.floor(Date.now() / 1000);
const claims = (more: object = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: "ocs-gateway",
  azp: "alpha",
  iat: now(),
  exp: now() + 300,
  jti: "one",
  ...more,
});
const without = (name: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));
const HEADER = { alg: "ES256", kid: "ec", typ: "at+jwt" };
const good = (): string => es256(ec.privateKey, HEADER, claims());
const parts = (token = good()): [string, string, string] => token.split(".") as [string, string, string];
const headed = (more: object): string => es256(ec.privateKey, { ...HEADER, ...more }, claims());
const claimed = (more: object): string => es256(ec.privateKey, HEADER, claims(more));
const payload = (text: string): string => es256(ec.privateKey, HEADER, text);

const unsigned = (alg: string, signature: string): string =>
  `${encode({ ...HEADER, alg })}.${encode(claims())}.${signature}`;
const hmac = (secret: string | Buffer): string => {
  const input = `${encode({ alg: "HS256", kid: "rsa", typ: "at+jwt" })}.${encode(claims())}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
};
const signedAs = (signature: Buffer): string => `${parts().slice(0, 2).join(".")}.${signature.toString("base64url")}`;
const N = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
const ONE = Buffer.concat([Buffer.alloc(31), Buffer.from([1])]);
const ZERO = Buffer.alloc(32);
const pem = (type: "spki" | "pkcs1"): string => rsa.publicKey.export({ type, format: "pem" }) as string;

type Case = string | readonly string[] | ((trap: number) => string);
type Row = readonly [name: string, cases: () => Readonly<Record<string, Case>>];

const PBES2 = { alg: "PBES2-HS512+A256KW", enc: "A256GCM", p2s: "AAAA", p2c: 2 ** 31 - 1, kid: "ec" };

/** A token, or whole header lines, each case under its name. */
const ROWS: readonly Row[] = [
  [
    "1-4 no algorithm",
    () =>
      Object.fromEntries(
        ["none", "None", "NONE", "nOnE"].flatMap((alg) =>
          ["", parts()[2], "AAAA"].map((signature, at) => [`${alg} ${at}`, unsigned(alg, signature)]),
        ),
      ),
  ],
  [
    "5 shape",
    () => {
      const [header, body, signature] = parts();
      return {
        "null signature": `${header}.${body}.`,
        "two parts": `${header}.${body}`,
        "four parts": `${header}.${body}.${signature}.${signature}`,
        "five parts": `${header}.${body}.${signature}.${body}.${signature}`,
        JSON: JSON.stringify({ payload: body, protected: header, signature }),
        "JSON general": JSON.stringify({ payload: body, signatures: [{ protected: header, signature }] }),
        empty: "",
        "a dot": "...",
      };
    },
  ],
  [
    "6 the public key as a secret",
    () => ({
      PEM: hmac(pem("spki")),
      "PEM trimmed": hmac(pem("spki").trim()),
      "PEM with CRLF": hmac(pem("spki").replaceAll("\n", "\r\n")),
      "PKCS 1": hmac(pem("pkcs1")),
      "PKCS 1 trimmed": hmac(pem("pkcs1").trim()),
      DER: hmac(rsa.publicKey.export({ type: "spki", format: "der" })),
      JWK: hmac(JSON.stringify(jwkOf(rsa.publicKey))),
      n: hmac(Buffer.from(jwkOf(rsa.publicKey).n!, "base64url")),
      empty: hmac(""),
    }),
  ],
  [
    "7 numbers of a signature",
    () => {
      const made = Buffer.from(parts()[2], "base64url");
      const [r, s] = [made.subarray(0, 32), made.subarray(32)];
      const der = sign("sha256", Buffer.from(parts().slice(0, 2).join(".")), ec.privateKey);
      return Object.fromEntries(
        Object.entries({
          zeros: [ZERO, ZERO],
          "r 0": [ZERO, s],
          "s 0": [r, ZERO],
          n: [N, N],
          "r n": [N, s],
          "s n": [r, N],
          "r 0 s n": [ZERO, N],
          ones: [ONE, ONE],
          "all bits": [Buffer.alloc(32, 255), Buffer.alloc(32, 255)],
          DER: [der],
          short: [made.subarray(0, 63)],
          long: [made, Buffer.from([0])],
          half: [r],
        }).map(([name, numbers]) => [name, signedAs(Buffer.concat(numbers))]),
      );
    },
  ],
  [
    "8 keys that the token brings",
    () => {
      const own = { jwk: jwkOf(unknown.publicKey, { kid: "ec" }) };
      const by = (key: KeyObject, more: object): string => es256(key, { ...HEADER, ...more }, claims());
      const urls = {
        http: (port: number) => `http://127.0.0.1:${port}/jwks`,
        https: (port: number) => `https://127.0.0.1:${port}/jwks`,
        userinfo: (port: number) => `https://idp.test@127.0.0.1:${port}/`,
        file: () => "file:///etc/passwd",
      };
      return {
        jwk: by(unknown.privateKey, own),
        x5c: by(unknown.privateKey, { x5c: ["MIIB"] }),
        "jwk beside a good signature": headed(own),
        x5t: by(unknown.privateKey, { x5t: "AAAA" }),
        ...Object.fromEntries(
          Object.entries(urls).flatMap(([name, url]) =>
            ["jku", "x5u"].map((key) => [
              `${key} ${name}`,
              (port: number) => by(unknown.privateKey, { [key]: url(port) }),
            ]),
          ),
        ),
      };
    },
  ],
  [
    "9 key ids",
    () => ({
      absent: es256(ec.privateKey, { alg: "ES256" }, claims()),
      ...Object.fromEntries(
        [
          "nobody",
          "../../dev/null",
          "' OR 1=1 --",
          "k\0",
          "k".repeat(4096),
          "",
          ["ec"],
          1,
          null,
          {},
          "EC",
          "ec ",
          "foreign",
        ].map((kid, at) => [`${at}`, headed({ kid })]),
      ),
    }),
  ],
  [
    "10 headers that change the reading",
    () => ({
      "crit unknown": headed({ crit: ["x"], x: 1 }),
      "crit b64": headed({ crit: ["b64"], b64: true }),
      "crit empty": headed({ crit: [] }),
      "b64 false": headed({ b64: false }),
      zip: headed({ zip: "DEF" }),
      "doubled alg": es256(ec.privateKey, `{"alg":"none","alg":"ES256","kid":"ec"}`, claims()),
    }),
  ],
  [
    "11 encryption",
    () => ({
      "five parts": `${encode({ alg: "RSA-OAEP", enc: "A256GCM", kid: "rsa" })}.AA.AA.AA.AA`,
      PBES2: `${encode(PBES2)}.AA.AA.AA.AA`,
      dir: headed({ alg: "dir", enc: "A128GCM" }),
    }),
  ],
  [
    "12 types",
    () =>
      Object.fromEntries(
        ["logout+jwt", "dpop+jwt", "secevent+jwt", "id_token", "", 7, ["JWT"]].map((typ, at) => [
          `${at}`,
          headed({ typ }),
        ]),
      ),
  ],
  [
    "13 issuers",
    () => ({
      missing: es256(ec.privateKey, HEADER, without("iss")),
      ...Object.fromEntries(
        [
          "https://idp.test",
          "https://IDP.test/",
          "https://idp.test//",
          "https://\u0456dp.test/",
          "https://other.test/",
          [ISSUER],
          null,
          "",
        ].map((iss, at) => [`${at}`, claimed({ iss })]),
      ),
      "another's key of the same id": es256(foreign.privateKey, HEADER, claims()),
      "another's tenant": es256(foreign.privateKey, HEADER, claims({ iss: "https://other.test/" })),
      "another's tenant by claim": es256(
        foreign.privateKey,
        HEADER,
        claims({ iss: "https://other.test/", azp: "alpha", ocs_tenant: "Alpha Tenant" }),
      ),
    }),
  ],
  [
    "14 audiences",
    () => ({
      missing: es256(ec.privateKey, HEADER, without("aud")),
      ...Object.fromEntries(
        [
          "ocs-gatewa",
          "ocs-gateway2",
          "OCS-GATEWAY",
          7,
          null,
          [],
          ["other"],
          ["ocs-gateway", 7],
          {},
          " ocs-gateway",
        ].map((aud, at) => [`${at}`, claimed({ aud })]),
      ),
    }),
  ],
  [
    "15 times",
    () => ({
      "exp missing": es256(ec.privateKey, HEADER, without("exp")),
      ...Object.fromEntries(
        [now() - 60, now() - 60.5, String(now() + 300), 1e308, -1, null, now() + 90_000].map((exp, at) => [
          `exp ${at}`,
          claimed({ exp }),
        ]),
      ),
      "exp 1e999": payload(JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e999')),
      "nbf ahead": claimed({ nbf: now() + 120 }),
      "iat ahead": claimed({ iat: now() + 120 }),
      "nbf text": claimed({ nbf: "0" }),
      "long life": claimed({ iat: now() - 80_000, exp: now() + 80_000 }),
    }),
  ],
  [
    "16 tenants",
    () => ({
      ...Object.fromEntries(
        ["Beta Tenant", "102", 102, "", [], ["101"], {}, null, true, 101.5, "*", "alpha tenant"].map((tenant, at) => [
          `${at}`,
          claimed({ ocs_tenant: tenant }),
        ]),
      ),
      doubled: payload(JSON.stringify(claims()).replace("{", '{"ocs_tenant":"101","ocs_tenant":"102",')),
      __proto__: payload(JSON.stringify(claims()).replace("{", '{"__proto__":{"ocs_tenant":"101"},"__proto__":1,')),
      "client missing": es256(ec.privateKey, HEADER, without("azp")),
      "client unknown": claimed({ azp: "nobody" }),
      "client array": claimed({ azp: ["alpha"] }),
      "another's client": claimed({ azp: "beta" }),
    }),
  ],
  [
    "17 sizes",
    () => ({
      "16 KiB and one": claimed({ pad: "x".repeat(16_384) }).slice(0, 16_385),
      "header of 4 KiB and one": headed({ pad: "x".repeat(4096) }),
      dots: ".".repeat(8000),
      deep: payload(`${"[".repeat(4000)}${"]".repeat(4000)}`.slice(0, 5000)),
    }),
  ],
  [
    "18 other spellings",
    () => {
      const [header, body, signature] = parts();
      const last = signature.at(-1)!;
      const sloppy =
        signature.slice(0, -1) +
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".indexOf(last) ^ 1
        ];
      return {
        padding: `${header}.${body}.${signature}==`,
        "a blank": `${header}.${body}.${signature.slice(0, 20)} ${signature.slice(20)}`,
        "a tab": `${header}.${body}\t.${signature}`,
        "unused bits": `${header}.${body}.${sloppy}`,
        plus: signParts(ec.privateKey, `${header}+/`, body),
        "padded header": signParts(ec.privateKey, `${header}=`, body),
        "a tab in front": `\t${good()}`,
        "a blank behind": `${good()} x`,
      };
    },
  ],
  [
    "19 places",
    () => ({
      cookie: [`Cookie: access_token=${good()}; Authorization=Bearer ${good()}`],
      "Bearer twice": [`Authorization: Bearer Bearer ${good()}`],
      "a tab": [`Authorization: Bearer\t${good()}`],
      "no blank": [`Authorization: Bearer${good()}`],
      Token: [`Authorization: Token ${good()}`],
      Basic: [`Authorization: Basic ${good()}`],
      "another header": [`X-Authorization: Bearer ${good()}`],
      proxy: [`Proxy-Authorization: Bearer ${good()}`],
      forwarded: ['X-Forwarded-Client-Cert: Hash=aa;Subject="CN=alpha"', "X-User: alpha", "X-Tenant: 101"],
      "beside another's key": [`Authorization: Bearer ${good()}`, `X-Api-Key: ${keyFor("beta")}`],
      "beside a bad key": [`Authorization: Bearer ${good()}`, "X-Api-Key: nothing"],
      "a bad token beside a key": [`Authorization: Bearer ${claimed({ exp: 1 })}`, `X-Api-Key: ${keyFor("alpha")}`],
    }),
  ],
  [
    "20 bound to a certificate",
    () => ({
      "x5t#S256": claimed({ cnf: { "x5t#S256": "A".repeat(43) } }),
      jkt: claimed({ cnf: { jkt: "A".repeat(43) } }),
      empty: claimed({ cnf: {} }),
      both: claimed({ cnf: { "x5t#S256": "A".repeat(43), jkt: "a" } }),
      text: claimed({ cnf: "x" }),
      null: claimed({ cnf: null }),
    }),
  ],
];

describe("a bad token", () => {
  let ocs: RawOcs;
  let gateway: TestGateway;
  let jwks: HttpServer;
  let trap: Server;
  let trapped = 0;
  let fetched = 0;
  const dir = mkdtempSync(join(tmpdir(), "ocsgw-attack-"));

  beforeAll(async () => {
    ocs = await rawOcs();
    trap = createServer((socket) => (trapped++, socket.destroy())).listen(0, "127.0.0.1");
    jwks = createHttp(
      (_, reply) => (
        fetched++,
        reply.end(
          JSON.stringify({
            keys: [jwkOf(ec.publicKey, { kid: "ec" }), jwkOf(rsa.publicKey, { kid: "rsa", alg: "RS256" })],
          }),
        )
      ),
    ).listen(0, "127.0.0.1");
    await Promise.all([trap, jwks].map((server) => new Promise((resolve) => server.once("listening", resolve))));
    writeFileSync(
      join(dir, "other.json"),
      JSON.stringify({ keys: [jwkOf(foreign.publicKey, { kid: "ec" }), jwkOf(foreign.publicKey, { kid: "foreign" })] }),
    );
    gateway = await aGateway({
      ...twoTenants(ocs.url),
      identity: {
        failures: { rate: "1000000/s", burst: 1_000_000 },
        keys: { file: "keys.yaml" },
        jwt: [
          {
            name: "corp",
            issuer: ISSUER,
            audience: "ocs-gateway",
            jwks_uri: `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks.json`,
            claims: { tenant: "ocs_tenant" },
            tenants: ["Alpha Tenant"],
          },
          {
            name: "other",
            issuer: "https://other.test/",
            audience: "ocs-gateway",
            jwks_file: join(dir, "other.json"),
            claims: { tenant: "ocs_tenant" },
            tenants: ["102"],
          },
        ],
      },
    });
  });
  afterAll(async () => {
    await gateway.stop();
    await ocs.close();
    trap.close();
    jwks.closeAllConnections();
    jwks.close();
    rmSync(dir, { recursive: true });
  });

  const ask = async (lines: readonly string[]): Promise<Pick<RawReply, "status" | "body">> => {
    const client = await rawClient(gateway.port);
    await client.send(
      ["POST /phones/4155550100?req=DoNotCall HTTP/1.1", "Host: localhost", "Content-Length: 0", ...lines, "", ""].join(
        "\r\n",
      ),
    );
    const { status, body } = await client.reply();
    client.close();
    return { status, body: body.replaceAll(/01[0-9A-HJKMNP-TV-Z]{24}/g, "<id>") };
  };
  const linesOf = (each: Case): readonly string[] =>
    typeof each === "string"
      ? [`Authorization: Bearer ${each}`]
      : typeof each === "function"
        ? [`Authorization: Bearer ${each((trap.address() as AddressInfo).port)}`]
        : each;

  it("is compared with a valid one", async () => {
    expect(await ask(linesOf(good()))).toMatchObject({ status: 200 });
    expect(await ask(linesOf(claimed({ ocs_tenant: "Alpha Tenant", aud: ["other", "ocs-gateway"] })))).toMatchObject({
      status: 200,
    });
    expect(await ask([`Authorization: Bearer ${good()}`, `X-Api-Key: ${keyFor("alpha")}`])).toMatchObject({
      status: 200,
    });
    expect(await ask(linesOf(` ${claimed({ exp: now() + 300.5, iat: now() - 0.5 })}`))).toMatchObject({ status: 200 });
    expect(
      await ask(
        linesOf(
          claimed({
            groups: Array.from({ length: 200 }, (_, at) => `8d7f1c2a-1b2c-4d5e-8f90-${String(at).padStart(12, "0")}`),
            a: { b: { c: { d: { e: 1 } } } },
          }),
        ),
      ),
    ).toMatchObject({ status: 200 });
    expect(
      await ask(linesOf(es256(foreign.privateKey, HEADER, claims({ iss: "https://other.test/", azp: "beta" })))),
    ).toMatchObject({ status: 200 });
  });

  it.each(ROWS)("is refused like any other: row %s", async (_, cases) => {
    const none = await ask([]);
    expect(none.status).toBe(401);
    const before = [ocs.bytes().length, trapped, fetched];
    for (const [name, each] of Object.entries(cases())) expect([name, await ask(linesOf(each))]).toEqual([name, none]);
    expect([ocs.bytes().length, trapped, fetched]).toEqual(before);
  });

  it.each<[string, () => readonly string[], number]>([
    ["in two lines", () => [`Authorization: Bearer ${good()}`, `Authorization: Bearer ${good()}`], 400],
    ["of 1 MiB", () => [`Authorization: Bearer ${"x".repeat(1_048_576)}`], 431],
  ])("is not a valid HTTP request with %s", async (_, lines, status) => {
    const before = ocs.bytes().length;
    expect((await ask(lines())).status).toBe(status);
    expect(ocs.bytes().length).toBe(before);
  });

  it("is not read from the URI", async () => {
    const answer = await fetch(`${gateway.url}/phones/4155550100?req=DoNotCall&access_token=${good()}`, {
      method: "POST",
    });
    expect(answer.status).toBe(401);
  });

  it("causes no fetch within the cooldown, whatever its kid", async () => {
    const before = fetched;
    const client = await rawClient(gateway.port);
    for (let at = 0; at < 200; at++) {
      await client.send(
        [
          "POST /phones/4155550100?req=DoNotCall HTTP/1.1",
          "Host: localhost",
          "Content-Length: 0",
          `Authorization: Bearer ${headed({ kid: `k${at}` })}`,
          "",
          "",
        ].join("\r\n"),
      );
      expect((await client.reply()).status).toBe(401);
    }
    client.close();
    expect(fetched).toBe(before);
  });

  it("is never in the journal, and the client does not learn why it was refused", async () => {
    const text = JSON.stringify(await gateway.journal());
    expect(text).not.toContain("eyJ");
    expect((await ask(linesOf(claimed({ exp: 1 })))).body).not.toMatch(/expired|signature|audience|issuer/);
  });
});
