import { EventEmitter } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  openOwnershipStore,
  type StoreChange,
  type ThreadReply,
  type ThreadRequest,
  type RestoredRow,
  type OwnershipStore,
  type OwnershipRow,
  type StoreThread,
} from "../../../src/ownership/store/store.ts";

let dir: string;
let file: string;
const open: OwnershipStore[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-store-"));
  file = join(dir, "ownership.sqlite");
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
  await rm(dir, { recursive: true, force: true });
});

const begin = async (): Promise<OwnershipStore> => {
  const store = await openOwnershipStore(file);
  open.push(store);
  return store;
};

const row = (handle: number, over: Partial<OwnershipRow> = {}): OwnershipRow => ({
  upstream: "ocs",
  epoch: 1,
  endpoint: "http://one",
  highest: handle,
  highestAt: handle - 1,
  generation: handle,
  handle,
  tenant: 101,
  since: 1_000_000 + handle,
  campaign: "Alpha Campaign",
  group: "106",
  list: "Alpha List",
  phone: "t1:token",
  customer: "t1:person",
  attempt: `attempt-${handle}`,
  ...over,
});

const kept = (handle: number, over: Partial<RestoredRow> = {}): RestoredRow => ({
  phone: "t1:token",
  customer: "t1:person",
  handle,
  tenant: 101,
  since: 1_000_000 + handle,
  generation: handle,
  attempt: `attempt-${handle}`,
  ...over,
});

describe("the ownership store", () => {
  it("restores the rows of the last epoch, oldest first", async () => {
    const store = await begin();
    await store.beginEpoch("ocs", 1, "http://one");
    await Promise.all([store.put(row(3)), store.put(row(1)), store.put(row(2, { tenant: 102 }))]);
    await store.close();
    const owned = [
      [1, 101],
      [2, 102],
      [3, 101],
    ].map(([handle, tenant]) => kept(handle!, { tenant: tenant! }));
    expect((await begin()).restored.get("ocs")).toEqual({
      upstream: "ocs",
      endpoint: "http://one",
      epoch: 1,
      highest: 3,
      highestAt: 2,
      generation: 3,
      doubtUpTo: -1,
      announced: [],
      owned,
    });
  });

  it("replaces and removes rows, and begins epochs by upstream", async () => {
    const store = await begin();
    await store.beginEpoch("ocs", 1, "http://one");
    await store.beginEpoch("other", 1, "http://o");
    await Promise.all([
      store.put(row(1)),
      store.put(row(2)),
      store.put(row(1, { tenant: 102, since: 5, generation: 3 })),
      store.put(row(9, { upstream: "other" })),
    ]);
    await store.remove("ocs", 2, 2);
    await store.close();
    const second = await begin();
    expect(second.restored.get("ocs")?.owned).toEqual([kept(1, { tenant: 102, since: 5, generation: 3 })]);
    await second.beginEpoch("ocs", 2, "http://two");
    await second.put(row(7, { epoch: 2, endpoint: "http://two" }));
    await second.close();
    const third = await begin();
    expect(third.restored.get("ocs")).toMatchObject({ endpoint: "http://two", epoch: 2, highest: 7, owned: [kept(7)] });
    expect(third.restored.get("other")?.owned).toEqual([kept(9)]);
  });

  it("finds a handle by its call attempt, within its upstream", async () => {
    const store = await begin();
    await store.put(row(15));
    expect(await store.byAttempt("ocs", "attempt-15")).toBe(15);
    expect(await store.byAttempt("other", "attempt-15")).toBeUndefined();
    expect(await store.byAttempt("ocs", "attempt-16")).toBeUndefined();
  });

  it.each([
    ["older", 4, true],
    ["same", 5, false],
    ["younger", 6, false],
  ])("removes a row up to the %s generation; the row stays: %s", async (_which, generation, stays) => {
    const store = await begin();
    await store.put(row(5));
    await store.remove("ocs", 5, generation);
    await store.close();
    expect((await begin()).restored.get("ocs")?.owned).toHaveLength(stays ? 1 : 0);
  });

  it("removes a row of the same commit, and keeps one of a later generation", async () => {
    const store = await begin();
    await Promise.all([
      store.put(row(5)),
      store.remove("ocs", 5, 5),
      store.put(row(6)),
      store.remove("ocs", 6, 6),
      store.put(row(6, { generation: 7 })),
    ]);
    await store.close();
    expect((await begin()).restored.get("ocs")?.owned).toEqual([kept(6, { generation: 7 })]);
  });

  it("begins an epoch with its first row, and then ignores rows of earlier epochs", async () => {
    const store = await begin();
    await store.put(row(1));
    await store.put(row(2, { epoch: 3, endpoint: "http://two" }));
    await store.put(row(4, { epoch: 2 }));
    await store.beginEpoch("ocs", 2, "http://late");
    await store.close();
    expect((await begin()).restored.get("ocs")).toMatchObject({ epoch: 3, endpoint: "http://two", owned: [kept(2)] });
  });

  it("retries a removal and an epoch until they are written, also after a timeout", async () => {
    const store = await begin();
    await Promise.all([store.put(row(1)), store.put(row(2)), store.beginEpoch("other", 1, "http://o")]);
    const holder = new DatabaseSync(file);
    holder.exec("BEGIN IMMEDIATE");
    const results = await Promise.allSettled([
      store.remove("ocs", 1, 1),
      store.beginEpoch("other", 2, "http://p"),
      store.put(row(3)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    while (store.pending() === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(store.pending()).toBe(2);
    holder.exec("ROLLBACK");
    holder.close();
    while (store.pending() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await store.close();
    const { restored } = await begin();
    expect([restored.get("ocs")?.owned.some(({ handle }) => handle === 1), restored.get("other")?.epoch]).toEqual([
      false,
      2,
    ]);
  });

  it("writes an epoch that failed before the announcements that followed it", async () => {
    const commits: (readonly StoreChange["do"][])[] = [];
    const tell = (news: ThreadReply): void => void setImmediate(() => thread.emit("message", news));
    const thread: EventEmitter = Object.assign(new EventEmitter(), {
      terminate: () => Promise.resolve(0),
      postMessage: (order: ThreadRequest) => {
        if (order.kind !== "commit") return tell({ kind: "closed" });
        commits.push(order.changes.map((change) => change.do));
        tell({ kind: "committed", failed: commits.length === 1 ? "full" : undefined });
      },
    });
    tell({ kind: "opened", restored: [], movedAside: undefined, downtime: undefined, mark: 0 });
    const store = await openOwnershipStore(file, { thread: thread as unknown as StoreThread });
    const begun = store.beginEpoch("ocs", 2, "http://one");
    // The commit is under way.
    await new Promise(setImmediate);
    store.announced("ocs", 2, 7, 0);
    await expect(begun).rejects.toThrow("full");
    await store.close();
    expect(commits).toEqual([["epoch"], ["epoch", "announced"]]);
  });

  it("restores the journal's mark and the time since the last commit", async () => {
    const first = await openOwnershipStore(file, { mark: () => 42 });
    await first.put(row(1));
    await first.close();
    const { mark, downtime } = await begin();
    expect(mark).toBe(42);
    expect(downtime).toBeLessThan(30_000);
  });

  it("migrates a file of the previous version with its rows", async () => {
    const old = new DatabaseSync(file);
    old.exec(`CREATE TABLE epoch (upstream TEXT PRIMARY KEY, number INTEGER NOT NULL, endpoint TEXT NOT NULL) STRICT;
      CREATE TABLE owned (upstream TEXT NOT NULL, epoch INTEGER NOT NULL, handle INTEGER NOT NULL,
      tenant INTEGER NOT NULL, since INTEGER NOT NULL,
        campaign TEXT, campaign_group TEXT, list TEXT, phone TEXT, attempt TEXT, PRIMARY KEY (upstream,
        handle)) STRICT, WITHOUT ROWID;
      INSERT INTO epoch VALUES ('ocs', 4, 'http://one');
      INSERT INTO owned VALUES ('ocs', 4, 15, 101, 1000, NULL, NULL, NULL, 't1:token', 'attempt-15');`);
    old.close();
    const store = await begin();
    // Version 0 kept no customer id.
    const { customer: _, ...owned } = kept(15, { since: 1000, generation: 0 });
    expect([store.restored.get("ocs"), store.downtime]).toEqual([
      {
        upstream: "ocs",
        endpoint: "http://one",
        epoch: 4,
        highest: 0,
        highestAt: 0,
        generation: 0,
        doubtUpTo: -1,
        announced: [],
        owned: [owned],
      },
      undefined,
    ]);
  });

  it("writes many concurrent changes in few commits", async () => {
    const store = await begin();
    await store.beginEpoch("ocs", 1, "http://one");
    await Promise.all(Array.from({ length: 5000 }, (_, at) => store.put(row(at + 1))));
    await store.close();
    expect((await begin()).restored.get("ocs")?.owned).toHaveLength(5000);
  });

  it.each([
    ["itself", ""],
    ["its log", "-wal"],
    ["its index", "-shm"],
  ])("makes its files readable to their owner only: %s", async (_what, ending) => {
    await (await begin()).put(row(1));
    expect((await stat(file + ending)).mode & 0o777).toBe(0o600);
  });

  it("moves a file aside that is not a database, and starts with a new one", async () => {
    await writeFile(file, "no database, and long enough to be read as the header of one ".repeat(20));
    const store = await begin();
    expect(store.movedAside).toMatch(/ownership\.sqlite\.damaged-\d+$/);
    expect(await readFile(store.movedAside!, "utf8")).toMatch(/^no database/);
    await store.put(row(1));
    await store.close();
  });

  it.each([
    ["the records", 1],
    ["their attempts", 4],
  ])("moves a file aside if a page of %s is corrupt", async (_what, page) => {
    const first = await begin();
    await first.beginEpoch("ocs", 1, "http://one");
    await Promise.all(Array.from({ length: 500 }, (_, handle) => first.put(row(handle + 1))));
    await first.close();
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0xaa, page * 4096, (page + 1) * 4096));
    const store = await begin();
    expect(store.movedAside).toMatch(/\.damaged-\d+$/);
    expect(store.restored.size).toBe(0);
    await store.put(row(1));
  });

  it("rejects a file of a newer version and leaves it unchanged", async () => {
    const store = await begin();
    await store.put(row(1));
    await store.close();
    const db = new DatabaseSync(file);
    db.exec("PRAGMA user_version = 4");
    db.close();
    await expect(begin()).rejects.toThrow(/newer version/);
    expect(await readdir(dir)).toContain("ownership.sqlite");
    expect((await readdir(dir)).filter((name) => name.includes("damaged"))).toEqual([]);
  });

  it("does not move a file that cannot be opened now", async () => {
    const first = await begin();
    await first.beginEpoch("ocs", 1, "http://one");
    await first.put(row(15));
    await first.close();
    const holder = new DatabaseSync(file);
    holder.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE owned SET since = since; COMMIT");
    await expect(openOwnershipStore(file)).rejects.toThrow(/locked/);
    holder.close();
    const store = await begin();
    expect([store.movedAside, store.restored.get("ocs")?.owned.length]).toEqual([undefined, 1]);
  });

  it("continues if an attempt cannot be looked up", async () => {
    const store = await begin();
    await store.put(row(15));
    const other = new DatabaseSync(file);
    other.exec("ALTER TABLE owned RENAME TO elsewhere");
    expect(await store.byAttempt("ocs", "attempt-15")).toBeUndefined();
    other.exec("ALTER TABLE elsewhere RENAME TO owned");
    other.close();
    await store.put(row(16));
    expect(await store.byAttempt("ocs", "attempt-16")).toBe(16);
  });

  it("rejects a path without a directory", async () => {
    await expect(openOwnershipStore(join(dir, "no-such-folder", "ownership.sqlite"))).rejects.toThrow();
    await chmod(dir, 0o700);
  });

  it("rejects changes after it was closed", async () => {
    const store = await begin();
    await store.close();
    await expect(store.put(row(1))).rejects.toThrow(/closed/);
    expect(await store.byAttempt("ocs", "attempt-1")).toBeUndefined();
  });
});

describe("a thread that hangs", () => {
  const hanging = async (): Promise<OwnershipStore> => {
    const thread = Object.assign(new EventEmitter(), {
      postMessage: () => undefined,
      terminate: () => Promise.resolve(0),
    });
    const opening = openOwnershipStore(file, { thread: thread as unknown as StoreThread });
    thread.emit("message", { kind: "opened", restored: [], movedAside: undefined, downtime: undefined, mark: 0 });
    return opening;
  };

  it("makes a removal fail", async () => {
    const store = await hanging();
    store.touch();
    await expect(store.remove("ocs", 1, 1)).rejects.toThrow(/did not answer/);
    expect(store.pending()).toBe(1);
    await store.close();
  }, 15_000);

  type Use = (store: OwnershipStore) => void;
  it.each<[string, Use]>([
    ["nothing to write", () => undefined],
    ["the word that the gateway is alive", (store) => store.touch()],
    ["what was announced", (store) => store.announced("ocs", 1, 1, 0)],
    ["an owner", (store) => void store.put(row(1)).catch(() => undefined)],
  ])(
    "with %s does not block closing the store",
    async (_what, use) => {
      const store = await hanging();
      use(store);
      await new Promise((resolve) => setImmediate(resolve));
      await store.close();
      await expect(store.put(row(2))).rejects.toThrow(/closed/);
    },
    15_000,
  );
});
