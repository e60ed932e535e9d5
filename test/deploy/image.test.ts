import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { spawn, type ChildProcess } from "node:child_process";
import manifest from "../../package.json" with { type: "json" };
import { root } from "../kit/command.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { freePort } from "../kit/server-program.ts";
import { deploy } from "./kit.ts";
import { stage } from "./package/kit.ts";

// On a busy machine they take their time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const dockerfile = readFileSync(join(deploy, "Dockerfile"), "utf8");
const instructions = dockerfile
  .replaceAll("\\\n", " ")
  .split("\n")
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1).trim()] as const);
const last = (name: string): string => instructions.filter(([each]) => each === name).at(-1)![1];
const words = (name: string): string[] => JSON.parse(last(name).replace(/^.*?CMD /, "")) as string[];

describe("deploy/Dockerfile", () => {
  it("ends in an image without shell or package manager, as a user that is not root", () => {
    expect(instructions.filter(([name]) => name === "FROM").at(-1)).toEqual(["FROM", "scratch"]);
    expect(last("USER")).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const final = instructions.slice(instructions.map(([name]) => name).lastIndexOf("FROM"));
    expect(final.map(([name]) => name)).not.toContain("RUN");
  });

  it("installs by the lockfile alone, without install scripts and without what only development needs", () => {
    const runs = instructions.filter(([name]) => name === "RUN").map(([, text]) => text);
    const installs = runs.filter((text) => text.startsWith("npm "));
    for (const each of installs) expect(each).toMatch(/^npm ci (?=.*--ignore-scripts)/);
    expect(installs.at(-1)).toContain("--omit=dev");
    expect(runs.join("\n")).not.toMatch(/curl|wget|apt|npm (?:i|install)\b/);
  });

  it("contains the built package with its console, and fails if either cannot be built", () => {
    const runs = instructions.filter(([name]) => name === "RUN").map(([, text]) => text);
    const built = runs.indexOf("node src/console/build.mjs --required");
    expect(built).toBeGreaterThan(0);
    expect(runs[built + 1]).toBe("node deploy/package/stage.ts /package");
    expect(instructions).toContainEqual(["COPY", "--from=package /package ./"]);
  });

  it("says by labels what it contains, and which version", () => {
    const [, label] = instructions.find(([name]) => name === "LABEL")!;
    const labels = Object.fromEntries(
      [...label.matchAll(/org\.opencontainers\.image\.(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
    );
    expect(labels).toMatchObject({ title: manifest.name, licenses: manifest.license, revision: "$REVISION" });
    expect(labels["version"]).toBe("$VERSION");
    expect(instructions).toContainEqual(["ARG", `VERSION=${manifest.version}`]);
  });

  it("sends the build nothing but what it copies", () => {
    const allowed = readFileSync(join(deploy, "Dockerfile.dockerignore"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    const copied = instructions
      .filter(([name, text]) => name === "COPY" && !text.startsWith("--from"))
      .flatMap(([, text]) =>
        text
          .split(" ")
          .slice(0, -1)
          .map((each) => each.replace(/^\.\//, "")),
      );
    const sent = (path: string): boolean => allowed.some((each) => path === each || path.startsWith(`${each}/`));
    expect(copied.filter((each) => !sent(each))).toEqual([]);
    expect(allowed.filter((each) => !copied.includes(each))).toEqual([]);
    for (const each of copied) expect(existsSync(join(root, each)), each).toBe(true);
  });

  it("runs the gateway, and asks whether it is ready", () => {
    expect([...words("ENTRYPOINT"), ...words("CMD")]).toEqual([
      "/usr/bin/node",
      "/opt/ocsgw/lib/cli/main.js",
      "run",
      "-c",
      "/etc/ocsgw/ocsgw.yaml",
    ]);
    expect(words("HEALTHCHECK").slice(2)).toEqual(["healthcheck", "--live", "-c", "/etc/ocsgw/ocsgw.yaml"]);
  });
});

describe("deploy/compose.yaml", () => {
  type Service = Readonly<Record<string, unknown>>;
  const { services } = parse(readFileSync(join(deploy, "compose.yaml"), "utf8"), { merge: true }) as {
    services: Record<string, Service>;
  };

  it("has a profile for the sandbox and one for the gateway", () => {
    expect(Object.entries(services).map(([name, { profiles }]) => [name, profiles])).toEqual([
      ["sandbox", ["sandbox"]],
      ["gateway", ["gateway"]],
      ["standby", ["standby"]],
      ["gateway-a", ["cluster"]],
      ["gateway-b", ["cluster"]],
      ["database", ["cluster"]],
      ["balancer", ["cluster"]],
      ["prometheus", ["observability"]],
      ["grafana", ["observability"]],
    ]);
  });

  it("asks whether a container is alive, not whether OCS is there: to start it again would not help", () => {
    const asked = [
      last("HEALTHCHECK"),
      ...Object.entries(services).flatMap(([name, { healthcheck }]) =>
        healthcheck && name !== "database" ? [JSON.stringify(healthcheck)] : [],
      ),
    ];
    expect(asked).toHaveLength(3);
    for (const each of asked) expect(each).toMatch(/healthcheck[", ]+--live/);
  });

  it.each(Object.entries(services))(
    "confines %s: read-only, without capabilities or new privileges, and bounded",
    (_name, service) => {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        pids_limit: expect.any(Number) as number,
        mem_limit: expect.any(String) as string,
      });
      expect(service["tmpfs"]).toContainEqual(expect.stringMatching(/^\/tmp:/));
      expect(service).not.toHaveProperty("privileged");
      expect(service).not.toHaveProperty("cap_add");
    },
  );
});

/** A mount namespace, a root of its own and another user: what a container engine would give. */
const canConfine =
  process.getuid?.() === 0 && process.platform === "linux" && spawnSync("unshare", ["-m", "true"]).status === 0;

describe("the image's files, read-only, without privileges, as its user", () => {
  let image: string;
  let state: string;
  let config: string;
  let ocs: RawOcs;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    if (!canConfine) return;
    [image, state, config] = ["image", "state", "config"].map((name) =>
      mkdtempSync(join(tmpdir(), `ocsgw-${name}-`)),
    ) as [string, string, string];
    const staged = stage({ libraries: true });
    execFileSync("sh", [join(deploy, "image-files.sh"), image], { cwd: staged.dir });
    staged.remove();
    // An engine mounts these.
    for (const each of ["proc", "dev"]) mkdirSync(join(image, each));
    for (const each of [image, state, config]) chmodSync(each, 0o755);
    execFileSync("chown", ["10001:10001", state]);
    ocs = await rawOcs();
  });
  afterAll(async () => {
    if (!canConfine) return;
    for (const child of children) if (child.exitCode === null) child.kill("SIGKILL");
    await ocs.close();
    for (const each of [image, state, config]) rmSync(each, { recursive: true, force: true });
  });

  /** As the engine starts it: ENTRYPOINT and the given words. */
  const start = (
    ...args: readonly string[]
  ): { readonly child: ChildProcess; readonly said: () => string; readonly over: Promise<number | null> } => {
    const script = `
      mount --bind "$IMAGE" "$IMAGE" && mount --bind "$CONFIG" "$IMAGE/etc/ocsgw" &&
        mount -o remount,bind,ro "$IMAGE/etc/ocsgw"
      mount --bind "$STATE" "$IMAGE/var/lib/ocsgw" &&
        mount -t tmpfs -o size=64m,mode=1777,noexec,nosuid,nodev tmpfs "$IMAGE/tmp" &&
        mount -t proc proc "$IMAGE/proc" && mount --bind /dev "$IMAGE/dev"
      mount -o remount,bind,ro "$IMAGE" && exec setpriv --no-new-privs chroot --userspec=10001:10001 "$IMAGE" "$@"`;
    const env = {
      IMAGE: image,
      STATE: state,
      CONFIG: config,
      PATH: process.env["PATH"],
      NODE_ENV: "production",
      OCSGW_CONTAINER: "1",
      HOME: "/tmp",
      NODE_COMPILE_CACHE: "/opt/ocsgw/compiled",
      ...(process.env["OCSGW_LOG"] && { OCSGW_LOG: process.env["OCSGW_LOG"] }),
    };
    const child = spawn(
      "unshare",
      ["-m", "--propagation", "private", "sh", "-ec", script, "sh", ...words("ENTRYPOINT"), ...args],
      { env: env as NodeJS.ProcessEnv, stdio: ["ignore", "pipe", "pipe"] },
    );
    children.push(child);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
    return { child, said: () => said, over: new Promise((resolve) => child.once("close", (code) => resolve(code))) };
  };

  const until = async (what: () => Promise<boolean> | boolean, said: () => string): Promise<void> => {
    for (let left = 400; left > 0; left--) {
      if (await what()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`it does not come to it: ${said()}`);
  };

  it.skipIf(!canConfine)("brings the code compiled, as a file that only root can write", () => {
    const [, compiled] = /^ENV NODE_COMPILE_CACHE=(\S+)$/m.exec(dockerfile)!;
    const place = join(image, compiled!);
    const [version] = readdirSync(place);
    expect(version).toMatch(/-10001$/);
    const files = readdirSync(join(place, version!)).map((name) => statSync(join(place, version!, name)));
    // A start of the gateway loads more than so many files.
    expect(files.length).toBeGreaterThan(500);
    for (const { uid, gid, mode } of [statSync(place), ...files])
      expect([uid, gid, mode & 0o022, mode & 0o004]).toEqual([0, 0, 0, 0o004]);
  });

  it.skipIf(!canConfine)(
    "brings the lists of what it contains: packages, licenses, and shared libraries of Debian",
    () => {
      const { components } = JSON.parse(readFileSync(join(image, "opt/ocsgw/sbom.cdx.json"), "utf8")) as {
        components: { "bom-ref": string; scope: string }[];
      };
      expect(components.length).toBeGreaterThan(50);
      expect(readFileSync(join(image, "opt/ocsgw/THIRD-PARTY-LICENSES.md"), "utf8")).toContain("| express |");
      expect(readdirSync(join(image, "opt/ocsgw"))).not.toContain("src");
      if (spawnSync("dpkg-query", ["--version"]).status !== 0) return;
      const libraries = join(image, "var/lib/dpkg/status.d");
      expect(readdirSync(libraries)).toContain("libc6");
      expect(readFileSync(join(libraries, "libc6"), "utf8")).toMatch(/^Package: libc6\n[^]*^Version: /m);
    },
  );

  it.skipIf(!canConfine)("says what to mount when nothing is mounted, and ends with 3", async () => {
    const { said, over } = start(...words("CMD"));
    expect(await over).toBe(3);
    expect(said()).toMatch(
      /Three ways to provide one to this container:[^]*docker run -v[^]*configs:[^]*FROM ocsgw[^]*ocsgw sandbox/,
    );
  });

  it.skipIf(!canConfine)("serves by the config that is mounted, is healthy, and ends in order", async () => {
    const [port, admin] = [await freePort(), await freePort()];
    const sample = readFileSync(join(root, "config/ocsgw.yaml"), "utf8");
    writeFileSync(
      join(config, "ocsgw.yaml"),
      sample
        .replace("bind: 127.0.0.1:8443", `bind: 127.0.0.1:${port}`)
        .replace("primary: http://127.0.0.1:18080", `primary: ${ocs.url}`)
        .replace("dir: ./audit", "dir: /var/lib/ocsgw/audit")
        .replace("key: secrets/checkpoint.pem", "key: /var/lib/ocsgw/checkpoint.pem")
        .replaceAll("127.0.0.1:9640", `127.0.0.1:${admin}`),
    );
    writeFileSync(join(config, "keys.yaml"), readFileSync(join(root, "config/keys.yaml")));
    const { child, said, over } = start(...words("CMD"));
    const isHealthy = async (): Promise<boolean> => (await start(...words("HEALTHCHECK").slice(2)).over) === 0;
    await until(isHealthy, said);
    // It lives as soon as probes are answered; clients are listened for a moment later.
    await until(async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok, said);
    const reply = await fetch(`http://127.0.0.1:${port}/phones/4155550100?req=DoNotCall`, { method: "POST" });
    expect([reply.status, reply.headers.get("ocsgw-code")]).toEqual([401, "OCSGW-2001"]);
    child.kill("SIGTERM");
    expect(await over).toBe(0);
    expect(existsSync(join(state, "audit/segments"))).toBe(true);
  });

  it.skipIf(!canConfine)("brings its sandbox", async () => {
    const { child, said, over } = start("sandbox", "--port", "0");
    await until(() => said().includes("Try a Do-Not-Call"), said);
    const [, gateway] = /gateway\s+(http:\/\/\S+)/.exec(said())!;
    const reply = await fetch(`${gateway}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from("alpha-crm:sk_sandbox_alpha-crm").toString("base64")}` },
    });
    expect([reply.status, reply.headers.get("ocsgw-origin")]).toEqual([200, "ocs"]);
    child.kill("SIGTERM");
    expect(await over).toBe(0);
  });
});
