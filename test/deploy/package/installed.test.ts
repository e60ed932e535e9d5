/**
 * The tarball, installed by npm in an empty folder: read-only, as another user, with the system's Node alone on PATH.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, cpSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { describeAllowed } from "../../kit/machine.ts";
import { canBeOthers, NEEDED } from "../../kit/other-user.ts";
import { rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";
import { freePort } from "../../kit/server-program.ts";
import { pack, stage, systemNode, type Staged } from "./kit.ts";

// npm unpacks a hundred packages, and Node is 120 MB of them.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const SOMEBODY = 12_345;

/** In a mount namespace of its own, where the installation cannot be written to. */
const READ_ONLY =
  'mount --bind "$APP" "$APP" && mount -o remount,bind,ro "$APP" && ' +
  'PATH="$ONLY" exec /usr/bin/setpriv --reuid "$WHO" --regid "$WHO" --clear-groups ' +
  '"$APP/node_modules/.bin/ocsgw" "$@"';

describeAllowed(canBeOthers(), NEEDED, "the installed package", () => {
  let staged: Staged | undefined;
  let [app, home, only] = ["", "", ""];
  let before: string;
  let ocs: RawOcs | undefined;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    staged = stage();
    [app, home, only] = ["app", "home", "path"].map((name) =>
      mkdtempSync(join(tmpdir(), `ocsgw-installed-${name}-`)),
    ) as [string, string, string];
    for (const each of [app, only]) chmodSync(each, 0o755);
    chownSync(home, SOMEBODY, SOMEBODY);
    symlinkSync(systemNode(), join(only, "node"));
    const flags = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    execFileSync("npm", ["install", "--prefix", app, ...flags, pack(staged)], { cwd: app, stdio: "ignore" });
    before = digestOf(app);
    ocs = await rawOcs();
  });
  afterAll(async () => {
    for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
    await ocs?.close();
    staged?.remove();
    for (const each of [app, home, only]) rmSync(each, { recursive: true });
  });

  const start = (...args: readonly string[]) => {
    const env = {
      APP: app,
      WHO: String(SOMEBODY),
      ONLY: only,
      HOME: home,
      OCSGW_CONTAINER: "0",
      PATH: process.env["PATH"],
    };
    const options = { cwd: home, env: env as NodeJS.ProcessEnv, stdio: "pipe" } as const;
    const child = spawn("unshare", ["-m", "--propagation", "private", "sh", "-ec", READ_ONLY, "sh", ...args], options);
    children.push(child);
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
    child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    return { child, stdout: () => stdout, stderr: () => stderr, ended };
  };
  const run = async (...args: readonly string[]): Promise<string> => {
    const { ended, stdout, stderr } = start(...args);
    expect([await ended, stderr()], args.join(" ")).toEqual([0, expect.any(String)]);
    return stdout();
  };
  const doNotCall = (gateway: string, user: string, key: string): Promise<Response> =>
    fetch(`${gateway}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(`${user}:${key}`).toString("base64")}` },
    });

  /** By the typed client of the package, on the system's Node. */
  const callByClient = async (gateway: string): Promise<unknown> => {
    const program = `import { ocs } from "ocs-gateway/client";
      const client = ocs({ baseUrl: "${gateway}", client: "alpha-crm", key: "sk_sandbox_alpha-crm" });
      console.log(JSON.stringify(await client.phones("4155550100").doNotCall()));
      client.close();`;
    const args = ["--input-type=module", "-e", program];
    return JSON.parse(execFileSync(systemNode(), args, { cwd: app, encoding: "utf8" })) as unknown;
  };

  it("runs on the Node that it brings, whatever Node is on PATH", async () => {
    const { version } = JSON.parse(readFileSync(join(staged!.dir, "package.json"), "utf8")) as { version: string };
    expect(await run("--version")).toBe(`${version}\n`);
  });

  it("has exactly the locked versions", () => {
    type Lock = { packages: Readonly<Record<string, { name?: string; version: string; integrity: string }>> };
    const read = (path: string): Lock => JSON.parse(readFileSync(path, "utf8")) as Lock;
    const versions = ({ packages }: Lock): string[] =>
      Object.entries(packages)
        .filter(([path]) => path.includes("node_modules/") && !path.endsWith("node_modules/ocs-gateway"))
        .map(
          ([path, { name, version, integrity }]) =>
            `${name ?? path.split("node_modules/").at(-1)}@${version} ${integrity}`,
        );
    const locked = new Set(versions(read(join(staged!.dir, "npm-shrinkwrap.json"))));
    const installed = versions(read(join(app, "package-lock.json")));
    expect(installed.length).toBeGreaterThan(50);
    expect(installed.filter((each) => !locked.has(each))).toEqual([]);
  });

  it("answers a request to its sandbox with 200", async () => {
    const { child, stdout, stderr, ended } = start("sandbox", "--port", "0");
    await vi.waitFor(() => expect(stdout(), stderr()).toContain("Try a Do-Not-Call"), {
      timeout: 60_000,
      interval: 50,
    });
    const [, gateway] = /gateway\s+(http:\/\/\S+)/.exec(stdout())!;
    const reply = await doNotCall(gateway!, "alpha-crm", "sk_sandbox_alpha-crm");
    expect([reply.status, reply.headers.get("ocsgw-origin")]).toEqual([200, "ocs"]);
    expect(await callByClient(gateway!)).toMatchObject({ ok: true, delivery: "answered" });
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  it("checks a config, creates a key, runs the gateway, and verifies its journal", async () => {
    const [port, admin] = [await freePort(), await freePort()];
    const config = join(home, "ocsgw.yaml");
    const sample = readFileSync(join(app, "node_modules/ocs-gateway/config/ocsgw.yaml"), "utf8");
    writeFileSync(
      config,
      sample
        .replace("bind: 127.0.0.1:8443", `bind: 127.0.0.1:${port}`)
        .replace("primary: http://127.0.0.1:18080", `primary: ${ocs!.url}`)
        .replaceAll("127.0.0.1:9640", `127.0.0.1:${admin}`),
    );
    cpSync(join(app, "node_modules/ocs-gateway/config/keys.yaml"), join(home, "keys.yaml"));
    for (const each of [config, join(home, "keys.yaml")]) chownSync(each, SOMEBODY, SOMEBODY);
    expect(await run("check", "-c", config)).toMatch(/^ok {2}/m);
    const [key] = /\bsk_\S+|\bocsgw_\S+/.exec(await run("keys", "create", "-c", config, "--client", "alpha-ors")) ?? [];
    const { child, stderr, ended } = start("run", "-c", config);
    const isReady = async (): Promise<void> =>
      expect((await fetch(`http://127.0.0.1:${admin}/readyz`)).ok, stderr()).toBe(true);
    await vi.waitFor(isReady, { timeout: 60_000, interval: 50 });
    const reply = await doNotCall(`http://127.0.0.1:${port}`, "alpha-ors", key!);
    expect([reply.status, reply.headers.get("ocsgw-delivery")]).toEqual([200, "answered"]);
    expect(ocs!.bytes()).toContain("POST /phones/4155550100?req=DoNotCall");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(await run("audit", "verify", "-c", config)).toMatch(/\bOK\b/);
  });

  it("has not changed", () => {
    expect(digestOf(app)).toBe(before);
  });
});

/** Of names, modes, owners, targets of links and contents. */
const digestOf = (folder: string): string => {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted()) {
    const path = join(folder, name);
    const stats = lstatSync(path);
    hash.update(`${name}\0${stats.mode} ${stats.uid} ${stats.mtimeMs}\0`);
    if (stats.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (stats.isFile()) hash.update(readFileSync(path));
  }
  return hash.digest("hex");
};
