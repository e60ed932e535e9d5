/** Signals that are not for ocsgw, those that come before it is ready for any, and those that npm has to pass on. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { root } from "../kit/command.ts";
import { aConfigured, basic, twoTenants } from "../kit/gateway.ts";
import { describeAllowed } from "../kit/machine.ts";
import { OK, rawOcs } from "../kit/raw-ocs.ts";

const LONG = { timeout: 60_000 };
const PATIENT = { timeout: 40_000, interval: 10 };
const MAIN = join(root, "src/cli/main.ts");
/** Nobody listens there. */
const NO_OCS = "http://127.0.0.1:9";

let dir: string;
let child: ChildProcess | undefined;
let said = "";
let exit: Promise<number | NodeJS.Signals | null>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-signals-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  child = undefined;
  await rm(dir, { recursive: true, force: true });
});

const start = (command: string, ...args: readonly string[]): ChildProcess => {
  said = "";
  const env = { ...process.env, OCSGW_LOG: "info", TMPDIR: dir };
  const begun = (child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] }));
  exit = new Promise((resolve) => begun.once("close", (code, signal) => resolve(code ?? signal)));
  for (const stream of [begun.stdout!, begun.stderr!]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return begun;
};

const configured = async (): Promise<string> => {
  await rm(dir, { recursive: true });
  dir = await aConfigured(twoTenants(NO_OCS), ["alpha"]);
  return join(dir, "ocsgw.yaml");
};

describe.each<[string, () => Promise<readonly string[]>, RegExp]>([
  ["run", async () => ["run", "-c", await configured()], /"listener":"clients"/],
  ["sandbox", () => Promise.resolve(["sandbox", "--port", "0"]), /Try a Do-Not-Call/],
  ["sandbox --ocs-only", () => Promise.resolve(["sandbox", "--port", "0", "--ocs-only"]), /OCS primary/],
  [
    "witness",
    () =>
      Promise.resolve([
        "witness",
        "--key",
        join(dir, "key.pem"),
        "--state",
        join(dir, "state"),
        "--bind",
        "127.0.0.1:0",
      ]),
    /listening http/,
  ],
])("ocsgw %s", (_name, args, sign) => {
  it("ignores SIGUSR1 and SIGUSR2, opens no debugger, and still ends in order", LONG, async () => {
    const begun = start(process.execPath, MAIN, ...(await args()));
    await vi.waitFor(() => expect(said).toMatch(sign), PATIENT);
    for (const signal of ["SIGUSR1", "SIGUSR2", "SIGUSR1"] as const) begun.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
    begun.kill("SIGTERM");
    expect(await exit).toBe(0);
    expect(said).not.toMatch(/debugger/i);
  });
});

it("a gateway's log says that such a signal is ignored", LONG, async () => {
  const begun = start(process.execPath, MAIN, "run", "-c", await configured());
  await vi.waitFor(() => expect(said).toContain('"listener":"clients"'), PATIENT);
  begun.kill("SIGUSR2");
  await vi.waitFor(
    () => expect(said).toMatch(/"signal":"SIGUSR2","msg":"The gateway ignored the signal SIGUSR2/),
    PATIENT,
  );
  begun.kill("SIGTERM");
  expect(await exit).toBe(0);
});

/** A process is number 1 in a namespace of its own, as in a container. */
const canBeFirst = process.getuid?.() === 0 && spawnSync("unshare", ["-pf", "--mount-proc", "true"]).status === 0;

describeAllowed(canBeFirst, "a process namespace of its own (unshare -pf)", "as process 1", () => {
  const first = (...args: readonly string[]): ChildProcess =>
    start("unshare", "-pf", "--mount-proc", "--kill-child", process.execPath, MAIN, ...args);

  /** unshare passes no signal on: the process is its only child. */
  const signal = async (begun: ChildProcess, name: NodeJS.Signals): Promise<void> => {
    const children = (await readFile(`/proc/${begun.pid!}/task/${begun.pid!}/children`, "utf8")).trim();
    process.kill(Number(children), name);
  };

  it.each(["SIGTERM", "SIGINT"] as const)("a gateway that starts is ended in order by %s", LONG, async (name) => {
    const begun = first("run", "-c", await configured());
    await vi.waitFor(() => expect(said).toContain('"event":"journalOpened"'), PATIENT);
    await signal(begun, name);
    expect(await exit).toBe(0);
    expect(said).toContain('"event":"stopped"');
    const [segment] = (await readdir(join(dir, "audit/segments"))).filter((each) => each.endsWith(".jsonl"));
    const lines = (await readFile(join(dir, "audit/segments", segment!), "utf8")).trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ kind: "stop" });
  });

  it.each(["SIGTERM", "SIGINT"] as const)("a command that does not listen for %s ends", LONG, async (name) => {
    // It waits for an answer that does not come.
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const begun = first("sandbox", "events", "--url", `http://127.0.0.1:${port}/sandbox`);
    // SIGUSR2 is the last signal that it takes a handler for, before its modules are there. Node has none for it.
    await vi.waitFor(
      async () => {
        const children = (await readFile(`/proc/${begun.pid!}/task/${begun.pid!}/children`, "utf8")).trim();
        const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(await readFile(`/proc/${children}/status`, "utf8"))![1]!;
        expect(BigInt(`0x${caught}`) & (1n << 11n)).not.toBe(0n);
      },
      { timeout: 20_000, interval: 1 },
    );
    await signal(begun, name);
    expect(await exit).toBe(name === "SIGTERM" ? 143 : 130);
    silent.close();
  });
});

it(
  "takes two signals at once for one, as Ctrl-C is with npm, and ends at once by one that comes later",
  LONG,
  async () => {
    for (const [pause, code] of [
      [0, 0],
      [1100, 1],
    ] as const) {
      const ocs = await rawOcs(() => undefined);
      await rm(dir, { recursive: true });
      dir = await aConfigured(twoTenants(ocs.url), ["alpha"]);
      const begun = start(process.execPath, MAIN, "run", "-c", join(dir, "ocsgw.yaml"));
      const url = await vi.waitFor(() => /"listener":"clients","address":"([^"]+)"/.exec(said)![1]!, PATIENT);
      // It is under way when the first signal comes, and is answered after the second.
      const request = { method: "POST", headers: { Authorization: basic("alpha") } };
      const asked = fetch(`${url}/phones/4155550100?req=DoNotCall`, request).then(
        ({ status }) => status,
        () => 0,
      );
      await vi.waitFor(() => expect(ocs.requests()).toBe(1), PATIENT);
      begun.kill("SIGINT");
      await vi.waitFor(() => expect(said).toContain('"event":"stopping"'), PATIENT);
      await new Promise((resolve) => setTimeout(resolve, pause));
      begun.kill("SIGINT");
      await new Promise((resolve) => setTimeout(resolve, 200));
      ocs.connections.at(-1)!.socket.write(OK);
      expect([await asked, await exit]).toEqual([code === 0 ? 200 : 0, code]);
      await ocs.close();
    }
  },
);

describe.each(["start", "ocsgw"])("npm: the script %s", (script) => {
  it("replaces the shell, so that SIGTERM to npm ends what it runs in order", LONG, async () => {
    const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    expect(manifest.scripts[script]).toMatch(/^exec node /);
    const words = script === "start" ? ["--port", "0"] : ["run", "-c", await configured()];
    const begun = start("npm", "run", "--silent", script, "--", ...words);
    await vi.waitFor(() => expect(said).toMatch(/Try a Do-Not-Call|"listener":"clients"/), PATIENT);
    begun.kill("SIGTERM");
    expect(await exit).toBe(0);
    // A folder is left where the program was not told.
    expect((await readdir(dir)).filter((name) => name.startsWith("ocsgw-sandbox-"))).toEqual([]);
  });
});
