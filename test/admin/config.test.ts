/** The config over the admin API: what is in force, its history, what is on disk; and no secret in any byte of it. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse, stringify } from "yaml";
import { readdirSync, readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { startSandboxOcs, type SandboxOcs } from "../../src/sandbox/start.ts";
import { aGateway, keyFor, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { EVERYTHING, person, SCOPED } from "./scope/people.ts";

vi.mock("../../src/admin/viewer.ts", async (original) =>
  (await import("./scope/people.ts")).withPeople(await original<typeof import("../../src/admin/viewer.ts")>()),
);

const AUDITOR = person(["auditor"], "all");
const OPERATOR = person(["operator"], "all");
const VIEWER = person(["viewer"], "all");

/** Each is where a secret may stand; none may be in a reply, or in a snapshot. */
const CANARIES = {
  literal: "canary-literal-index-key-0123456789",
  file: "canary-index-key-in-a-file-0123456789",
  query: "canary-query-token",
  variable: "canary-issuer-of-the-environment",
  fallback: "canary-default-of-a-variable",
  phone: "4155550177",
  password: "canary-password-in-an-address",
  pem: "canaryPrivateKeyMIIEvQIBADANBg",
  unknown: "canary-under-an-unknown-key",
  audience: "canary-first-audience-in-a-file",
  campaign: "canary-campaign-in-a-file",
};

const configOf = (primary: string) => ({
  ...twoTenants(primary),
  admin: { bind: "127.0.0.1:0" },
  identity: {
    keys: { file: "keys.yaml" },
    jwt: [
      {
        name: "corp-idp",
        issuer: "${OCSGW_TEST_ISSUER}",
        audience: `\${OCSGW_TEST_NONE:-${CANARIES.fallback}}`,
        jwks_uri: `http://127.0.0.1:9/keys?token=${CANARIES.query}`,
      },
    ],
  },
  tests: [{ as: "alpha", do: `POST /phones/${CANARIES.phone}?req=DoNotCall`, expect: "allow" }],
  audit: {
    ...(twoTenants(primary)["audit"] as object),
    index_key: [
      { epoch: "t1", secret: CANARIES.literal },
      { epoch: "t2", secret: "${file:index.key}" },
    ],
  },
});

describe("the config over the admin API", () => {
  let ocs: SandboxOcs;
  let gateway: TestGateway;
  let file: string;
  let original: string;
  /** Every reply, for the canaries. */
  const replies: string[] = [];

  beforeAll(async () => {
    vi.stubEnv("OCSGW_TEST_ISSUER", `https://${CANARIES.variable}.example/`);
    ocs = await startSandboxOcs();
    gateway = await aGateway(configOf(ocs.primary.http), ["alpha", "beta"], { "index.key": CANARIES.file });
    file = join(gateway.dir, "ocsgw.yaml");
    original = await readFile(file, "utf8");
  });
  afterAll(async () => {
    await gateway.stop();
    await ocs.close();
    vi.unstubAllEnvs();
  });

  const ask = async (path: string, as = EVERYTHING, method = "GET"): Promise<{ status: number; value: any }> => {
    const reply = await fetch(`${gateway.gateway.admin}${path}`, {
      method,
      headers: { Authorization: `Bearer ${as}` },
    });
    const text = await reply.text();
    replies.push(text);
    return { status: reply.status, value: JSON.parse(text) };
  };

  const write = (change: (config: any) => void): Promise<void> => {
    const config = parse(original) as unknown;
    change(config);
    return writeFile(file, stringify(config));
  };

  it("has each setting with its value, its origin and its meaning", async () => {
    const { value } = await ask("/api/config?find=ocs.connections&section=upstreams");
    expect(value).toMatchObject({ hash: gateway.gateway.configHash, file, next: null });
    expect(value.sections).toEqual(expect.arrayContaining(["listeners", "tenants", "audit"]));
    expect(value.rows).toMatchObject([{ key: "upstreams.ocs.connections", value: "4", origin: "default", at: null }]);
    const { value: dir } = await ask("/api/config?find=audit.dir");
    const line = original.split("\n").findIndex((each) => each.includes("dir: audit")) + 1;
    expect(dir.rows[0]).toMatchObject({ key: "audit.dir", value: "audit", origin: "file", at: { file, line } });
    const { value: page } = await ask("/api/config?limit=3");
    expect(page.rows).toHaveLength(3);
    const { value: next } = await ask(`/api/config?limit=3&cursor=${page.next}`);
    expect(next.rows[0].key).not.toBe(page.rows[2].key);
  });

  it("shows the file on disk that differs, what a reload would change, and what needs a restart", async () => {
    expect((await ask("/api/config/check")).value).toMatchObject({ state: "in-force", changes: [], restart: [] });
    await write((config) => (config.tenants[0].share = 2));
    expect((await ask("/api/config/check")).value).toMatchObject({
      state: "would-reload",
      in_force: gateway.gateway.configHash,
      changes: ["Alpha Tenant: share 1 -> 2"],
    });
    await write((config) => (config.audit.durability = "os"));
    expect((await ask("/api/config/check")).value).toMatchObject({
      state: "needs-restart",
      changes: ["audit.durability flush -> os"],
      restart: [{ code: "OCSGW-6281", path: "audit.durability", line: expect.any(Number) }],
    });
    await writeFile(file, original);
    await writeFile(join(gateway.dir, "index.key"), `${CANARIES.file}\n`);
    expect((await ask("/api/config/check")).value).toMatchObject({
      state: "would-reload",
      changes: ["content of index.key changed"],
    });
    await writeFile(join(gateway.dir, "index.key"), CANARIES.file);
  });

  it("shows the problems of an invalid file with their places, and quotes no secret of it", async () => {
    await write((config) => {
      config.capaigns = CANARIES.unknown;
      config.identity.jwt[0].jwks_uri = `https://me:${CANARIES.password}@idp.example/keys`;
      config.audit.index_key[0].secret = { oops: CANARIES.literal };
      config.audit.checkpoint.key = `-----BEGIN PRIVATE KEY-----\n${CANARIES.pem}\n-----END PRIVATE KEY-----`;
      config.drain = { delay: `\${OCSGW_TEST_NONE:-${CANARIES.fallback}}` };
      config.tests[0].do = CANARIES.phone;
    });
    const { value } = await ask("/api/config/check");
    expect(value).toMatchObject({ state: "invalid", in_force: gateway.gateway.configHash, changes: [] });
    const codes = value.problems.map(({ code }: { code: string }) => code);
    expect(codes).toEqual(expect.arrayContaining(["OCSGW-6101", "OCSGW-6103"]));
    for (const { line, column, message } of value.problems)
      expect([line > 0, column > 0, message]).not.toContain(false);
    // The other rules are only asked for a file whose values are well formed.
    await write((config) => {
      config.audit.checkpoint.key = `-----BEGIN PRIVATE KEY-----\n${CANARIES.pem}\n-----END PRIVATE KEY-----`;
      config.tests[0].expect = "OCSGW-2103";
    });
    expect((await ask("/api/config/check")).value).toMatchObject({ state: "invalid" });
    await writeFile(file, original);
  });

  it("has its history with who asked, and the difference between two of them", async () => {
    const first = gateway.gateway.configHash;
    await write((config) => (config.tenants[0].share = 3));
    expect((await ask("/api/reload", OPERATOR, "POST")).value).toMatchObject({ outcome: "reloaded" });
    const second = gateway.gateway.configHash;
    await writeFile(file, "tenants: [");
    expect((await ask("/api/reload", EVERYTHING, "POST")).status).toBe(422);
    await writeFile(file, original);
    await gateway.gateway.reload({ by: "SIGHUP" });
    await vi.waitFor(
      async () => {
        const { value } = await ask("/api/config/history");
        expect(value).toMatchObject({ hash: first, next: null, not_covered: [] });
        expect(value.changes).toMatchObject([
          { change: "reloaded", hash: first, previous_hash: second, by: "SIGHUP", user: null, comparable: true },
          { change: "refused", previous_hash: second, by: "reload", user: "admin token", comparable: false },
          {
            change: "reloaded",
            hash: second,
            previous_hash: first,
            by: "reload",
            user: "ada",
            changes: ["Alpha Tenant: share 1 -> 3"],
            comparable: true,
          },
          { change: "started", hash: first, comparable: true },
        ]);
        expect(value.changes[1].detail).toMatch(/OCSGW-6002/);
      },
      { timeout: 10_000 },
    );
    expect((await ask(`/api/config/differences?from=${first}&to=${second}`)).value).toEqual({
      from: first,
      to: second,
      changes: ["Alpha Tenant: share 1 -> 3"],
      missing: [],
    });
    const unknown = "f".repeat(64);
    expect((await ask(`/api/config/differences?from=${unknown}&to=${second}`)).value).toMatchObject({
      changes: null,
      missing: [unknown],
    });
    expect((await ask("/api/config/differences?from=../x&to=1")).status).toBe(400);
    const pages = [await ask("/api/config/history?limit=1")];
    while (pages.at(-1)!.value.next !== null)
      pages.push(await ask(`/api/config/history?limit=1&cursor=${pages.at(-1)!.value.next}`));
    expect(pages.flatMap(({ value }) => value.changes.map(({ change }: { change: string }) => change))).toEqual([
      "reloaded",
      "refused",
      "reloaded",
      "started",
    ]);
  });

  it("quotes no text of a variable or of a named file in what a reload changed, nor in the journal", async () => {
    const place = (name: string): string => join(gateway.dir, name);
    const [audience, campaign] = [place("audience.txt"), place("campaign.txt")];
    const quoted: string[] = [];
    const reload = async (outcome: string): Promise<void> => {
      // Twice: the second answer must not come from what was in force before.
      for (const path of ["/api/config/check", "/api/config/check"]) await ask(path);
      for (const dryRun of [true, false]) {
        const reloaded = await gateway.gateway.reload({ dryRun });
        expect(reloaded.outcome).toBe(dryRun && outcome === "reloaded" ? "valid" : outcome);
        quoted.push(JSON.stringify(reloaded));
      }
      expect((await ask("/api/config/check")).value).toMatchObject({ changes: [] });
    };
    const steps: readonly (() => Promise<unknown>)[] = [
      // From a variable to a file.
      async () => {
        await writeFile(audience, CANARIES.audience);
        await write((config) => (config.identity.jwt[0].audience = "${file:audience.txt}"));
      },
      // Another content of the file.
      () => writeFile(audience, CANARIES.audience.replace("first", "second")),
      // In a list, and in the sentence of a tenant.
      async () => {
        await writeFile(campaign, CANARIES.campaign);
        await write((config) => (config.tenants[0].campaigns = ["Alpha Campaign", "${file:campaign.txt}"]));
      },
      () => writeFile(file, original),
    ];
    for (const step of steps) {
      await step();
      await reload("reloaded");
    }
    // A rejected config, whose problem names a tenant.
    await write((config) => {
      for (const tenant of config.tenants) tenant.name = "${file:campaign.txt}";
    });
    expect((await ask("/api/config/check")).value).toMatchObject({ state: "invalid" });
    for (const dryRun of [true, false]) {
      const refused = await gateway.gateway.reload({ dryRun });
      expect(refused).toMatchObject({ outcome: "refused", problems: [{ message: expect.stringContaining("•••") }] });
      quoted.push(JSON.stringify(refused));
    }
    await writeFile(file, original);
    await reload("unchanged");
    expect(quoted.join("\n")).toContain("identity.jwt.corp-idp.audience");
    quoted.push(JSON.stringify(await gateway.journal()));
    await ask("/api/config/history");
    for (const canary of [CANARIES.fallback, CANARIES.audience, "canary-second", CANARIES.campaign])
      expect(quoted.filter((text) => text.includes(canary))).toEqual([]);
  });

  it("is for operators and auditors who may see all tenants", async () => {
    for (const path of ["", "/history", "/check", `/differences?from=${"a".repeat(64)}&to=${"b".repeat(64)}`]) {
      for (const as of [OPERATOR, AUDITOR])
        expect([path, (await ask(`/api/config${path}`, as)).status]).toEqual([path, 200]);
      for (const as of [VIEWER, ...Object.values(SCOPED)])
        expect([path, (await ask(`/api/config${path}`, as)).status]).toEqual([path, 403]);
    }
  });

  it("has no secret in any byte of a reply or of a snapshot", async () => {
    let cursor = "0";
    for (let page = 0; cursor !== "null" && page < 100; page++)
      cursor = String((await ask(`/api/config?limit=1000&cursor=${cursor}`)).value.next);
    for (const canary of Object.values(CANARIES)) await ask(`/api/config?find=${encodeURIComponent(canary)}`);
    const dir = join(gateway.dir, "audit/configs");
    const snapshots = readdirSync(dir).map((name) => zstdDecompressSync(readFileSync(join(dir, name))).toString());
    expect(snapshots.length).toBeGreaterThanOrEqual(2);
    for (const name of readdirSync(dir)) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
    expect(replies.length).toBeGreaterThan(20);
    const own = [keyFor("alpha"), /hash: (\S+)/.exec(await readFile(join(gateway.dir, "keys.yaml"), "utf8"))![1]!];
    for (const secret of [...Object.values(CANARIES), ...own])
      expect([...replies, ...snapshots].filter((text) => text.includes(secret))).toEqual([]);
  });
});
