/** Sockets that stay open over a restart, passed as systemd does it: by the name or by the address of a listener. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { ocsgw } from "../kit/command.ts";
import { aConfigured, twoTenants } from "../kit/gateway.ts";
import { startGateway } from "../kit/gateway-process.ts";
import { holdSockets, type Held, type HeldGateway } from "../kit/held-sockets.ts";
import { describeWith } from "../kit/machine.ts";
import { freePort } from "../kit/server-program.ts";

const HOST = "127.0.0.1";
/** Nothing listens there, and no test sends a request to it. */
const OCS = "http://127.0.0.1:9";
const over: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of over.splice(0).reverse()) await each();
});

/** A config with every listener, each at a free port unless `binds` gives another address. */
const configured = async (binds: Readonly<Record<string, string>> = {}): Promise<string> => {
  const at = (name: string): string => binds[name] ?? `${HOST}:0`;
  const base = twoTenants(OCS);
  const dir = await aConfigured(
    {
      ...base,
      listeners: ["clients", "second"].map((name) => ({ name, bind: at(name), tls: "none" })),
      upstreams: { ocs: { primary: OCS, callbacks: { bind: at("callbacks"), allow_from: [HOST], tls: "none" } } },
      admin: { bind: at("admin"), probes: { bind: at("probes") } },
    },
    ["alpha", "beta"],
  );
  over.push(() => rm(dir, { recursive: true, force: true }));
  return join(dir, "ocsgw.yaml");
};

/** One connection with one request: the status, or the error's code. */
const attempt = (port: number): Promise<string> =>
  new Promise((resolve) => {
    let answer = "";
    const request = `GET /campaigngroups HTTP/1.1\r\nHost: ${HOST}:${port}\r\nConnection: close\r\n\r\n`;
    const socket = connect({ port, host: HOST }, () => socket.write(request));
    socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("close", () => resolve(answer.split(" ", 2)[1] ?? "closed"));
  });

/** Opens a connection every few milliseconds until `during` ends; counts the results. */
const knocking = async (port: number, during: () => Promise<unknown>): Promise<ReadonlyMap<string, number>> => {
  const attempts: Promise<string>[] = [];
  const timer = setInterval(() => attempts.push(attempt(port)), 3);
  await during();
  clearInterval(timer);
  const results = Map.groupBy(await Promise.all(attempts), (result) => result);
  return new Map([...results].map(([result, all]) => [result, all.length]));
};

const LISTENING = '"listener":"clients"';

describeWith(["python3"], "sockets that systemd passes", (python) => {
  const start = async (
    ...args: [string, readonly Held[], Parameters<typeof holdSockets>[3]?]
  ): Promise<HeldGateway> => {
    const held = await holdSockets(python!, ...args);
    over.push(() => held.stop());
    return held;
  };
  const refused = async (config: string, sockets: readonly Held[]): Promise<string> => {
    const held = await start(config, sockets);
    await held.said("never").catch(() => undefined);
    expect(await held.stop()).toBe(3);
    return held.log();
  };

  it("refuse no connection over two restarts", { timeout: 60_000 }, async () => {
    const held = await start(await configured(), [{ name: "clients", host: HOST, port: 0 }]);
    await held.said(LISTENING);
    const results = await knocking(held.ports[0]!, async () => {
      for (const times of [2, 3]) {
        await sleep(200);
        held.restart();
        await held.said(LISTENING, times);
      }
      await sleep(200);
    });
    expect([...results.keys()].filter((result) => result === "ECONNREFUSED")).toEqual([]);
    expect(results.get("401")).toBeGreaterThan(200);
  });

  it("are needed: without them a gateway refuses connections while it restarts", { timeout: 60_000 }, async () => {
    const config = await configured();
    const first = await startGateway(config);
    over.push(() => first.end("SIGTERM"));
    const results = await knocking(first.port, async () => {
      await first.end("SIGTERM");
      await sleep(200);
    });
    expect(results.get("ECONNREFUSED")).toBeGreaterThan(10);
  });

  it("serve every kind of listener by name", async () => {
    const names = ["clients", "second", "callbacks-ocs", "admin", "probes"];
    const held = await start(
      await configured(),
      names.map((name) => ({ name, host: HOST, port: 0 })),
    );
    await held.said('"listener":"callbacks:ocs"');
    const LINE = /"listener":"([^"]+)","address":"http:[^"]+:(\d+)","socket":"passed by systemd"/g;
    const lines = held.log().matchAll(LINE);
    const listening = [...lines].map(([, name, port]) => [name!.replace(":", "-"), Number(port)] as const);
    expect(Object.fromEntries(listening)).toEqual(Object.fromEntries(names.map((name, at) => [name, held.ports[at]])));
  });

  it("serve by their address when they all have the socket unit's name", async () => {
    const [clients, admin] = [await freePort(), await freePort()];
    const config = await configured({ clients: `${HOST}:${clients}`, admin: `localhost:${admin}` });
    const held = await start(
      config,
      [clients, admin].map((port) => ({ name: "ocsgw.socket", host: HOST, port })),
    );
    await held.said(LISTENING);
    expect(held.log().match(/"socket":"passed by systemd"/g)).toHaveLength(2);
    expect(await attempt(clients)).toBe("401");
  });

  it.each<[string, Held, RegExp]>([
    [
      "if no listener has their address",
      { name: "ocsgw.socket", host: HOST, port: 0 },
      /OCSGW-6335\]: systemd passed the socket "ocsgw\.socket" at 127\.0\.0\.1:\d+, but no listener/,
    ],
    [
      "if they have an IPv6 address and the listener an IPv4 one",
      { name: "clients", host: "::1", port: 0 },
      /OCSGW-6336\]: .* at \[::1\]:\d+, but the listener clients is bound to 127\.0\.0\.1:0/,
    ],
    [
      "if they do not listen",
      { name: "clients", host: HOST, port: 0, listens: false },
      /OCSGW-6337\]: systemd passed "clients" as descriptor 3, which is not a listening TCP socket/,
    ],
  ])("end the gateway with exit code 3 %s", async (_title, socket, message) => {
    expect(await refused(await configured(), [socket])).toMatch(message);
  });

  it("stay with their listener: a reload may change it, but not move it to another address", async () => {
    const config = await configured();
    const held = await start(config, [{ name: "clients", host: HOST, port: 0 }]);
    await held.said('"listener":"callbacks:ocs"');
    const pid = Number(/"pid":(\d+)/.exec(held.log())![1]);
    const before = await readFile(config, "utf8");
    await writeFile(config, before.replace("name: clients", "name: customers"));
    const dry = await ocsgw("reload", "-c", config, "--dry-run");
    expect([dry.code, dry.stdout]).toEqual([
      3,
      expect.stringContaining("systemd holds the socket of the listener clients"),
    ]);
    process.kill(pid, "SIGHUP");
    await held.said("systemd holds the socket of the listener clients (http://127.0.0.1:");
    expect(await attempt(held.ports[0]!)).toBe("401");
    await writeFile(config, before.replace("name: second", "name: third"));
    process.kill(pid, "SIGHUP");
    await held.said('"event":"configReloaded"');
    expect(await attempt(held.ports[0]!)).toBe("401");
  });

  it("wait until a standby leads, except those of the probes", async () => {
    const config = await configured();
    const leader = await startGateway(config);
    over.push(() => leader.end("SIGTERM"));
    const sockets = ["clients", "probes"].map((name) => ({ name, host: HOST, port: 0 }));
    const standby = await start(config, sockets, { args: ["--standby"] });
    await standby.said("This gateway is a standby");
    const [clients, probes] = standby.ports;
    const waiting = attempt(clients!);
    expect(await (await fetch(`http://${HOST}:${probes}/readyz`)).json()).toEqual({ status: "standby" });
    await leader.end("SIGTERM");
    expect(await waiting).toBe("401");
    expect((await fetch(`http://${HOST}:${probes}/healthz`)).status).toBe(200);
  });

  it("are ignored with a warning when LISTEN_PID names another process", async () => {
    const held = await start(await configured(), [{ name: "clients", host: HOST, port: 0 }], {
      env: { LISTEN_PID: "1" },
    });
    await held.said(LISTENING);
    expect(held.log()).toMatch(
      /"event":"systemdSocketsForOtherProcess","owner":1,"own":\d+,"msg":"systemd passed its sockets to process 1 /,
    );
    expect(held.log()).not.toContain("passed by systemd");
  });
});
