/** Gateways that share a database: a Do-Not-Call that is open at one is closed by what OCS confirmed at another. */
import { cp, rm } from "node:fs/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lacksOf } from "../../../../src/app/wiring/open-dnc/lacks.ts";
import { DncSharing } from "../../../../src/app/wiring/open-dnc/sharing.ts";
import { DatabaseUnavailable, type SharedDatabase } from "../../../../src/cluster/database.ts";
import { DncRows, hasDncTables } from "../../../../src/cluster/dnc/dnc-rows.ts";
import type { Access, Entry, Intent, OpenDnc } from "../../../../src/journal/entry.ts";
import type { Journal } from "../../../../src/journal/journal.ts";
import { OpenDoNotCalls } from "../../../../src/journal/open-dnc/open-dnc-counter.ts";
import { HANDLED, queryFor } from "../../../../src/journal/open-dnc/handled-notes.ts";
import { readEntries } from "../../../../src/journal/read/read-entries.ts";
import { JournalSearch } from "../../../../src/journal/search/journal-search.ts";
import { readMicros } from "../../../../src/journal/time.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { aDoNotCall, anIntent, aQuickDirectory, removeDirectory } from "../../../journal/kit.ts";
import { describeWithPostgres, testSchema } from "../../../kit/postgres.ts";

const PHONE = { upstream: "ocs", tokens: { phone: `t1:${"a".repeat(64)}` } } satisfies Partial<Intent>;
const CAMPAIGN = { body: { GSW_TENANT_DBID: 101, GSW_CAMPAIGN_NAME: "spring" } } satisfies Partial<Intent>;
let number = 0;

describeWithPostgres("open Do-Not-Calls of gateways that share a database", async () => {
  const { open } = await testSchema();
  const database = open();

  class Node {
    readonly name: string;
    dir = "";
    key = "k";
    /** Which statements are cut off from the database. */
    cut: "none" | "all" | "writes" = "none";
    counter!: OpenDoNotCalls;
    journal!: Journal;
    sharing!: DncSharing;
    last = "";

    constructor(name: string) {
      this.name = name;
    }

    async start(): Promise<void> {
      this.counter = new OpenDoNotCalls();
      this.counter.restore({ size: 0, open: [], under_way: [] });
      let sharing: DncSharing | undefined;
      this.journal = await openJournal({
        dir: this.dir,
        durability: "os",
        written: (entry, index, micros) => {
          this.counter.take(entry, index, micros);
          sharing?.take(entry, index);
        },
      });
      for await (const entry of readEntries(this.dir)) this.counter.take(entry, entry.index, readMicros(entry.time));
      this.sharing = sharing = new DncSharing({
        node: this.name,
        rows: new DncRows(this.#reached()),
        counter: this.counter,
        journal: this.journal,
        key: () => this.key,
      });
    }

    #reached(): Pick<SharedDatabase, "query" | "transaction" | "listen" | "schema"> {
      const gone = (): Promise<never> => Promise.reject(new DatabaseUnavailable("cut off", false));
      return {
        schema: database.schema,
        listen: database.listen.bind(database),
        query: (statement) => (this.cut === "all" ? gone() : database.query(statement)),
        transaction: (work) => (this.cut === "none" ? database.transaction(work) : gone()),
      };
    }

    /** What a crash leaves: the journal, and nothing that was only in memory. */
    async crash(): Promise<void> {
      await this.journal.close();
      await this.start();
    }

    readonly sync = (): Promise<void> => this.sharing.sync().catch(() => undefined);

    async write(entries: readonly Entry[]): Promise<void> {
      for (const entry of entries) await this.journal.append(entry);
      await this.journal.head();
      if (entries[0] && "id" in entries[0]) this.last = entries[0].id;
    }

    readonly ask = (over: Partial<Intent> = {}) => this.write(aDoNotCall(++number, { ...PHONE, ...over, status: 500 }));
    readonly confirm = (over: Partial<Intent> = {}) => this.write(aDoNotCall(++number, { ...PHONE, ...over }));

    async closings(): Promise<NonNullable<OpenDnc["closed"]>[]> {
      const found: NonNullable<OpenDnc["closed"]>[] = [];
      for await (const entry of readEntries(this.dir))
        if (entry.kind === "open-dnc" && entry.closed) found.push(entry.closed);
      return found;
    }

    async rows(): Promise<number> {
      const rows = await database.query({ text: "SELECT FROM open_dnc WHERE node = $1", values: [this.name] });
      return rows.length;
    }
  }

  let [a, b] = [new Node("a"), new Node("b")];
  beforeEach(async () => {
    await database.query({ text: "TRUNCATE open_dnc, dnc_position, node" });
    await database.query({ text: "DELETE FROM log_head" });
    [a, b] = [new Node("a"), new Node("b")];
    for (const node of [a, b]) {
      await database.query({
        text: "INSERT INTO node (name, instance, version) VALUES ($1, gen_random_uuid(), '1')",
        values: [node.name],
      });
      node.dir = await aQuickDirectory();
      await node.start();
      await node.sync();
    }
  });
  afterEach(async () => {
    for (const node of [a, b]) {
      await node.journal.close();
      await removeDirectory(node.dir);
    }
  });
  const syncs = async (...nodes: readonly Node[]): Promise<void> => {
    for (const node of nodes) await node.sync();
  };

  it.each<[string, number, () => Promise<void>]>([
    [
      "asked at A, then confirmed at B",
      0,
      async () => {
        await a.ask();
        await syncs(a, b);
        await b.confirm();
      },
    ],
    [
      "confirmed at B, then asked at A",
      1,
      async () => {
        await b.confirm();
        await a.ask();
        await syncs(a, b);
      },
    ],
    [
      "confirmed at B, which is cut off, then asked at A",
      1,
      async () => {
        b.cut = "all";
        await b.confirm();
        await a.ask();
        await syncs(a, b);
      },
    ],
    [
      "sent at B before B knew that A had asked: the order is not certain",
      1,
      async () => {
        await a.ask();
        await syncs(a);
        await b.confirm();
      },
    ],
    [
      "asked at A, which is cut off, then confirmed at B: not certain",
      1,
      async () => {
        a.cut = "all";
        await a.ask();
        await syncs(a, b);
        await b.confirm();
      },
    ],
    [
      "a narrow one by a wider",
      0,
      async () => {
        await a.ask(CAMPAIGN);
        await syncs(a, b);
        await b.confirm();
      },
    ],
    [
      "a wide one by a narrower",
      1,
      async () => {
        await a.ask();
        await syncs(a, b);
        await b.confirm(CAMPAIGN);
      },
    ],
    [
      "of another tenant",
      1,
      async () => {
        await a.ask();
        await syncs(a, b);
        await b.confirm({ tenant: { dbid: 102, name: "Beta" } });
      },
    ],
    [
      "of the same DBID of another OCS",
      1,
      async () => {
        await a.ask();
        await syncs(a, b);
        await b.confirm({ upstream: "other" });
      },
    ],
    [
      "of another person",
      1,
      async () => {
        await a.ask();
        await syncs(a, b);
        await b.confirm({ tokens: { phone: `t1:${"b".repeat(64)}` } });
      },
    ],
    [
      "one with a note that it was handled",
      0,
      async () => {
        await a.ask();
        const note: Access = {
          kind: "access",
          user: "eve",
          operation: HANDLED,
          query: queryFor(a.last),
          purpose: "by hand",
        };
        await a.write([note]);
        expect(a.counter.count).toBe(1);
        await syncs(a, b);
        await b.confirm();
      },
    ],
    [
      "still under way at A when B confirms",
      0,
      async () => {
        const [intent, outcome] = aDoNotCall(++number, { ...PHONE, status: 500 });
        await a.write([intent!]);
        await syncs(a, b);
        await b.confirm();
        await syncs(b, a);
        await a.write([outcome!]);
      },
    ],
    [
      "asked at A again before A hears of it",
      1,
      async () => {
        await a.ask();
        await syncs(a, b);
        await b.confirm();
        await syncs(b);
        await a.ask();
      },
    ],
    [
      "B is cut off until later",
      0,
      async () => {
        await a.ask();
        await syncs(a, b);
        b.cut = "all";
        await b.confirm();
        await syncs(b, a);
        expect(a.counter.count).toBe(1);
      },
    ],
    [
      "A is cut off until later",
      0,
      async () => {
        await a.ask();
        await syncs(a, b);
        a.cut = "all";
        await b.confirm();
        await syncs(b, a);
        expect([a.counter.count, a.sharing.lacks()[0]]).toEqual([1, expect.stringMatching(/^as of .*cut off/)]);
      },
    ],
    [
      "B crashes after the entry and before the database has it",
      0,
      async () => {
        await a.ask();
        await syncs(a, b);
        // B's position in the database says from where it reads again, and what it knew.
        await b.write([anIntent(++number, {})].map((each) => ({ ...each, ...PHONE, tokens: { phone: "t1:c" } })));
        await syncs(b);
        await b.confirm();
        await b.crash();
      },
    ],
    [
      "A crashes after its closing entry and before the database has it",
      0,
      async () => {
        await a.ask();
        await syncs(a, b);
        await b.confirm();
        await syncs(b);
        a.cut = "writes";
        await syncs(a);
        expect([a.counter.count, await a.rows()]).toEqual([0, 1]);
        await a.crash();
      },
    ],
    [
      "A crashes before the database has what it asked",
      1,
      async () => {
        await a.ask();
        await a.crash();
      },
    ],
    [
      "the index keys differ",
      1,
      async () => {
        b.key = "other";
        await a.ask();
        await syncs(a, b);
        await b.confirm();
        await syncs(b, a);
      },
    ],
  ])("%s: %i open at A", async (_what, expected, steps) => {
    await steps();
    [a.cut, b.cut] = ["none", "none"];
    await syncs(a, b, a, b);
    const confirmed = b.last;
    expect([a.counter.count, await a.rows()]).toEqual([expected, expected]);
    expect(await a.closings()).toEqual(
      expected === 0 ? [{ node: "b", request: confirmed, seq: expect.any(Number) }] : [],
    );
    // The index, and a run that starts from the journal alone, say the same.
    const search = new JournalSearch(a.dir);
    await search.refresh();
    expect((await search.openDncSnapshot(10)).count).toBe(expected);
    search.close();
    await a.crash();
    expect(a.counter.count).toBe(expected);
  });

  it("has no rows of what an older copy of its journal does not have", async () => {
    await cp(a.dir, `${a.dir}.old`, { recursive: true });
    await a.ask();
    await syncs(a);
    expect(await a.rows()).toBe(1);
    await a.journal.close();
    await rm(a.dir, { recursive: true });
    a.dir += ".old";
    await a.start();
    await syncs(a);
    expect([a.counter.count, await a.rows()]).toEqual([0, 0]);
    await removeDirectory(a.dir.replace(/\.old$/, ""));
  });

  it("says what other gateways have not reported", async () => {
    expect(await hasDncTables(database)).toBe(true);
    await syncs(a, b, a);
    expect(a.sharing.lacks()).toEqual([]);
    const telling = async (set: string): Promise<readonly string[]> => {
      await database.query({ text: `UPDATE dnc_position SET ${set} WHERE node = 'b'` });
      return lacksOf({
        trouble: undefined,
        others: { read: 0, nodes: await new DncRows(database).others("a") },
        key: "k",
        now: 0,
      });
    };
    expect(await telling("key = 'other'")).toEqual([expect.stringMatching(/audit.index_key of node b is not/)]);
    expect(await telling("key = 'k', told = '2026-01-02 03:04:05Z'")).toEqual([
      expect.stringMatching(/^node b has not reported since 2026-01-02T03:04:05Z/),
    ]);
    await b.sharing.stop();
    await database.query({ text: "UPDATE node SET stopped = now() WHERE name = 'b'" });
    expect(await telling("told = '2026-01-02 03:04:05Z'")).toEqual([]);
    await database.query({ text: "UPDATE node SET stopped = NULL WHERE name = 'b'" });
    await database.query({ text: "DELETE FROM dnc_position WHERE node = 'b'" });
    expect(await telling("key = 'k'")).toEqual([expect.stringMatching(/^node b has not reported yet/)]);
  });
});
