import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

  it("is for nobody else's eyes", async () => {
    await begin();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("puts a file aside that is no database, and begins anew", async () => {
    await writeFile(file, "no database, and long enough to be read as the header of one ".repeat(20));
    const store = await begin();
    expect(store.putAside).toMatch(/ownership\.sqlite\.damaged-\d+$/);
    expect(await readFile(store.putAside!, "utf8")).toMatch(/^no database/);
    await store.put(row(1));
    await store.close();
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
