/**
 * A long list on its way from one thread to another: what the other one has already is named by its place there, and
 * the rest comes in small batches, each when it is asked for, so that whoever takes them never stops for long.
 */
import { digested } from "./kept.ts";

/** `order`: for each item its place in the list of before, or -1 for the next of those that come over. */
export type Crossing = { readonly order: Int32Array; readonly fresh: number };

export type Departing<Item> = {
  readonly crossing: Crossing;
  readonly digests: readonly string[];
  readonly batches: readonly (readonly Item[])[];
};

/** About so much is taken in a millisecond or two. */
const BATCH_BYTES = 48 * 1024;

/** `before`: digests of what the other side has, in its sequence. */
export const depart = <Item>(items: readonly Item[], before: readonly string[]): Departing<Item> => {
  const places = new Map(before.map((digest, place) => [digest, place]));
  const order = new Int32Array(new SharedArrayBuffer(items.length * Int32Array.BYTES_PER_ELEMENT));
  const digests: string[] = [];
  const batches: Item[][] = [];
  let [room, fresh] = [0, 0];
  for (const [at, item] of items.entries()) {
    const { digest, bytes } = digested(item);
    digests.push(digest);
    order[at] = places.get(digest) ?? -1;
    if (order[at]! >= 0) continue;
    fresh++;
    if (room <= 0) {
      batches.push([]);
      room = BATCH_BYTES;
    }
    batches.at(-1)!.push(item);
    room -= bytes;
  }
  return { crossing: { order, fresh }, digests, batches };
};

/** `next`: gives the next batch. Items of before are the same objects as before. */
export const arrive = async <Item>(
  { order, fresh }: Crossing,
  before: readonly Item[],
  next: () => Promise<readonly Item[]>,
): Promise<readonly Item[]> => {
  const come: Item[] = [];
  while (come.length < fresh) come.push(...(await next()));
  const items: Item[] = [];
  let taken = 0;
  for (const place of order) items.push(place < 0 ? come[taken++]! : before[place]!);
  return items;
};
