import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startCommands } from "../../../../src/app/wiring/journal/commands.ts";
import { runShutdown, type ShutdownSteps } from "../../../../src/app/shutdown.ts";
import { askGateway, isListening } from "../../../../src/journal/command-socket.ts";
import { takeLock, type Lock } from "../../../../src/journal/lock/lock.ts";
import { paths } from "../../../../src/journal/paths.ts";
import { InvalidQuestion } from "../../../../src/journal/search/worker/search-worker.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../../../kit/raw-ocs.ts";

let dir: string;
let lock: Lock;
let stops: ShutdownSteps;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-commands-"));
  lock = await takeLock(dir, { command: "ocsgw test", role: "gateway" });
  stops = [() => lock.release()];
});
afterEach(async () => {
  await runShutdown(stops);
  await rm(dir, { recursive: true, force: true });
});

const socket = (): string => paths(dir).commands;
const STATE = {
  clock: "2026-11-22T12:00:00.000000Z",
  believed: true,
  doubt: null,
  waits: null,
  next_look: 1,
  entries: 0,
};
const recorded: unknown[] = [];
const start = (given: Lock = lock) =>
  startCommands(
    {
      lock: given,
      audit: {
        ask: (question) =>
          "filter" in question && question.filter === "bad"
            ? Promise.reject(new InvalidQuestion("no filter"))
            : Promise.resolve({ transactions: [] }),
        record: (asked, sign) => Promise.resolve({ size: recorded.push([asked, sign]) }),
      },
      setAside: {
        examine: () => Promise.resolve({ refused: "looked at", kind: "refused" }),
        set: () => Promise.resolve({ refused: "not set aside", kind: "refused" }),
      },
      revoke: (said) => Promise.resolve("id" in (said as object) ? { kept: true } : "id: expected a text"),
      retention: { state: () => STATE, confirmClock: (user) => Promise.resolve({ ...STATE, waits: user }) },
    },
    stops,
  );
const tell = (name: string, body: unknown) => askGateway(socket(), { name, body });

describe("the command socket of a gateway", () => {
  it("records a look-up, and rejects one that must not be in the journal", async () => {
    await start();
    expect(await tell("access", { user: "rw", operation: "export", query: "status:410", sign: true })).toEqual({
      answer: { size: recorded.length },
    });
    expect(recorded.at(-1)).toEqual([{ user: "rw", operation: "export", query: "status:410" }, true]);
    const before = recorded.length;
    for (const wrong of [
      { user: "", operation: "export" },
      { user: "rw", operation: "delete" },
      { user: "rw", operation: "search", purpose: "4155550100" },
      { user: "rw", operation: "search", query: "tenat:x" },
    ]) {
      await expect(tell("access", wrong)).rejects.toMatchObject({ name: "WrongCommand" });
    }
    expect(recorded.length).toBe(before);
  });

  it.each([
    ["revoke", { id: "alpha" }, { kept: true }],
    ["question", { kind: "page", filter: "", limit: 1000 }, { transactions: [] }],
    ["retention", {}, STATE],
    ["confirm-clock", { user: "rw" }, { ...STATE, waits: "rw" }],
    ["question", { kind: "transaction", id: "0" }, { transactions: [] }],
  ])("executes %s %j", async (name, body, answer) => {
    await start();
    expect(await tell(name, body)).toEqual({ answer });
  });

  it.each([
    ["confirm-clock", {}, "user: expected"],
    ["confirm-clock", { user: "a\nb" }, "user: expected"],
    ["confirm-clock", { user: "x".repeat(401) }, "user: expected"],
    ["revoke", {}, "id: expected a text"],
    ["question", { kind: "page", filter: "", limit: 1001 }, "from 1 to 1000"],
    ["question", { kind: "page", filter: "", limit: 0 }, "from 1 to 1000"],
    ["question", { kind: "page", filter: "", limit: "9" }, "from 1 to 1000"],
    ["question", { kind: "page", filter: "bad", limit: 1 }, "no filter"],
    ["question", { kind: "open-dnc-snapshot", most: 1e9 }, "of another version"],
    ["question", {}, "of another version"],
    ["stop", {}, "of another version"],
    ["access", null, "expected an object"],
    ["access", 7, "expected an object"],
  ])("rejects %s %j", async (name, body, why) => {
    await start();
    await expect(tell(name, body)).rejects.toThrow(why);
  });

  it("is opened again after it was deleted, and closed while the lock is lost", async () => {
    let fault: string | undefined;
    const commands = await start({ ...lock, fault: () => Promise.resolve(fault) });
    await rm(socket());
    await expect.poll(() => isListening(socket()), { timeout: 5000 }).toBe(true);
    fault = "the system dropped the lock";
    await expect.poll(() => isListening(socket()), { timeout: 5000 }).toBe(false);
    fault = undefined;
    await expect.poll(() => isListening(socket()), { timeout: 5000 }).toBe(true);
    expect(commands.trouble()).toBeUndefined();
  });

  it("raises a warning when it cannot be opened, and the gateway still starts", async () => {
    const commands = await start({ ...lock, dir: join(dir, "nowhere") });
    expect(commands.trouble()).toContain("commands on this machine cannot reach the gateway");
  });
});

describe("the probes listener of a complete gateway", () => {
  let ocs: RawOcs;
  let gateway: TestGateway | undefined;
  afterEach(async () => {
    await gateway?.stop();
    await ocs.close();
  });

  it("names no tenant, upstream or address at /readyz, unlike admin, and serves only probes and metrics", async () => {
    ocs = await rawOcs();
    const other = await rawOcs();
    const port = new URL(other.url).port;
    await other.close();
    gateway = await aGateway({
      ...twoTenants(ocs.url),
      admin: { bind: "127.0.0.1:0", probes: { bind: `127.0.0.1:${port}`, allow_from: ["127.0.0.1"] } },
    });
    const probes = `http://127.0.0.1:${port}`;
    expect([
      (await fetch(`${probes}/readyz`)).status,
      (await fetch(`${probes}/api/status`)).status,
      (await fetch(`${probes}/metrics`)).status,
    ]).toEqual([200, 404, 200]);
    await ocs.close();
    await fetch(`${gateway.url}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      body: "{}",
      headers: { Authorization: basic("alpha"), "Content-Type": "application/json" },
    });
    await expect.poll(async () => (await fetch(`${probes}/readyz`)).status, { timeout: 10_000 }).toBe(503);
    expect(await (await fetch(`${probes}/readyz`)).json()).toEqual({
      status: "not ready",
      reasons: ["no OCS reachable"],
    });
    expect(await (await fetch(`${gateway.gateway.admin!}/readyz`)).text()).toContain(new URL(ocs.url).port);
  });

  it("closes connections from addresses outside allow_from", async () => {
    ocs = await rawOcs();
    const other = await rawOcs();
    const port = new URL(other.url).port;
    await other.close();
    gateway = await aGateway({
      ...twoTenants(ocs.url),
      admin: { bind: "127.0.0.1:0", probes: { bind: `127.0.0.1:${port}`, allow_from: ["10.0.0.0/8"] } },
    });
    await expect(fetch(`http://127.0.0.1:${port}/readyz`)).rejects.toThrow("fetch failed");
  });
});
