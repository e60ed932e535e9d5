import { request as ask } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import type { SandboxState } from "../../../src/sandbox/world/state.ts";
import { open, request, type RawClient } from "../server/raw-client.ts";
import { NOON } from "../support.ts";

let ocs: SandboxOcs;
const clients: RawClient[] = [];
beforeEach(async () => {
  ocs = await startSandboxOcs({ now: () => NOON });
});
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await ocs.close();
});

const get = async <Value>(path: string): Promise<Value> =>
  (await fetch(`${ocs.control}/${path}`)).json() as Promise<Value>;
const post = async (path: string, body?: object | string): Promise<{ status: number; value: unknown }> => {
  const response = await fetch(`${ocs.control}/${path}`, {
    method: "POST",
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, value: await response.json() };
};
const send = async (target: string): Promise<string> => {
  const client = await open(ocs.primary.http);
  clients.push(client);
  client.send(request(target));
  return (await client.answer()).head;
};

describe("GET /sandbox/state", () => {
  it("shows groups, lists with rows, do-not-call list, handles and connections", async () => {
    await send("/records/15?req=RecordProcessed");
    const state = await get<SandboxState>("state");
    expect(state).toMatchObject({ now: new Date(NOON).toISOString(), active: "primary" });
    expect(state.groups.map(({ dbid, state: name }) => [dbid, name])).toEqual([
      [106, "running"],
      [115, "notLoaded"],
      [208, "active"],
    ]);
    expect(state.lists.map(({ name, tenant, rows }) => [name, tenant, rows.length])).toEqual([
      ["Alpha List", "Alpha Tenant", 100],
      ["Alpha Winback List", "Alpha Tenant", 20],
      ["Beta List", "Beta Tenant", 50],
    ]);
    expect(state.lists[0]!.rows[9]).toMatchObject({ contact_info: "4155550109", record_status: 3 });
    expect(state.doNotCall).toHaveLength(5);
    expect(state.handles.map(({ handle }) => handle)).toEqual([
      17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 41, 42, 43, 44,
    ]);
    expect(state.handles.at(-1)).toEqual({
      handle: 44,
      tenant: "Beta Tenant",
      list: "Beta List",
      group: 208,
      phone: "4155550103",
      since: NOON / 1000,
    });
    expect(state.connections).toEqual([
      { number: 1, instance: "primary", open: true, requests: 1, violations: 0, maxInFlight: 1 },
    ]);
    expect(state.counters.primary.requests).toBe(1);
  });
});

describe("POST /sandbox/records/open", () => {
  it("opens handles that OCS accepts", async () => {
    const { status, value } = await post("records/open", { list: "Alpha List", count: 2 });
    expect(status).toBe(200);
    expect(value).toEqual(
      [1000, 1001].map((handle, index) => ({
        handle,
        phone: `415555012${2 + index}`,
        list: "Alpha List",
        campaign: "Alpha Campaign",
        tenant: "Alpha Tenant",
        group: 106,
      })),
    );
    expect(await send("/records/1001?req=RecordProcessed")).toContain("200 OK");
  });

  it("opens one record of any running group when the body is empty", async () => {
    expect((await post("records/open")).value).toMatchObject([{ handle: 1000, list: "Alpha List" }]);
  });

  it("continues with the next list when the first has no more records", async () => {
    await send("/campaigngroups/115?req=Stage");
    ocs.world.db.run("UPDATE campaign_group SET status = 5 WHERE dbid = 115");
    const lists = ((await post("records/open", { count: 1000 })).value as { list: string }[]).map(({ list }) => list);
    expect(new Set(lists)).toEqual(new Set(["Alpha List", "Alpha Winback List"]));
    expect(lists.filter((list) => list === "Alpha Winback List")).toHaveLength(20);
  });

  it.each([
    ["an unknown list", { list: "Gamma List" }, 404],
    ["a list that no running group uses", { list: "Beta List" }, 409],
    ["no whole count", { count: 1.5 }, 400],
    ["a count of none", { count: 0 }, 400],
    ["a list that is not a name", { list: 3 }, 400],
    ["another member", { lists: "Alpha List" }, 400],
    ["an array", [], 400],
    ["no JSON", "{", 400],
  ])("refuses %s with the reason", async (_, body, status) => {
    const answer = await post("records/open", body);
    expect(answer.status).toBe(status);
    expect((answer.value as { error: string }).error).toMatch(/\w+ \w+/);
  });
});

describe("POST /sandbox/clock", () => {
  it("advances and sets the time, which makes handles stale", async () => {
    expect((await post("clock", { advance: 90 })).value).toEqual({ now: "2026-03-01T12:01:30.000Z" });
    expect((await post("clock", { set: "2026-03-01T04:31:30-08:00" })).value).toEqual({
      now: "2026-03-01T12:31:30.000Z",
    });
    expect((await get<SandboxState>("state")).handles).toEqual([]);
    expect(await send("/records/15?req=RecordProcessed")).toContain("Warning: 112");
  });

  it.each([
    [{}],
    [{ advance: 1, set: "2026-03-01T04:31:30Z" }],
    [{ advance: "1" }],
    [{ advance: 1e12 }],
    [{ set: "tomorrow" }],
    [{ set: "2026-02-30T25:00:00Z" }],
    [{ set: "2026-03-01T04:31:30" }],
  ])("refuses %j", async (body) => {
    expect((await post("clock", body)).status).toBe(400);
  });
});

describe("POST /sandbox/reset", () => {
  it("restores the seed, the clock and the roles, and clears the counters", async () => {
    await send("/records/15?req=DoNotCall");
    await post("clock", { advance: 7200 });
    await post("delay", { ms: 60_000 });
    await post("switchover");
    expect((await post("reset")).value).toEqual({ reset: true });
    const state = await get<SandboxState>("state");
    expect(state).toMatchObject({ now: new Date(NOON).toISOString(), active: "primary" });
    expect(state.handles.map(({ handle }) => handle)).toContain(15);
    expect(state.doNotCall).toHaveLength(5);
    expect(state.counters.primary).toEqual({
      connections: { total: 0, open: 0 },
      requests: 0,
      violations: 0,
      maxInFlight: 0,
    });
    expect(await get("requests")).toEqual([]);
    expect(await send("/records/15?req=RecordProcessed")).toContain("200 OK");
  });
});

describe("the other control commands", () => {
  it("switch the active instance and set delays per instance", async () => {
    expect((await post("switchover")).value).toEqual({ active: "backup" });
    expect((await post("switchover")).value).toEqual({ active: "primary" });
    expect((await post("delay", { ms: 5, instance: "backup" })).value).toEqual({ primary: 0, backup: 5 });
    for (const body of [{ ms: -1 }, { ms: "5" }, {}, { ms: 5, instance: "third" }])
      expect((await post("delay", body)).status).toBe(400);
  });

  it("show the last requests that OCS received", async () => {
    await send("/campaigngroups/106?req=Load");
    expect(await get("requests")).toEqual([
      {
        time: new Date(NOON).toISOString(),
        instance: "primary",
        connection: 1,
        method: "POST",
        target: "/campaigngroups/106?req=Load",
        headers: [
          ["Host", "ocs"],
          ["Content-length", "0"],
        ],
        body: "",
        number: 1,
        status: 409,
        faults: [],
      },
    ]);
  });

  it("answer an unknown command with 404 and the list of commands", async () => {
    for (const path of ["nothing", "reset/", "state/x"]) {
      const answer = await post(path);
      expect(answer.status).toBe(404);
      expect((answer.value as { error: string }).error).toContain("GET /sandbox/state");
    }
  });

  it.each([
    ["a web page", { origin: "http://127.0.0.1:1" }],
    ["a rebound host name", { host: "evil.test" }],
  ])("refuse the request of %s", async (_, headers) => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const attempt = ask(`${ocs.control}/reset`, { method: "POST", headers, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      attempt.on("error", reject).end();
    });
    expect(status).toBe(403);
  });
});
