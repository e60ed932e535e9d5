/** Several gateways on one database: each knows what the others accepted, and one of them sends it. */
import { afterEach, expect, it, vi } from "vitest";
import { DatabaseUnavailable, type SharedDatabase, type Statement } from "../../src/cluster/database.ts";
import { resultOfAnswer, type AttemptResult } from "../../src/outbox/attempt.ts";
import { OutboxRows } from "../../src/outbox/store/outbox-rows.ts";
import { SharedStore } from "../../src/outbox/store/shared-store.ts";
import { describeWithPostgres, testSchema } from "../kit/postgres.ts";
import { anItem, anOutbox, down, ok, type TestOutbox } from "./kit.ts";

const ALPHA = { upstream: "ocs", tenant: 101 };
const PERSON = { phone: "4155550100", customer: undefined };

describeWithPostgres("an outbox that gateways share", async () => {
  const { open } = await testSchema();
  const database = open();

  type Node = TestOutbox & { result: AttemptResult; isCut: boolean; isLeased: boolean; readonly die: () => void };
  const live = new Set<string>();
  let watchers: (() => void)[] = [];
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    live.clear();
    watchers = [];
    await database.query({ text: "DELETE FROM outbox" });
  });

  const aNode = async (name: string, result: AttemptResult = ok): Promise<Node> => {
    live.add(name);
    const control = { result, isCut: false, isLeased: true };
    const query: SharedDatabase["query"] = <Row extends object>(statement: Statement) =>
      control.isCut ? Promise.reject(new DatabaseUnavailable("cut off", true)) : database.query<Row>(statement);
    const store = await SharedStore.open({
      rows: new OutboxRows({ query, listen: database.listen.bind(database), schema: database.schema }),
      membership: {
        node: name,
        instance: name,
        get isLeased() {
          return control.isLeased && live.has(name);
        },
        get nodes() {
          return [...live].map((each) => ({ name: each, instance: each, state: "live" }) as never);
        },
        observe: ({ onChange }) => {
          watchers.push(() => onChange?.());
          return () => undefined;
        },
      },
    });
    const node = anOutbox(new Map(), () => control.result, { store, giveUp: () => 60_000 });
    node.outbox.start();
    const stop = async (): Promise<void> => {
      await node.outbox.stop();
      await store.close();
    };
    stops.push(stop);
    return Object.assign(control, node, {
      die: () => {
        live.delete(name);
        for (const watch of watchers) watch();
      },
    });
  };

  const handOver = async ({ outbox }: Node, over = {}): Promise<string> => {
    const item = anItem(over);
    await outbox.accept(item);
    outbox.begin(item.id);
    return item.id;
  };
  const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 8000, interval: 20 });
  /** As if it was accepted some seconds ago. */
  const age = (): Promise<unknown> =>
    database.query({ text: "UPDATE outbox SET accepted = accepted - interval '5 s'" });

  it("is known to all: each refuses records with its number until OCS has answered 200", async () => {
    const [one, two] = [await aNode("one", down), await aNode("two")];
    const id = await handOver(one);
    await eventually(() => expect(two.outbox.pendingFor(ALPHA, PERSON)).toBe("phone"));
    expect(two.outbox.stateOf(id)).toMatchObject({ state: "queued" });
    one.result = ok;
    await eventually(() => expect(two.outbox.stateOf(id)).toMatchObject({ state: "answered", status: 200 }));
    expect([one, two].map(({ outbox }) => outbox.pendingFor(ALPHA, PERSON))).toEqual([undefined, undefined]);
    expect(two.tried).toEqual([]);
    const [row] = await database.query<{ item: string }>({ text: "SELECT item FROM outbox" });
    expect(row!.item).not.toContain("4155550100");
  });

  it("is taken over from a gateway that has died, and by one gateway only", async () => {
    const [one, two, three] = [await aNode("one", down), await aNode("two"), await aNode("three")];
    const ids = [await handOver(one), await handOver(one), await handOver(one)];
    await age();
    one.die();
    await eventually(() => expect(ids.map((id) => two.outbox.stateOf(id)?.state)).toEqual(ids.map(() => "answered")));
    expect([...two.tried, ...three.tried].toSorted()).toEqual(ids);
    // The dead one, if it was only slow, sends nothing more.
    const tried = one.tried.length;
    await eventually(() => expect(one.outbox.pendingFor(ALPHA, PERSON)).toBeUndefined());
    expect(one.tried.length).toBeLessThanOrEqual(tried + 1);
  });

  it("survives a gateway that was killed before it had told its client", async () => {
    const one = await aNode("one");
    const item = anItem();
    await one.outbox.accept(item);
    await age();
    one.die();
    const two = await aNode("two");
    await eventually(() => expect(two.outbox.stateOf(item.id)).toMatchObject({ state: "answered" }));
  });

  it("accepts nothing while the database is gone; what is known counts, and is sent afterwards", async () => {
    const one = await aNode("one", down);
    const id = await handOver(one);
    one.isCut = true;
    await expect(one.outbox.accept(anItem())).rejects.toThrow("cut off");
    one.isLeased = false;
    await expect(one.outbox.accept(anItem())).rejects.toThrow("does not reach");
    expect(one.outbox.pendingFor(ALPHA, PERSON)).toBe("phone");
    expect(one.outbox.open.map((each) => each.id)).toEqual([id]);
    one.result = ok;
    one.isCut = false;
    one.isLeased = true;
    await eventually(() => expect(one.outbox.stateOf(id)).toMatchObject({ state: "answered" }));
    await vi.waitFor(
      async () => expect(await database.query({ text: "SELECT state FROM outbox" })).toEqual([{ state: "answered" }]),
      { timeout: 8000, interval: 50 },
    );
    expect(one.outbox.trouble()).toBeUndefined();
  });

  it("has an alarm that any gateway may close", async () => {
    const [one, two] = [await aNode("one", resultOfAnswer(410, false)), await aNode("two")];
    const id = await handOver(one);
    await eventually(() => expect(two.outbox.alarmOf(id)).toMatchObject({ cause: "rejected", status: 410 }));
    expect([one.alarms.length, two.alarms.length]).toEqual([1, 0]);
    expect(two.outbox.close(id)).toBe(true);
    await eventually(() => expect(one.outbox.alarmOf(id)).toBeUndefined());
    expect(one.outbox.pendingFor(ALPHA, PERSON)).toBeUndefined();
  });

  it("is not given up because the clock of one gateway is wrong", async () => {
    const [one, two] = [await aNode("one", down), await aNode("two", down)];
    const id = await handOver(one);
    await age();
    two.clock.micros = 365 * 86_400_000_000;
    one.die();
    await eventually(() => expect(two.tried).toContain(id));
    expect(two.alarms).toEqual([]);
    await database.query({ text: "UPDATE outbox SET accepted = accepted - interval '5 min', seq = seq + 1000" });
    await database.query({ text: "UPDATE log_head SET seq = seq + 1000 WHERE log = 'outbox'" });
    await eventually(() => expect(two.alarms).toMatchObject([{ id, cause: "gave-up" }]));
  });
});
