import { readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openOutboxStore, type OutboxStore } from "../../src/outbox/store/store.ts";
import { anItem } from "./kit.ts";

let dir: string;
let file: string;
let open: OutboxStore[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "outbox-"));
  file = join(dir, "outbox.sqlite");
  open = [];
});
afterEach(async () => {
  for (const store of open) await store.close();
  await rm(dir, { recursive: true });
});

const begin = async (): Promise<OutboxStore> => {
  const store = await openOutboxStore(file);
  open.push(store);
  return store;
};

describe("the outbox on disk", () => {
  it("has no file until the first item, and then gives back every item and change, oldest first", async () => {
    const store = await begin();
    expect([store.restored, await readdir(dir)]).toEqual([[], []]);
    const [one, two, gone] = [anItem(), anItem(), anItem()];
    await Promise.all([store.put(two), store.put(one), store.put(gone)]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    store.save({ ...two, attempts: 3, lastResult: "no OCS accepts a connection" });
    store.remove(gone.id);
    await store.close();
    const again = await begin();
    expect(again.restored).toEqual([one, { ...two, attempts: 3, lastResult: "no OCS accepts a connection" }]);
    // As after kill -9: nothing is closed, and what was acknowledged is there.
    const third = anItem();
    await again.put(third);
    expect((await begin()).restored.map(({ id }) => id)).toEqual([one.id, two.id, third.id]);
  });

  it("refuses an item that it cannot write, keeps its changes, and writes them when the disk works again", async () => {
    const store = await begin();
    const item = anItem();
    await store.put(item);
    const holder = new DatabaseSync(file);
    holder.exec("BEGIN IMMEDIATE");
    store.save({ ...item, attempts: 1 });
    const refused = anItem();
    await expect(store.put(refused)).rejects.toThrow(/disk did not answer|another process uses it/);
    holder.exec("COMMIT");
    holder.close();
    await store.put(anItem());
    expect(store.trouble()).toBeUndefined();
    await store.close();
    const restored = (await begin()).restored;
    expect(restored.find(({ id }) => id === item.id)?.attempts).toBe(1);
    expect(restored.map(({ id }) => id)).not.toContain(refused.id);
  });

  it("moves a damaged file aside and says so", async () => {
    writeFileSync(file, "this is no database, whatever its name says ".repeat(40));
    const store = await begin();
    expect(store.restored).toEqual([]);
    expect(readFileSync(store.movedAside!, "utf8")).toContain("no database");
    await store.put(anItem());
  });

  it("leaves no number in the file once it is erased", async () => {
    const store = await begin();
    const item = anItem({ path: "/phones/4155550177?req=DoNotCall" });
    await store.put(item);
    await store.put(anItem());
    store.save({ ...item, path: "", state: "answered" });
    await store.close();
    const bytes = (await readdir(dir)).map((name) => readFileSync(join(dir, name), "latin1")).join("");
    expect(bytes).not.toContain("4155550177");
    expect(bytes).toContain("4155550100");
  });
});
