/** The live stream of people of one tenant, beside a busy tenant. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openFlows, type FlowStream } from "../../kit/flow-stream.ts";
import {
  NOBODY,
  admin,
  alphaTraffic,
  call,
  canaryIds,
  canaryTraffic,
  COUNTING,
  expectNoTrace,
  membersIn,
  startWorld,
  stopWorld,
  stops,
} from "./kit.ts";
import { EVERYTHING, OTHER, SCOPED } from "./people.ts";

vi.mock("../../../src/admin/viewer.ts", async (original) =>
  (await import("./people.ts")).withPeople(await original<typeof import("../../../src/admin/viewer.ts")>()),
);

beforeAll(startWorld, 60_000);
afterAll(stopWorld);

describe("the stream of Alpha's people", () => {
  const open = async (as: string, filter = "", cursor?: string): Promise<FlowStream> => {
    const stream = await openFlows(admin, { filter, token: as, cursor });
    stops.push(() => stream.close());
    return stream;
  };
  const has = (id: string) => (event: { readonly data: Record<string, unknown> }) => event.data["id"] === id;

  it("has Alpha's flows only, and no event tells how much others do", async () => {
    const streams = await Promise.all(
      Object.values(SCOPED).flatMap((as) =>
        ["", `tenant:${NOBODY.name} OR -tenant:101 OR is:ok`].map((f) => open(as, f)),
      ),
    );
    const all = await open(EVERYTHING);
    await canaryTraffic();
    await alphaTraffic();
    await canaryTraffic();
    const last = await call("/phones/4155550177?req=DoNotCall", "alpha");
    for (const stream of [...streams, all]) {
      await stream.until(has(last));
      await stream.until(({ name }) => name === "heartbeat");
    }
    for (const id of canaryIds.slice(-9, -4)) expect(all.events.some(has(id)), id).toBe(true);
    for (const { events } of streams) {
      expectNoTrace(JSON.stringify(events.map(({ data }) => data)), "a stream");
      const flows = events.filter(({ name }) => name === "flow");
      expect(flows.length).toBeGreaterThan(0);
      for (const { data } of flows) expect(data["tenant"]).toEqual({ dbid: 101, name: "Alpha Tenant" });
      expect(membersIn(events.map(({ data }) => data)).filter((name) => COUNTING.has(name))).toEqual([]);
    }
  }, 60_000);

  it("has a new cursor in each heartbeat, also when nothing happens", async () => {
    const { events, until, close } = await open(SCOPED.viewer);
    const beats = () => events.filter(({ name }) => name === "heartbeat");
    await until(() => beats().length === 2);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(Object.keys(beats()[0]!.data).toSorted()).toEqual(["journal", "sent", "time"]);
    close();
  }, 20_000);

  it("continues at a cursor of its own only", async () => {
    const first = await open(SCOPED.viewer);
    const { id } = await first.until(({ name }) => name === "begin");
    const everything = await (await open(EVERYTHING)).until(({ name }) => name === "begin");
    first.close();
    await canaryTraffic();
    const missed = await call("/phones/4155550177?req=DoNotCall", "alpha");
    const second = await open(SCOPED.auditor, "", id);
    await second.until(has(missed));
    expect(second.events.filter(({ name }) => name === "flow")).toHaveLength(1);
    expectNoTrace(JSON.stringify(second.events.map(({ data }) => data)), "a continued stream");
    for (const [as, cursor] of [
      [SCOPED.viewer, everything.id],
      [OTHER, id],
      [EVERYTHING, id],
    ] as const)
      expect(await open(as, "", cursor)).toMatchObject({
        status: 400,
        error: expect.stringContaining("Last-Event-ID"),
      });
  });
});
