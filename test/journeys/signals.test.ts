/** What the process makes of signals while it begins and while it ends. */
import { spawn, type ChildProcess } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { root } from "../kit/command.ts";
import { aConfigured, basic, twoTenants } from "../kit/gateway.ts";
import { OK, rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const PATIENT = { timeout: 20_000, interval: 10 };

let ocs: RawOcs;
let dir: string;
let gateway: ChildProcess;
let log = "";

beforeEach(() => {
  log = "";
});
afterEach(async () => {
  gateway.kill("SIGKILL");
  await ocs.close();
  await rm(dir, { recursive: true, force: true });
});

it(
  "SIGHUP ends nothing, neither before the gateway serves nor while its last requests end",
  { timeout: 60_000 },
  async () => {
    let answer = (): void => undefined;
    ocs = await rawOcs(({ connection }) => void (answer = () => connection.socket.write(OK)));
    dir = await aConfigured(twoTenants(ocs.url), ["alpha"]);
    gateway = spawn(process.execPath, [join(root, "src/cli/main.ts"), "run", "-c", join(dir, "ocsgw.yaml")], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, OCSGW_LOG: "info" },
    });
    gateway.stderr!.on("data", (chunk: Buffer) => (log += chunk.toString()));
    const exit = new Promise((resolve) => gateway.once("exit", (code, signal) => resolve(code ?? signal)));
    await vi.waitFor(() => expect(log).toContain('"event":"journalOpened"'), PATIENT);
    gateway.kill("SIGHUP");
    const url = await vi.waitFor(() => /"address":"([^"]+)"/.exec(log)![1]!, PATIENT);
    const asked = request(`${url}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { Authorization: basic("alpha") },
    });
    await vi.waitFor(() => expect(ocs.requests()).toBe(1), PATIENT);
    gateway.kill("SIGTERM");
    await vi.waitFor(() => expect(log).toContain('"event":"stopping"'), PATIENT);
    gateway.kill("SIGHUP");
    await new Promise((resolve) => setTimeout(resolve, 200));
    answer();
    const { statusCode, body } = await asked;
    await body.dump();
    expect([statusCode, await exit]).toEqual([200, 0]);
  },
);

/** Read before the command: as soon as somebody hears this signal, another config is there, and SIGHUP is sent. */
const atOnce = (heard: string): string => `import { renameSync } from "node:fs";
const timer = setInterval(() => {
  if (process.listenerCount("${heard}") === 0) return;
  clearInterval(timer);
  renameSync(process.env.TEST_NEXT, process.env.TEST_CONFIG);
  process.kill(process.pid, "SIGHUP");
}, 1);`;

it.each([
  ["before anything is loaded", "SIGUSR2"],
  ["when the config has been read", "SIGTERM"],
])("SIGHUP reads the config, %s", { timeout: 60_000 }, async (_when, heard) => {
  ocs = await rawOcs(({ connection }) => void connection.socket.write(OK));
  const config = twoTenants(ocs.url);
  dir = await aConfigured(config, ["alpha"]);
  const [file, next] = [join(dir, "ocsgw.yaml"), join(dir, "next.yaml")];
  const [alpha, beta] = config.tenants as object[];
  const less = { ...alpha, clients: { alpha: { actions: ["AddRecord"] } } };
  await writeFile(next, stringify({ ...config, tenants: [less, beta] }, { aliasDuplicateObjects: false }));
  const preload = `data:text/javascript,${encodeURIComponent(atOnce(heard))}`;
  gateway = spawn(process.execPath, ["--import", preload, join(root, "src/cli/main.ts"), "run", "-c", file], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, OCSGW_LOG: "info", TEST_NEXT: next, TEST_CONFIG: file },
  });
  gateway.stderr!.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const exit = new Promise((resolve) => gateway.once("exit", (code, signal) => resolve(code ?? signal)));
  const url = await vi.waitFor(() => /"address":"([^"]+)"/.exec(log)![1]!, PATIENT);
  await vi.waitFor(async () => {
    const target = `${url}/phones/4155550100?req=DoNotCall`;
    const { statusCode, body } = await request(target, { method: "POST", headers: { Authorization: basic("alpha") } });
    await body.dump();
    expect(statusCode).toBe(403);
  }, PATIENT);
  gateway.kill("SIGTERM");
  expect(await exit).toBe(0);
});

it.each([
  ["SIGTERM", "journalOpened"],
  ["SIGINT", "journalOpened"],
  ["SIGTERM", '"listener":"clients"'],
  ["SIGINT", '"listener":"clients"'],
] as const)(
  "%s while the gateway starts ends it in order: as soon as the log has %s",
  { timeout: 60_000 },
  async (signal, sign) => {
    ocs = await rawOcs(({ connection }) => void connection.socket.write(OK));
    dir = await aConfigured(twoTenants(ocs.url), ["alpha"]);
    gateway = spawn(process.execPath, [join(root, "src/cli/main.ts"), "run", "-c", join(dir, "ocsgw.yaml")], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, OCSGW_LOG: "info" },
    });
    const exit = new Promise((resolve) => gateway.once("exit", (code, by) => resolve(code ?? by)));
    let isTold = false;
    gateway.stderr!.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (isTold || !log.includes(sign)) return;
      isTold = true;
      gateway.kill(signal);
    });
    expect(await exit).toBe(0);
    const segments = join(dir, "audit", "segments");
    const [last] = (await readdir(segments))
      .filter((name) => name.endsWith(".jsonl"))
      .toSorted()
      .toReversed();
    expect(JSON.parse((await readFile(join(segments, last!), "utf8")).trimEnd().split("\n").at(-1)!)).toMatchObject({
      kind: "stop",
    });
  },
);
