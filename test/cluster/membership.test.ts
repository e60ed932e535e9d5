import { expect, it } from "vitest";
import { Membership, NameInUse } from "../../src/cluster/membership.ts";
import { migrate } from "../../src/cluster/schema/migrate.ts";
import { MIGRATIONS } from "../../src/cluster/schema/migrations.ts";
import { DatabaseUnavailable } from "../../src/cluster/database.ts";
import { describeWithPostgres, testSchema } from "../kit/postgres.ts";

describeWithPostgres("gateways that share a database", async () => {
  const { open } = await testSchema();
  const member = (node: string, options = {}): Membership =>
    new Membership({ database: open(), node, version: "1.0.0", ...options });

  it("know each other, with version and details", async () => {
    const [one, two] = [member("one"), member("two")];
    await one.join();
    two.tell("admin", { address: "https://two:9443" });
    await two.join();
    await one.beat();
    expect(one.nodes.map(({ name, state, version }) => [name, state, version])).toEqual([
      ["one", "live", "1.0.0"],
      ["two", "live", "1.0.0"],
    ]);
    expect(one.nodes[1]!.details).toEqual({ admin: { address: "https://two:9443" } });
    expect([one.isLeased, two.isLeased]).toEqual([true, true]);
    await two.leave();
    await one.beat();
    expect([one.live, one.nodes[1]!.state, two.isLeased]).toEqual([["one"], "stopped", false]);
    await one.leave();
  });

  it("lose the lease 1 s after the last beat that reached the database", async () => {
    let [now, wall, isCut] = [1000, 5_000_000, false];
    const database = open();
    const cut: Pick<typeof database, "query"> = {
      query: (statement) => (isCut ? Promise.reject(new DatabaseUnavailable("cut", true)) : database.query(statement)),
    };
    const one = member("cut", { database: cut, now: () => now, wallClock: () => wall });
    await one.join();
    isCut = true;
    now += 999;
    expect([await one.beat(), one.isLeased]).toEqual([false, true]);
    now += 1;
    expect(one.isLeased).toBe(false);
    isCut = false;
    expect([await one.beat(), one.isLeased]).toEqual([true, true]);
    wall += 60_000; // A suspended machine: only its wall clock has gone on.
    expect(one.isLeased).toBe(false);
    await one.leave();
  });

  it("call a gateway dead when its beat stands for 1.5 s of their own clock", async () => {
    let now = 0;
    const [one, other] = [member("watcher", { now: () => now }), member("silent")];
    await other.join();
    await one.join();
    const stateOf = (): string | undefined => one.nodes.find(({ name }) => name === "silent")?.state;
    now = 1499;
    await one.beat();
    expect(stateOf()).toBe("live");
    await other.beat();
    now = 1600;
    await one.beat();
    expect(stateOf()).toBe("live");
    await Promise.all([one.leave(), other.leave()]);
  });

  it("refuse a name that a live gateway has, and give one of a dead gateway to the next", async () => {
    const holder = member("name");
    await holder.join();
    await expect(member("name").join()).rejects.toThrow(NameInUse);
    await holder.leave();
    const next = member("name");
    await next.join();
    expect(next.isLeased).toBe(true);
    await next.leave();
  });

  it("stop when another gateway has taken the name", async () => {
    let isReplaced = false;
    const [first, second] = [member("taken", { observer: { onReplaced: () => (isReplaced = true) } }), member("taken")];
    await first.join();
    const database = open();
    await database.query({ text: "UPDATE node SET stopped = clock_timestamp() WHERE name = 'taken'" });
    await second.join();
    await first.beat();
    expect([isReplaced, first.isLeased, second.isLeased]).toEqual([true, false, true]);
    await Promise.all([first.leave(), second.leave()]);
  });

  it("create the tables once, whoever starts first", async () => {
    const fresh = await testSchema();
    const applied = await Promise.all([migrate(fresh.open(), MIGRATIONS), migrate(fresh.open(), MIGRATIONS)]);
    expect(applied).toEqual([[], []]);
  });
});
