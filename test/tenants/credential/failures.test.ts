import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createFailures } from "../../../src/tenants/credential/failures.ts";
import { anIssuer, aWorld, bearer, claims, ecPair, encode, es256, jwkOf } from "./kit.ts";

const clocked = (capacity?: number) => {
  const clock = { now: 0 };
  return { clock, failures: createFailures({ points: 3, seconds: 30 }, { now: () => clock.now, ...(capacity !== undefined && { capacity }) }) };
};
const times = (count: number, work: () => unknown): void => {
  for (let at = 0; at < count; at++) work();
};

describe("failures of an address", () => {
  it("are let pass as often as the allowance says, and again one after the other", () => {
    const { failures, clock } = clocked();
    times(2, () => failures.count("a"));
    expect(failures.wait("a")).toBe(0);
    failures.count("a");
    expect(failures.wait("a")).toBe(10);
    clock.now += 9999;
    expect(failures.wait("a")).toBe(1);
    clock.now += 1;
    expect(failures.wait("a")).toBe(0);
  });

  it("do not add up beyond the allowance", () => {
    const { failures } = clocked();
    times(1000, () => failures.count("a"));
    expect(failures.wait("a")).toBe(10);
  });

  it.each([["192.0.2.1", "192.0.2.2", false], ["2001:db8::1", "2001:db8::ffff:2", true], ["2001:db8:0:1::1", "2001:db8:0:2::1", false], ["2001::5:1:2:3:4", "2001:0:0:5::9", true], ["::ffff:192.0.2.1", "::ffff:192.0.2.2", false]])("of %s are those of %s: %s", (one, other, same) => {
    const { failures } = clocked();
    times(3, () => failures.count(one));
    expect(failures.wait(other) > 0).toBe(same);
  });

  it("are forgotten of those that failed the longest ago when there are too many", () => {
    const { failures } = clocked(2);
    for (const source of ["a", "b", "c"]) times(3, () => failures.count(source));
    expect(["a", "b", "c"].map((source) => failures.wait(source) > 0)).toEqual([false, true, true]);
  });
});

describe("an address that has failed too often", () => {
  const [ec, stranger] = [ecPair(), ecPair()];
  const token = (jti: string, key = ec): string => es256(key.privateKey, { alg: "ES256", kid: "k" }, claims({ jti }));
  const hash = "sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"; // of "key"

  const aGate = async () => {
    const world = aWorld();
    const failures = createFailures({ points: 3, seconds: 30 }, { now: () => 0 });
    const gate = await world.open({
      jwt: [anIssuer({ jwks_file: world.file("jwks.json", { keys: [jwkOf(ec.publicKey, { kid: "k" })] }) })], failures,
      keys: { records: [{ id: "k1", client: "ors-main", hash }], carriers: ["header:X-Api-Key"] },
    });
    const ask = (headers: readonly (readonly [string, string])[], source = "proxy") => gate.wholly({ headers, source });
    return { world, gate, ask, spend: async () => { for (let at = 0; at < 3; at++) await ask(bearer(token(`bad ${at}`, stranger))); } };
  };

  it("gets nothing verified, good or bad, and others do", async () => {
    const { world, ask, spend } = await aGate();
    await spend();
    expect(await ask(bearer(token("new")))).toEqual({ retryAfter: 10 });
    expect(await ask(bearer(token("bad", stranger)))).toEqual({ retryAfter: 10 });
    expect(await ask([["X-Api-Key", "key"]])).toEqual({ retryAfter: 10 });
    expect(await ask(bearer(token("new")), "elsewhere")).toMatchObject({ client: "ors-main" });
    world.end();
  });

  it.each<[string, KeyObject]>([["ES256", ec.publicKey], ["EdDSA", generateKeyPairSync("ed25519").publicKey]])("gets no more verified by asking at once, with %s", async (alg, key) => {
    const world = aWorld();
    const gate = await world.open({ jwt: [anIssuer({ algorithms: [alg], jwks_file: world.file("jwks.json", { keys: [jwkOf(key, { kid: "k" })] }) })], failures: createFailures({ points: 3, seconds: 30 }, { now: () => 0 }) });
    const bad = (at: number): string => `${encode({ alg, kid: "k" })}.${encode(claims({ jti: `${at}` }))}.${Buffer.alloc(64, at).toString("base64url")}`;
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => gate.wholly({ headers: bearer(bad(at)) })));
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(3);
    expect(gate.news.filter(({ kind }) => kind === "refused")).toHaveLength(3);
    world.end();
  });

  it("still gets in with what it has shown before and held, also when that must be verified again", async () => {
    const { world, gate, ask, spend } = await aGate();
    const known = token("known");
    expect([await ask(bearer(known)), await ask([["X-Api-Key", "key"]])]).toMatchObject([{ client: "ors-main" }, { client: "ors-main" }]);
    await spend();
    gate.clock.now += 120_000;
    expect([await ask(bearer(known)), await ask([["X-Api-Key", "key"]])]).toMatchObject([{ client: "ors-main" }, { client: "ors-main" }]);
    world.end();
  });

  it("is not counted for requests without any credential, which cost nothing", async () => {
    const { world, ask } = await aGate();
    for (let at = 0; at < 20; at++) expect(await ask([])).toBeUndefined();
    expect(await ask(bearer(token("one")))).toMatchObject({ client: "ors-main" });
    world.end();
  });
});
