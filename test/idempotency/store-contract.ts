/** What every store of keys promises, whatever it is made of. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeyEnd, KeyStore } from "../../src/idempotency/types.ts";
import { aKey } from "./kit.ts";

export const ANSWERED: KeyEnd = {
  state: "answered",
  answer: { status: 409, headers: [["Warning", '9014 - "DB down"']], body: new Uint8Array([1, 2, 255]) },
};
export const UNKNOWN: KeyEnd = { state: "unknown", refusal: "no-answer", detail: "in words" };

export type StoreUnderTest = {
  readonly open: (mostKeys: number) => Promise<KeyStore>;
  readonly remove: () => Promise<void>;
};

export const describeKeyStore = (name: string, prepare: () => Promise<StoreUnderTest>): void => {
  describe(`keys in ${name}`, () => {
    let under: StoreUnderTest;
    let store: KeyStore;
    let last = 0;
    /** A client of its own for each test, so that tests share a store. */
    const fresh = (): { readonly client: string; readonly id: () => string } => {
      const client = `client-${++last}`;
      let count = 0;
      return { client, id: () => `${client}-${++count}` };
    };
    beforeAll(async () => {
      under = await prepare();
      store = await under.open(3);
    });
    afterAll(async () => {
      await store.close();
      await under.remove();
    });

    it("gives a key to one of two requests of the same turn, and the other one its id", async () => {
      const { client, id } = fresh();
      const [first, second] = [id(), id()];
      const claims = await Promise.all([store.claim(aKey(first, { client })), store.claim(aKey(second, { client }))]);
      expect(claims).toEqual([
        { kind: "claimed" },
        { kind: "kept", key: { id: first, token: "t1:a", fingerprint: "f", end: undefined } },
      ]);
    });

    it.each([
      ["an answer", ANSWERED],
      ["an unknown end", UNKNOWN],
    ])("keeps %s, and only the first end of a request", async (_, end) => {
      const { client, id } = fresh();
      const first = id();
      await store.claim(aKey(first, { client }));
      expect(await store.settle(first, end)).toBe(true);
      expect(await store.settle(first, { state: "free" })).toBe(true);
      expect(await store.settle(first, { state: "unknown", refusal: "later", detail: "" })).toBe(true);
      const again = await store.claim(aKey(id(), { client }));
      expect(again).toEqual({ kind: "kept", key: { id: first, token: "t1:a", fingerprint: "f", end } });
    });

    it("gives a free key again, and ends of other requests change nothing", async () => {
      const { client, id } = fresh();
      const first = id();
      await store.claim(aKey(first, { client }));
      await store.settle(first, { state: "free" });
      await store.settle("nobody's", { state: "free" });
      const second = id();
      expect(await store.claim(aKey(second, { client }))).toEqual({ kind: "claimed" });
      // The late end of the first request is not the second one's.
      await store.settle(first, ANSWERED);
      expect(await store.claim(aKey(id(), { client }))).toMatchObject({ kind: "kept", key: { end: undefined } });
    });

    it("finds a key that was kept under an older index key", async () => {
      const { client, id } = fresh();
      const first = id();
      const [old, young] = [
        { token: "t1:a", fingerprint: "old" },
        { token: "t2:a", fingerprint: "new" },
      ];
      await store.claim(aKey(first, { client, tokens: [old] }));
      expect(await store.claim(aKey(id(), { client, tokens: [young, old] }))).toMatchObject({
        kind: "kept",
        key: { id: first, fingerprint: "old" },
      });
    });

    it.each([
      ["tenant", { tenant: 102 }],
      ["OCS", { upstream: "other" }],
      ["client", { client: "another" }],
    ])("keeps keys apart by %s", async (_, over) => {
      const { client, id } = fresh();
      await store.claim(aKey(id(), { client }));
      expect(await store.claim(aKey(id(), { client, ...over }))).toEqual({ kind: "claimed" });
    });

    it("only looks when asked to", async () => {
      const { client, id } = fresh();
      expect(await store.claim(aKey(id(), { client, looksOnly: true }))).toEqual({ kind: "absent" });
      expect(await store.claim(aKey(id(), { client }))).toEqual({ kind: "claimed" });
      expect(await store.claim(aKey(id(), { client, looksOnly: true }))).toMatchObject({ kind: "kept" });
    });

    it("refuses a client's keys beyond the bound, forgets none of them, and leaves other clients alone", async () => {
      const { client, id } = fresh();
      const claim = (token: string, by = client) =>
        store.claim(aKey(id(), { client: by, at: 5000, tokens: [{ token, fingerprint: "f" }] }));
      const first = id();
      await store.claim(aKey(first, { client, at: 4000 }));
      await claim("t1:b");
      await claim("t1:c");
      expect(await claim("t1:d")).toEqual({ kind: "full", oldest: 4000 });
      expect(await claim("t1:a")).toMatchObject({ kind: "kept", key: { id: first } });
      expect(await claim("t1:d", `${client}-other`)).toEqual({ kind: "claimed" });
      await store.settle(first, { state: "free" });
      expect(await claim("t1:d")).toEqual({ kind: "claimed" });
    });

    it("forgets ended keys of before a time, makes room by it, and corrects times of a wrong clock", async () => {
      const { client, id } = fresh();
      const [ended, running, future] = [id(), id(), id()];
      const token = (name: string) => [{ token: `t1:${name}`, fingerprint: "f" }];
      await store.claim(aKey(ended, { client, at: 100, tokens: token("ended") }));
      await store.claim(aKey(running, { client, at: 100, tokens: token("running") }));
      await store.claim(aKey(future, { client, at: 9e12, tokens: token("future") }));
      await store.settle(ended, ANSWERED);
      await store.settle(future, ANSWERED);
      await store.expire(101, undefined);
      expect(await store.claim(aKey(id(), { client, looksOnly: true, tokens: token("ended") }))).toEqual({
        kind: "absent",
      });
      expect(await store.claim(aKey(id(), { client, tokens: token("room") }))).toEqual({ kind: "claimed" });
      expect(await store.claim(aKey(id(), { client, tokens: token("running") }))).toMatchObject({
        key: { end: undefined },
      });
      await store.expire(101, 200);
      expect(await store.claim(aKey(id(), { client, tokens: token("future") }))).toMatchObject({ key: { id: future } });
      await store.expire(201, undefined);
      expect(await store.claim(aKey(id(), { client, tokens: token("future") }))).toEqual({ kind: "claimed" });
    });

    it("has after a restart what it had before, and says which requests have no end", async () => {
      const { client, id } = fresh();
      const [first, second] = [id(), id()];
      const other = [{ token: "t1:b", fingerprint: "f" }];
      await store.claim(aKey(first, { client, certain: false, entry: 41, entryTime: 42 }));
      await store.claim(aKey(second, { client, tokens: other }));
      await store.settle(second, ANSWERED);
      await store.close();
      store = await under.open(3);
      const left = store.running.filter((each) => each.id.startsWith(`${client}-`));
      expect(left).toEqual([{ id: first, certain: false, entry: 41, entryTime: 42 }]);
      expect(await store.claim(aKey(id(), { client, tokens: other }))).toMatchObject({ key: { end: ANSWERED } });
    });
  });
};
