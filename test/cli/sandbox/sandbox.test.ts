import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { choosePorts, takenOf } from "../../src/cli/sandbox.ts";
import { ocsgw } from "../kit/command.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe("ocsgw sandbox", () => {
  it("takes the backup's usual port only when it is free where the backup listens", async () => {
    const other = createServer();
    // Another sandbox may have it just now, which is as good.
    await new Promise<void>((resolve) =>
      other.once("error", () => resolve()).listen(18081, "127.0.0.2", () => resolve()),
    );
    closing.push(() => other.close());
    const ports = await choosePorts(undefined, "127.0.0.2");
    expect(ports.backup).toBe(0);
    expect(takenOf(ports, undefined)).toContain("18081 (OCS backup)");
    expect(takenOf(await choosePorts(0, "127.0.0.2"), 0)).toEqual([]);
  });

  it(
    "ends when it cannot write the ready file, and begins on what a start that was killed has left",
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
      expect(stderr).toMatch(/cannot open .*ready\.json\.new: there is no folder .*no-such-folder$/m);
      expect(await readFile(join(dir, "state", "index.key"), "utf8")).toMatch(/^[0-9a-f]{64}$/);
    },
  );
});
