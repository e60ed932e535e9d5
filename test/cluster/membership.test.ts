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

  it("stay live for others when a reading was only slow to arrive", async () => {
    let now = 0;
    const database = open();
    let delay = 0;
    const slow: Pick<typeof database, "query"> = {
      query: async (statement) => {
        const rows = await database.query(statement);
        now += delay;
        return rows as never;
      },
    };
    const [other, one] = [
      member("slow-read"),
      member("reader", { database: slow, now: () => now, wallClock: () => 0 }),
    ];
    await other.join();
    await one.join();
    const stateOf = (): string | undefined => one.nodes.find(({ name }) => name === "slow-read")?.state;
    now += 900;
    await one.beat();
    now += 500;
    delay = 300;
    expect([await one.beat(), now, stateOf()]).toEqual([true, 1700, "live"]);
    delay = 0;
    expect([await one.beat(), stateOf()]).toEqual([true, "dead"]);
    await Promise.all([one.leave(), other.leave()]);
  });

  it("get no lease from a beat that outlasts the lease before, and a new one from the next", async () => {
    let [now, delay] = [0, 0];
    const said: string[] = [];
    const database = open();
    const slow: Pick<typeof database, "query"> = {
      query: async (statement) => {
        const rows = await database.query(statement);
        now += delay;
        return rows as never;
      },
    };
    const observer = { onLease: () => said.push("lease"), onLeaseLost: () => said.push("lost") };
    const one = member("late", { database: slow, now: () => now, wallClock: () => now, observer });
    await one.join();
    expect([one.isLeased, one.leaseNumber, said]).toEqual([true, 1, ["lease"]]);
    now += 400;
    delay = 700;
    expect([await one.beat(), one.isLeased]).toEqual([false, false]);
    delay = 0;
    expect([await one.beat(), one.isLeased, one.leaseNumber]).toEqual([true, true, 2]);
    expect(said).toEqual(["lease", "lost", "lease"]);
    await one.leave();
  });

  it("raise the beat before they read the logs again, so that others count on them first", async () => {
    let now = 0;
    const database = open();
    const sent: string[] = [];
    const noted: Pick<typeof database, "query"> = {
      query: (statement) => {
        sent.push(statement.name ?? "other");
        return database.query(statement);
      },
    };
    const one = member("order", { database: noted, now: () => now, wallClock: () => now });
    await one.join();
    now += 1000;
    await one.beat();
    await one.beat();
    expect(sent).toEqual(["other", "come-back", "beat", "come-back", "beat", "beat"]);
    await one.leave();
  });

  it("answer a beat that is asked for in the turn in which another one ends", async () => {
    const one = member("turns");
    await one.join();
    const results = await Promise.all([one.beat().then(() => one.beat()), one.beat().then(() => one.beat())]);
    expect(results).toEqual([true, true]);
    await one.leave();
    expect(await one.beat()).toBe(false);
  });

  it("have no lease while the tables are unusable, and do not fail", async () => {
    const fresh = await testSchema();
    const failures: string[] = [];
    const database = fresh.open();
    const observer = { onFailure: (error: Error) => failures.push(error.message) };
    const one = new Membership({ database, node: "unusable", version: "1", observer });
    await one.join();
    await database.query({ text: "ALTER TABLE node RENAME TO gone" });
    expect(await one.beat()).toBe(false);
    expect(failures[0]).toMatch(/"node" does not exist/);
    await database.query({ text: "ALTER TABLE gone RENAME TO node" });
    expect(await one.beat()).toBe(true);
    await one.leave();
  });

  it.each<[string, string, RegExp]>([
    ["their row is gone", "DELETE FROM node WHERE name = 'evicted'", /has no node evicted any more/],
    ["a shared log has lost entries", "UPDATE log_head SET seq = 3 WHERE log = 'evicted'", /has lost entries/],
    ["a shared log is gone", "DELETE FROM log_head WHERE log = 'evicted'", /has lost entries/],
  ])("must stop when %s", async (_what, text, reason) => {
    let why = "";
    const database = open();
    await database.query({
      text: `INSERT INTO log_head (log, seq) VALUES ('evicted', 4) ON CONFLICT (log) DO UPDATE SET seq = 4`,
    });
    const one = member("evicted", { observer: { onReplaced: (given: string) => (why = given) } });
    await one.join();
    await database.query({ text });
    expect([await one.beat(), one.isLeased]).toEqual([false, false]);
    expect(why).toMatch(reason);
    await one.leave();
    await database.query({ text: "DELETE FROM node WHERE name = 'evicted'" });
    await database.query({ text: "DELETE FROM log_head WHERE log = 'evicted'" });
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
