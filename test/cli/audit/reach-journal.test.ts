import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { reachJournal } from "../../../src/cli/audit/reach-journal.ts";
import { startCommands } from "../../../src/app/wiring/journal/commands.ts";
import { runShutdown } from "../../../src/app/shutdown.ts";
import { takeLock } from "../../../src/journal/lock/lock.ts";
import { lockHolder } from "../../kit/lock-holder.ts";
import { describeAllowed } from "../../kit/machine.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-reach-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const REFUSED = { refused: "not asked here", kind: "refused" as const };
const NOTHING = {
  setAside: { examine: () => Promise.resolve(REFUSED), set: () => Promise.resolve(REFUSED) },
  audit: { ask: () => Promise.resolve({}), record: () => Promise.resolve({ size: 0 }) },
  revoke: () => Promise.resolve({}),
  retention: {
    state: () => ({ clock: "", believed: true, doubt: null, waits: null, next_look: 1, entries: 0 }),
    confirmClock: () => Promise.reject(new Error("not asked here")),
  },
};

it("a command asks the running gateway, else takes the lock, and otherwise names the lock's holder", async () => {
  const way = await reachJournal(dir, "test");
  expect(way.by).toBe("lock");
  if (way.by === "lock") await way.lock.release();

  const lock = await takeLock(dir, { command: "ocsgw run", role: "gateway" });
  const stops = [() => lock.release()];
  await startCommands({ lock, ...NOTHING }, stops);
  expect((await reachJournal(dir, "test")).by).toBe("gateway");
  await runShutdown(stops);

  const silent = await lockHolder(dir);
  await expect(reachJournal(dir, "test", 200)).rejects.toThrow(`open already, by ocsgw test, pid ${silent.child.pid}`);
  await silent.kill();
  await expect(reachJournal(join(dir, "nowhere"), "test")).rejects.toThrow("there is no journal in");
});

it("a command waits for a gateway that is starting", async () => {
  const lock = await takeLock(dir, { command: "ocsgw run", role: "gateway" });
  const stops = [() => lock.release()];
  const reached = reachJournal(dir, "test");
  await new Promise((resolve) => setTimeout(resolve, 300));
  await startCommands({ lock, ...NOTHING }, stops);
  expect((await reached).by).toBe("gateway");
  await runShutdown(stops);
});

describeAllowed(
  process.getuid?.() === 0,
  "root",
  "a file that root creates in the directory of the gateway's user",
  () => {
    it.each([
      ["if root can become that user", ""],
      ["if only root can reach the directory, as for a dynamic user of systemd", "private"],
    ])("belongs to that user %s", (_, above) => {
      mkdirSync(join(dir, above, "audit"), { recursive: true });
      chownSync(join(dir, above, "audit"), 12345, 12345);
      const inSource = (path: string): string => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);
      const program = `
      import { reachJournal } from ${inSource("cli/audit/reach-journal.ts")};
      import { openJournal } from ${inSource("journal/write/open-journal.ts")};
      const dir = ${JSON.stringify(join(dir, above, "audit"))};
      const { lock } = await reachJournal(dir, "test");
      const journal = await openJournal({ dir, durability: "flush", lock });
      await journal.append({ kind: "stop", reason: "test" });
      await journal.close();
      process.stdout.write(String(process.geteuid()));`;
      // mkdtemp creates a directory that only root can enter.
      if (above === "") spawnSync("chmod", ["755", dir]);
      const ran = spawnSync(process.execPath, ["--input-type=module-typescript", "--eval", program], {
        encoding: "utf8",
      });
      expect([ran.stderr, ran.stdout]).toEqual(["", "0"]);
      expect(spawnSync("find", [join(dir, above, "audit"), "!", "-uid", "12345"], { encoding: "utf8" }).stdout).toBe(
        "",
      );
      expect(
        spawnSync("find", [join(dir, above, "audit"), "-type", "f"], { encoding: "utf8" }).stdout.split("\n").length,
      ).toBeGreaterThan(2);
    });
  },
);
