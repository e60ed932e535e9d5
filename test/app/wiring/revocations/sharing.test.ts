/** Gateways that share a database: each revocation has one place in one order, and is in the journal of every one. */
import { rm, cp } from "node:fs/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createAcknowledgements } from "../../../../src/app/wiring/revocations/acknowledgements.ts";
import { RevocationKeeper, type Decided } from "../../../../src/app/wiring/revocations/revocations.ts";
import { DatabaseUnavailable, type SharedDatabase } from "../../../../src/cluster/database.ts";
import { Membership } from "../../../../src/cluster/membership.ts";
import { RevocationRows } from "../../../../src/cluster/revocation-rows.ts";
import { events } from "../../../../src/common/log/events.ts";
import { createRevocations, type Revocations } from "../../../../src/identity/credentials.ts";
import type { Config } from "../../../../src/journal/entry.ts";
import type { Journal } from "../../../../src/journal/journal.ts";
import { readEntries } from "../../../../src/journal/read/read-entries.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { addToFile, revocationsFile } from "../../../../src/settings/files/revocations-file.ts";
import { TroubledDisk } from "../../../journal/failing-disk.ts";
import { aDirectory, removeDirectory } from "../../../journal/kit.ts";
import { describeWithPostgres, testSchema } from "../../../kit/postgres.ts";

const SOON = "2999-01-01T00:00:00.000Z";
const LATER = "2999-06-01T00:00:00.000Z";

describeWithPostgres("revocations of gateways that share a database", async () => {
  const { open } = await testSchema();
  const database = open();
  const nodes: Node[] = [];

  class Node {
    readonly name: string;
    readonly dir: string;
    readonly disk = new TroubledDisk();
    isCut = false;
    /** How long an answer waits for other gateways, in milliseconds. */
    static patience = 5000;
    journal!: Journal;
    keeper!: RevocationKeeper;
    membership!: Membership;
    revocations!: Revocations;

    constructor(name: string, dir: string) {
      this.name = name;
      this.dir = dir;
    }

    async start(): Promise<void> {
      this.journal = await openJournal({ dir: this.dir, durability: "os", disk: this.disk.disk });
      this.membership = new Membership({ database: this.#cut(), node: this.name, version: "1" });
      await this.membership.join();
      this.revocations = createRevocations();
      this.keeper = await RevocationKeeper.open({
        file: revocationsFile(this.dir),
        revocations: this.revocations,
        journal: this.journal,
        configHash: () => "h",
        sharing: {
          node: this.name,
          rows: new RevocationRows(this.#cut()),
          ...createAcknowledgements(this.membership, Node.patience),
        },
      });
    }

    async stop(): Promise<void> {
      await this.keeper.close();
      await this.membership.leave();
      await this.journal.close();
    }

    #cut(): Pick<SharedDatabase, "query" | "listen" | "schema"> {
      return {
        schema: database.schema,
        listen: (channel, onPayload, onConnected) =>
          database.listen(channel, (payload) => this.isCut || onPayload(payload), onConnected),
        query: (statement) =>
          this.isCut ? Promise.reject(new DatabaseUnavailable("cut off", false)) : database.query(statement),
      };
    }

    is(client: string): boolean {
      return this.revocations.isRevoked({ client, credential: { kind: "key", id: "none" } });
    }

    revoke = (id: string, until: string | null = null) =>
      this.keeper.decide({ kind: "client", id, until }) as Promise<Decided>;
    lift = (id: string) => this.keeper.decide({ kind: "client", id, lifted: true }) as Promise<Decided>;

    async changes(): Promise<readonly string[]> {
      await this.journal.head();
      const found: string[] = [];
      for await (const entry of readEntries(this.dir)) {
        const { change, revocation } = entry as Config;
        if (revocation) found.push(`${change} ${revocation.id} ${revocation.shared?.node ?? "-"}`);
      }
      return found;
    }
  }

  const node = async (name: string): Promise<Node> => {
    const made = new Node(name, await aDirectory());
    nodes.push(made);
    await made.start();
    return made;
  };
  const both = async (): Promise<readonly [Node, Node]> => [await node("gw-a"), await node("gw-b")];

  beforeEach(() => {
    vi.spyOn(events, "revocationsNotShared").mockImplementation(() => undefined);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    Node.patience = 5000;
    for (const each of nodes.splice(0)) {
      each.disk.mend();
      await each.stop();
      await removeDirectory(each.dir);
    }
    await database.query({ text: "DELETE FROM revocation" });
    await database.query({ text: "DELETE FROM node" });
  });

  it(
    "count on all within a second, in the journal of each, and the answer names the gateways",
    { retry: 3 },
    async () => {
      const [a, b] = await both();
      const begun = performance.now();
      const { shared, journalled } = await a.revoke("acme");
      expect([a.is("acme"), b.is("acme"), performance.now() - begun < 1000]).toEqual([true, true, true]);
      expect([journalled, shared]).toEqual([true, { trouble: null, nodes: [{ node: "gw-b", state: "applied" }] }]);
      expect(await b.lift("acme")).toMatchObject({ kept: true, shared: { nodes: [{ state: "applied" }] } });
      expect([a.is("acme"), b.is("acme")]).toEqual([false, false]);
      expect([await a.changes(), await b.changes()]).toEqual([
        ["revoked acme gw-a", "lifted acme gw-b"],
        ["revoked acme gw-a", "lifted acme gw-b"],
      ]);
    },
  );

  it.each<[string, (a: Node, b: Node) => Promise<unknown>]>([
    ["a revocation and a reinstatement", (a, b) => Promise.all([a.revoke("x"), b.lift("x")])],
    ["two reinstatements", (a, b) => Promise.all([a.lift("x"), b.lift("x")])],
    ["revocations with different ends", (a, b) => Promise.all([a.revoke("x", SOON), b.revoke("x", LATER)])],
    ["a reinstatement and a shorter revocation", (a, b) => Promise.all([a.lift("x"), b.revoke("x", SOON)])],
    [
      "many of both",
      (a, b) => Promise.all([a.revoke("x"), b.lift("x"), b.revoke("x", SOON), a.lift("x"), b.revoke("x")]),
    ],
  ])("have one order everywhere: %s at the same time", async (_, atOnce) => {
    const [a, b] = await both();
    await a.revoke("x", SOON);
    await atOnce(a, b);
    const c = await node("gw-c");
    const stateIn = async ({ keeper, journal }: Node) => {
      await keeper.share();
      return journal.revoked.all().map(({ id, until }) => ({ id, until }));
    };
    expect(await stateIn(a)).toEqual(await stateIn(c));
    expect(await stateIn(b)).toEqual(await stateIn(c));
    expect([a.is("x"), b.is("x")]).toEqual([c.is("x"), c.is("x")]);
  });

  it("never shorten a longer revocation of another gateway that this one does not know yet", async () => {
    Node.patience = 50;
    const [a, b] = await both();
    b.isCut = true;
    await a.revoke("x");
    b.isCut = false;
    await b.revoke("x", SOON);
    await b.keeper.share();
    expect(b.journal.revoked.all()).toMatchObject([{ id: "x", until: null }]);
  });

  it("are in force at once where the database is gone, reach the others later, and the answer says so", async () => {
    const [a, b] = await both();
    a.isCut = true;
    const { shared, kept } = await a.revoke("acme");
    expect([kept, shared?.trouble, a.is("acme"), b.is("acme")]).toEqual([true, "cut off", true, false]);
    expect(a.keeper.troubles()[0]).toContain("other gateways lack 1 that are in force here");
    expect(await a.lift("acme")).toMatchObject({ kept: false, shared: { trouble: "cut off" } });
    expect(a.is("acme")).toBe(true);
    a.isCut = false;
    await a.keeper.share();
    await b.keeper.share();
    expect([b.is("acme"), a.keeper.troubles()]).toEqual([true, []]);
    expect(await a.changes()).toEqual(["revoked acme -", "revoked acme gw-a"]);
    expect(await b.changes()).toEqual(["revoked acme gw-a"]);
  });

  it("reach a gateway that was cut off or stopped before it serves again, and the answer names it", async () => {
    Node.patience = 50;
    const [a, b] = await both();
    b.isCut = true;
    expect((await a.revoke("one")).shared?.nodes).toEqual([{ node: "gw-b", state: "waiting" }]);
    b.isCut = false;
    await b.stop();
    expect((await a.revoke("two")).shared?.nodes).toEqual([{ node: "gw-b", state: "stopped" }]);
    await b.start();
    expect([b.is("one"), b.is("two")]).toEqual([true, true]);
  });

  it.each<[string, boolean, (a: Node) => Promise<unknown>]>([
    ["a credential revoked since stays revoked", true, (a) => a.revoke("x")],
    ["a credential reinstated since stays reinstated", false, (a) => a.lift("y")],
  ])("survive an old copy of a journal: %s", async (_, isRevoked, meanwhile) => {
    const [a, b] = await both();
    await a.revoke("y");
    await b.stop();
    const copy = `${b.dir}.copy`;
    await cp(b.dir, copy, { recursive: true });
    await b.start();
    await meanwhile(a);
    await b.stop();
    await rm(b.dir, { recursive: true });
    await cp(copy, b.dir, { recursive: true });
    await rm(copy, { recursive: true });
    await b.start();
    for (const each of [a, b]) expect(each.is(isRevoked ? "x" : "y")).toBe(isRevoked);
  });

  it("survive an emptied or older database: what any gateway has in force is written again", async () => {
    const [a, b] = await both();
    await a.revoke("x");
    await b.revoke("y");
    await database.query({ text: "DELETE FROM revocation WHERE credential = 'x'" });
    await database.query({ text: "UPDATE log_head SET seq = 0 WHERE log = 'revocations'" });
    await database.query({ text: "UPDATE revocation SET seq = 0, lifted = true" });
    await a.keeper.share();
    await b.keeper.share();
    const c = await node("gw-c");
    for (const each of [a, b, c]) expect([each.is("x"), each.is("y")]).toEqual([true, true]);
  });

  it("take over many in one entry, and those that only the revocations file has", async () => {
    const a = await node("gw-a");
    await Promise.all(Array.from({ length: 30 }, (_, at) => a.revoke(`client-${at}`, LATER)));
    const decision = { kind: "client", id: "by-file", lifted: false, until: null } as const;
    await addToFile(revocationsFile(a.dir), { decisions: [decision], journalled: [] });
    const b = await node("gw-b");
    expect(b.is("client-29")).toBe(true);
    await vi.waitFor(() => expect(b.is("by-file")).toBe(true), { timeout: 10_000 });
    expect((await b.changes()).filter((each) => each.includes("client-"))).toEqual([]);
  });

  it("are in force, and not reinstated, while the journal cannot be written", async () => {
    Node.patience = 50;
    const [a, b] = await both();
    await a.revoke("old");
    b.disk.break({ code: "ENOSPC", only: /segments write/, times: Infinity });
    await a.revoke("new");
    expect((await a.lift("old")).shared?.nodes).toEqual([{ node: "gw-b", state: "waiting" }]);
    expect([b.is("new"), b.is("old")]).toEqual([true, true]);
  });
});
