import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startWatching, type Watch } from "../../../src/app/config/file-watcher.ts";
import { events } from "../../../src/common/log/events.ts";

/** Without watches left, the system call fails. */
let hasWatches = true;
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  return {
    ...fs,
    watch: (...args: Parameters<typeof fs.watch>) => {
      if (!hasWatches) throw Object.assign(new Error("no watches"), { code: "ENOSPC" });
      return fs.watch(...args);
    },
  };
});

let dir: string;
let watch: Watch | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-watch-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await watch?.close();
  await rm(dir, { recursive: true, force: true });
});

describe("a folder that cannot be watched", () => {
  it("is logged once, its files are still checked, and it is logged again after it was watched meanwhile", async () => {
    const logged = vi.spyOn(events, "fileWatchUnavailable").mockReturnValue();
    const file = join(dir, "keys.yaml");
    await writeFile(file, "one");
    let changes = 0;
    hasWatches = false;
    watch = await startWatching({
      files: () => new Map([[file, undefined]]),
      changed: () => Promise.resolve(changes++),
    });
    await watch.check();
    await writeFile(file, "two, which is longer");
    await watch.check();
    expect([logged.mock.calls, changes]).toEqual([[[{ folder: dir }]], 1]);
    hasWatches = true;
    await watch.check();
    hasWatches = false;
    await rm(dir, { recursive: true });
    await watch.check();
    await mkdir(dir);
    await watch.check();
    expect(logged.mock.calls).toEqual([dir, tmpdir(), dir].map((folder) => [{ folder }]));
  });
});
