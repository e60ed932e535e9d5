import { describe, expect, it } from "vitest";
import { createCertificateTable } from "../../src/identity/client-certificates.ts";
import { createRevocations } from "../../src/identity/revocations.ts";
import type { CertificateRule, PresentedCertificate } from "../../src/identity/credentials.ts";
import { anIssuer, aWorld, bearer, claims, ecPair, es256, jwkOf } from "./kit.ts";

const THUMB = "A".repeat(43);
const shown = (names: readonly string[], more: Partial<PresentedCertificate> = {}): PresentedCertificate => ({
  names,
  thumbprint: THUMB,
  authorities: ["root"],
  ...more,
});
const rule = (san_dns: string, client: string, more: Partial<CertificateRule> = {}): CertificateRule => ({
  name: client,
  san_dns,
  client,
  ...more,
});
const clientOf = (rules: readonly CertificateRule[], certificate: PresentedCertificate) =>
  createCertificateTable(rules).identify(certificate)?.client;

describe("a certificate's rule", () => {
  it.each<[string, string, boolean]>([
    ["ors-*.example.internal", "ors-1.example.internal", true],
    ["ors-*.example.internal", "ors-a-b.example.internal", true],
    ["ORS-*.example.internal", "ors-1.example.internal", true],
    ["ors-*.example.internal", "ors-.example.internal", false],
    ["ors-*.example.internal", "ors-1.evil.example.internal", false],
    ["ors-*.example.internal", "xors-1.example.internal", false],
    ["ors-*.example.internal", "ors-1.example.internal.evil", false],
    ["ors-*.example.internal", "ors-1xexample.internal", false],
    ["*.example.internal", "a.example.internal", true],
    ["*.example.internal", "a.b.example.internal", false],
    ["*.example.internal", "example.internal", false],
    ["a*b*c.test", "axbyc.test", true],
    ["crm.example", "crm.example", true],
  ])("matches names by its pattern: %s, %s, %s", (pattern, name, fits) =>
    expect(clientOf([rule(pattern, "ors")], shown([name]))).toBe(fits ? "ors" : undefined),
  );

  it("matches a hostile name as quickly as any other", () => {
    const rules = [rule(`${"a*".repeat(12)}b.test`, "ors")];
    const start = process.threadCpuUsage();
    expect(clientOf(rules, shown([`${"a".repeat(50_000)}.test`]))).toBeUndefined();
    expect(process.threadCpuUsage(start).user / 1000).toBeLessThan(500);
  });

  it("applies only to certificates of its authority", () => {
    const rules = [rule("a.test", "ors", { authorities: ["root"] })];
    expect([
      clientOf(rules, shown(["a.test"])),
      clientOf(rules, shown(["a.test"], { authorities: ["other"] })),
      clientOf(rules, shown(["a.test"], { authorities: ["mid", "root"] })),
    ]).toEqual(["ors", undefined, "ors"]);
  });

  it("adds its tenants to those of other matching rules, or all tenants if it lists none", () => {
    const table = createCertificateTable([
      rule("a.test", "ors", { tenants: ["1"] }),
      rule("b.test", "ors", { tenants: ["2"] }),
      rule("c.test", "ors"),
    ]);
    expect(
      [["a.test"], ["a.test", "b.test"], ["a.test", "c.test"]].map((names) => table.identify(shown(names))?.tenants),
    ).toEqual([["1"], ["1", "2"], undefined]);
  });

  it("rejects a certificate of two clients, and an invalid one", () => {
    const table = createCertificateTable([rule("a.test", "one"), rule("b.test", "two")]);
    expect(() => table.identify(shown(["a.test", "b.test"]))).toThrow(/several clients/);
    expect(() => table.identify(shown(["a.test"], { fault: "it was revoked" }))).toThrow(/it was revoked/);
  });

  it.each(["", "a..test", "a test", "a.test,b.test", "a.test.", ".*"])("rejects the pattern %j", (name) =>
    expect(() => createCertificateTable([rule(name, "x")])).toThrow(/san_dns/),
  );
});

describe("a token that is bound to a certificate", () => {
  const ec = ecPair();
  const token = (cnf?: unknown, azp = "ors-main"): string =>
    es256(ec.privateKey, { alg: "ES256", kid: "k" }, claims({ ...(cnf !== undefined && { cnf }), azp }));
  const open = async () => {
    const world = aWorld();
    const gate = await world.open({
      jwt: [anIssuer({ jwks_file: world.file("jwks.json", { keys: [jwkOf(ec.publicKey, { kid: "k" })] }) })],
      certificates: [rule("main.test", "ors-main"), rule("crm.test", "crm")],
    });
    return { world, ask: (text: string, peer?: PresentedCertificate) => gate.wholly({ headers: bearer(text), peer }) };
  };

  it("is valid with that certificate only, even if it is cached or no rule matches the certificate", async () => {
    const { world, ask } = await open();
    const bound = token({ "x5t#S256": THUMB });
    expect(await ask(bound, shown([]))).toMatchObject({ client: "ors-main", credential: { kind: "jwt" } });
    expect(await ask(bound, shown(["main.test"]))).toMatchObject({ client: "ors-main" });
    expect(await ask(bound)).toBeUndefined();
    expect(await ask(bound, shown([], { thumbprint: "B".repeat(43) }))).toBeUndefined();
    expect(await ask(bound, shown([], { fault: "it has expired" }))).toBeUndefined();
    world.end();
  });

  it("must name the same client as the certificate", async () => {
    const { world, ask } = await open();
    expect(await ask(token(), shown(["main.test"]))).toMatchObject({ client: "ors-main" });
    expect(await ask(token(), shown(["crm.test"]))).toBeUndefined();
    expect(await ask(token({ "x5t#S256": THUMB }), shown(["crm.test"]))).toBeUndefined();
    world.end();
  });
});

describe("listed tenants", () => {
  const ec = ecPair();
  it("are limited to those that every credential of the request allows", async () => {
    const world = aWorld();
    const jwks_file = world.file("jwks.json", { keys: [jwkOf(ec.publicKey, { kid: "k" })] });
    const gate = await world.open({
      jwt: [anIssuer({ jwks_file, tenants: ["A", "1", "B", "2"] })],
      certificates: [rule("main.test", "ors-main", { tenants: ["B", "2", "C", "3"] })],
    });
    const headers = bearer(es256(ec.privateKey, { alg: "ES256", kid: "k" }, claims()));
    expect(await gate.wholly({ headers })).toMatchObject({ tenants: ["A", "1", "B", "2"] });
    expect(await gate.wholly({ headers, peer: shown(["main.test"]) })).toMatchObject({ tenants: ["B", "2"] });
    world.end();
  });
});

describe("revocations of client certificates", () => {
  it("end at their time, and revoke only what they name", () => {
    const clock = { now: 0 };
    const revocations = createRevocations(() => clock.now);
    const holds = (kind: "jwt" | "key" | "certificate", id: string, client = "c") =>
      revocations.isRevoked({ client, credential: { kind, id } });
    revocations.replaceAll([
      { kind: "token", id: "x", until: 10 },
      { kind: "client", id: "gone" },
    ]);
    expect([
      holds("jwt", "x"),
      holds("key", "x"),
      holds("jwt", "y"),
      holds("key", "y", "gone"),
      holds("certificate", "z", "gone"),
    ]).toEqual([true, false, false, true, true]);
    clock.now = 10;
    expect([holds("jwt", "x"), holds("key", "y", "gone")]).toEqual([false, true]);
    revocations.add({ kind: "certificate", id: "z" });
    expect([holds("certificate", "z"), holds("key", "z")]).toEqual([true, false]);
    revocations.replaceAll([]);
    expect(holds("certificate", "z")).toBe(false);
  });
});
