import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createAuthThrottle, type AuthThrottle } from "../../src/identity/auth-throttle.ts";
import { anIssuer, aWorld, bearer, claims, ecPair, encode, es256, jwkOf } from "./kit.ts";

const clocked = (capacity?: number) => {
  const clock = { now: 0 };
  return {
    clock,
    failures: createAuthThrottle(
      { points: 3, seconds: 30 },
      { now: () => clock.now, ...(capacity !== undefined && { capacity }) },
    ),
  };
};
const times = (count: number, work: () => unknown): void => {
  for (let at = 0; at < count; at++) work();
};

let credential = 0;
/** Of a credential that nobody has seen yet. */
const fail = (failures: AuthThrottle, source: string): number => failures.recordFailure(source, [`c${credential++}`]);

describe("failures of an address", () => {
  it("are allowed up to the limit, and then one by one", () => {
    const { failures, clock } = clocked();
    times(2, () => fail(failures, "a"));
    expect(failures.secondsToWait("a")).toBe(0);
    fail(failures, "a");
    expect(failures.secondsToWait("a")).toBe(10);
    clock.now += 9999;
    expect(failures.secondsToWait("a")).toBe(1);
    clock.now += 1;
    expect(failures.secondsToWait("a")).toBe(0);
  });

  it("do not accumulate allowance beyond the limit", () => {
    const { failures } = clocked();
    times(1000, () => fail(failures, "a"));
    expect(failures.secondsToWait("a")).toBe(10);
  });

  it.each([
    ["192.0.2.1", "192.0.2.2", false],
    ["2001:db8::1", "2001:db8::ffff:2", true],
    ["2001:db8:0:1::1", "2001:db8:0:2::1", false],
    ["2001::5:1:2:3:4", "2001:0:0:5::9", true],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.2", false],
  ])("count for the network that addresses share: %s, %s, %s", (one, other, same) => {
    const { failures } = clocked();
    times(3, () => fail(failures, one));
    expect(failures.secondsToWait(other) > 0).toBe(same);
  });

  it("are counted once per credential, which itself may fail up to the limit", () => {
    const { failures, clock } = clocked();
    const again = (): number => failures.recordFailure("a", ["one"]);
    expect([again(), again(), again(), again(), again()]).toEqual([0, 0, 0, 10, 10]);
    expect([failures.secondsToWait("a"), failures.recordFailure("b", ["one"])]).toEqual([0, 10]);
    fail(failures, "a");
    expect(failures.secondsToWait("a")).toBe(0);
    fail(failures, "a");
    expect(failures.secondsToWait("a")).toBe(10);
    clock.now += 30_000;
    expect(again()).toBe(0);
  });

  it("count for every credential of a request", () => {
    const { failures } = clocked();
    times(4, () => failures.recordFailure("a", ["one"]));
    expect(failures.recordFailure("a", ["one", "two"])).toBe(10);
    expect(failures.recordFailure("a", ["two"])).toBe(0);
  });

  it("count for the address if the credentials are malformed", () => {
    const { failures } = clocked();
    times(100, () => failures.recordFailure("a", []));
    expect(failures.secondsToWait("a")).toBe(0);
  });

  it("leave 25 verifications a second to each address", () => {
    const { failures, clock } = clocked();
    const tried = (): number => Array.from({ length: 40 }, () => failures.mayVerify("a")).filter(Boolean).length;
    expect([tried(), tried(), failures.mayVerify("b")]).toEqual([25, 0, true]);
    clock.now += 1000;
    expect(tried()).toBe(25);
  });

  it("are dropped for the least recently failed address when there are too many", () => {
    const { failures } = clocked(2);
    for (const source of ["a", "b", "c"]) times(3, () => fail(failures, source));
    expect(["a", "b", "c"].map((source) => failures.secondsToWait(source) > 0)).toEqual([false, true, true]);
  });
});

describe("an address with too many failures", () => {
  const [ec, stranger] = [ecPair(), ecPair()];
  const token = (jti: string, key = ec): string => es256(key.privateKey, { alg: "ES256", kid: "k" }, claims({ jti }));
  const FORGED = token("forged", stranger);
  const hash = "sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"; // of "key"

  const aGate = async () => {
    const world = aWorld();
    const throttle = createAuthThrottle({ points: 3, seconds: 30 }, { now: () => 0 });
    const gate = await world.open({
      jwt: [anIssuer({ jwks_file: world.file("jwks.json", { keys: [jwkOf(ec.publicKey, { kid: "k" })] }) })],
      throttle,
      keys: { records: [{ id: "k1", client: "ors-main", hash }], carriers: ["header:X-Api-Key"] },
    });
    const ask = (headers: readonly (readonly [string, string])[], source = "proxy") => gate.wholly({ headers, source });
    return {
      world,
      gate,
      ask,
      spend: async () => {
        for (let at = 0; at < 3; at++) await ask(bearer(token(`bad ${at}`, stranger)));
      },
    };
  };

  it("gets only plausible tokens verified, no key and nothing malformed", async () => {
    const { world, gate, ask, spend } = await aGate();
    await spend();
    const refusals = (): number => gate.denials.length;
    expect(await ask(bearer(token("new")))).toMatchObject({ client: "ors-main" });
    expect(await ask(bearer(FORGED))).toBeUndefined();
    const before = refusals();
    const hopeless = [
      [["X-Api-Key", "key"]],
      bearer("a.b.c"),
      bearer(es256(ec.privateKey, { alg: "ES256", kid: "k" }, claims({ exp: 1 }))),
      bearer(es256(ec.privateKey, { alg: "ES256", kid: "other" }, claims())),
      bearer(es256(ec.privateKey, { alg: "ES256", kid: "k" }, claims({ iss: "https://other.test/" }))),
      bearer(FORGED),
      [...bearer(token("another")), ["X-Api-Key", "key"]],
    ] as const;
    for (const each of hopeless) expect(await ask(each as never)).toEqual({ retryAfter: 10 });
    expect(refusals()).toBe(before);
    expect(await ask([["X-Api-Key", "key"]], "elsewhere")).toMatchObject({ client: "ors-main" });
    world.end();
  });

  it.each<[string, KeyObject]>([
    ["ES256", ec.publicKey],
    ["EdDSA", generateKeyPairSync("ed25519").publicKey],
  ])("gets few credentials verified by concurrent requests, and none twice, with %s", async (alg, key) => {
    const world = aWorld();
    const gate = await world.open({
      jwt: [anIssuer({ algorithms: [alg], jwks_file: world.file("jwks.json", { keys: [jwkOf(key, { kid: "k" })] }) })],
      throttle: createAuthThrottle({ points: 3, seconds: 30 }, { now: () => 0 }),
    });
    const bad = (at: number): string =>
      `${encode({ alg, kid: "k" })}.${encode(claims({ jti: `${at}` }))}.${Buffer.alloc(64, at).toString("base64url")}`;
    const all = (): Promise<unknown[]> =>
      Promise.all(Array.from({ length: 50 }, (_, at) => gate.wholly({ headers: bearer(bad(at)) })));
    expect((await all()).filter((answer) => answer === undefined)).toHaveLength(3 + 25);
    expect(gate.denials).toHaveLength(3 + 25);
    expect((await all()).filter((answer) => answer === undefined)).toEqual([]);
    world.end();
  });

  it.each<[string, (at: number, stranger: KeyObject) => readonly (readonly [string, string])[]]>([
    [
      "one expired token again and again",
      () => bearer(es256(ec.privateKey, { alg: "ES256", kid: "k" }, claims({ exp: 1 }))),
    ],
    ["one forged token again and again", () => bearer(FORGED)],
    ["one wrong key again and again", () => [["X-Api-Key", "wrong"]]],
    ["what cannot be read", () => [["Authorization", "Basic ?"]]],
    [
      "another expired token each time",
      (at) => bearer(es256(ec.privateKey, { alg: "ES256", kid: "k" }, claims({ exp: 1, jti: `${at}` }))),
    ],
    ["another wrong key each time", (at) => [["X-Api-Key", `wrong ${at}`]]],
    [
      "another forged token each time",
      (at, key) => bearer(es256(key, { alg: "ES256", kid: "k" }, claims({ jti: `${at}` }))),
    ],
  ])("gets every new valid token accepted despite 15 requests a second of %s", async (_, bad) => {
    const clock = { now: 0 };
    const world = aWorld();
    // What is set when nothing is stated: 10 a second, 100 at once.
    const throttle = createAuthThrottle({ points: 100, seconds: 10 }, { now: () => clock.now });
    const gate = await world.open({
      jwt: [anIssuer({ jwks_file: world.file("jwks.json", { keys: [jwkOf(ec.publicKey, { kid: "k" })] }) })],
      throttle,
      keys: { records: [{ id: "k1", client: "ors-main", hash }], carriers: ["header:X-Api-Key"] },
    });
    let [good, asked] = [0, 0];
    for (let at = 0; at < 15 * 60; at++) {
      clock.now += 1000 / 15;
      await gate.wholly({ headers: bad(at, stranger.privateKey), source: "proxy" });
      if (at % 15 > 0) continue;
      asked++;
      if (
        (
          (await gate.wholly({ headers: bearer(token(`fresh ${at}`)), source: "proxy" })) as
            | { client?: string }
            | undefined
        )?.client === "ors-main"
      )
        good++;
    }
    expect([good, asked]).toEqual([60, 60]);
    world.end();
  });

  it("is still accepted with credentials that were valid before, even if they must be verified again", async () => {
    const { world, gate, ask, spend } = await aGate();
    const known = token("known");
    expect([await ask(bearer(known)), await ask([["X-Api-Key", "key"]])]).toMatchObject([
      { client: "ors-main" },
      { client: "ors-main" },
    ]);
    await spend();
    gate.clock.now += 120_000;
    expect([await ask(bearer(known)), await ask([["X-Api-Key", "key"]])]).toMatchObject([
      { client: "ors-main" },
      { client: "ors-main" },
    ]);
    world.end();
  });

  it("is not counted for requests without credentials", async () => {
    const { world, ask } = await aGate();
    for (let at = 0; at < 20; at++) expect(await ask([])).toBeUndefined();
    expect(await ask(bearer(token("one")))).toMatchObject({ client: "ors-main" });
    world.end();
  });
});
