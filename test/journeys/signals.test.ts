/** What the process makes of signals while it begins and while it ends. */
import { spawn, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, expect, it, vi } from "vitest";
import { root } from "../kit/command.ts";
import { aConfigured, basic, twoTenants } from "../kit/gateway.ts";
import { OK, rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const PATIENT = { timeout: 20_000, interval: 10 };

let ocs: RawOcs;
let dir: string;
let gateway: ChildProcess;
let log = "";

afterEach(async () => {
  gateway.kill("SIGKILL");
  await ocs.close();
  await rm(dir, { recursive: true, force: true });
});

it("SIGHUP ends nothing, neither before the gateway serves nor while its last requests end", { timeout: 60_000 }, async () => {
  let answer = (): void => undefined;
  ocs = await rawOcs(({ connection }) => void (answer = () => connection.socket.write(OK)));
  dir = await aConfigured(twoTenants(ocs.url), ["alpha"]);
  gateway = spawn(process.execPath, [join(root, "src/cli/main.ts"), "run", "-c", join(dir, "ocsgw.yaml")], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, OCSGW_LOG: "info" } });
  gateway.stderr!.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const exit = new Promise((resolve) => gateway.once("exit", (code, signal) => resolve(code ?? signal)));
  await vi.waitFor(() => expect(log).toContain("journal opened"), PATIENT);
  gateway.kill("SIGHUP");
  const url = await vi.waitFor(() => /"address":"([^"]+)"/.exec(log)![1]!, PATIENT);
  const asked = request(`${url}/phones/4155550100?req=DoNotCall`, { method: "POST", headers: { Authorization: basic("alpha") } });
  await vi.waitFor(() => expect(ocs.requests()).toBe(1), PATIENT);
  gateway.kill("SIGTERM");
  await vi.waitFor(() => expect(log).toContain("draining"), PATIENT);
  gateway.kill("SIGHUP");
  await new Promise((resolve) => setTimeout(resolve, 200));
  answer();
  const { statusCode, body } = await asked;
  await body.dump();
  expect([statusCode, await exit]).toEqual([200, 0]);
});
