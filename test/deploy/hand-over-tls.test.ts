/** The script that gives the service its certificates and keys, run by whoever runs the tests. */
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run, type Ran } from "../kit/command.ts";
import { deploy } from "./kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-hand-over-"));
  for (const each of ["tls", "state", "archive"]) await mkdir(join(dir, each), { mode: 0o700 });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const handOver = (env: NodeJS.ProcessEnv = { STATE_DIRECTORY: join(dir, "state") }): Promise<Ran> =>
  run("sh", [join(deploy, "hand-over-tls.sh"), join(dir, "tls"), join(dir, "run")], { env });
const given = (name: string): string => join(dir, "run/tls", name);
const write = (name: string, text: string, mode = 0o600): Promise<void> => writeFile(join(dir, name), text, { mode });

describe("deploy/hand-over-tls.sh", () => {
  it("copies every file for the owner of the service's directory alone, whatever its mode was", async () => {
    await write("tls/server.crt", "certificate", 0o644);
    await write("tls/server.key", "key");
    expect(await handOver()).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const { uid } = await stat(join(dir, "state"));
    for (const [name, text] of [
      ["server.crt", "certificate"],
      ["server.key", "key"],
    ] as const) {
      expect(await readFile(given(name), "utf8")).toBe(text);
      expect(await stat(given(name)).then((found) => [found.mode & 0o777, found.uid])).toEqual([0o400, uid]);
    }
  });

  it("copies what links lead to, as an ACME client has them", async () => {
    await write("archive/privkey7.pem", "key 7");
    await symlink("../archive/privkey7.pem", join(dir, "tls/server.key"));
    await symlink("../archive/gone.pem", join(dir, "tls/old.key"));
    expect((await handOver()).code).toBe(0);
    expect((await lstat(given("server.key"))).isFile()).toBe(true);
    expect(await readdir(join(dir, "run/tls"))).toEqual(["server.key"]);
  });

  it("replaces all files at once, by a link, and leaves none of those before", async () => {
    await write("tls/server.key", "first");
    await write("tls/other.key", "first");
    await handOver();
    await write("tls/server.key", "second");
    await rm(join(dir, "tls/other.key"));
    expect((await handOver()).code).toBe(0);
    expect((await lstat(join(dir, "run/tls"))).isSymbolicLink()).toBe(true);
    expect(await readFile(given("server.key"), "utf8")).toBe("second");
    expect(await readdir(join(dir, "run/tls"))).toEqual(["server.key"]);
    expect(await readdir(join(dir, "run"))).toHaveLength(2);
  });

  it("does nothing where there is no such directory: a gateway on loopback needs none", async () => {
    await rm(join(dir, "tls"), { recursive: true });
    expect((await handOver()).code).toBe(0);
    expect(await readdir(dir)).not.toContain("run");
  });

  it.each([
    ["without a unit around it", { STATE_DIRECTORY: "" }],
    ["without the service's directory", { STATE_DIRECTORY: "/nowhere" }],
  ])("fails %s, and copies nothing", async (_title, env) => {
    await write("tls/server.key", "key");
    const { code, stderr } = await handOver(env);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/STATE_DIRECTORY|nowhere/);
    expect(await readdir(dir)).not.toContain("run");
  });
});
