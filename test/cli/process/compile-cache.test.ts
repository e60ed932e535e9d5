/** Compiled code is cached only where no other user can add code. */
import { spawnSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cacheDirectory, isPrivateFolder } from "../../../src/cli/process/compile-cache.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cache-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("the directory of the compile cache", () => {
  it.each([
    [{ CACHE_DIRECTORY: "/var/cache/ocsgw" }, "/var/cache/ocsgw/compiled"],
    [{ CACHE_DIRECTORY: "/var/cache/ocsgw:/var/cache/other", XDG_CACHE_HOME: "/x" }, "/var/cache/ocsgw/compiled"],
    [{ XDG_CACHE_HOME: "/x" }, "/x/ocsgw/compiled"],
    [{ XDG_CACHE_HOME: "", CACHE_DIRECTORY: "" }, "/home/a/.cache/ocsgw/compiled"],
    [{}, "/home/a/.cache/ocsgw/compiled"],
    [{ XDG_CACHE_HOME: "relative" }, undefined],
  ])("for %o is %s", (env, expected) => {
    expect(cacheDirectory(env, "/home/a")).toBe(expected);
  });
});

describe("the compile cache is used", () => {
  it("in a directory that it creates with mode 0700", async () => {
    expect(isPrivateFolder(join(dir, "a", "compiled"))).toBe(true);
    expect((await stat(join(dir, "a", "compiled"))).mode & 0o777).toBe(0o700);
  });

  const refused: readonly (readonly [what: string, prepare: (place: string) => Promise<unknown>])[] = [
    ["that others may write to", (place) => mkdir(place, { recursive: true }).then(() => chmod(place, 0o777))],
    ["that a group may write to", (place) => mkdir(place, { recursive: true }).then(() => chmod(place, 0o770))],
    [
      "above which others may write",
      (place) => mkdir(place, { recursive: true }).then(() => chmod(join(place, ".."), 0o777)),
    ],
    [
      "that is a link",
      async (place) => {
        await mkdir(join(dir, "else"));
        await mkdir(join(place, ".."));
        await symlink(join(dir, "else"), place);
      },
    ],
    [
      "that is a file",
      async (place) => {
        await mkdir(join(place, ".."));
        await writeFile(place, "");
      },
    ],
  ];
  it.each(refused)("in no directory %s", async (_what, prepare) => {
    const place = join(dir, "a", "compiled");
    await prepare(place);
    expect(isPrivateFolder(place)).toBe(false);
  });

  it.runIf(process.getuid?.() === 0)("in no directory of another user, nor below one", async () => {
    const place = join(dir, "a", "compiled");
    await mkdir(place, { recursive: true });
    await chown(place, 12345, 12345);
    expect(isPrivateFolder(place)).toBe(false);
    await chown(place, 0, 0);
    await chown(join(dir, "a"), 12345, 12345);
    expect(isPrivateFolder(place)).toBe(false);
  });
});

describe("a command", () => {
  const run = (env: Readonly<Record<string, string>>): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["src/cli/main.ts", "audit", "filters"], {
      env: { PATH: process.env.PATH, ...env },
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    return stdout;
  };

  it("caches compiled code, prints the same with it, and works without it", async () => {
    const kept = join(dir, "ocsgw", "compiled");
    const first = run({ XDG_CACHE_HOME: dir });
    const [version] = await readdir(kept);
    expect((await readdir(join(kept, version!))).length).toBeGreaterThan(5);
    expect(run({ XDG_CACHE_HOME: dir })).toBe(first);
    await rm(kept, { recursive: true });
    await chmod(join(dir, "ocsgw"), 0o777);
    expect(run({ XDG_CACHE_HOME: dir })).toBe(first);
    expect(
      await readdir(join(dir, "ocsgw")).then((names) =>
        Promise.all(names.map((name) => readdir(join(dir, "ocsgw", name)))),
      ),
    ).toEqual([[]]);
  }, 60_000);
});
