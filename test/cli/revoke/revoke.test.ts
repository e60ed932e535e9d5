/**
 * `ocsgw revoke` without a gateway that it can ask: it writes to the journal, or, while a gateway has the journal open,
 * to the file, which can only add revocations.
 */
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { revoke as revokeCommand, type RevokeOptions } from "../../../src/cli/revoke/revoke.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Recorded } from "../../../src/journal/entry.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { createKey } from "../../../src/settings/files/api-key.ts";
import { readRevocations } from "../../../src/settings/files/revocations-file.ts";
import { aConfigured, aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { describeWithPostgres, POSTGRES_URL, testSchema } from "../../kit/postgres.ts";
import { patternOf } from "../../kit/pattern.ts";

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

const runIn = async (dir: string, options: Partial<RevokeOptions>): Promise<Ran> => {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const spies = [
    vi.spyOn(console, "log").mockImplementation((line: string) => void stdout.push(`${line}\n`)),
    vi.spyOn(console, "error").mockImplementation((line: string) => void stderr.push(`${line}\n`)),
  ];
  try {
    return {
      code: await revokeCommand({ config: join(dir, "ocsgw.yaml"), ...options }),
      stdout: stdout.join(""),
      stderr: stderr.join(""),
    };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
};
const changesIn = async (dir: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const entry of readEntries(join(dir, "audit")))
    if (entry.kind === "config") found.push(`${entry.change} ${entry.revocation?.id}`);
  return found;
};
const CONFIG = twoTenants("http://127.0.0.1:9");

describe("ocsgw revoke while no gateway runs", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await aConfigured(CONFIG, ["alpha", "beta"]);
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const revoke = (options: Partial<RevokeOptions>): Promise<Ran> => runIn(dir, options);
  const file = (): string => join(dir, "audit/revocations.jsonl");

  it("writes revocations and reinstatements to the journal, with the config's hash", async () => {
    expect(await revoke({ client: "alpha" })).toEqual({
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(
        patternOf(
          /^client alpha is revoked: written to the journal in .*audit; /,
          /no gateway is running there, and the next one that starts will apply it\n$/,
        ),
      ) as string,
    });
    expect((await revoke({ client: "beta" })).code).toBe(0);
    expect(await revoke({ client: "alpha", reinstate: true })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("client alpha is reinstated: written to the journal") as string,
    });
    expect(await changesIn(dir)).toEqual(["revoked alpha", "revoked beta", "lifted alpha"]);
    for await (const entry of readEntries(join(dir, "audit")))
      expect((entry as Recorded & { config_hash: string }).config_hash).toMatch(/^[0-9a-f]{64}$/);
    expect((await revoke({ list: true })).stdout).toBe("client beta\n");
  });

  it.each<[Partial<RevokeOptions>, RegExp]>([
    [{ list: true, token: "x" }, /^--list shows all revocations/],
    [{ list: true, client: "alpha" }, /^--list shows all revocations/],
    [{ list: true, reinstate: true }, /^--list shows all revocations/],
    [{ list: true, until: "1h" }, /^--list shows all revocations/],
    [{ token: "x", reinstate: true, until: "1h" }, /^--until is the end of a revocation/],
    [{ token: "x", until: "99999999d" }, /^--until: expected a time, .*; found 99999999d$/],
    [{ token: "x", until: "3000000d" }, /^--until: expected a time, .*; found 3000000d$/],
    [{ token: "x", until: "275000-01-01T00:00:00Z" }, /^--until: expected a time/],
  ])("refuses %j as wrong usage and revokes nothing", async (options, message) => {
    const { code, stdout, stderr } = await revoke(options);
    expect([code, stdout, stderr.trimEnd()]).toEqual([2, "", expect.stringMatching(message)]);
    expect((await revoke({ list: true })).stderr).toBe("nothing is revoked\n");
  });

  it("prints a sentence for an empty list, and an empty list as JSON", async () => {
    expect(await revoke({ list: true })).toEqual({ code: 0, stdout: "", stderr: "nothing is revoked\n" });
    expect(await revoke({ list: true, json: true })).toEqual({ code: 0, stdout: "[]\n", stderr: "" });
    await mkdir(join(dir, "audit"), { recursive: true });
    await writeFile(file(), "damaged\n");
    expect(await revoke({ list: true })).toMatchObject({
      code: 8,
      stderr: expect.stringMatching(/^found no revocations\nfurther revocations may exist/) as string,
    });
  });

  it("lists the journal's revocations also when the file is deleted or damaged", async () => {
    await revoke({ client: "alpha" });
    await rm(file());
    expect(await revoke({ list: true })).toEqual({ code: 0, stdout: "client alpha\n", stderr: "" });
    await writeFile(file(), '{"at":"2026-11-22T12:00:00Z","kind":"client","id":"beta"}\n');
    expect((await revoke({ list: true })).stdout, "and with what no gateway has taken yet").toBe(
      "client alpha\nclient beta\n",
    );
    await writeFile(file(), "damaged\n");
    expect(await revoke({ list: true })).toMatchObject({
      code: 8,
      stdout: "client alpha\n",
      stderr: expect.stringContaining("further revocations may exist: line 1 of") as string,
    });
  });

  it("restores lost lines of the file with the next revocation", async () => {
    await revoke({ client: "alpha" });
    await writeFile(file(), "");
    await revoke({ client: "beta" });
    const { last, fresh } = readRevocations(await readFile(file(), "utf8"));
    expect([[...last.keys()], fresh]).toEqual([["client alpha", "client beta"], []]);
  });

  it("leaves a revocation in the file when the journal cannot be opened, and rejects a reinstatement", async () => {
    await revoke({ client: "beta" });
    const segment = join(dir, "audit/segments/000000000000.jsonl");
    await writeFile(segment, `not a journal\n${await readFile(segment, "utf8")}`);
    expect(await revoke({ client: "alpha" })).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /written to .*revocations\.jsonl; the gateway will apply it when it starts\. The journal cannot be opened: /,
      ) as string,
    });
    expect(await revoke({ client: "beta", reinstate: true })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("client beta is reinstated: not done. The journal cannot be opened") as string,
    });
    expect(await revoke({ list: true })).toMatchObject({
      code: 8,
      stdout: expect.stringContaining("client alpha") as string,
    });
  });

  it.skipIf(process.geteuid?.() !== 0)(
    "leaves files that the gateway's own user can write, when root runs it",
    async () => {
      mkdirSync(join(dir, "audit"));
      chownSync(join(dir, "audit"), 4321, 4321);
      await revoke({ client: "alpha" });
      for (const name of [
        "segments",
        "segments/000000000000.jsonl",
        "segments/000000000000.hashes",
        "checkpoints",
        "revocations.jsonl",
      ])
        expect([name, (await stat(join(dir, "audit", name))).uid]).toEqual([name, 4321]);
    },
  );
});

describe("ocsgw revoke beside a gateway without an admin listener", () => {
  let gateway: TestGateway;
  beforeEach(async () => {
    gateway = await aGateway(CONFIG);
  });
  afterEach(() => gateway.stop());

  it("asks the gateway over its socket to revoke and to reinstate", async () => {
    expect(await runIn(gateway.dir, { client: "alpha" })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("applied by the running gateway") as string,
    });
    expect((await runIn(gateway.dir, { list: true })).stdout).toBe("client alpha\n");
    expect(await runIn(gateway.dir, { client: "alpha", reinstate: true })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("client alpha is reinstated: applied by the running gateway") as string,
    });
    expect((await runIn(gateway.dir, { list: true })).stdout).toBe("");
  });

  it("never stores a whole key", async () => {
    const { key } = createKey();
    await runIn(gateway.dir, { key: `${key}x` });
    await expect(readFile(join(gateway.dir, "audit/revocations.jsonl"), "utf8")).rejects.toThrow(/ENOENT/);
    await expect(openJournal({ dir: join(gateway.dir, "audit"), durability: "os" })).rejects.toThrow(/is open already/);
  });
});

describeWithPostgres("ocsgw revoke with gateways that share a database", async () => {
  const { schema } = await testSchema();
  const configOf = (node: string) => ({
    ...CONFIG,
    node,
    shared: { postgres: POSTGRES_URL, schema, tls: "none" },
    audit: { ...(CONFIG["audit"] as object), checkpoint: { key: "checkpoint.pem", origin: `test.example/${node}` } },
  });
  const statusOf = async ({ url }: TestGateway): Promise<number> => {
    const headers = { authorization: basic("alpha"), "content-type": "application/json" };
    return (await fetch(`${url}/phones/4155550100?req=Nothing`, { method: "POST", headers, body: "{}" })).status;
  };

  it("counts on all: by one that runs, and by a command beside one that is stopped", async () => {
    const stopped = await aConfigured(configOf("gw-c"), ["alpha", "beta"]);
    const [a, b] = [await aGateway(configOf("gw-a")), await aGateway(configOf("gw-b"))];
    try {
      expect(await statusOf(b)).not.toBe(401);
      expect(await runIn(a.dir, { client: "alpha" })).toMatchObject({
        code: 0,
        stderr: "client alpha is revoked: applied by the running gateway; also applied by gw-b\n",
      });
      expect([await statusOf(a), await statusOf(b)]).toEqual([401, 401]);
      const { code, stderr } = await runIn(stopped, { client: "alpha", reinstate: true });
      expect([code, stderr]).toEqual([
        0,
        expect.stringMatching(/^client alpha is reinstated: written .*by gw-a, gw-b\n$/),
      ]);
      expect([await statusOf(a), await statusOf(b)]).not.toContain(401);
    } finally {
      await Promise.all([a.stop(), b.stop(), rm(stopped, { recursive: true, force: true })]);
    }
  });

  it("keeps a revocation for the start while the database is gone, and reinstates nothing", async () => {
    const config = configOf("gw-d");
    const dir = await aConfigured(
      { ...config, shared: { ...config.shared, postgres: "postgresql://u@127.0.0.1:9/x" } },
      ["alpha"],
    );
    try {
      const revoked = await runIn(dir, { client: "alpha" });
      expect([revoked.code, revoked.stderr]).toEqual([
        8,
        expect.stringMatching(/written to the journal .*the other gateways do not have it, and get it once/),
      ]);
      const { code, stderr } = await runIn(dir, { client: "alpha", reinstate: true });
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/reinstated: not done: .* nothing has changed; the shared/),
      ]);
      expect((await runIn(dir, { list: true })).stdout).toBe("client alpha\n");
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
