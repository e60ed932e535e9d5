import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openOwnershipStore, type OwnershipStore, type Row } from "../../../src/tenants/ownership/store.ts";

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

const row = (handle: number, over: Partial<Row> = {}): Row => ({
  upstream: "ocs", handle, tenant: 101, since: 1_000_000 + handle, campaign: "Alpha Campaign", group: "106", list: "Alpha List", phone: "t1:token", attempt: `attempt-${handle}`, ...over,
});

describe("ownership on disk", () => {
  it("is what the next run finds, oldest first, in the epoch that was under way", async () => {
    const store = await begin();
    await store.beginEpoch("ocs", "http://one");
    await Promise.all([store.put(row(3)), store.put(row(1)), store.put(row(2, { tenant: 102 }))]);
    await store.close();
    expect((await begin()).restored.get("ocs")).toEqual({ upstream: "ocs", endpoint: "http://one", owned: [[1, 101, 1_000_001], [2, 102, 1_000_002], [3, 101, 1_000_003]] });
  });

  it("replaces, forgets, and voids by upstream", async () => {
    const store = await begin();
    await store.beginEpoch("ocs", "http://one");
    await store.beginEpoch("other", "http://o");
    await Promise.all([store.put(row(1)), store.put(row(2)), store.put(row(1, { tenant: 102, since: 5 })), store.put(row(9, { upstream: "other" }))]);
    store.forget("ocs", 2);
    await store.close();
    const second = await begin();
    expect(second.restored.get("ocs")?.owned).toEqual([[1, 102, 5]]);
    await second.beginEpoch("ocs", "http://two");
    await second.put(row(7));
    await second.close();
    const third = await begin();
    expect(third.restored.get("ocs")).toEqual({ upstream: "ocs", endpoint: "http://two", owned: [[7, 101, 1_000_007]] });
    expect(third.restored.get("other")?.owned).toEqual([[9, 101, 1_000_009]]);
  });

  it("finds a handle by its call's attempt, within its upstream", async () => {
    const store = await begin();
    await store.put(row(15));
    expect(await store.byAttempt("ocs", "attempt-15")).toBe(15);
    expect(await store.byAttempt("other", "attempt-15")).toBeUndefined();
    expect(await store.byAttempt("ocs", "attempt-16")).toBeUndefined();
  });

  it("takes many at once in few commits", async () => {
    const store = await begin();
    await store.beginEpoch("ocs", "http://one");
    await Promise.all(Array.from({ length: 5000 }, (_, at) => store.put(row(at + 1))));
    await store.close();
    expect((await begin()).restored.get("ocs")?.owned).toHaveLength(5000);
  });

  it.each([["itself", ""], ["its log", "-wal"], ["its index", "-shm"]])("is for nobody else's eyes: %s", async (_what, ending) => {
    await (await begin()).put(row(1));
    expect((await stat(file + ending)).mode & 0o777).toBe(0o600);
  });

  it("puts a file aside that is no database, and begins anew", async () => {
    await writeFile(file, "no database, and long enough to be read as the header of one ".repeat(20));
    const store = await begin();
    expect(store.putAside).toMatch(/ownership\.sqlite\.damaged-\d+$/);
    expect(await readFile(store.putAside!, "utf8")).toMatch(/^no database/);
    await store.put(row(1));
    await store.close();
  });

  it.each([["the records", 1], ["their attempts", 4]])("puts a file aside of which a page of %s is damaged", async (_what, page) => {
    const first = await begin();
    await first.beginEpoch("ocs", "http://one");
    await Promise.all(Array.from({ length: 500 }, (_, handle) => first.put(row(handle + 1))));
    await first.close();
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0xaa, page * 4096, (page + 1) * 4096));
    const store = await begin();
    expect(store.putAside).toMatch(/\.damaged-\d+$/);
    expect(store.restored.size).toBe(0);
    await store.put(row(1));
  });

  it("leaves a file where it is that only cannot be had just now", async () => {
    const first = await begin();
    await first.beginEpoch("ocs", "http://one");
    await first.put(row(15));
    await first.close();
    const holder = new DatabaseSync(file);
    holder.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE owned SET since = since; COMMIT");
    await expect(openOwnershipStore(file)).rejects.toThrow(/locked/);
    holder.close();
    const store = await begin();
    expect([store.putAside, store.restored.get("ocs")?.owned.length]).toEqual([undefined, 1]);
  });

  it("goes on when it cannot be asked for an attempt", async () => {
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

  it("rejects when there is no place for it", async () => {
    await expect(openOwnershipStore(join(dir, "no-such-folder", "ownership.sqlite"))).rejects.toThrow();
    await chmod(dir, 0o700);
  });

  it("fails what comes after its end", async () => {
    const store = await begin();
    await store.close();
    await expect(store.put(row(1))).rejects.toThrow(/closed/);
    expect(await store.byAttempt("ocs", "attempt-1")).toBeUndefined();
  });
});
