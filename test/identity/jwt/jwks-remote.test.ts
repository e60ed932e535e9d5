import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createTls } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { selfSigned } from "../../kit/certificates.ts";
import { anIssuer, aWorld, claims, ecPair, es256, jwkOf, NOW, rsaPair, SECONDS, type World } from "../kit.ts";

const ec = ecPair();
const next = ecPair();
const ecJwk = jwkOf(ec.publicKey, { kid: "ec" });
const rsaJwk = jwkOf(rsaPair().publicKey, { kid: "rsa" });
const MINUTE = 60_000;

describe("a key set at an address", () => {
  let world: World;
  let server: Server;
  let answer: RequestListener;
  let fetches: number;
  let uri: string;
  const publish = (...keys: readonly object[]): void => {
    answer = (_, reply) => reply.end(JSON.stringify({ keys }));
  };
  const token = (kid = "ec", key = ec): string =>
    es256(key.privateKey, { alg: "ES256", kid }, claims({ jti: `${kid} ${Math.random()}`, exp: SECONDS + 80_000 }));
  const open = () => world.open({ jwt: [anIssuer({ jwks_uri: uri })] });
  const client = async (opened: Awaited<ReturnType<typeof open>>, text: string) => (await opened.ask(text))?.client;

  beforeEach(async () => {
    world = aWorld();
    fetches = 0;
    publish(ecJwk);
    server = createServer((request, reply) => {
      fetches++;
      answer(request, reply);
    }).listen(0, "127.0.0.1");
    await new Promise((ready) => server.once("listening", ready));
    uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  });
  afterEach(async () => {
    world.end();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  it("is fetched once at start, and the first tokens wait for it together", async () => {
    const opened = await open();
    expect(await Promise.all(Array.from({ length: 50 }, () => client(opened, token())))).toEqual(
      Array.from({ length: 50 }, () => "ors-main"),
    );
    expect(fetches).toBe(1);
  });

  it("finds known keys synchronously", async () => {
    const opened = await open();
    await opened.ask(token());
    expect(opened.identify([["authorization", `Bearer ${token()}`]])).toMatchObject({ client: "ors-main" });
  });

  it("is fetched at most once per cooldown, regardless of the tokens' kids", async () => {
    const opened = await open();
    await opened.ask(token());
    opened.clock.now += 30_000;
    const flood = token("nobody").split(".").slice(1).join(".");
    const texts = Array.from(
      { length: 10_000 },
      (_, at) => `${Buffer.from(JSON.stringify({ alg: "ES256", kid: `k${at}` })).toString("base64url")}.${flood}`,
    );
    const answers = await Promise.all(texts.map((text) => opened.ask(text)));
    expect(answers.every((identity) => identity === undefined)).toBe(true);
    expect(fetches).toBe(2);
    opened.clock.now += 29_999;
    await opened.ask(token("nobody"));
    expect(fetches).toBe(2);
    opened.clock.now += 1;
    await opened.ask(token("nobody"));
    expect(fetches).toBe(3);
  });

  it("is not fetched for a token that fails before its key matters", async () => {
    const opened = await open();
    await opened.ask(token());
    opened.clock.now += MINUTE;
    await opened.ask(
      es256(ec.privateKey, { alg: "ES256", kid: "x" }, claims({ iat: SECONDS - 999, exp: SECONDS - 600 })),
    );
    await opened.ask(es256(ec.privateKey, { alg: "ES384", kid: "x" }, claims()));
    await opened.ask(es256(ec.privateKey, { alg: "none", kid: "x" }, claims()));
    expect(fetches).toBe(1);
  });

  it("has a new key as soon as the cooldown allows", async () => {
    const opened = await open();
    await opened.ask(token());
    publish(ecJwk, jwkOf(next.publicKey, { kid: "next" }));
    expect(await client(opened, token("next", next))).toBeUndefined();
    opened.clock.now += 30_000;
    expect(await client(opened, token("next", next))).toBe("ors-main");
    expect(fetches).toBe(2);
  });

  it("clears the token cache when a key was removed", async () => {
    const opened = await open();
    const text = token();
    expect(await client(opened, text)).toBe("ors-main");
    publish(jwkOf(next.publicKey, { kid: "next" }));
    opened.clock.now += 30_000;
    expect(await client(opened, text)).toBe("ors-main");
    expect(await client(opened, token("next", next))).toBe("ors-main");
    expect(await client(opened, text)).toBeUndefined();
  });

  it("clears the token cache when a kid belongs to another key", async () => {
    const opened = await open();
    const text = token();
    await opened.ask(text);
    publish(jwkOf(next.publicKey, { kid: "ec" }));
    opened.clock.now += 30_000;
    await opened.ask(token("nobody"));
    expect(await client(opened, text)).toBeUndefined();
    expect(await client(opened, token("ec", next))).toBe("ors-main");
  });

  it("verifies tokens with any kid or none by its only key without kid, also a new key", async () => {
    publish(jwkOf(ec.publicKey));
    const opened = await open();
    const bare = (key: typeof ec): string =>
      es256(key.privateKey, { alg: "ES256" }, claims({ jti: `bare ${Math.random()}`, exp: SECONDS + 80_000 }));
    expect([await client(opened, bare(ec)), await client(opened, token("any"))]).toEqual(["ors-main", "ors-main"]);
    publish(jwkOf(next.publicKey));
    expect(await client(opened, bare(next))).toBeUndefined();
    expect(fetches).toBe(1);
    opened.clock.now += 30_000;
    // The first is refused and makes the set be asked for; from then on the new key counts, and what the old one signed
    // is forgotten.
    const old = bare(ec);
    expect(await client(opened, old)).toBe("ors-main");
    expect(await client(opened, token("any", next))).toBeUndefined();
    await expect.poll(async () => client(opened, bare(next))).toBe("ors-main");
    expect([fetches, await client(opened, old)]).toEqual([2, undefined]);
  });

  it("has no key for a token without kid if it has several keys", async () => {
    publish(ecJwk, rsaJwk);
    const opened = await open();
    expect(await client(opened, es256(ec.privateKey, { alg: "ES256" }, claims()))).toBeUndefined();
    expect(await client(opened, token())).toBe("ors-main");
  });

  it("is refreshed in the background when it is old, and before the reply when it is older", async () => {
    const opened = await open();
    await opened.ask(token());
    publish(jwkOf(next.publicKey, { kid: "next" }));
    opened.clock.now += 10 * MINUTE;
    expect(await client(opened, token())).toBeUndefined();
    expect(fetches).toBe(2);
    opened.clock.now += 5 * MINUTE;
    expect(opened.identify([["authorization", `Bearer ${token("next", next)}`]])).toMatchObject({ client: "ors-main" });
    await expect.poll(() => fetches).toBe(3);
  });

  it("keeps its last keys for a day when it cannot be fetched", async () => {
    const opened = await open();
    await opened.ask(token());
    answer = (_, reply) => reply.writeHead(500).end("no");
    opened.clock.now += 11 * MINUTE;
    expect(await client(opened, token())).toBe("ors-main");
    opened.clock.now = NOW + 12 * 60 * MINUTE;
    expect(await client(opened, token())).toBe("ors-main");
    opened.clock.now = NOW + 24 * 60 * MINUTE;
    const late = es256(
      ec.privateKey,
      { alg: "ES256", kid: "ec" },
      claims({ iat: opened.clock.now / 1000, exp: opened.clock.now / 1000 + 60 }),
    );
    expect(await client(opened, late)).toBeUndefined();
    publish(ecJwk);
    opened.clock.now += 30_000;
    expect(await client(opened, late)).toBe("ors-main");
  });

  it.each<[string, RequestListener, string]>([
    ["has another status", (_, reply) => reply.writeHead(500).end("no"), "the answer has status 500, not 200"],
    ["redirects", (_, reply) => reply.writeHead(302, { location: "/x" }).end(), "the answer has status 302, not 200"],
    ["is no JSON", (_, reply) => reply.end("<html>hunter2"), "the answer is not JSON"],
    ["is no key set", (_, reply) => reply.end('{"keys":1}'), "the answer is not a JSON Web Key Set"],
    [
      "is cut",
      (_, reply) => reply.writeHead(200, { "content-length": 9 }).destroy(),
      "it closed the connection without an answer",
    ],
    ["does not come", (request) => request.destroy(), "it closed the connection without an answer"],
  ])("says in its own words why it cannot be fetched when the answer %s", async (_, listener, reason) => {
    answer = listener;
    const opened = await open();
    await expect
      .poll(() => opened.news.find(({ kind }) => kind === "key-set-failed"))
      .toEqual({ kind: "key-set-failed", issuer: "corp", reason });
  });

  it("names address and cause when nobody listens", async () => {
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    const opened = await open();
    await expect
      .poll(() => opened.news.find(({ kind }) => kind === "key-set-failed"))
      .toMatchObject({ reason: `no connection to 127.0.0.1:${port}: connection refused` });
    server.listen(0, "127.0.0.1");
  });

  it("survives a clock that is set back", async () => {
    const opened = await open();
    const text = token();
    expect(await client(opened, text)).toBe("ors-main");
    opened.clock.now -= 60 * MINUTE;
    expect(await client(opened, text)).toBeUndefined();
    const earlier = es256(
      ec.privateKey,
      { alg: "ES256", kid: "ec" },
      claims({ iat: SECONDS - 3600, exp: SECONDS - 3000 }),
    );
    expect(await client(opened, earlier)).toBe("ors-main");
    // Neither the set's age nor the cooldown waits for the clock to come back.
    expect(fetches).toBe(2);
  });

  it.each<[string, RequestListener]>([
    ["2 MiB", (_, reply) => reply.end(JSON.stringify({ keys: [{ ...ecJwk, x5c: ["A".repeat(2_097_152)] }] }))],
    [
      "10,000 keys",
      (_, reply) => reply.end(JSON.stringify({ keys: Array.from({ length: 10_000 }, () => ({ kid: "k" })) })),
    ],
    ["no JSON", (_, reply) => reply.end("<html>")],
    ["no key set", (_, reply) => reply.end("[]")],
    ["an entry that is not a key", (_, reply) => reply.end('{"keys":[1]}')],
    ["no key", (_, reply) => reply.end('{"keys":[]}')],
    ["only a weak key", (_, reply) => reply.end(JSON.stringify({ keys: [{ ...rsaJwk, e: "AQ" }] }))],
    ["a redirect", (_, reply) => reply.writeHead(302, { location: `${uri}?moved` }).end()],
    [
      "an error",
      (_, reply) => reply.writeHead(500).end(JSON.stringify({ keys: [jwkOf(next.publicKey, { kid: "next" })] })),
    ],
    ["a cut connection", (request) => request.socket.destroy()],
    [
      "half a body",
      (request, reply) =>
        reply.writeHead(200, { "content-length": "5000" }).write('{"keys":', () => request.socket.destroy()),
    ],
  ])("keeps the old keys if the answer is %s", async (_, bad) => {
    const opened = await open();
    await opened.ask(token());
    answer = bad;
    opened.clock.now += 30_000;
    expect(await client(opened, token("next", next))).toBeUndefined();
    expect(await client(opened, token())).toBe("ors-main");
    expect(fetches).toBe(2);
    expect(opened.news.filter((item) => item.kind === "key-set-failed")).toHaveLength(1);
  });

  it("refuses tokens until its first fetch succeeds, with one attempt per cooldown", async () => {
    answer = (_, reply) => reply.writeHead(503).end();
    const opened = await open();
    for (let asked = 0; asked < 20; asked++) expect(await client(opened, token())).toBeUndefined();
    expect(fetches).toBe(1);
    publish(ecJwk);
    opened.clock.now += 30_000;
    expect(await client(opened, token())).toBe("ors-main");
  });

  it("is not fetched once it is closed, and waiting requests are refused", async () => {
    answer = () => {};
    const opened = await open();
    const waiting = client(opened, token());
    await expect.poll(() => fetches).toBe(1);
    opened.close();
    expect(await waiting).toBeUndefined();
    opened.clock.now += MINUTE;
    expect(await client(opened, token())).toBeUndefined();
    expect(fetches).toBe(1);
    expect(opened.news).toEqual([]);
  });

  it("is reported once while it is unchanged", async () => {
    const opened = await open();
    for (let round = 0; round < 3; round++) {
      await opened.ask(token("nobody"));
      opened.clock.now += 30_000;
    }
    expect(fetches).toBe(3);
    expect(opened.news.filter((item) => item.kind === "key-set-loaded")).toHaveLength(1);
  });

  it.each(["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"])(
    "verifies what jose signs with %s",
    async (alg) => {
      const pair = await generateKeyPair(alg, { extractable: true });
      publish({ ...(await exportJWK(pair.publicKey)), kid: "jose", alg, use: "sig" });
      const opened = await world.open({ jwt: [anIssuer({ jwks_uri: uri, algorithms: [alg] })] });
      const sign = (key: typeof pair.privateKey) =>
        new SignJWT(claims()).setProtectedHeader({ alg, kid: "jose", typ: "at+jwt" }).sign(key);
      const text = await sign(pair.privateKey);
      expect(await opened.ask(text)).toEqual({ client: "ors-main", credential: { kind: "jwt", id: "one" } });
      // A remembered token needs no promise, whatever its algorithm.
      expect(opened.identify([["Authorization", `Bearer ${text}`]])).toMatchObject({ client: "ors-main" });
      expect(await opened.ask(await sign((await generateKeyPair(alg)).privateKey))).toBeUndefined();
    },
  );
});

describe("a key set that is cached on disk", () => {
  let world: World;
  let server: Server;
  let fetches = 0;
  let answer: RequestListener;
  let uri: string;
  const dir = mkdtempSync(join(tmpdir(), "ocsgw-keysets-"));
  const file = join(dir, "corp.json");
  const SECRET = Buffer.alloc(32, 7);
  /** As the gateway writes it, or as who has another secret does. */
  const written = (kept: object, secret = SECRET): string => {
    const line = JSON.stringify(kept);
    return `${line}\n${createHmac("sha256", secret).update(line).digest("hex")}\n`;
  };
  const kept = (over: object = {}): object => ({
    name: "corp",
    issuer: anIssuer().issuer,
    uri,
    fetched: new Date(NOW).toISOString(),
    jwks: { keys: [ecJwk] },
    ...over,
  });
  const token = (key = ec, kid = "ec", at = SECONDS): string =>
    es256(key.privateKey, { alg: "ES256", kid }, claims({ jti: `${Math.random()}`, iat: at, exp: at + 600 }));
  const open = (more: object = {}) =>
    world.open({ jwt: [anIssuer({ jwks_uri: uri, ...more })], keySetCache: { dir, secret: SECRET } });
  const down: RequestListener = (_, reply) => reply.writeHead(503).end();

  beforeEach(async () => {
    world = aWorld();
    fetches = 0;
    answer = (_, reply) => reply.end(JSON.stringify({ keys: [ecJwk] }));
    server = createServer((request, reply) => (fetches++, answer(request, reply))).listen(0, "127.0.0.1");
    await new Promise((ready) => server.once("listening", ready));
    uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    rmSync(file, { force: true });
  });
  afterEach(async () => {
    world.end();
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  /** As an earlier process leaves it. */
  const filled = async (): Promise<void> => {
    const opened = await open();
    await opened.ask(token());
    await expect.poll(() => existsSync(file)).toBe(true);
    opened.close();
  };

  it("is used during an outage, over a restart, and no request waits for it twice", async () => {
    await filled();
    answer = down;
    const opened = await open();
    expect((await opened.ask(token()))?.client).toBe("ors-main");
    await expect.poll(() => opened.news.some(({ kind }) => kind === "key-set-failed")).toBe(true);
    opened.clock.now += 20 * MINUTE;
    const at = opened.clock.now / 1000;
    answer = () => {}; // hangs
    expect(opened.identify([["authorization", `Bearer ${token(ec, "ec", at)}`]])).toMatchObject({ client: "ors-main" });
  });

  it("is accepted for the configured time from its fetch on", async () => {
    await filled();
    answer = down;
    const opened = await open({ max_stale: 30 * MINUTE });
    opened.clock.now += 30 * MINUTE - 1;
    expect((await opened.ask(token(ec, "ec", SECONDS + 1700)))?.client).toBe("ors-main");
    opened.clock.now += 1;
    expect(await opened.ask(token(ec, "ec", SECONDS + 1700))).toBeUndefined();
    const late = await world.open({
      jwt: [anIssuer({ jwks_uri: uri, max_stale: 1 })],
      keySetCache: { dir, secret: SECRET },
      now: () => NOW + MINUTE,
    });
    expect(await late.ask(token())).toBeUndefined();
  });

  it("is replaced once the address answers", async () => {
    await filled();
    answer = (_, reply) => reply.end(JSON.stringify({ keys: [jwkOf(next.publicKey, { kid: "next" })] }));
    const opened = await open();
    await expect.poll(() => fetches).toBe(2);
    await expect.poll(async () => (await opened.ask(token(next, "next")))?.client).toBe("ors-main");
    expect(await opened.ask(token())).toBeUndefined();
  });

  it("is used unchanged by the next start", async () => {
    writeFileSync(file, written(kept()));
    answer = down;
    const opened = await open();
    expect((await opened.ask(token()))?.client).toBe("ors-main");
    expect(opened.news.filter(({ kind }) => kind === "key-set-cache-rejected")).toEqual([]);
  });

  it.each<[string, () => string, RegExp]>([
    ["truncated", () => written(kept()).slice(0, -20), /is not authenticated/],
    [
      "planted, as an earlier version wrote it",
      () => `${JSON.stringify(kept())}\n`,
      /is not authenticated: an earlier version of the gateway wrote it, or another program/,
    ],
    ["planted, with another secret", () => written(kept(), Buffer.alloc(32, 8)), /does not verify/],
    [
      "given another key",
      () => written(kept()).replace(String(ecJwk["x"]), String(jwkOf(next.publicKey, { kid: "ec" })["x"])),
      /does not verify/,
    ],
    [
      "given another time",
      () => written(kept()).replace(/"fetched":"[^"]*"/, '"fetched":"2999-01-01T00:00:00.000Z"'),
      /does not verify/,
    ],
    ["followed by more lines", () => `${written(kept())}{}\n`, /is not authenticated/],
    ["empty", () => "", /is not authenticated/],
    ["that of another issuer", () => written(kept({ name: "other" })), /belongs to another issuer$/],
    [
      "that of another issuer of this name",
      () => written(kept({ issuer: "https://elsewhere.example/" })),
      /belongs to another issuer URL/,
    ],
    ["that of another address", () => written(kept({ uri: `${uri}x` })), /belongs to another address/],
    ["without a time", () => written(kept({ fetched: 7 })), /does not say when/],
    ["too large", () => `${" ".repeat(2 << 20)}\n`, /at most 1 MiB are read/],
  ])("is rejected, and that is reported, when it is %s", async (_, text, why) => {
    writeFileSync(file, text());
    answer = down;
    const opened = await open();
    expect(await opened.ask(token())).toBeUndefined();
    expect(opened.news).toContainEqual({
      kind: "key-set-cache-rejected",
      issuer: "corp",
      reason: expect.stringMatching(why) as string,
    });
  });

  it("is rejected when it is not a file, and no request waits for it", async () => {
    execFileSync("mkfifo", [file]);
    answer = down;
    const opened = await open();
    expect(opened.news).toContainEqual({
      kind: "key-set-cache-rejected",
      issuer: "corp",
      reason: expect.stringContaining("it is a FIFO and not a regular file") as string,
    });
  });

  it.each<[string, () => string]>([
    ["fetched in the future", () => written(kept({ fetched: "2999-01-01T00:00:00.000Z" }))],
    ["with weak keys", () => written(kept({ jwks: { keys: [{ ...rsaJwk, e: "AQ" }] } }))],
  ])("is ignored silently when it is %s", async (_, text) => {
    writeFileSync(file, text());
    answer = down;
    expect(await (await open()).ask(token())).toBeUndefined();
  });

  it("is not written through a symbolic link", async () => {
    const victim = join(dir, "victim");
    writeFileSync(victim, "as it was");
    symlinkSync(victim, `${file}.new`);
    await filled();
    expect(readFileSync(victim, "utf8")).toBe("as it was");
  });

  it("is readable to its owner only, and a failed write has no other effect", async () => {
    await filled();
    expect(statSync(file).mode & 0o077).toBe(0);
    const opened = await world.open({
      jwt: [anIssuer({ jwks_uri: uri })],
      keySetCache: { dir: join(file, "not-a-folder"), secret: SECRET },
    });
    expect((await opened.ask(token()))?.client).toBe("ors-main");
    await expect.poll(() => opened.news.some(({ kind }) => kind === "key-set-not-cached")).toBe(true);
    expect((await opened.ask(token()))?.client).toBe("ors-main");
  });

  it("is not fetched from a server without a valid certificate", async () => {
    const { certPem, keyPem } = selfSigned({ names: ["127.0.0.1"], usage: "serverAuth" });
    const imposter = createTls({ cert: certPem, key: keyPem }, (_, reply) =>
      reply.end(JSON.stringify({ keys: [ecJwk] })),
    ).listen(0, "127.0.0.1");
    await new Promise((ready) => imposter.once("listening", ready));
    const opened = await world.open({
      jwt: [anIssuer({ jwks_uri: `https://127.0.0.1:${(imposter.address() as AddressInfo).port}/` })],
    });
    expect(await opened.ask(token())).toBeUndefined();
    expect(opened.news).toContainEqual(expect.objectContaining({ kind: "key-set-failed" }));
    await new Promise((closed) => imposter.close(closed));
  });
});
