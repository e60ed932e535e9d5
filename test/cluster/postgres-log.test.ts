import { expect, it } from "vitest";
import { PostgresLog } from "../../src/cluster/log/postgres-log.ts";
import type { SharedDatabase } from "../../src/cluster/database.ts";
import type { Acknowledgement, NewEvent } from "../../src/cluster/log/shared-log.ts";
import { describeWithPostgres, testSchema } from "../kit/postgres.ts";

const eventsOf = (names: readonly string[]): NewEvent[] =>
  names.map((name) => ({ id: crypto.randomUUID(), event: { kind: name } }));

describeWithPostgres("the log in PostgreSQL", async () => {
  const { open } = await testSchema();
  const database = open();
  const logOf = (node: string, of: SharedDatabase = database): PostgresLog =>
    new PostgresLog(of, { node, instance: crypto.randomUUID() });
  const [one, two] = [logOf("one"), logOf("two", open())];

  it("numbers the events of all gateways without gaps, each batch in one piece", async () => {
    const batches = Array.from({ length: 20 }, (_, at) =>
      (at % 2 ? one : two).append("order", eventsOf([`${at}a`, `${at}b`, `${at}c`])),
    );
    const added = await Promise.all(batches);
    const { rows, head } = await one.read("order", 1);
    expect(head).toBe(60);
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, at) => at + 1));
    for (const [at, batch] of added.entries()) {
      expect(batch.map(({ event }) => event)).toEqual(["a", "b", "c"].map((each) => ({ kind: `${at}${each}` })));
      expect(batch.map(({ seq }) => seq - batch[0]!.seq)).toEqual([0, 1, 2]);
      expect(rows.slice(batch[0]!.seq - 1, batch[0]!.seq + 2)).toEqual(batch);
    }
    expect(rows.every(({ at }, index) => index === 0 || at >= rows[index - 1]!.at)).toBe(true);
    expect((await one.read("order", 59)).rows).toHaveLength(2);
    expect(await one.read("unknown", 1)).toEqual({ rows: [], head: 0 });
  });

  it("has an event once, however often and by whomever it is appended", async () => {
    const events = eventsOf(["first", "second"]);
    await one.append("once", events.slice(0, 1));
    expect((await one.append("once", events)).map(({ seq, event }) => [seq, event])).toEqual([[2, { kind: "second" }]]);
    const twice = eventsOf(["third"]);
    const both = await Promise.all([one.append("once", twice), two.append("once", twice)]);
    expect(both.flat()).toHaveLength(1);
    expect((await one.read("once", 1)).head).toBe(3);
  });

  it("keeps texts that a database would refuse", async () => {
    const event = { kind: "announce", attempt: 'a\u0000b \ud800 " \\ {ä}' };
    await one.append("texts", [{ id: crypto.randomUUID(), event }]);
    expect((await two.read("texts", 1)).rows[0]!.event).toEqual(event);
  });

  it("says afterwards whether an append got through whose connection was cut", async () => {
    const cut = open({ application: "to be cut", connections: 1 });
    const log = logOf("cut", cut);
    await log.append("cut", eventsOf(["before"]));
    const events = eventsOf(["unknown"]);
    // The row's lock holds the append until its connection is ended.
    await database.transaction(async (query) => {
      await query({ text: "SELECT FROM log_head WHERE log = 'ownership:cut' FOR UPDATE" });
      const append = log.append("cut", events).catch((error: Error) => error.name);
      await expect
        .poll(
          async () =>
            (
              await query({
                text: "SELECT FROM pg_stat_activity WHERE application_name = 'to be cut' AND wait_event_type = 'Lock'",
              })
            ).length,
        )
        .toBe(1);
      await query({
        text: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be cut'",
      });
      expect(await append).toBe("DatabaseUnavailable");
    });
    // Whoever takes the id first decides.
    const [row] = await log.append("cut", [{ id: events[0]!.id, event: { kind: "void" } }]);
    expect(row).toMatchObject({ seq: 2, event: { kind: "void" } });
    expect(await log.append("cut", events)).toEqual([]);
  });

  it("tells other gateways about events and acknowledgements", async () => {
    const [appended, acknowledged]: [(string | undefined)[], Acknowledgement[]] = [[], []];
    const own: (string | undefined)[] = [];
    const connected = Promise.withResolvers<void>();
    const stop = two.listen({
      onAppended: (log) => (log === undefined ? connected.resolve() : appended.push(log)),
      onAcknowledged: (each) => acknowledged.push(each),
    });
    await connected.promise;
    one.listen({ onAppended: (log) => own.push(log), onAcknowledged: () => undefined });
    await one.append("told", eventsOf(["x"]));
    const acknowledgement = { log: "told", instance: crypto.randomUUID(), seq: 7 };
    await one.acknowledge(acknowledgement);
    await expect.poll(() => acknowledged).toEqual([acknowledgement]);
    expect(appended).toEqual(["told"]);
    expect(own.filter((log) => log === "told")).toEqual([]);
    stop();
  });

  it("replaces old events by a snapshot, and keeps those that are needed", async () => {
    await one.append("snapshot", eventsOf(["a", "b", "c", "d"]));
    expect(await one.snapshot("snapshot")).toBeUndefined();
    const parts = [{ format: 1 }, { list: "x", members: [[1, "\u0000"]] }, { list: "y" }];
    expect(await one.putSnapshot("snapshot", { seq: 3, parts }, 2)).toBe(true);
    expect(await two.putSnapshot("snapshot", { seq: 3, parts: [] }, 2)).toBe(false);
    expect(await two.snapshot("snapshot")).toEqual({ seq: 3, parts });
    expect((await two.read("snapshot", 1)).rows.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    expect(await two.putSnapshot("snapshot", { seq: 4, parts: [1] }, 100)).toBe(true);
    expect(await two.snapshot("snapshot")).toEqual({ seq: 4, parts: [1] });
    expect((await two.read("snapshot", 1)).rows.map(({ seq }) => seq)).toEqual([4]);
  });

  it("remembers up to where a gateway's journal is in the log", async () => {
    expect(await one.mark()).toBeUndefined();
    await one.putMark(12);
    await one.putMark(15);
    expect([await one.mark(), await two.mark()]).toEqual([15, undefined]);
  });
});
