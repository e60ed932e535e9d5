/** Reads lines for several candidates at once, because each read waits for the disk and for decompression. */

/** Each read can need two segments, which the reader keeps open. */
export const MOST_AHEAD = 4;

/**
 * `read` of each item, in order. It starts with one at a time, because many callers need one result only, and goes up
 * to MOST_AHEAD. An error of the items is thrown after the results before it. When the caller stops, it resolves after
 * the last started read.
 */
export const readAhead = async function* <Item, Result>(
  items: AsyncIterable<Item>,
  read: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const started: Promise<Result>[] = [];
  let most = 1;
  let failed: { readonly error: unknown } | undefined;
  const iterator = items[Symbol.asyncIterator]();
  const next = (): Promise<IteratorResult<Item, unknown>> =>
    iterator.next().catch((error: unknown) => {
      failed = { error };
      return { done: true, value: undefined };
    });
  try {
    for (let item = await next(); !item.done; item = await next()) {
      const result = read(item.value);
      // Its error is thrown when it is its turn.
      result.catch(() => undefined);
      started.push(result);
      if (started.length < most) continue;
      yield await started.shift()!;
      most = Math.min(MOST_AHEAD, most + 1);
    }
    while (started.length > 0) yield await started.shift()!;
    if (failed) throw failed.error;
  } finally {
    await Promise.allSettled(started);
    await iterator.return?.();
  }
};
