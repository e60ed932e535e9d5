/** A journal that was put back, emptied or planted with, as the commands and the gateway of a stopped site meet it. */
import { appendFile, cp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifierKey } from "../../src/journal/integrity/checkpoints/signed-note.ts";
import { loadOrCreateKey } from "../../src/journal/integrity/checkpoints/checkpoint.ts";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { ocsgw } from "../kit/command.ts";
import { aConfigured, twoTenants } from "../kit/gateway.ts";
import { startGateway } from "../kit/gateway-process.ts";
import { patternOf } from "../kit/pattern.ts";

let dir: string;
const config = (): string => join(dir, "ocsgw.yaml");
const audit = (...names: string[]): string => join(dir, "audit", ...names);
const elsewhere = (): string => join(dir, "elsewhere.txt");

const configured = (): Promise<string> => {
  const base = twoTenants("http://127.0.0.1:9");
  const { checkpoint, ...rest } = base["audit"] as { checkpoint: object };
  return aConfigured({ ...base, audit: { ...rest, checkpoint: { ...checkpoint, publish: ["file:/ELSEWHERE"] } } }, [
    "alpha",
    "beta",
  ]);
};
const oneRun = async (): Promise<string> => {
  const gateway = await startGateway(config());
  await gateway.end("SIGTERM");
  return gateway.log();
};

beforeEach(async () => {
  dir = await configured();
  await writeFile(config(), (await readFile(config(), "utf8")).replace("file:/ELSEWHERE", `file:${elsewhere()}`));
  await oneRun();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("a stopped gateway's journal", { timeout: 120_000 }, () => {
  it("has its anchor beside its directory from before the first request on", async () => {
    await rm(audit(), { recursive: true });
    for (const path of [join(dir, "audit.anchor"), elsewhere()]) await rm(path);
    const gateway = await startGateway(config());
    try {
      // It listens: the first checkpoint is there, although none was due yet.
      expect([existsSync(join(dir, "audit.anchor")), (await readdir(audit("checkpoints"))).length]).toEqual([true, 1]);
      expect(await readFile(join(dir, "audit.anchor"), "utf8")).toMatch(/^test\.example\/journal\n1\n/);
    } finally {
      await gateway.end("SIGKILL");
    }
    // What such an end leaves is taken.
    expect(await oneRun()).not.toContain("Nothing is signed");
  });

  it("may begin with a revocation, before the gateway was ever started", async () => {
    await rm(audit(), { recursive: true });
    for (const path of [join(dir, "audit.anchor"), elsewhere()]) await rm(path);
    expect((await ocsgw("revoke", "--client", "alpha", "-c", config())).code).toBe(0);
    expect(await oneRun()).not.toContain("Nothing is signed");
  });

  it("is not accepted where its directory is gone: what to do is said", async () => {
    await rm(audit(), { recursive: true });
    const ran = await ocsgw("audit", "accept-restore", "--purpose", "disk replaced", "-c", config());
    expect([ran.code, ran.stderr]).toEqual([
      8,
      expect.stringMatching(
        patternOf(
          /there is no journal in .*audit\. .*/,
          /Put the copy there first; to begin again without its entries, make an empty directory/,
        ),
      ),
    ]);
  });

  it("that was put back to an older copy is signed by no command, until somebody accepts it", async () => {
    await cp(audit(), join(dir, "old"), { recursive: true, filter: (name) => !name.endsWith(".sock") });
    await oneRun();
    await rm(audit(), { recursive: true });
    await rename(join(dir, "old"), audit());
    const before = await readdir(audit("checkpoints"));

    const ran = await ocsgw("run", "-c", config());
    expect([ran.code, ran.stderr]).toEqual([
      7,
      expect.stringMatching(
        patternOf(
          /covers \d+ entries, the journal ends with index \d+\. Nothing is signed\. /,
          /ocsgw audit verify -c \S*ocsgw\.yaml shows .* ocsgw audit accept-restore -c \S*ocsgw\.yaml/,
        ),
      ),
    ]);
    const exported = await ocsgw("audit", "export", "--as", "bundle", "--out", join(dir, "b.zip"), "-c", config());
    expect([exported.code, exported.stderr, existsSync(join(dir, "b.zip"))]).toEqual([
      7,
      expect.stringContaining("Nothing is signed"),
      false,
    ]);
    const verified = await ocsgw("audit", "verify", "-c", config());
    expect([verified.code, verified.stdout]).toEqual([
      7,
      expect.stringMatching(
        /the journal ends after \d+ entries, but checkpoint \d+ in the anchor .*audit\.anchor covers/,
      ),
    ]);
    expect((await readdir(audit("checkpoints"))).toSorted()).toEqual(before.toSorted());

    expect((await ocsgw("audit", "accept-restore", "-c", config())).code).toBe(2);
    expect((await ocsgw("audit", "accept-restore", "--purpose", "call 415 555 0100", "-c", config())).code).toBe(2);
    const accepted = await ocsgw("audit", "accept-restore", "--purpose", "disk replaced", "-c", config());
    expect([accepted.code, accepted.stderr]).toEqual([
      0,
      expect.stringMatching(
        /^accepted the journal with \d+ entries; the last entry records it\. Reason: checkpoint \d+ in the anchor/,
      ),
    ]);
    expect((await Array.fromAsync(readEntries(audit()))).at(-1)).toMatchObject({
      kind: "alarm",
      reason: "a restored or moved journal was accepted",
      purpose: "disk replaced",
      anchor: { size: expect.any(Number) as number },
    });
    expect(await ocsgw("audit", "accept-restore", "--purpose", "again", "-c", config())).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("nothing to accept") as string,
    });

    await oneRun();
    expect(await ocsgw("audit", "verify", "-c", config())).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^OK/m) as string,
    });
    expect((await ocsgw("audit", "export", "--as", "bundle", "--out", join(dir, "b.zip"), "-c", config())).code).toBe(
      0,
    );
    const key = verifierKey("test.example/journal", await loadOrCreateKey(join(dir, "checkpoint.pem")));
    expect((await ocsgw("audit", "verify", join(dir, "b.zip"), "--key", key)).code).toBe(0);
    expect(await ocsgw("audit", "verify", join(dir, "b.zip"))).toMatchObject({
      code: 8,
      stdout: expect.stringContaining("the only key is the one in the bundle") as string,
    });
    expect(await ocsgw("audit", "verify", audit())).toMatchObject({
      code: 8,
      stdout: expect.stringContaining("stored beside the lines") as string,
    });
  });

  it("whose checkpoints are gone is signed by nobody, an export for a stranger neither", async () => {
    await rm(audit("checkpoints"), { recursive: true });
    for (const command of [
      ["run"],
      ["audit", "export", "--as", "ndjson", "--out", "-"],
      ["audit", "export", "--as", "bundle", "--out", join(dir, "b.zip")],
    ]) {
      expect(await ocsgw(...command, "-c", config())).toMatchObject({
        code: 7,
        stdout: "",
        stderr: expect.stringContaining("has entries and no checkpoint: its checkpoints were removed") as string,
      });
    }
    expect(existsSync(audit("checkpoints")) ? await readdir(audit("checkpoints")) : []).toEqual([]);
  });

  it("whose checkpoint sink has planted lines, or was emptied, goes on and says so", async () => {
    await appendFile(
      elsewhere(),
      `test.example/journal\n900\n${"A".repeat(43)}=\n\n— test.example/journal ` +
        `${Buffer.alloc(68).toString("base64")}\n\n`,
    );
    expect(await oneRun()).toContain("holds 1 checkpoint in this journal's name without a valid signature");
    const look = await ocsgw("audit", "export", "--as", "bundle", "--out", join(dir, "b.zip"), "-c", config());
    expect([look.code, look.stderr]).toEqual([0, expect.stringContaining("without a valid signature")]);
    await rm(elsewhere());
    expect(await oneRun()).toContain("it is new, or it was removed or emptied");
    expect(
      (await Array.fromAsync(readEntries(audit()))).flatMap((entry) => (entry.kind === "alarm" ? [entry.detail] : [])),
    ).toEqual([expect.stringContaining("without a valid signature"), expect.stringContaining("removed or emptied")]);
    // It was caught up.
    expect((await stat(elsewhere())).size).toBeGreaterThan(500);
  });

  it.each([
    ["./audit/anchor", "OCSGW-6276"],
    ["audit", "OCSGW-6276"],
    ["checkpoint.pem", "OCSGW-6276"],
    ["./audit/../audit/x", "OCSGW-6276"],
    ["keys.yaml/anchor", "OCSGW-6277"],
  ])("cannot have its anchor at %s", async (anchor, code) => {
    await writeFile(
      config(),
      (await readFile(config(), "utf8")).replace("checkpoint:\n", `checkpoint:\n    anchor: ${anchor}\n`),
    );
    expect(await loadSettings(config(), {})).toMatchObject({
      ok: false,
      problems: [{ code, path: "audit.checkpoint.anchor" }],
    });
  });

  it("may have its anchor in another folder", async () => {
    await writeFile(
      config(),
      (await readFile(config(), "utf8")).replace("checkpoint:\n", "checkpoint:\n    anchor: ./anchors\n"),
    );
    expect(await oneRun()).toContain("there is no anchor");
    expect(await readFile(join(dir, "anchors"), "utf8")).toMatch(/^test\.example\/journal\n/);
  });
});
