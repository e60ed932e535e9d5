import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Config, Entry, Revoked } from "../../../src/journal/entry.ts";
import { RevokedSet } from "../../../src/journal/revocations/revoked-set.ts";
import { aDirectory, removeDirectory } from "../kit.ts";
import { TroubledDisk } from "../failing-disk.ts";

const DAY_MS = 86_400_000;
const client = (id: string, until: string | null = null): Revoked => ({ kind: "client", id, until });
const said = (change: "revoked" | "lifted", revocation: Revoked): Config => ({
  kind: "config",
  config_hash: "h",
  change,
  revocation,
});
const inWords = (change: "revoked" | "lifted", detail: string): Config => ({
  kind: "config",
  config_hash: "h",
  change,
  detail,
});
const all = (revocations: readonly Revoked[]): Config => ({
  kind: "config",
  config_hash: "h",
  change: "revocations",
  revocations,
});
const deleted: Entry = {
  kind: "deleted",
  from: 0,
  to: 0,
  segments: [],
  youngest: "2026-11-22T12:00:00.000000Z",
  dnc: {},
};
const setOf = (...entries: readonly Entry[]): RevokedSet => {
  const set = new RevokedSet();
  for (const entry of entries) {
    set.accept(entry);
    set.settled(entry);
  }
  return set;
};

describe("the set of revocations", () => {
  it.each<[string, readonly Entry[], readonly Revoked[]]>([
    [
      "the last change of each item",
      [
        said("revoked", client("a")),
        said("revoked", client("b")),
        said("lifted", client("a")),
        said("revoked", client("b", "2999-01-01T00:00:00.000Z")),
      ],
      [client("b", "2999-01-01T00:00:00.000Z")],
    ],
    [
      "items of each kind separately",
      [said("revoked", client("a")), said("lifted", { kind: "key", id: "a", until: null })],
      [client("a")],
    ],
    [
      "all that an entry states",
      [said("revoked", client("a")), all([client("b")]), said("revoked", client("c"))],
      [client("b"), client("c")],
    ],
    [
      "the revocations that a deletion states",
      [{ ...deleted, revocations: [client("a")] } as Entry, said("revoked", client("b"))],
      [client("a"), client("b")],
    ],
    [
      "the same after a deletion of format 1, which states none",
      [said("revoked", client("a")), deleted],
      [client("a")],
    ],
    [
      "revocations in the words of format 1",
      [
        inWords("revoked", "client a is revoked"),
        inWords("revoked", "key k until 3 is revoked until 2999-01-01T00:00:00.000Z"),
        inWords("revoked", "token t is revoked"),
        inWords("lifted", "token t counts again"),
      ],
      [client("a"), { kind: "key", id: "k until 3", until: "2999-01-01T00:00:00.000Z" }],
    ],
    [
      "clients with misleading names in the words of format 1",
      [
        inWords("revoked", "client a is revoked is revoked"),
        inWords("revoked", "client b\nc is revoked"),
        inWords("lifted", "client d counts again counts again"),
      ],
      [client("a is revoked"), client("b\nc")],
    ],
    [
      "nothing for words that are not a revocation",
      [
        inWords("revoked", "clients a is revoked"),
        inWords("revoked", ""),
        { kind: "config", config_hash: "h", change: "reloaded", detail: "client a is revoked" },
      ],
      [],
    ],
  ])("contains %s", (_, entries, standing) => {
    expect(setOf(...entries).all()).toEqual(standing);
  });

  it("fails closed if an entry is lost: it still revokes, and reinstates nothing", () => {
    const [revoked, lifted] = [said("revoked", client("a")), said("lifted", client("b"))];
    const set = setOf(said("revoked", client("b")));
    set.accept(revoked);
    set.accept(lifted);
    expect(
      set
        .all()
        .map(({ id }) => id)
        .toSorted(),
      "on its way to the disk",
    ).toEqual(["a", "b"]);
    expect(set.given(deleted, Date.now), "of its place in the journal").toMatchObject({ revocations: [client("a")] });
    set.lost(lifted);
    set.lost(revoked);
    expect(
      set
        .all()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(["a", "b"]);
  });

  it("is complete once an entry has stated all revocations", () => {
    expect([
      setOf(said("revoked", client("a"))).isComplete,
      setOf(all([])).isComplete,
      setOf({ ...deleted, revocations: [] } as Entry).isComplete,
    ]).toEqual([false, true, true]);
  });

  it("is saved as plain values", () => {
    const set = setOf(all([client("a")]), said("revoked", client("b")));
    const next = new RevokedSet();
    next.restore(JSON.parse(JSON.stringify(set.save())) as ReturnType<RevokedSet["save"]>);
    expect([next.all(), next.isComplete]).toEqual([set.all(), true]);
  });

  it("forgets revocations that expired long ago if there are many, and none that expired yesterday", () => {
    const now = Date.now();
    const ago = (days: number): string => new Date(now - days * DAY_MS).toISOString();
    const set = setOf(
      said("revoked", client("forever")),
      said("revoked", client("yesterday", ago(1))),
      ...Array.from({ length: 10_001 }, (_, at) => said("revoked", client(`old-${at}`, ago(30)))),
    );
    set.trim(() => now);
    expect(set.all().map(({ id }) => id)).toEqual(["forever", "yesterday"]);
    expect(set.given(deleted, () => now + 30 * DAY_MS)).toMatchObject({ revocations: [client("forever")] });
  });

  it("forgets nothing while entries are read, and nothing by an untrusted clock", async () => {
    const dir = await aDirectory();
    const start = Date.parse("2026-01-01T12:00:00Z");
    let wall = start;
    const clocks = { wall: () => wall * 1000, steady: () => 0 };
    const many = all(
      Array.from({ length: 10_001 }, (_, at) => client(`c-${at}`, new Date(start + 30 * DAY_MS).toISOString())),
    );
    const forEver = (id: string): Entry => said("revoked", client(id));
    const open = (): Promise<Journal> => openJournal({ dir, durability: "os", clocks });
    let journal = await open();
    for (const entry of [many, forEver("a")]) await journal.append(entry);
    wall += 6 * 365 * DAY_MS;
    await journal.append(forEver("b"));
    expect(journal.revoked.all()).toHaveLength(10_003);
    await journal.close();
    journal = await open();
    await journal.append(forEver("c"));
    expect(journal.revoked.all()).toHaveLength(10_004);
    await journal.close();
    await removeDirectory(dir);
  });
});

describe("the journal", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await aDirectory();
  });
  afterEach(() => removeDirectory(dir));
  const withJournal = async <Value>(
    work: (journal: Journal) => Promise<Value>,
    options: object = {},
  ): Promise<Value> => {
    const journal = await openJournal({ dir, durability: "os", ...options });
    try {
      return await work(journal);
    } finally {
      await journal.close();
    }
  };

  it("knows after opening what earlier runs revoked, even if retention deleted those entries", async () => {
    await withJournal(async (journal) => {
      await journal.append(said("revoked", client("a")));
      await journal.append(said("revoked", client("b")));
      await journal.append(said("lifted", client("b")));
      await journal.append(deleted);
    });
    const { last, standing } = await withJournal(async (journal) => ({
      last: journal.lastDeleted()?.entry,
      standing: journal.revoked.all(),
    }));
    expect([last?.revocations, standing]).toEqual([[client("a")], [client("a")]]);
  });

  it("reinstates nothing by an entry that the disk lost", async () => {
    const trouble = new TroubledDisk();
    const journal = await openJournal({ dir, durability: "os", disk: trouble.disk });
    await journal.append(said("revoked", client("a")));
    trouble.break({ code: "EIO", only: /segments write/, times: Number.POSITIVE_INFINITY });
    await expect(journal.append(said("lifted", client("a")))).rejects.toThrow();
    expect(journal.revoked.all()).toEqual([client("a")]);
    await journal.close();
    expect(await withJournal(async (journal) => journal.revoked.all())).toEqual([client("a")]);
  });
});
