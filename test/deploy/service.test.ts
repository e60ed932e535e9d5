import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, run } from "../kit/command.ts";
import { describeWith } from "../kit/machine.ts";
import { GIVEN_MS } from "../../src/settings/stop-time.ts";
import { deploy } from "./kit.ts";

const file = join(deploy, "ocsgw.service");
const settings = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => /^[A-Za-z]+=/.test(line))
  .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
const valueOf = (name: string): string => settings.filter(([each]) => each === name).at(-1)?.[1] ?? "";

const documentation = settings
  .filter(([name]) => name === "Documentation")
  .map(([, value]) => value.replace("file://", ""));

describe("deploy/ocsgw.service", () => {
  it("runs the package, takes certificates as root, and reloads by the command that says what has changed", () => {
    const [node, main] = ["/opt/ocsgw/node_modules/.bin/node", "/opt/ocsgw/lib/cli/main.js"];
    const takes = "+/opt/ocsgw/deploy/hand-over-tls.sh";
    const ocsgw = (command: string): string => `${node} ${main} ${command} -c /etc/ocsgw/ocsgw.yaml`;
    const commands = settings.filter(([name]) => name.startsWith("Exec"));
    expect(commands).toEqual([
      ["ExecStartPre", takes],
      ["ExecStart", ocsgw("run")],
      ["ExecReload", takes],
      ["ExecReload", ocsgw("reload")],
      ["ExecStopPost", "+/bin/rm -rf /run/ocsgw"],
    ]);
    const named = [main, takes.slice(1), ...documentation].map((path) => path.replace("/opt/ocsgw/", ""));
    // What the package has in lib/ comes from src/ (test/deploy/package/stage.test.ts).
    const sources = named.map((path) => join(root, path.replace(/^lib\//, "src/").replace(/\.js$/, ".ts")));
    expect(sources.filter((each) => !existsSync(each))).toEqual([]);
  });

  it("is ready when the gateway says so, and does not start again what would end the same way", () => {
    const names = ["Type", "NotifyAccess", "Restart", "RestartPreventExitStatus"];
    expect(names.map(valueOf)).toEqual(["notify", "all", "on-failure", "2 3 7"]);
    expect(settings.map(([name]) => name)).not.toContain("WatchdogSec");
  });

  it.each([
    ["NODE_OPTIONS", "--max-semi-space-size=16"],
    ["MALLOC_ARENA_MAX", "2"],
    ["MALLOC_MMAP_THRESHOLD_", "131072"],
    ["MALLOC_TRIM_THRESHOLD_", "131072"],
  ])("gives the process the same %s as the image", (name, value) => {
    const image = readFileSync(join(deploy, "Dockerfile"), "utf8");
    expect(new RegExp(`^ENV (?:.* )?${name}=(\\S+)`, "m").exec(image)?.[1]).toBe(value);
    expect(settings).toContainEqual(["Environment", `${name}=${value}`]);
  });

  it("keeps compiled code in a directory of its own, so that each command starts from it", () => {
    expect(settings).toContainEqual(["Environment", `NODE_COMPILE_CACHE=%C/${valueOf("CacheDirectory")}/compiled`]);
    expect(valueOf("CacheDirectoryMode")).toBe("0700");
  });

  it("gives requests that are under way the time that check counts on, as compose does", () => {
    expect(valueOf("TimeoutStopSec")).toBe(`${GIVEN_MS / 1000}s`);
    expect(readFileSync(join(deploy, "compose.yaml"), "utf8")).toContain(
      `\n  stop_grace_period: ${GIVEN_MS / 1000}s\n`,
    );
  });

  it("writes to one directory, as a user that exists while it runs", () => {
    expect(
      Object.fromEntries(
        ["DynamicUser", "StateDirectory", "ProtectSystem", "NoNewPrivileges", "CapabilityBoundingSet"].map((name) => [
          name,
          valueOf(name),
        ]),
      ),
    ).toEqual({
      DynamicUser: "yes",
      StateDirectory: "ocsgw",
      ProtectSystem: "strict",
      NoNewPrivileges: "yes",
      CapabilityBoundingSet: "",
    });
    expect(settings.map(([name]) => name)).not.toContain("ReadWritePaths");
  });
});

describeWith(["systemd-analyze"], "systemd-analyze", (analyze) => {
  it("finds the exposure no higher than 2.0", async () => {
    const { stdout, stderr } = await run(analyze!, ["security", "--offline=yes", "--no-pager", file]);
    const level = Number(/Overall exposure level for \S+: (\d+\.\d)/.exec(stdout)?.[1]);
    expect(level, stdout + stderr).toBeLessThanOrEqual(2);
  });

  it("finds nothing wrong in the units but that no package is installed here", async () => {
    const { stdout, stderr } = await run(analyze!, ["verify", file, join(deploy, "ocsgw.socket")]);
    const found = (stdout + stderr).split("\n").filter((line) => line.includes("ocsgw"));
    expect(found.filter((line) => !/: Command \/opt\/ocsgw\/\S+ is not executable: No such file/.test(line))).toEqual(
      [],
    );
  });
});
