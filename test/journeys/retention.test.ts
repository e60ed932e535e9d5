/** `ocsgw audit retention`, with a gateway that runs and without one. */
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { chownSync, readdirSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../src/journal/write/open-journal.ts";
import { createCheckpoints, loadOrCreateKey } from "../../src/journal/integrity/checkpoints/checkpoint.ts";
import type { Recorded } from "../../src/journal/entry.ts";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { ocsgw, root, run } from "../kit/command.ts";
import { aConfigured, twoTenants } from "../kit/gateway.ts";
import { startGateway } from "../kit/gateway-process.ts";
import { describeAllowed } from "../kit/machine.ts";

const MAIN = join(root, "src/cli/main.ts");
let dir: string;
const config = (): string => join(dir, "ocsgw.yaml");
const audit = (...names: string[]): string => join(dir, "audit", ...names);
const oneRun = async (): Promise<void> => (await startGateway(config())).end("SIGTERM");
const confirm = () => ocsgw("audit", "retention", "--confirm-clock", "-c", config());
const clocks = async (): Promise<Recorded[]> =>
  (await Array.fromAsync(readEntries(audit()))).filter(({ kind }) => kind === "clock");

beforeEach(async () => {
  dir = await aConfigured(twoTenants("http://127.0.0.1:9"), ["alpha", "beta"]);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("audit retention", { timeout: 120_000 }, () => {
  it("asks a running gateway, without an admin listener, and has it write who confirms the clock", async () => {
    const gateway = await startGateway(config());
    try {
      const asked = await ocsgw("audit", "retention", "-c", config());
      expect(asked).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("at the next check, in 60 min") as string,
      });
      expect(await clocks()).toEqual([]);
      const ran = await run(
        process.execPath,
        [MAIN, "audit", "retention", "--confirm-clock", "--json", "-c", config()],
        { env: { SUDO_USER: "alice" } },
      );
      expect([ran.code, JSON.parse(ran.stdout)]).toEqual([0, expect.objectContaining({ believed: true, doubt: null })]);
      expect(await clocks()).toMatchObject([
        { step_ms: 0, confirmed_by: expect.stringMatching(/\(.*sudo: alice\)$/) as string },
      ]);
    } finally {
      await gateway.end("SIGTERM");
    }
  });

  it("writes the confirmation if no gateway runs, and the gateway starts on it and trusts the clock", async () => {
    await oneRun();
    await ahead();
    const gateway = await startGateway(config());
    const before = await ocsgw("audit", "retention", "-c", config());
    await gateway.end("SIGTERM");
    expect([before.code, before.stdout]).toEqual([
      0,
      expect.stringContaining("Nothing is deleted: the clock jumped from"),
    ]);
    expect((await confirm()).stdout).toContain("confirmed and recorded in the journal");
    const again = await startGateway(config());
    const after = await ocsgw("audit", "retention", "-c", config());
    await again.end("SIGTERM");
    expect(after.stdout).toContain("Expired entries are deleted at the next check");
    expect((await ocsgw("audit", "verify", "-c", config())).code).toBe(0);
  });

  it("may confirm the clock before the gateway was ever started", async () => {
    await mkdir(audit());
    expect((await confirm()).code).toBe(0);
    await oneRun();
    expect((await ocsgw("audit", "verify", "-c", config())).code).toBe(0);
  });

  it("says that no gateway answers, and that there is no journal", async () => {
    await oneRun();
    expect(await ocsgw("audit", "retention", "-c", config())).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("No gateway answers") as string,
    });
    await rm(audit(), { recursive: true });
    expect(await confirm()).toMatchObject({
      code: 8,
      stderr: expect.stringContaining("there is no journal in") as string,
    });
  });

  it.each<[string, () => Promise<void>]>([
    [
      "an older copy",
      async () => {
        await cp(audit(), join(dir, "old"), { recursive: true, filter: (name) => !name.endsWith(".sock") });
        await oneRun();
        await rm(audit(), { recursive: true });
        await rename(join(dir, "old"), audit());
      },
    ],
    [
      "changed lines",
      async () => {
        await rm(audit("states"), { recursive: true });
        const path = audit("segments", "000000000000.jsonl");
        await writeFile(path, (await readFile(path, "utf8")).replace('"kind":"start"', '"kind":"stort"'));
      },
    ],
    ["no checkpoints", () => rm(audit("checkpoints"), { recursive: true })],
  ])("writes nothing to a directory that is not what was signed: %s", async (_what, damage) => {
    await oneRun();
    await damage();
    const before = await readFile(audit("segments", "000000000000.jsonl"), "utf8");
    expect(await confirm()).toMatchObject({
      code: 7,
      stderr: expect.stringContaining("The clock was not confirmed: ") as string,
    });
    expect(await readFile(audit("segments", "000000000000.jsonl"), "utf8")).toBe(before);
  });
});

describeAllowed(process.getuid?.() === 0, "root", "files that root creates in the gateway user's directory", () => {
  it.each([
    ["audit retention --confirm-clock", confirm],
    ["audit accept-restore", () => ocsgw("audit", "accept-restore", "--purpose", "disk replaced", "-c", config())],
  ])("belong to that user: %s", { timeout: 60_000 }, async (_what, command) => {
    await oneRun();
    for (const name of ["audit/lock", "audit/states", "audit.anchor"]) await rm(join(dir, name), { recursive: true });
    spawnSync("chown", ["-R", "12345:12345", dir]);
    chownSync(dir, 12345, 12345);
    spawnSync("chmod", ["755", dir]);
    expect((await command()).code).toBe(0);
    expect(spawnSync("find", [dir, "!", "-uid", "12345"], { encoding: "utf8" }).stdout).toBe("");
    expect(readdirSync(audit("lock"))).toEqual(["writer"]);
  });
});

/** The last entry is of long ago: as a start with the clock that far ahead finds it. */
const ahead = async (): Promise<void> => {
  await rm(audit(), { recursive: true });
  await rm(join(dir, "audit.anchor"));
  const wall = Date.parse("2020-01-01T00:00:00Z") * 1000;
  const clocks = { wall: () => wall + Math.round(performance.now() * 1000), steady: () => performance.now() * 1000 };
  const journal = await openJournal({ dir: audit(), durability: "os", clocks });
  const key = await loadOrCreateKey(join(dir, "checkpoint.pem"));
  const checkpoints = await createCheckpoints(journal, { key, origin: "test.example/journal", everyMs: 3_600_000 });
  await journal.append({ kind: "stop", reason: "test" });
  await checkpoints.stop();
  await journal.close();
};
