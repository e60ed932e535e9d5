import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KIND_NAMES } from "../../../src/sandbox/faults/kinds.ts";
import { aBench, POLL, type FaultBench } from "../faults/kit.ts";
import { request, type RawClient } from "../server/raw-client.ts";

let bench: FaultBench;
beforeEach(async () => {
  bench = await aBench();
});
afterEach(async () => {
  await bench.close();
});

const UPDATE = request("/records/20?req=UpdateCallCompletionStats");

describe("POST /sandbox/faults", () => {
  it("answers the fault with its id and all given members", async () => {
    expect(
      await bench.add({
        kind: "slow",
        value: "2s",
        action: "AddRecord",
        tenant: 101,
        count: 3,
        probability: 0.5,
        seed: 9,
        for: "30s",
      }),
    ).toEqual({
      id: "f1",
      kind: "slow",
      value: "2s",
      action: "AddRecord",
      tenant: "Alpha Tenant",
      count: 3,
      probability: 0.5,
      seed: 9,
      for: "30s",
      state: "on",
      fired: 0,
      remaining: 3,
      firings: [],
      sees: expect.stringContaining("late") as string,
    });
    expect(await bench.add({ kind: "stall", probability: 0.5, tenant: "Beta Tenant" })).toMatchObject({
      id: "f2",
      seed: 1,
      tenant: "Beta Tenant",
    });
    expect((await bench.faults()).map(({ id }) => id)).toEqual(["f1", "f2"]);
  });

  it.each([[{}], [{ kind: "drip" }], [{ kind: "constructor" }], [{ kind: 3 }]])(
    "refuses %j with the list of kinds",
    async (body) => {
      const { status, value } = await bench.control("POST faults", body);
      expect([status, (value as { error: string }).error]).toEqual([
        400,
        expect.stringMatching(new RegExp(`^kind: .*${KIND_NAMES.join(", ")}`)),
      ]);
    },
  );

  it.each([
    [{ kind: "slow" }, "value: expected a duration"],
    [{ kind: "slow", value: "2" }, "value: expected a duration"],
    [{ kind: "slow", value: 2 }, "value: expected a duration"],
    [{ kind: "slow", value: "99999h" }, "value: expected a duration"],
    [{ kind: "status" }, "value: expected a negative status"],
    [{ kind: "status", value: 200 }, "value: expected a negative status"],
    [{ kind: "truncate", value: "-1B" }, "value: expected a number of bytes"],
    [{ kind: "truncate", value: 1.5 }, "value: expected a number of bytes"],
    [{ kind: "stall", value: "2s" }, "value: the fault stall takes no value"],
    [{ kind: "both-down", value: "soon" }, "value: expected a duration"],
    [{ kind: "stall", action: "Addrecord" }, "action: expected one of"],
    [{ kind: "stall", action: 4 }, "action: expected one of"],
    [{ kind: "stall", tenant: "Gamma Tenant" }, "tenant: expected one of Alpha Tenant (101), Beta Tenant (102)"],
    [{ kind: "stall", tenant: 7 }, "tenant: expected"],
    [{ kind: "stall", tenant: "" }, "tenant: expected"],
    [{ kind: "stall", count: 0 }, "count: expected"],
    [{ kind: "stall", count: "1" }, "count: expected"],
    [{ kind: "stall", count: 1.5 }, "count: expected"],
    [{ kind: "stall", probability: 1.1 }, "probability: expected"],
    [{ kind: "stall", probability: "0.5" }, "probability: expected"],
    [{ kind: "stall", probability: 0.5, seed: -1 }, "seed: expected"],
    [{ kind: "stall", seed: 3 }, "seed: give a probability too"],
    [{ kind: "stall", for: "ever" }, "for: expected a duration"],
    [{ kind: "stall", for: 5 }, "for: expected a duration"],
    [{ kind: "bad-cert", action: "AddRecord" }, "action: bad-cert applies to connections"],
    [{ kind: "bad-cert", tenant: 101 }, "tenant: bad-cert applies to connections"],
    [{ kind: "stall", match: "x" }, "unknown member; allowed: "],
  ])("refuses %j with the member's name, and adds no fault", async (body, error) => {
    const { status, value } = await bench.control("POST faults", body);
    expect([status, (value as { error: string }).error, await bench.faults()]).toEqual([
      400,
      expect.stringContaining(error),
      [],
    ]);
  });

  it("accepts statuses and bytes as numbers or as text", async () => {
    expect(await bench.add({ kind: "status", value: "500" })).toMatchObject({ value: "500" });
    expect(await bench.add({ kind: "truncate", value: 20 })).toMatchObject({ value: 20 });
  });
});

describe("faults on requests", () => {
  it("strike only requests of their action and tenant, at most `count` times, and list each firing", async () => {
    await bench.add({
      kind: "status",
      value: 500,
      action: "UpdateCallCompletionStats",
      tenant: "Alpha Tenant",
      count: 1,
    });
    const client = await bench.connect();
    const heads: string[] = [];
    for (const target of [
      "/records/41?req=UpdateCallCompletionStats",
      "/records/20?req=AddRecord",
      "/records/20?req=UpdateCallCompletionStats",
      "/records/20?req=UpdateCallCompletionStats",
    ]) {
      client.send(request(target));
      heads.push((await client.answer()).head.slice(9, 12));
    }
    expect(heads).toEqual(["200", "400", "500", "200"]);
    expect((await bench.faults())[0]).toMatchObject({
      state: "spent",
      fired: 1,
      remaining: 0,
      firings: [{ instance: "primary", connection: 1, action: "UpdateCallCompletionStats", tenant: "Alpha Tenant" }],
    });
    expect((await bench.seen()).map(({ faults }) => faults)).toEqual([[], [], ["f1"], []]);
  });

  it("strike the same requests with the same seed", async () => {
    const run = async (): Promise<string> => {
      await bench.control("POST reset");
      await bench.add({ kind: "status", value: 500, probability: 0.5, seed: 42 });
      const client = await bench.connect();
      let statuses = "";
      for (let turn = 0; turn < 30; turn++) {
        client.send(UPDATE);
        statuses += (await client.answer()).head.slice(9, 10);
      }
      return statuses;
    };
    const [first, second] = [await run(), await run()];
    expect(first).toBe(second);
    expect(first).toMatch(/2.*5|5.*2/);
  });

  it("strike no request with probability 0", async () => {
    await bench.add({ kind: "status", value: 500, probability: 0 });
    const client = await bench.connect();
    for (let turn = 0; turn < 20; turn++) {
      client.send(UPDATE);
      expect((await client.answer()).head).toContain("200 OK");
    }
  });
});

describe("DELETE /sandbox/faults", () => {
  const stalled = async (count: number): Promise<RawClient[]> => {
    const clients = await Promise.all(Array.from({ length: count }, () => bench.connect()));
    for (const client of clients) client.send(UPDATE);
    await expect.poll(async () => (await bench.faults())[0]!.fired, POLL).toBe(count);
    return clients;
  };

  it("releases all stalled requests without leaking listeners", async () => {
    const warned = vi.fn();
    process.on("warning", warned);
    await bench.add({ kind: "stall" });
    const clients = await stalled(25);
    expect((await bench.control("DELETE faults")).value).toEqual({ cleared: 1 });
    for (const client of clients) expect((await client.answer()).head).toContain("200 OK");
    process.off("warning", warned);
    expect(warned).not.toHaveBeenCalled();
  });

  it("with an id, removes only that fault; an unknown id is 404 with the list of faults", async () => {
    for (const kind of ["stall", "garbage"]) await bench.add({ kind });
    expect(await bench.control("DELETE faults/f1")).toEqual({ status: 200, value: { cleared: 1 } });
    expect(await bench.control("DELETE faults/f1")).toEqual({
      status: 404,
      value: { error: "unknown fault; known: f2" },
    });
    expect((await bench.faults()).map(({ kind }) => kind)).toEqual(["garbage"]);
    expect((await bench.control("DELETE faults")).value).toEqual({ cleared: 1 });
    expect(await bench.control("DELETE faults/f2")).toEqual({
      status: 404,
      value: { error: "unknown fault; there are no faults" },
    });
  });

  it("is part of a reset, before which stalled requests are carried out", async () => {
    await bench.add({ kind: "stall" });
    const before = bench.state();
    const client = await bench.connect();
    client.send(request("/records/15?req=DoNotCall"));
    await expect.poll(async () => (await bench.faults())[0]!.fired, POLL).toBe(1);
    await bench.control("POST reset");
    expect((await client.answer()).head).toContain("200 OK");
    expect([await bench.faults(), bench.state()]).toEqual([[], before]);
  });

  it("is not needed to stop a sandbox with stalled requests and an outage", async () => {
    await bench.add({ kind: "stall" });
    const [client] = await stalled(1);
    await bench.add({ kind: "both-down" });
    await bench.close();
    expect(await client!.end).toBe("ECONNRESET");
    bench = await aBench();
  });
});

describe("POST /sandbox/switchover", () => {
  it("refuses a gap that is not a duration", async () => {
    for (const gap of [2, "2", "long"])
      expect(await bench.control("POST switchover", { gap })).toMatchObject({
        status: 400,
        value: { error: expect.stringMatching(/^gap: expected a duration/) as string },
      });
    expect((await bench.control("GET state")).value).toMatchObject({ active: "primary" });
  });
});
