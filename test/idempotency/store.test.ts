import { EventEmitter } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { KeyStoreKeeper } from "../../src/idempotency/keys.ts";
import { openSqliteKeys, type KeyThread, type SqliteKeys } from "../../src/idempotency/store/sqlite-keys.ts";
import type { ThreadReply, ThreadRequest } from "../../src/idempotency/store/messages.ts";
import { KeysUnavailable, type KeyStore } from "../../src/idempotency/types.ts";
import { aKey } from "./kit.ts";
import { ANSWERED, describeKeyStore } from "./store-contract.ts";

const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), "ocsgw-keys-"));

describeKeyStore("SQLite", async () => {
  const dir = await temporary();
  return {
    open: (mostKeys) => openSqliteKeys({ file: join(dir, "idempotency.sqlite"), mostKeys }),
    remove: () => rm(dir, { recursive: true }),
  };
});

/** A thread that the test answers. */
class HeldThread extends EventEmitter {
  readonly requests: ThreadRequest[] = [];
  postMessage = (request: ThreadRequest): void => {
    this.requests.push(request);
    if (request.kind === "close") this.emit("message", { kind: "closed" });
  };
  terminate = (): Promise<number> => Promise.resolve(0);
  /** Answers the last commit; every claim gets its key. */
  answer(failed?: string): void {
    const last = this.requests.at(-1)!;
    const claims = last.kind === "commit" && failed === undefined ? last.claims : [];
    const reply: ThreadReply = {
      kind: "committed",
      failed,
      claims: claims.map(() => ({ kind: "claimed" })),
      expired: 0,
    };
    this.emit("message", reply);
  }
}

const held = async (): Promise<{ readonly store: SqliteKeys; readonly thread: HeldThread }> => {
  const thread = new HeldThread();
  const opening = openSqliteKeys({ file: "", mostKeys: 9, thread: thread as unknown as KeyThread });
  thread.emit("message", { kind: "opened", running: [] });
  return { store: await opening, thread };
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the store's queue", () => {
  it("commits the claims and ends of one turn together, ends first", async () => {
    const { store, thread } = await held();
    const claims = [store.claim(aKey("1")), store.claim(aKey("2"))];
    const end = store.settle("0", ANSWERED);
    await turn();
    expect(thread.requests).toEqual([
      { kind: "commit", ends: [["0", ANSWERED]], claims: [aKey("1"), aKey("2")], expire: undefined },
    ]);
    thread.answer();
    expect(await Promise.all([...claims, end])).toEqual([{ kind: "claimed" }, { kind: "claimed" }, true]);
    await store.close();
  });

  it("fails claims when nothing can be written, and keeps ends until it can", async () => {
    const { store, thread } = await held();
    const [claim, end] = [store.claim(aKey("1")), store.settle("0", ANSWERED)];
    await turn();
    thread.answer("no space left");
    await expect(claim).rejects.toThrow(new KeysUnavailable("no space left"));
    expect(store.pending()).toBe(1);
    const next = store.claim(aKey("2"));
    await turn();
    expect(thread.requests.at(-1)).toMatchObject({ ends: [["0", ANSWERED]], claims: [{ id: "2" }] });
    thread.answer();
    expect(await Promise.all([next, end])).toEqual([{ kind: "claimed" }, true]);
    expect(store.pending()).toBe(0);
    await store.close();
  });

  it("frees a key that a hanging disk gives too late, and does not wait for its end", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { store, thread } = await held();
      const [claim, end] = [store.claim(aKey("1")), store.settle("0", ANSWERED)];
      await turn();
      vi.advanceTimersByTime(2000);
      await expect(claim).rejects.toThrow("the disk did not answer within 2000 ms");
      expect(await end).toBe(false);
      thread.answer();
      await turn();
      expect(thread.requests.at(-1)).toMatchObject({ ends: [["1", { state: "free" }]], claims: [] });
      thread.answer();
      await store.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it("fails everything when its thread ends", async () => {
    const { store, thread } = await held();
    const claim = store.claim(aKey("1"));
    await turn();
    const queued = store.claim(aKey("2"));
    thread.emit("error", new Error("out of memory"));
    await expect(claim).rejects.toThrow("out of memory");
    await expect(queued).rejects.toThrow("out of memory");
    await expect(store.claim(aKey("3"))).rejects.toThrow(KeysUnavailable);
    await store.close();
  });
});

describe("the file", () => {
  it("is its owner's alone, and a corrupt one is neither used nor replaced", async () => {
    const dir = await temporary();
    const file = join(dir, "idempotency.sqlite");
    try {
      const store = await openSqliteKeys({ file, mostKeys: 9 });
      await store.close();
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      await writeFile(file, "not a database, but long enough to be taken for a damaged one".repeat(10));
      await expect(openSqliteKeys({ file, mostKeys: 9 })).rejects.toThrow(/not a database/);
      expect(await readFile(file, "utf8")).toMatch(/^not a database, but/);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

describe("the keeper of the store", () => {
  it("opens it once, says why it cannot be opened, and tries again after a second", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      const reasons: string[] = [];
      let fails = true;
      let opened = 0;
      const store = { close: () => Promise.resolve() } as KeyStore;
      const keeper = new KeyStoreKeeper(
        () => (++opened, fails ? Promise.reject(new Error("disk full")) : Promise.resolve(store)),
        (reason) => reasons.push(reason),
      );
      await expect(keeper.store()).rejects.toThrow(new KeysUnavailable("disk full"));
      await expect(keeper.store()).rejects.toThrow("disk full");
      expect([opened, keeper.failed]).toEqual([1, "disk full"]);
      vi.advanceTimersByTime(1000);
      await expect(keeper.store()).rejects.toThrow("disk full");
      expect([opened, reasons]).toEqual([2, ["disk full"]]);
      vi.advanceTimersByTime(1000);
      fails = false;
      expect(await Promise.all([keeper.store(), keeper.store()])).toEqual([store, store]);
      expect([opened, keeper.failed]).toEqual([3, undefined]);
      await keeper.close();
      await expect(keeper.store()).rejects.toThrow("the gateway is stopping");
    } finally {
      vi.useRealTimers();
    }
  });
});
