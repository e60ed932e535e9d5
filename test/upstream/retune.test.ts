import { afterEach, describe, expect, it, vi } from "vitest";
import { FairQueue } from "../../src/upstream/fair-queue.ts";
import { Switchboard, type UpstreamOptions } from "../../src/upstream/switchboard.ts";
import { OK, rawOcs, type RawConnection, type RawOcs } from "../kit/raw-ocs.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

describe("a queue whose shares change", () => {
  it("gives turns by the new ones to who waits already, and keeps everyone's place", () => {
    const queue = new FairQueue<{ tenant: string; bytes: number; urgent: boolean; id: number }>({
      max: 3,
      maxBytes: 1000,
    });
    const item = (tenant: string, id: number) => ({ tenant, bytes: 1, urgent: false, id });
    for (const tenant of ["a", "b"]) for (let id = 0; id < 3; id++) queue.push(item(tenant, id));
    queue.retune({ max: 1, maxBytes: 1000 }, (tenant) => (tenant === "a" ? 2 : 0.5));
    expect([queue.size, queue.push(item("a", 3)), queue.push(item("c", 0))]).toEqual([6, false, true]);
    const served = Array.from({ length: 7 }, () => queue.take(queue.first()!)!);
    expect(served.map(({ tenant }) => tenant).join("")).toMatch(/^(c|a|b){4}/);
    expect(served.filter(({ tenant }) => tenant === "a").map(({ id }) => id)).toEqual([0, 1, 2]);
    expect(served.map(({ tenant }) => tenant).lastIndexOf("a")).toBeLessThan(
      served.map(({ tenant }) => tenant).lastIndexOf("b") - 1,
    );
  });
});

describe("an upstream whose measures change", () => {
  const measures = (connections: number, over: Partial<UpstreamOptions> = {}) => ({
    connections,
    answerTimeout: 5000,
    queue: { max: 100, maxBytes: 1e6, maxWait: 5000 },
    ...over,
  });
  const ask = (it: Switchboard) =>
    it.send({ tenant: "Alpha", method: "POST", path: "/phones/4155550100?req=DoNotCall", body: "{}", urgent: false });

  /** An OCS that answers when it is told to. */
  const held = async (connections: number): Promise<{ ocs: RawOcs; board: Switchboard; waiting: RawConnection[] }> => {
    const waiting: RawConnection[] = [];
    const ocs = await rawOcs(({ connection }) => void waiting.push(connection));
    const board = new Switchboard({
      name: "ocs",
      primary: { origin: ocs.url, tls: {}, connectTimeout: 2000 },
      onePerTenant: true,
      userAgent: "t",
      ...measures(connections),
    });
    stops.push(
      () => ocs.close(),
      () => board.close(),
    );
    return { ocs, board, waiting };
  };
  const answer = (waiting: RawConnection[]): void => waiting.splice(0).forEach(({ socket }) => socket.write(OK));

  it("serves who waits on lanes that are new, at once", async () => {
    const { board, waiting } = await held(1);
    const sending = [ask(board), ask(board), ask(board)];
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    board.retune(measures(3));
    await vi.waitFor(() => expect(waiting).toHaveLength(3));
    answer(waiting);
    expect((await Promise.all(sending)).map(({ lane }) => lane).toSorted()).toEqual(["ocs/1", "ocs/2", "ocs/3"]);
  });

  it("lets what is under way on a lane too many end, and closes that lane then", async () => {
    const { ocs, board, waiting } = await held(2);
    const sending = [ask(board), ask(board)];
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    board.retune(measures(1));
    expect(board.status().lanes.map(({ name }) => name)).toEqual(["ocs/1"]);
    answer(waiting);
    expect((await Promise.all(sending)).map(({ status }) => status)).toEqual([200, 200]);
    await vi.waitFor(() => expect(ocs.connections.filter(({ socket }) => socket.destroyed)).toHaveLength(1));
    const next = ask(board);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    answer(waiting);
    expect((await next).lane).toBe("ocs/1");
    expect(ocs.connections).toHaveLength(2);
  });

  it("gives OCS the new time to answer on lanes that stand", async () => {
    const { ocs, board, waiting } = await held(1);
    const first = ask(board);
    await vi.waitFor(() => expect(waiting).toHaveLength(1));
    answer(waiting);
    await first;
    board.retune(measures(1, { answerTimeout: 50 }));
    await expect(ask(board)).rejects.toMatchObject({ why: "no-answer", sent: true });
    expect(ocs.connections).toHaveLength(1);
  });
});
