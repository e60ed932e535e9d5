import { afterEach, describe, expect, it, vi } from "vitest";
import { FairQueue } from "../../src/upstream/fair-queue.ts";
import { Switchboard, type UpstreamOptions } from "../../src/upstream/switchboard.ts";
import { OK, rawOcs, type RawConnection, type RawOcs } from "../kit/raw-ocs.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

describe("a queue whose shares change", () => {
  it("applies the new shares to waiting tenants, and keeps each request's place", () => {
    const queue = new FairQueue<{ tenant: string; bytes: number; urgent: boolean; id: number }>({
      max: 3,
      maxBytes: 1000,
    });
    const item = (tenant: string, id: number) => ({ tenant, bytes: 1, urgent: false, id });
    for (const tenant of ["a", "b"]) for (let id = 0; id < 3; id++) queue.push(item(tenant, id));
    queue.retune({ max: 1, maxBytes: 1000 }, (tenant) => (tenant === "a" ? 2 : 0.5));
    expect([queue.size, queue.push(item("a", 3)), queue.push(item("c", 0))]).toEqual([6, false, true]);
    const served = Array.from({ length: 7 }, () => queue.take(queue.nextTenant()!)!);
    expect(served.map(({ tenant }) => tenant).join("")).toMatch(/^(c|a|b){4}/);
    expect(served.filter(({ tenant }) => tenant === "a").map(({ id }) => id)).toEqual([0, 1, 2]);
    expect(served.map(({ tenant }) => tenant).lastIndexOf("a")).toBeLessThan(
      served.map(({ tenant }) => tenant).lastIndexOf("b") - 1,
    );
  });
});

describe("an upstream whose options change", () => {
  const measures = (connections: number, over: Partial<UpstreamOptions> = {}) => ({
    connections,
    answerTimeout: 5000,
    queue: { max: 100, maxBytes: 1e6, maxWait: 5000 },
    ...over,
  });
  const ask = (it: Switchboard) =>
    it.send({ tenant: "Alpha", method: "POST", path: "/phones/4155550100?req=DoNotCall", body: "{}", urgent: false });

  /** An OCS that answers when it is told to. */
  const held = async (
    connections: number,
  ): Promise<{ ocs: RawOcs; switchboard: Switchboard; waiting: RawConnection[] }> => {
    const waiting: RawConnection[] = [];
    const ocs = await rawOcs(({ connection }) => void waiting.push(connection));
    const switchboard = new Switchboard({
      name: "ocs",
      primary: { origin: ocs.url, tls: {}, connectTimeout: 2000 },
      onePerTenant: true,
      userAgent: "t",
      ...measures(connections),
    });
    stops.push(
      () => ocs.close(),
      () => switchboard.close(),
    );
    return { ocs, switchboard, waiting };
  };
  const answer = (waiting: RawConnection[]): void => waiting.splice(0).forEach(({ socket }) => socket.write(OK));

  it("serves waiting requests on new lanes at once", async () => {
    const { switchboard, waiting } = await held(1);
    const sending = [ask(switchboard), ask(switchboard), ask(switchboard)];
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    switchboard.retune(measures(3));
    await vi.waitFor(() => expect(waiting).toHaveLength(3));
    answer(waiting);
    expect((await Promise.all(sending)).map(({ lane }) => lane).toSorted()).toEqual(["ocs/1", "ocs/2", "ocs/3"]);
  });

  it("closes a surplus lane after the exchange that is under way on it", async () => {
    const { ocs, switchboard, waiting } = await held(2);
    const sending = [ask(switchboard), ask(switchboard)];
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    switchboard.retune(measures(1));
    expect(switchboard.status().lanes.map(({ name }) => name)).toEqual(["ocs/1"]);
    answer(waiting);
    expect((await Promise.all(sending)).map(({ status }) => status)).toEqual([200, 200]);
    await vi.waitFor(() => expect(ocs.connections.filter(({ socket }) => socket.destroyed)).toHaveLength(1));
    const next = ask(switchboard);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    answer(waiting);
    expect((await next).lane).toBe("ocs/1");
    expect(ocs.connections).toHaveLength(2);
  });

  it("applies the new answer timeout to existing lanes", async () => {
    const { ocs, switchboard, waiting } = await held(1);
    const first = ask(switchboard);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    answer(waiting);
    await first;
    switchboard.retune(measures(1, { answerTimeout: 50 }));
    await expect(ask(switchboard)).rejects.toMatchObject({ reason: "no-answer", sent: true });
    expect(ocs.connections).toHaveLength(1);
  });
});
