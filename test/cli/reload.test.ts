import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ocsgw, root } from "../kit/command.ts";
import { twoTenants } from "../kit/gateway.ts";
import { patternOf } from "../kit/pattern.ts";

type Config = ReturnType<typeof twoTenants>;

let dir: string;
let port: number;
let gateway: ChildProcess;
let log = "";

const file = (): string => join(dir, "ocsgw.yaml");
const config = (share: number): Config => {
  const made = { ...twoTenants("http://127.0.0.1:9"), admin: { bind: `127.0.0.1:${port}` }, config: { watch: "all" } };
  Object.assign(made.tenants[0] as object, { share });
  return made;
};
const write = (next: Config | string): Promise<void> =>
  writeFile(file(), typeof next === "string" ? next : stringify(next, { aliasDuplicateObjects: false }));

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-reload-"));
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  ({ port } = probe.address() as AddressInfo);
  await new Promise((resolve) => probe.close(resolve));
  await write(config(1));
  gateway = spawn(process.execPath, [join(root, "src/cli/main.ts"), "run", "-c", file()], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  gateway.stderr!.on("data", (chunk: Buffer) => (log += chunk.toString()));
  await vi.waitFor(async () => expect((await ocsgw("healthcheck", "--live", "-c", file())).code).toBe(0), {
    timeout: 20_000,
    interval: 100,
  });
});
afterAll(async () => {
  gateway.kill("SIGTERM");
  await new Promise((resolve) => gateway.once("close", resolve));
  await rm(dir, { recursive: true, force: true });
});

const logged = (what: RegExp): Promise<void> => vi.waitFor(() => expect(log).toMatch(what), { timeout: 30_000 });

describe("a running gateway", () => {
  it("applies a changed file without ocsgw reload", async () => {
    await write(config(2));
    await logged(/"changes":\["Alpha Tenant: share 1 -> 2"\]/);
  });

  it("is reached by ocsgw reload even if the config's secrets are unreadable, as in a unit's ExecReload=", async () => {
    const blind = join(dir, "blind.yaml");
    const secret = "${file:/run/credentials/ocsgw.service/index.key}";
    await writeFile(blind, (await readFile(file(), "utf8")).replace(/index_key: .*/, `index_key: ${secret}`));
    expect(await readFile(blind, "utf8")).toContain(secret);
    expect(await ocsgw("reload", "-c", blind)).toMatchObject({ code: 0, stderr: "" });
    expect((await ocsgw("status", "-c", blind)).stderr).toBe("");
  });

  it("tells ocsgw reload what came into force, when and why", async () => {
    expect(await ocsgw("reload", "-c", file())).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        patternOf(
          /^No change since the reload at 20\d\d-.*Z; the running config is [0-9a-f]{12}\. /,
          /That reload, by the file watcher, changed:\n {2}Alpha Tenant: share 1 -> 2\n$/,
        ),
      ) as string,
    });
    const text = await readFile(file(), "utf8");
    await writeFile(file(), text.replace("share: 2", "share: 3"));
    const { code, stdout } = await ocsgw("reload", "-c", file(), "--json");
    // The file watcher may have applied the change already.
    const reply = JSON.parse(stdout) as { outcome: string; changes?: string[]; applied?: { changes: string[] } };
    expect([code, reply.changes ?? reply.applied?.changes]).toEqual([0, ["Alpha Tenant: share 2 -> 3"]]);
    await logged(/share 2 -> 3/);
  });

  it("rejects an invalid file with its line, keeps answering, and applies a valid one on SIGHUP", async () => {
    await write(stringify(config(4), { aliasDuplicateObjects: false }).replace("share: 4", "shar: 4"));
    const { code, stdout } = await ocsgw("reload", "-c", file());
    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^error\[OCSGW-6101\]: unknown key `shar`\n +--> .*ocsgw\.yaml:\d+:\d+\n\d+ \| +shar: 4\n.*\^\^\^\^/,
    );
    expect(stdout).toMatch(/\nReload rejected: the running config [0-9a-f]{12} is unchanged\n$/);
    expect((await ocsgw("healthcheck", "--live", "-c", file())).code).toBe(0);
    expect((await ocsgw("status", "-c", file())).stdout).toContain(
      "warning: the config file was rejected and an earlier config is in force",
    );
    await write(config(5));
    gateway.kill("SIGHUP");
    await logged(/share 3 -> 5/);
  });

  it("shows with --dry-run what would change, and changes nothing", async () => {
    const before = log;
    const text = await readFile(file(), "utf8");
    await writeFile(file(), text.replace("watch: all", "watch: none"));
    await logged(/config.watch all -> none/);
    await write(text.replace("watch: all", "watch: none").replace("share: 5", "share: 6"));
    expect(await ocsgw("reload", "-c", file(), "--dry-run")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        patternOf(
          /^Valid, not applied \(--dry-run\): config [0-9a-f]{12}; still running: [0-9a-f]{12}\n/,
          / {2}Alpha Tenant: share 5 -> 6\n/,
        ),
      ) as string,
    });
    await write(text.replace("watch: all", "watch: none").replace("share: 5", "shar: 6"));
    expect(await ocsgw("reload", "-c", file(), "--dry-run")).toMatchObject({
      code: 3,
      stdout: expect.stringContaining("unknown key `shar`") as string,
    });
    expect(log.slice(before.length)).not.toMatch(/share 5|shar`/);
  });

  it("watches at once the files of a mode that ocsgw reload brings", async () => {
    await write(config(5));
    expect((await ocsgw("reload", "-c", file())).stdout).toContain("config.watch none -> all");
    await write(config(7));
    await vi.waitFor(() => expect(log).toMatch(/share 5 -> 7/), { timeout: 10_000 });
  });

  it("says that audit.dir was changed instead of calling the token invalid", async () => {
    const text = await readFile(file(), "utf8");
    await write(text.replace("dir: audit", "dir: elsewhere"));
    for (const command of ["reload", "status"]) {
      const { code, stderr } = await ocsgw(command, "-c", file());
      expect([code, stderr]).toEqual([
        3,
        expect.stringMatching(
          patternOf(
            /has audit\.dir: \S+elsewhere, but the journal of the running gateway is in another directory\.\n/,
            /audit\.dir cannot change while the gateway runs/,
          ),
        ),
      ]);
    }
    await write(text);
  });

  it("is reported as missing when none runs", async () => {
    expect((await ocsgw("reload", "--url", "http://127.0.0.1:9", "--token", "t")).code).toBe(5);
  });
});
