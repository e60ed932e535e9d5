import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { choosePorts, portsInUse } from "../../../src/cli/sandbox/sandbox.ts";
import { ocsgw } from "../../kit/command.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe("ocsgw sandbox", () => {
  it("uses the backup's usual port only if it is free at the backup's address", async () => {
    const other = createServer();
    // Another sandbox may use the port now, which has the same effect.
    await new Promise<void>((resolve) =>
      other.once("error", () => resolve()).listen(18081, "127.0.0.2", () => resolve()),
    );
    closing.push(() => other.close());
    const ports = await choosePorts(undefined, "127.0.0.2");
    expect(ports.backup).toBe(0);
    expect(portsInUse(ports, undefined)).toContain("18081 (OCS backup)");
    expect(portsInUse(await choosePorts(0, "127.0.0.2"), 0)).toEqual([]);
  });

  it(
    "fails if it cannot write the ready file, and starts with files that a killed start left",
    { timeout: 60_000 },
    async () => {
      const dir = await mkdtemp(join(tmpdir(), "ocsgw-sandbox-"));
      closing.push(() => rm(dir, { recursive: true }));
      await mkdir(join(dir, "state"));
      await writeFile(join(dir, "state", "index.key"), "", { mode: 0o600 });
      const { code, stderr } = await ocsgw(
        "sandbox",
        "--port",
        "0",
        "--state",
        join(dir, "state"),
        "--ready-file",
        join(dir, "no-such-folder", "ready.json"),
      );
      expect(code).toBe(1);
      expect(stderr).toMatch(/cannot open .*ready\.json\.new: there is no directory .*no-such-folder$/m);
      expect(await readFile(join(dir, "state", "index.key"), "utf8")).toMatch(/^[0-9a-f]{64}$/);
    },
  );

  it("asks for a copy of the journal's key only if the key outlives the sandbox", { timeout: 60_000 }, async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-sandbox-"));
    closing.push(() => rm(dir, { recursive: true }));
    const ready = join(dir, "no-such-folder", "ready.json");
    const logOf = async (...state: string[]): Promise<string> =>
      (await ocsgw("sandbox", "--port", "0", "--ready-file", ready, ...state)).stderr;
    expect(await logOf("--state", join(dir, "state"))).toContain("checkpointKeyCreated");
    const log = await logOf();
    expect(log).toContain("journalOpened");
    expect(log).not.toContain("checkpointKeyCreated");
  });
});
