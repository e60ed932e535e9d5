import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, run } from "../kit/command.ts";
import { describeWith } from "../kit/machine.ts";
import { deploy } from "./kit.ts";

const file = join(deploy, "ocsgw.service");
const settings = readFileSync(file, "utf8").split("\n").filter((line) => /^[A-Za-z]+=/.test(line)).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
const valueOf = (name: string): string => settings.filter(([each]) => each === name).at(-1)?.[1] ?? "";

describe("deploy/ocsgw.service", () => {
  it("checks the config before it starts, and reloads by the command that says what has changed", () => {
    const [node, main] = ["/opt/ocsgw/node_modules/.bin/node", "/opt/ocsgw/src/cli/main.ts"];
    expect(["ExecStartPre", "ExecStart", "ExecReload"].map(valueOf)).toEqual(["check", "run", "reload"].map((command) => `${node} ${main} ${command} -c /etc/ocsgw/ocsgw.yaml`));
    expect(existsSync(join(root, "src/cli/main.ts"))).toBe(true);
  });

  it("gives the engine the same options as the image", () => {
    const options = /^ENV (?:.* )?NODE_OPTIONS=(\S+)/m.exec(readFileSync(join(deploy, "Dockerfile"), "utf8"))?.[1];
    expect(options).toBe("--max-semi-space-size=16");
    expect(settings).toContainEqual(["Environment", `NODE_OPTIONS=${options}`]);
  });

  it("keeps compiled code in a directory of its own, so that each command starts from it", () => {
    expect(settings).toContainEqual(["Environment", `NODE_COMPILE_CACHE=%C/${valueOf("CacheDirectory")}/compiled`]);
    expect(valueOf("CacheDirectoryMode")).toBe("0700");
  });

  it("writes to one directory, as a user that exists while it runs", () => {
    expect(Object.fromEntries(["DynamicUser", "StateDirectory", "ProtectSystem", "NoNewPrivileges", "CapabilityBoundingSet"].map((name) => [name, valueOf(name)])))
      .toEqual({ DynamicUser: "yes", StateDirectory: "ocsgw", ProtectSystem: "strict", NoNewPrivileges: "yes", CapabilityBoundingSet: "" });
    expect(settings.map(([name]) => name)).not.toContain("ReadWritePaths");
  });
});

describeWith(["systemd-analyze"], "systemd-analyze security", (analyze) => {
  it("finds the exposure no higher than 2.0", async () => {
    const { stdout, stderr } = await run(analyze!, ["security", "--offline=yes", "--no-pager", file]);
    const level = Number(/Overall exposure level for \S+: (\d+\.\d)/.exec(stdout)?.[1]);
    expect(level, stdout + stderr).toBeLessThanOrEqual(2);
  });
});
