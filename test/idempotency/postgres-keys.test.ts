/**
 * Keys in the shared database: the contract of stores, and two gateways with one client that repeats its request at the
 * other one. OCS must never get it twice, and what may have been sent is never reported as not sent.
 */
import { describe, expect, it } from "vitest";
import { DatabaseUnavailable, type Query } from "../../src/cluster/database.ts";
import { headerOf, type Reply } from "../../src/common/message.ts";
import { indexKeyFault } from "../../src/idempotency/shared/index-key-checks.ts";
import { KeyRoom } from "../../src/idempotency/shared/key-room.ts";
import { openPostgresKeys, type PostgresKeys } from "../../src/idempotency/shared/postgres-keys.ts";
import { resolveRunning } from "../../src/idempotency/resolve-running.ts";
import { KeysUnavailable } from "../../src/idempotency/types.ts";
import type { Entry, Recorded } from "../../src/journal/entry.ts";
import { writeMicros } from "../../src/journal/time.ts";
import { UpstreamError } from "../../src/upstream/types.ts";
import { aLine, anAnswer } from "../kit/line.ts";
import { describeWithPostgres, testSchema } from "../kit/postgres.ts";
import { aKey, claimer, INDEX_KEY } from "./kit.ts";
import { ANSWERED, describeKeyStore, UNKNOWN } from "./store-contract.ts";

const NEVER = new Promise<never>(() => undefined);
const ADD = {
  target: "/lists/Alpha%20List?req=AddRecord",
  body: '{"GSW_PHONE":"4155550100","GSW_CAMPAIGN_NAME":"Alpha Campaign","GSW_TZ_NAME":"PST"}',
};
const BEGUN = 1_900_000_000_000_000;

describeWithPostgres("keys in the shared database", async () => {
  const { open } = await testSchema();
  const database = open();
  const raw: Query = database.query;
  const join = (node: string): Promise<unknown> =>
    raw({
      text: "INSERT INTO node (name, instance, version) VALUES ($1, $2, '1') ON CONFLICT DO NOTHING",
      values: [node, crypto.randomUUID()],
    });
  await join("contract");

  describeKeyStore("PostgreSQL", () =>
    Promise.resolve({
      open: (mostKeys) =>
        openPostgresKeys({
          query: raw,
          node: "contract",
          instance: crypto.randomUUID(),
          mostKeys,
          stateOf: () => "live",
          refusal: "connection-lost",
        }),
      remove: () => Promise.resolve(),
    }),
  );

  const states = new Map<string, "live" | "dead" | "stopped">();
  let sites = 0;
  let clients = 0;
  /** What outlives a run of a gateway, and its network to the database. `lost`: only results do not arrive. */
  class Site {
    readonly node = `gw-${++sites}`;
    readonly journal: Recorded[] = [];
    cable: "up" | "cut" | "lost" = "up";
    statements = 0;
    /** Statements under way. */
    busy = 0;
    ocs = 0;

    readonly query: Query = async (statement) => {
      this.statements++;
      if (this.cable === "cut") throw new DatabaseUnavailable("cut", false);
      this.busy++;
      const rows = await raw(statement).finally(() => this.busy--);
      // Read after the statement: the cable may have been cut meanwhile.
      if (this.cable !== "up") throw new DatabaseUnavailable("the connection was lost", true);
      return rows as never;
    };

    write(entry: Entry): void {
      const index = this.journal.length;
      this.journal.push({ ...entry, index, time: writeMicros(BEGUN + index) });
    }

    async start(): Promise<PostgresKeys> {
      await join(this.node);
      states.set(this.node, "live");
      this.write({ kind: "start", format: 2, version: "1.0.0", pid: 1 });
      const store = await openPostgresKeys({
        query: this.query,
        node: this.node,
        instance: crypto.randomUUID(),
        mostKeys: 1000,
        stateOf: (name) => states.get(name),
        refusal: "connection-lost",
      });
      await this.resolve(store, store.running);
      return store;
    }

    async resolve(store: PostgresKeys, running: PostgresKeys["running"]): Promise<void> {
      const { journal } = this;
      const ends = await resolveRunning(running, {
        entriesFrom: async function* (from) {
          yield* journal.slice(from);
        },
        refusalOf: () => "no-answer",
        doubt: { refusal: "connection-lost", detail: "in doubt" },
      });
      for (const [id, end] of ends) await store.settle(id, end);
    }
  }

  type OcsDoes = "answers" | "never answers" | "cannot be reached" | "hangs";
  type Step = "claim" | "intent" | "send" | "settle" | "end";
  type Run = {
    readonly key: string;
    readonly id?: string;
    readonly ocs?: OcsDoes;
    /** The process ends here. */
    readonly kill?: { readonly step: Step; readonly when: "before" | "after" } | undefined;
    readonly body?: string;
    /** Called before the step. */
    readonly at?: (step: Step) => void;
  };
  const add = (site: Site, store: PostgresKeys, { key, ocs = "answers", kill, at, ...over }: Run): Promise<Reply> => {
    const { id = crypto.randomUUID(), body = ADD.body } = over;
    const doing = async <Value>(step: Step, act: () => Promise<Value> | Value): Promise<Value> => {
      at?.(step);
      if (kill?.step === step && kill.when === "before") return NEVER;
      const value = await Promise.resolve()
        .then(act)
        .catch((error: unknown) => error as Error);
      if (kill?.step === step) return NEVER;
      if (value instanceof Error) throw value;
      return value;
    };
    const entry = site.journal.length - 1;
    const line = aLine({
      claimKey: claimer(
        {
          claim: (each) => doing("claim", () => store.claim(each)),
          settle: (of, end) => doing("settle", () => store.settle(of, end)),
        },
        { entry, entryTime: BEGUN + entry },
      ),
      append: (each) => doing(each.kind === "intent" ? "intent" : "end", () => site.write(each)),
      send: () =>
        doing("send", () => {
          if (ocs === "cannot be reached") throw new UpstreamError("unreachable", false, "no OCS");
          site.ocs++;
          if (ocs === "never answers") throw new UpstreamError("no-answer", true, "no answer");
          return ocs === "hangs" ? NEVER : anAnswer();
        }),
    });
    return line.ask({ ...ADD, id, body, headers: [["Idempotency-Key", `"${key}"`]] });
  };
  const nextKey = (): string => `k-${++clients}`;
  /** Until the request waits for good, or has its reply. */
  const settled = async (reply: Promise<Reply>, site: Site): Promise<void> => {
    const done = reply.then(() => true);
    for (let quiet = 0, before = -1; quiet < 10;) {
      if (await Promise.race([done, new Promise<false>((resolve) => setTimeout(() => resolve(false), 2))])) return;
      const now = site.statements + site.journal.length + site.ocs;
      [quiet, before] = now === before && site.busy === 0 ? [quiet + 1, before] : [0, now];
    }
  };
  const seen = ({ status, headers }: Reply) => [
    status,
    headerOf(headers, "Ocsgw-Code"),
    headerOf(headers, "Ocsgw-Idempotency"),
  ];
  const two = async (): Promise<readonly [Site, PostgresKeys, Site, PostgresKeys]> => {
    const [a, b] = [new Site(), new Site()];
    return [a, await a.start(), b, await b.start()];
  };
  const forget = (node: string): Promise<unknown> => raw({ text: "DELETE FROM node WHERE name = $1", values: [node] });

  const REPLAYED = [200, undefined, "replayed"];
  const LOST = [502, "OCSGW-4102", "replayed"];
  it.each<[string, OcsDoes, "lives" | "dead" | "stopped" | "forgotten", readonly unknown[]]>([
    ["has answered", "answers", "lives", REPLAYED],
    ["has answered, by a gateway that died since,", "answers", "dead", REPLAYED],
    ["got no answer", "never answers", "lives", [504, "OCSGW-4101", "replayed"]],
    ["was not sent", "cannot be reached", "lives", [200, undefined, undefined]],
    ["was not sent, by a gateway that died since,", "cannot be reached", "dead", [200, undefined, undefined]],
    ["runs", "hangs", "lives", [409, "OCSGW-3101", undefined]],
    ["ran when its gateway died", "hangs", "dead", LOST],
    ["ran when its gateway stopped", "hangs", "stopped", LOST],
    ["ran at a gateway that was forgotten", "hangs", "forgotten", LOST],
  ])("a request that %s (OCS %s, %s) is repeated at another gateway", async (_, ocs, fate, expected) => {
    const [a, atA, b, atB] = await two();
    const key = nextKey();
    await settled(add(a, atA, { key, id: `first-${key}`, ocs }), a);
    if (fate === "forgotten") await forget(a.node);
    else if (fate !== "lives") states.set(a.node, fate);
    const repeat = await add(b, atB, { key });
    expect(seen(repeat)).toEqual(expected);
    expect(b.ocs).toBe(ocs === "cannot be reached" ? 1 : 0);
    if (expected !== REPLAYED) return;
    expect(headerOf(repeat.headers, "Ocsgw-First-Request")).toBe(`first-${key}`);
    expect(seen(await add(b, atB, { key, body: ADD.body.replace("0100", "0101") }))[1]).toBe("OCSGW-3102");
  });

  const STEPS = ["claim", "intent", "send", "settle", "end"] as const;
  const kills = STEPS.flatMap((step) => (["before", "after"] as const).map((when) => ({ step, when })));
  it.each(
    (["answers", "never answers", "cannot be reached"] as const).flatMap((ocs) =>
      kills.map((kill) => ({ ocs, kill, when: `${kill.when} ${kill.step}` })),
    ),
  )("a gateway is killed $when, while OCS $ocs; the other one answers, then it starts again", async ({ ocs, kill }) => {
    const [a, atA, b, atB] = await two();
    const key = nextKey();
    await settled(add(a, atA, { key, id: `first-${key}`, ocs, kill }), a);
    states.set(a.node, "dead");
    const sentBefore = a.ocs;
    const meanwhile = seen(await add(b, atB, { key }));
    const again = await a.start();
    const later = seen(await add(b, atB, { key, id: `later-${key}` }));
    const last = seen(await add(a, again, { key }));
    expect(a.ocs + b.ocs).toBeLessThanOrEqual(1);
    expect([200, 502, 504]).toContain(meanwhile[0]);
    // OCS may have got it: told so at once, and never otherwise.
    if (sentBefore === 1) expect([meanwhile[2], later[2]]).toEqual(["replayed", "replayed"]);
    // Whatever it is after the restart, it stays so, at both.
    expect(last).toEqual([later[0], later[1], "replayed"]);
    const wasIntended = a.journal.some((entry) => "id" in entry && entry.id === `first-${key}`);
    if (!wasIntended) expect([a.ocs + b.ocs, later[0]]).toEqual([1, 200]);
  });

  it("sends nothing while the database cannot be reached, and the key is as good as new afterwards", async () => {
    const [a, atA, b, atB] = await two();
    const key = nextKey();
    a.cable = "cut";
    expect(seen(await add(a, atA, { key }))).toEqual([503, "OCSGW-5104", undefined]);
    a.cable = "up";
    expect([a.ocs, seen(await add(b, atB, { key }))]).toEqual([0, [200, undefined, undefined]]);
    expect(seen(await add(a, atA, { key }))).toEqual(REPLAYED);
  });

  it("finds out what became of a claim whose commit got no reply", async () => {
    const [a, atA] = await two();
    const [key, other] = [nextKey(), nextKey()];
    await add(a, atA, { key });
    let failed = 0;
    const once = await openPostgresKeys({
      query: async (statement) => {
        const rows = await raw(statement);
        if (statement.name === "claim-keys" && failed++ === 0) throw new DatabaseUnavailable("lost", true);
        return rows as never;
      },
      node: a.node,
      instance: crypto.randomUUID(),
      mostKeys: 1000,
      stateOf: () => "live",
      refusal: "connection-lost",
    });
    expect([seen(await add(a, once, { key: other })), a.ocs]).toEqual([[200, undefined, undefined], 2]);
    expect(seen(await add(a, once, { key: other }))).toEqual(REPLAYED);
  });

  it.each(["the same gateway", "another gateway"])(
    "refuses a claim of which it cannot find out, and a repeat at %s is sent once",
    async (where) => {
      const [a, atA, b, atB] = await two();
      const key = nextKey();
      await add(a, atA, { key: nextKey() });
      a.cable = "lost";
      expect(seen(await add(a, atA, { key }))).toEqual([503, "OCSGW-5104", undefined]);
      a.cable = "up";
      if (where === "another gateway") {
        expect(seen(await add(b, atB, { key }))[1]).toBe("OCSGW-3101");
        await atA.expire(0, undefined);
      }
      expect(seen(await (where === "another gateway" ? add(b, atB, { key }) : add(a, atA, { key })))).toEqual([
        200,
        undefined,
        undefined,
      ]);
      expect(a.ocs + b.ocs).toBe(2);
    },
  );

  it.each(["cut", "lost"] as const)("stores an end later when the database is %s after OCS answered", async (cable) => {
    const [a, atA, b, atB] = await two();
    const key = nextKey();
    const first = add(a, atA, { key, at: (step) => void (step === "settle" && (a.cable = cable)) });
    await settled(first, a);
    expect(atA.pending()).toBe(1);
    const meanwhile = seen(await add(b, atB, { key }));
    expect(meanwhile).toEqual(cable === "cut" ? [409, "OCSGW-3101", undefined] : REPLAYED);
    a.cable = "up";
    expect(seen(await first)).toEqual([200, undefined, undefined]);
    expect([atA.pending(), seen(await add(b, atB, { key })), b.ocs]).toEqual([0, REPLAYED, 0]);
  });

  it("resolves claims of a dead run that the database commits after the next run has begun", async () => {
    const [a, atA, b, atB] = await two();
    const key = nextKey();
    const again = await a.start();
    await settled(add(a, atA, { key, kill: { step: "claim", when: "after" } }), a);
    expect(seen(await add(b, atB, { key }))[1]).toBe("OCSGW-3101");
    await a.resolve(again, await again.leftBehind());
    expect([seen(await add(b, atB, { key }))[0], a.ocs + b.ocs]).toEqual([200, 1]);
  });

  it("ends requests of forgotten gateways for good, so that their keys expire", async () => {
    const [a, atA, b, atB] = await two();
    const key = nextKey();
    await settled(add(a, atA, { key, ocs: "hangs" }), a);
    await forget(a.node);
    await atB.expire(0, undefined);
    await join(a.node);
    expect(seen(await add(b, atB, { key }))).toEqual(LOST);
    await atB.expire(1_000_001, undefined);
    expect(seen(await add(b, atB, { key }))[2]).toBeUndefined();
  });

  it("gives each key to one of two gateways that claim at once, and shares statements", async () => {
    const [a, atA, b, atB] = await two();
    const client = nextKey();
    const keysOf = (site: Site, epochs: readonly string[]) =>
      Array.from({ length: 50 }, (_, at) =>
        aKey(`${site.node}-${client}-${at}`, {
          client,
          tokens: epochs.map((epoch) => ({ token: `${epoch}:${at}`, fingerprint: `${epoch}-${at}` })),
        }),
      );
    await Promise.all([atA.claim(aKey(`${client}-a`, { client })), atB.claim(aKey(`${client}-b`, { client }))]);
    const before = a.statements;
    // The second gateway has a newer index key already, the first one has not.
    const [first, second] = await Promise.all([
      Promise.all(keysOf(a, ["t1"]).map((key) => atA.claim(key))),
      Promise.all(keysOf(b, ["t2", "t1"]).map((key) => atB.claim(key))),
    ]);
    for (const [at, one] of first.entries())
      expect([one.kind, second[at]!.kind].toSorted()).toEqual(["claimed", "kept"]);
    expect(a.statements - before).toBeLessThanOrEqual(4);
    for (const store of [atA, atB]) {
      const found = await store.claim(
        aKey("look", { client, tokens: [{ token: "t1:7", fingerprint: "" }], looksOnly: true }),
      );
      expect(found).toMatchObject({ kind: "kept", key: { fingerprint: "t1-7" } });
    }
  });

  it("settles many ends at once", async () => {
    const [a, atA] = await two();
    const client = nextKey();
    const ids = Array.from({ length: 20 }, (_, at) => `${client}-${at}`);
    await Promise.all(
      ids.map((id) => atA.claim(aKey(id, { client, tokens: [{ token: `t1:${id}`, fingerprint: "f" }] }))),
    );
    const before = a.statements;
    const ends = [ANSWERED, UNKNOWN, { state: "free" as const }];
    await Promise.all(ids.map((id, at) => atA.settle(id, ends[at % 3]!)));
    expect(a.statements - before).toBe(2);
    const left = await Promise.all(
      ids
        .slice(0, 3)
        .map((id) =>
          atA.claim(aKey("look", { client, looksOnly: true, tokens: [{ token: `t1:${id}`, fingerprint: "f" }] })),
        ),
    );
    expect(left).toMatchObject([{ key: { end: ANSWERED } }, { key: { end: UNKNOWN } }, { kind: "absent" }]);
  });

  it("takes keys only where all gateways find those of the others", async () => {
    const own = (epoch: string, secret = INDEX_KEY) => ({ epoch, secret });
    await raw({ text: "DELETE FROM node" });
    for (const node of ["one", "two"]) await join(node);
    expect(await indexKeyFault(raw, INDEX_KEY, "one")).toBeUndefined();
    expect(await indexKeyFault(raw, INDEX_KEY, "two")).toBeUndefined();
    expect(await indexKeyFault(raw, [own("t1", `${INDEX_KEY}!`)], "two")).toMatch(/epoch t1: .* of the node one; give/);
    expect(await indexKeyFault(raw, [own("t2")], "two")).toMatch(/no epoch in common with the node one/);
    expect(await indexKeyFault(raw, [own("t1"), own("t2", `${INDEX_KEY}2`)], "two")).toBeUndefined();
    expect(await indexKeyFault(raw, [own("t2", `${INDEX_KEY}2`)], "one")).toBeUndefined();
    await raw({ text: "UPDATE node SET stopped = now() WHERE name = 'one'" });
    expect(await indexKeyFault(raw, [own("t9")], "two")).toBeUndefined();
  });
});

describe("the room for keys of a client", () => {
  const scope = { upstream: "ocs", tenant: 101, client: "alpha" };

  it("is counted again after a sixteenth of it", async () => {
    let counts = 0;
    const room = new KeyRoom(160, () => Promise.resolve(++counts && 0));
    for (let key = 0; key < 20; key++) expect(await room.take(scope)).toBe(true);
    expect(counts).toBe(2);
  });

  it("is none at the bound, until keys were deleted; a count that fails is made again", async () => {
    const found: (number | Error)[] = [3, new KeysUnavailable("cut"), 2];
    const room = new KeyRoom(3, () => {
      const next = found.shift()!;
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    });
    expect([await room.take(scope), await room.take(scope)]).toEqual([false, false]);
    room.freed();
    await expect(room.take(scope)).rejects.toThrow("cut");
    expect([await room.take(scope), found]).toEqual([true, []]);
  });
});
