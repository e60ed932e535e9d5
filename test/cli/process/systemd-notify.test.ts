/** Notifications to systemd, by a `systemd-notify` that records its arguments. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { root } from "../../kit/command.ts";
import { startGateway, type GatewayProcess } from "../../kit/gateway-process.ts";
import { aConfigured, twoTenants } from "../../kit/gateway.ts";

const over: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of over.splice(0).reverse()) await each();
});

type Notified = {
  readonly gateway: GatewayProcess;
  readonly dir: string;
  readonly notifications: () => Promise<string[]>;
};

/** `program`: what systemd-notify does, as a shell script. */
const started = async (
  env: NodeJS.ProcessEnv,
  program = 'echo "$*" >> "$(dirname "$0")/notifications"',
): Promise<Notified> => {
  const files = { "systemd-notify": `#!/bin/sh\n${program}\n` };
  const dir = await aConfigured(twoTenants("http://127.0.0.1:9"), ["alpha", "beta"], files);
  await chmod(join(dir, "systemd-notify"), 0o755);
  const gateway = await startGateway(join(dir, "ocsgw.yaml"), {
    env: { ...env, PATH: `${dir}:${process.env["PATH"]}` },
  });
  over.push(
    () => rm(dir, { recursive: true, force: true }),
    () => gateway.end("SIGTERM"),
  );
  const text = (): Promise<string> => readFile(join(dir, "notifications"), "utf8").catch(() => "");
  const notifications = async (): Promise<string[]> => (await text()).split("\n").slice(0, -1);
  return { gateway, dir, notifications };
};

const SYSTEMD = { NOTIFY_SOCKET: "/run/systemd/notify" };

describe("systemd is notified", () => {
  it("when the gateway is ready, reloads and stops, each time with a line for systemctl status", async () => {
    const { gateway, dir, notifications } = await started(SYSTEMD);
    const state = /STATUS=not ready: .*; config [0-9a-f]{12}$/;
    const ready = expect.stringMatching(/^READY=1 STATUS=/) as string;
    await vi.waitFor(async () => expect(await notifications()).toEqual([ready]), { timeout: 10_000 });
    // There is no OCS, and the gateway needs a while to find out.
    await vi.waitFor(async () => expect((await notifications()).at(-1)).toMatch(state), {
      timeout: 15_000,
      interval: 200,
    });
    const before = (await notifications()).length;
    const file = join(dir, "ocsgw.yaml");
    const config = await readFile(file, "utf8");
    await writeFile(file, config.replace("name: Beta Tenant", "share: 2\n    name: Beta Tenant"));
    process.kill(gateway.pid, "SIGHUP");
    const reading = expect.stringMatching(/^RELOADING=1 MONOTONIC_USEC=\d+ STATUS=reloading the config$/) as string;
    const both = expect.arrayContaining([reading, ready]) as string[];
    await vi.waitFor(async () => expect((await notifications()).slice(before)).toEqual(both), { timeout: 10_000 });
    await gateway.end("SIGTERM");
    expect((await notifications()).at(-1)).toBe(
      "STOPPING=1 STATUS=draining: not ready; requests in progress are finished",
    );
  });

  it("when a standby waits, which counts as ready", async () => {
    const { dir, gateway: leader, notifications } = await started({});
    const args = [join(root, "src/cli/main.ts"), "run", "--standby", "-c", join(dir, "ocsgw.yaml")];
    const standby = spawn(process.execPath, args, {
      stdio: "ignore",
      env: { ...process.env, ...SYSTEMD, PATH: `${dir}:${process.env["PATH"]}` },
    });
    over.push(() => (standby.kill("SIGTERM"), once(standby, "exit")));
    const says = async (what: RegExp): Promise<void> => expect((await notifications()).at(-1)).toMatch(what);
    await vi.waitFor(() => says(/^READY=1 STATUS=standby: /), { timeout: 15_000 });
    await leader.end("SIGTERM");
    await vi.waitFor(() => says(/STATUS=(serving|not ready)/), { timeout: 15_000 });
  });

  it("of nothing without NOTIFY_SOCKET", async () => {
    const { gateway, notifications } = await started({});
    await gateway.end("SIGTERM");
    expect(await notifications()).toEqual([]);
  });

  it("of nothing if systemd-notify fails, which is logged once and does not stop the gateway", async () => {
    const { gateway } = await started(SYSTEMD, "echo no such socket >&2; exit 1");
    process.kill(gateway.pid, "SIGHUP");
    await vi.waitFor(() => expect(gateway.log()).toContain('"event":"systemdNotifyFailed"'), { timeout: 10_000 });
    expect(gateway.log()).toContain("report its state to systemd: systemd-notify ended with code 1: no such socket. ");
    await sleep(100);
    await gateway.end("SIGTERM");
    expect(gateway.log().match(/"event":"systemdNotifyFailed"/g)).toHaveLength(1);
    expect(gateway.log()).toContain('"event":"stopped"');
  });
});
