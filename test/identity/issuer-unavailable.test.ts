/**
 * An issuer whose keys cannot be fetched: what cannot be told is neither a yes nor a no, and is counted against nobody.
 */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isDenial, type AuthThrottle } from "../../src/identity/credentials.ts";
import { anIssuer, aWorld, bearer, claims, ecPair, es256, jwkOf, NOW, type Opened, type World } from "./kit.ts";

const [ec, next] = [ecPair(), ecPair()];
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const down: RequestListener = (_, reply) => reply.writeHead(503).end();
const publish: RequestListener = (_, reply) =>
  reply.end(JSON.stringify({ keys: [jwkOf(ec.publicKey, { kid: "ec" })] }));

let world: World;
let server: Server;
let answer: RequestListener;
let jwks_uri: string;
let counted: number;

beforeEach(async () => {
  [world, answer, counted] = [aWorld(), down, 0];
  server = createServer((request, reply) => answer(request, reply)).listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  jwks_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(async () => {
  world.end();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const throttle: AuthThrottle = { recordFailure: () => (counted++, 0), secondsToWait: () => 0, mayVerify: () => true };
const open = () => world.open({ jwt: [anIssuer({ jwks_uri })], throttle });

type Made = {
  readonly kid?: string | undefined;
  readonly signer?: typeof ec;
  readonly ago?: number;
  readonly headers?: readonly (readonly [string, string])[];
};
/** At the time of its clock. */
const ask = async (gate: Opened, { kid = "ec", signer = ec, ago = 0, headers = [] }: Made = {}): Promise<string> => {
  const at = gate.clock.now / 1000 - ago;
  const text = es256(
    signer.privateKey,
    { alg: "ES256", ...(kid !== "" && { kid }) },
    claims({ jti: `${Math.random()}`, iat: at, exp: at + 60 }),
  );
  const identified = await gate.whole({ headers: [...bearer(text), ...headers], source: "192.0.2.1" });
  return isDenial(identified)
    ? `${identified.denied}${identified.retryAfter === undefined ? "" : ` ${identified.retryAfter}`}`
    : identified.client;
};

/** Its keys are known, and the address has failed since. */
const wasUp = async (): Promise<Opened> => {
  answer = publish;
  const gate = await open();
  expect(await ask(gate)).toBe("ors-main");
  answer = down;
  gate.clock.now += 30_000;
  expect(await ask(gate, { kid: "new", signer: next })).toBe("issuer-unavailable 30");
  return gate;
};

describe("a token of an issuer whose keys cannot be fetched", () => {
  it("cannot be verified before the first successful fetch, but right after it", async () => {
    const gate = await open();
    expect(await ask(gate)).toBe("issuer-unavailable 30");
    gate.clock.now += 12_500;
    expect(await ask(gate)).toBe("issuer-unavailable 18");
    answer = publish;
    gate.clock.now += 17_500;
    expect(await ask(gate)).toBe("ors-main");
    expect(counted).toBe(0);
    expect(gate.news.map(({ kind }) => kind)).toEqual(["key-set-failed", "key-set-loaded", "key-set-recovered"]);
  });

  it.each<[string, Made, string]>([
    ["its key is at hand", {}, "ors-main"],
    ["its key may be a new one", { kid: "new", signer: next }, "issuer-unavailable 30"],
    ["it names no key, and there is one", { kid: "" }, "ors-main"],
    ["its signature is not that of the key at hand", { signer: next }, "token-signature"],
    ["it has expired", { kid: "new", ago: 900 }, "token-expired"],
    ["a bad API key is sent with it", { kid: "new", headers: [["X-Api-Key", "wrong"]] }, "key-unknown"],
  ])("is verified with the last keys while they are accepted, and %s", async (_what, made, expected) => {
    answer = publish;
    const gate = await world.open({
      jwt: [anIssuer({ jwks_uri })],
      throttle,
      keys: { records: [], carriers: ["header:X-Api-Key"] },
    });
    await ask(gate);
    answer = down;
    gate.clock.now += 30_000;
    await ask(gate, { kid: "other" });
    expect(await ask(gate, made)).toBe(expected);
    expect(counted).toBe(expected === "ors-main" || expected.startsWith("issuer") ? 0 : 1);
  });

  it("cannot be verified when the last keys are too old, with any kid", async () => {
    const gate = await wasUp();
    gate.clock.now = NOW + DAY;
    expect(await ask(gate)).toMatch(/^issuer-unavailable \d+$/);
    expect(await ask(gate, { kid: "" })).toMatch(/^issuer-unavailable \d+$/);
  });

  it("is refused if the keys can be fetched but do not include its key", async () => {
    answer = publish;
    const gate = await open();
    expect([await ask(gate, { kid: "new", signer: next }), counted]).toEqual(["token-key", 1]);
  });

  it("does not count as revoked while its request is queued", async () => {
    answer = publish;
    const gate = await open();
    await ask(gate);
    answer = down;
    gate.clock.now = NOW + DAY;
    expect(await ask(gate)).toMatch(/^issuer-unavailable/);
    const at = gate.clock.now / 1000;
    const text = es256(ec.privateKey, { alg: "ES256", kid: "ec" }, claims({ iat: at, exp: at + 60 }));
    expect(gate.identifyAgain({ headers: bearer(text), source: "192.0.2.1" })).toBe("unknown");
  });
});

describe("the state of a key set", () => {
  it("has its age, how long it is accepted, and why it cannot be fetched", async () => {
    const gate = await open();
    expect(gate.keySets()).toEqual([{ issuer: "corp", age: undefined, validFor: 0, lastError: undefined }]);
    await ask(gate);
    expect(gate.keySets()).toEqual([
      { issuer: "corp", age: undefined, validFor: 0, lastError: expect.stringMatching(/\S/) as string },
    ]);
    answer = publish;
    gate.clock.now += 30_000;
    await ask(gate);
    gate.clock.now += MINUTE;
    expect(gate.keySets()).toEqual([{ issuer: "corp", age: MINUTE, validFor: DAY - MINUTE, lastError: undefined }]);
  });

  it("is undefined for a file", async () => {
    const gate = await world.open({
      jwt: [anIssuer({ jwks_file: world.file("keys.json", { keys: [jwkOf(ec.publicKey, { kid: "ec" })] }) })],
    });
    expect(gate.keySets()).toEqual([]);
  });
});
