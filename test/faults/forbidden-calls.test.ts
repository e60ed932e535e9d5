/** System calls that the filter of a service or a container forbids (SystemCallFilter=, seccomp), by strace. */
import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { ocsgw } from "../kit/command.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";
import { aConfigured, twoTenants } from "../kit/gateway.ts";
import { describeAllowed, programOf } from "../kit/machine.ts";

const strace = programOf("strace");
const canTrace = strace !== undefined && spawnSync(strace, ["-f", "-qq", "-o", "/dev/null", "true"]).status === 0;

let gateway: GatewayProcess | undefined;
let dir: string | undefined;
afterEach(async () => {
  await gateway?.end("SIGTERM");
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

describeAllowed(canTrace, "strace, and a machine that lets it trace", "a gateway that may not", () => {
  it.each([
    ["give its searches another priority", "getpriority,setpriority"],
    ["give files to another owner", "chown,fchown,lchown,fchownat"],
    ["set limits of resources", "setrlimit"],
  ])("%s starts, and answers a search", async (_title, calls) => {
    dir = await aConfigured(twoTenants("http://127.0.0.1:9"), ["alpha", "beta"]);
    const config = join(dir, "ocsgw.yaml");
    gateway = await startGateway(config, {
      by: [strace!, "-f", "-qq", "-o", "/dev/null", "-e", `trace=${calls}`, "-e", `inject=${calls}:error=EPERM`],
    });
    const { code, stdout, stderr } = await ocsgw("audit", "search", "kind:start", "-c", config);
    expect(stderr + stdout).toMatch(/start +format 2/);
    expect(code).toBe(0);
  });
});
