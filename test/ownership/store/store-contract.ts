/**
 * What an ownership store promises, whatever writes it: held against SQLite in its thread (store-contract.test.ts) and
 * against the thread that the simulation puts in its place (test/simulation/store.test.ts), so that what the
 * simulation shows is true of the product.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HandlePages, type Page } from "../../../src/ownership/handles/announced-handles.ts";
import type {
  RestoredRow,
  OwnershipStore,
  RestoredUpstream,
  OwnershipRow,
  StoreOptions,
} from "../../../src/ownership/store/store.ts";

/** One file, and what may happen to it. */
export type StoreBench = {
  readonly open: (options?: Pick<StoreOptions, "mark">) => Promise<OwnershipStore>;
  /** The process dies: the store is not closed. Resolves when the file is free. */
  readonly crash: (store: OwnershipStore) => Promise<void>;
  /** Another process writes to the file, or has it for itself alone. Returns the function that lets it go. */
  readonly lock: (how: "writes" | "alone") => () => void;
  readonly remove: () => Promise<void>;
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
  campaign: null,
  group: null,
  list: null,
  phone: null,
  attempt: `attempt-${handle}`,
  ...over,
});

const kept = (handle: number, over: Partial<RestoredRow> = {}): RestoredRow => ({
  handle,
  tenant: 101,
  since: 1_000_000 + handle,
  generation: handle,
  attempt: `attempt-${handle}`,
  ...over,
});

type Step = (store: OwnershipStore) => Promise<unknown>;
type Case = { readonly does: string; readonly steps: readonly Step[]; readonly left: Partial<RestoredUpstream> };

const put =
  (handle: number, over: Partial<OwnershipRow> = {}): Step =>
  (store) =>
    store.put(row(handle, over));
const remove =
  (handle: number, generation: number): Step =>
  (store) =>
    store.remove("ocs", handle, generation);
const epoch =
  (number: number, endpoint: string, keepFrom?: number): Step =>
  (store) =>
    store.beginEpoch("ocs", number, endpoint, keepFrom);

const announced =
  (number: number, ...handles: readonly number[]): Step =>
  async (store) => {
    for (const handle of handles) store.announced("ocs", number, handle, 0);
  };
const announcedAt =
  (generation: number, handle: number): Step =>
  async (store) =>
    store.announced("ocs", 1, handle, generation);
const doubt =
  (generation: number): Step =>
  (store) =>
    store.doubt("ocs", generation);
const pagesOf = (...handles: readonly number[]): readonly Page[] => {
  const pages = new HandlePages();
  for (const handle of handles) pages.add(handle);
  return pages.pages;
};

const CASES: readonly Case[] = [
  {
    does: "restores rows in the order in which they were heard of",
    steps: [epoch(1, "http://one"), put(3), put(1), put(2, { tenant: 102 })],
    left: {
      epoch: 1,
      endpoint: "http://one",
      highest: 3,
      generation: 3,
      owned: [kept(1), kept(2, { tenant: 102 }), kept(3)],
    },
  },
  {
    does: "keeps the row of the later generation, whichever comes last",
    steps: [put(5, { generation: 9, tenant: 102 }), put(5, { generation: 8 })],
    left: { generation: 9, owned: [kept(5, { generation: 9, tenant: 102 })] },
  },
  {
    does: "replaces a row of the same generation",
    steps: [put(5), put(5, { since: 2_000_000 })],
    left: { owned: [kept(5, { since: 2_000_000 })] },
  },
  { does: "removes a row of the same generation", steps: [put(5), remove(5, 5)], left: { owned: [] } },
  { does: "removes a row of an earlier generation", steps: [put(5), remove(5, 6)], left: { owned: [] } },
  {
    does: "keeps a row of a later generation than the removal",
    steps: [put(5), remove(5, 4)],
    left: { owned: [kept(5)] },
  },
  {
    does: "takes a row for a handle that was removed",
    steps: [put(5), remove(5, 5), put(5, { generation: 6 })],
    left: { owned: [kept(5, { generation: 6 })] },
  },
  {
    does: "voids what an earlier epoch owned",
    steps: [put(5), epoch(2, "http://two")],
    left: { epoch: 2, endpoint: "http://two", owned: [] },
  },
  {
    does: "takes rows from a generation on over into the next epoch",
    steps: [put(5), put(6), put(7), epoch(2, "http://one", 6)],
    left: { epoch: 2, owned: [kept(6), kept(7)] },
  },
  {
    does: "takes them over with a row of that epoch as well",
    steps: [put(5), put(6), put(7, { epoch: 2, keepFrom: 6 }), epoch(2, "http://one", 6)],
    left: { epoch: 2, owned: [kept(6), kept(7)] },
  },
  {
    does: "begins the epoch of a row",
    steps: [put(5), put(6, { epoch: 2, endpoint: "http://two" })],
    left: { epoch: 2, endpoint: "http://two", owned: [kept(6)] },
  },
  {
    does: "does not go back to an earlier epoch",
    steps: [put(6, { epoch: 3, endpoint: "http://two" }), epoch(2, "http://late"), put(7, { epoch: 2 })],
    left: { epoch: 3, endpoint: "http://two", owned: [kept(6)] },
  },
  {
    does: "forgets the highest handle with the epoch, and never a generation",
    steps: [put(500), put(6, { epoch: 2, generation: 7, highest: 6 })],
    left: { highest: 6, generation: 500 },
  },
  {
    does: "keeps the highest handle over later rows",
    steps: [put(500), put(6, { generation: 501, highest: 6 })],
    left: { highest: 500, highestAt: 499, generation: 501 },
  },
  {
    does: "remembers when the highest handle was announced last",
    steps: [
      put(500),
      put(500, { generation: 510, highestAt: 509 }),
      put(6, { generation: 511, highest: 500, highestAt: 509 }),
    ],
    left: { highest: 500, highestAt: 509 },
  },
  {
    does: "is not moved by a row of an earlier epoch",
    steps: [put(6, { epoch: 3 }), put(500, { epoch: 2 })],
    left: { epoch: 3, highest: 6, highestAt: 5 },
  },
  {
    does: "remembers what was announced in the epoch, owned or not",
    steps: [epoch(1, "http://one"), announced(1, 7, 70_000), put(5)],
    left: { announced: pagesOf(7, 70_000) },
  },
  {
    does: "forgets what was announced with the epoch, but for what stays owned",
    steps: [
      epoch(1, "http://one"),
      announced(1, 7),
      put(9),
      epoch(2, "http://one", 9),
      announced(2, 3),
      announced(1, 4),
    ],
    left: { announced: pagesOf(9, 3) },
  },
  {
    does: "keeps a row without an owner, which a removal of the owner before leaves, and a later owner replaces",
    steps: [
      put(5),
      put(5, { generation: 6, among: [101, 102] }),
      remove(5, 5),
      put(7, { among: [101] }),
      put(7, { generation: 8 }),
    ],
    left: { owned: [kept(5, { generation: 6, among: [101, 102] }), kept(7, { generation: 8 })] },
  },
  {
    does: "remembers the highest handle, and when, also where it is no tenant's here",
    steps: [epoch(1, "http://one"), announcedAt(2, 1000), put(5), announcedAt(9, 1000), announcedAt(8, 70)],
    left: { highest: 1000, highestAt: 9, generation: 5 },
  },
  {
    does: "remembers up to which generation rows are in doubt, whatever comes last",
    steps: [put(5), doubt(5), doubt(3), put(9)],
    left: { doubtUpTo: 5, generation: 9, owned: [kept(5), kept(9)] },
  },
  { does: "has none in doubt at first", steps: [put(5)], left: { doubtUpTo: -1 } },
  {
    does: "keeps the doubt over an epoch",
    steps: [put(5), put(6), doubt(6), epoch(2, "http://one", 6), put(7, { epoch: 2, keepFrom: 6 })],
    left: { epoch: 2, doubtUpTo: 6, owned: [kept(6), kept(7)] },
  },
  {
    does: "keeps the doubt over an epoch that a row begins",
    steps: [put(5), doubt(5), put(6, { epoch: 2, endpoint: "http://two" })],
    left: { epoch: 2, doubtUpTo: 5 },
  },
  {
    does: "remembers what was announced in an epoch that has just begun, as in the epoch before",
    steps: [epoch(1, "http://one"), announced(1, 5, 6), epoch(2, "http://two"), announced(2, 5)],
    left: { epoch: 2, announced: pagesOf(5) },
  },
];

export const describeStoreContract = (name: string, begin: () => Promise<StoreBench>): void => {
  describe(`the contract of the ownership store, by ${name}`, () => {
    let bench: StoreBench;
    const opened: OwnershipStore[] = [];
    const open = async (options?: Pick<StoreOptions, "mark">): Promise<OwnershipStore> => {
      const store = await bench.open(options);
      opened.push(store);
      return store;
    };
    beforeEach(async () => {
      bench = await begin();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
      await bench.remove();
    });

    it.each(CASES)("$does", async ({ steps, left }) => {
      const store = await open();
      for (const step of steps) await step(store);
      await store.close();
      expect((await open()).restored.get("ocs")).toMatchObject(left);
    });

    it.each(CASES)("$does, if everything is in one commit", async ({ steps, left }) => {
      const store = await open();
      // Removals and epochs go behind the rows of their commit; where that is another order, generations decide.
      await Promise.all(steps.map((step) => step(store)));
      await store.close();
      expect((await open()).restored.get("ocs")).toMatchObject(left);
    });

    it("has all acknowledged changes on disk when the process crashes", async () => {
      const store = await open();
      await Promise.all([store.put(row(1)), store.put(row(2)), store.beginEpoch("other", 4, "http://o")]);
      await store.remove("ocs", 2, 2);
      opened.splice(opened.indexOf(store), 1);
      await bench.crash(store);
      const { restored } = await open();
      expect([restored.get("ocs")?.owned, restored.get("other")?.epoch]).toEqual([[kept(1)], 4]);
    });

    it("finds a handle by its call's attempt, within its upstream", async () => {
      const store = await open();
      await store.put(row(15));
      expect(
        await Promise.all(
          [
            ["ocs", "attempt-15"],
            ["other", "attempt-15"],
            ["ocs", "attempt-16"],
          ].map(([upstream, attempt]) => store.byAttempt(upstream!, attempt!)),
        ),
      ).toEqual([15, undefined, undefined]);
    });

    it("rejects changes that it cannot write, and writes removals and epochs as soon as possible", async () => {
      const store = await open();
      await Promise.all([store.put(row(1)), store.put(row(2)), store.beginEpoch("other", 1, "http://o")]);
      const release = bench.lock("writes");
      const results = await Promise.allSettled([
        store.put(row(3)),
        store.remove("ocs", 1, 1),
        store.beginEpoch("other", 2, "http://p"),
      ]);
      expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
      while (store.pending() < 2) await new Promise((resolve) => setTimeout(resolve, 20));
      release();
      while (store.pending() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      await store.close();
      const { restored } = await open();
      expect([restored.get("ocs")?.owned.some(({ handle }) => handle === 1), restored.get("other")?.epoch]).toEqual([
        false,
        2,
      ]);
    }, 30_000);

    it("does not open a file that another process holds", async () => {
      const store = await open();
      await store.put(row(1));
      await store.close();
      const release = bench.lock("alone");
      await expect(bench.open()).rejects.toThrow(/locked/);
      release();
      expect((await open()).restored.get("ocs")?.owned).toEqual([kept(1)]);
    }, 30_000);

    it("keeps the journal's mark of the last commit, and how long it was not written", async () => {
      const store = await open({ mark: () => 42 });
      await store.put(row(1));
      await store.close();
      const { mark, downtime } = await open();
      expect(mark).toBe(42);
      expect(downtime).toBeGreaterThanOrEqual(0);
      expect(downtime).toBeLessThan(30_000);
    });

    it("rejects changes after its end", async () => {
      const store = await open();
      await store.close();
      await expect(store.put(row(1))).rejects.toThrow(/closed/);
      await expect(store.remove("ocs", 1, 1)).rejects.toThrow(/closed/);
    });
  });
};
