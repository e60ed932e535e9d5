import { expect, it } from "vitest";
import { MOST_AHEAD, readAhead } from "../../../src/journal/search/read-ahead.ts";

/** Numbers from 0; throws `error` after `most` of them. `taken` counts them. */
const numbers = (most: number, error?: Error) => {
  const state = { taken: 0, isClosed: false };
  const items = async function* (): AsyncGenerator<number, void, undefined> {
    try {
      for (; state.taken < most;) yield state.taken++;
      if (error) throw error;
    } finally {
      state.isClosed = true;
    }
  };
  return { state, items: items() };
};

/** Reads that end when they are told to, and how many are under way. */
const slowReads = () => {
  const waiting: { readonly item: number; readonly end: () => void }[] = [];
  const read = (item: number): Promise<string> =>
    new Promise((resolve) => waiting.push({ item, end: () => resolve(`read ${item}`) }));
  return { waiting, read };
};

const all = async (results: AsyncIterable<unknown>): Promise<{ got: unknown[]; error?: unknown }> => {
  const got: unknown[] = [];
  try {
    for await (const each of results) got.push(each);
  } catch (error) {
    return { got, error };
  }
  return { got };
};

it("gives the results in order, whichever read ends first", async () => {
  const { items } = numbers(20);
  const { got } = await all(
    readAhead(items, async (item) => {
      for (let turn = 0; turn < (item * 7) % 5; turn++) await Promise.resolve();
      return item;
    }),
  );
  expect(got).toEqual(Array.from({ length: 20 }, (_, item) => item));
});

it("reads one item for the first result, and never more than a few ahead", async () => {
  const { state, items } = numbers(1000);
  const results = readAhead(items, (item) => Promise.resolve(item));
  await results.next();
  expect(state.taken).toBe(1);
  for (let result = 1; result < 50; result++) {
    await results.next();
    expect(state.taken - result).toBeLessThanOrEqual(MOST_AHEAD);
  }
  expect(state.taken - 50).toBe(MOST_AHEAD - 1);
  await results.return();
  expect(state.isClosed).toBe(true);
});

it("throws an error of the items after the results before it", async () => {
  const error = new Error("no more");
  const { items } = numbers(7, error);
  expect(await all(readAhead(items, (item) => Promise.resolve(item)))).toEqual({ got: [0, 1, 2, 3, 4, 5, 6], error });
});

it("throws an error of a read when it is its turn, and closes the items", async () => {
  const { state, items } = numbers(100);
  const { got, error } = await all(
    readAhead(items, async (item) => {
      if (item >= 5) throw new Error(`cannot read ${item}`);
      return item;
    }),
  );
  expect(got).toEqual([0, 1, 2, 3, 4]);
  expect(error).toEqual(new Error("cannot read 5"));
  expect(state.isClosed).toBe(true);
});

it("ends the reads that it started when the caller stops", async () => {
  const { items } = numbers(100);
  const { waiting, read } = slowReads();
  const results = readAhead(items, read);
  for (let result = 0; result < 3; result++) {
    const next = results.next();
    await expect.poll(() => waiting.length).toBeGreaterThan(result);
    waiting[result]!.end();
    await next;
  }
  // The fourth result needs this read; others were started after it.
  const next = results.next();
  await expect.poll(() => waiting.length).toBeGreaterThan(4);
  waiting[3]!.end();
  await next;
  let isStopped = false;
  const stopped = results.return().then(() => (isStopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isStopped).toBe(false);
  for (const { end } of waiting) end();
  await stopped;
});
