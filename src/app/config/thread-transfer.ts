/**
 * Transfers a long list from one thread to another. Items that the receiver already has are replaced by their index
 * there. The others are sent in small batches on request, so that the receiving thread is never blocked for long.
 */
import { digestOf } from "./parsed-cache.ts";

/** `order`: each item's index in the receiver's last list, or -1 for the next item sent. `fresh`: items sent. */
export type ListTransfer = { readonly order: Int32Array; readonly fresh: number };

export type OutgoingList<Item> = {
  readonly transfer: ListTransfer;
  readonly digests: readonly string[];
  readonly batches: readonly (readonly Item[])[];
};

/** The receiver takes one or two milliseconds for a batch of this size. */
const BATCH_BYTES = 48 * 1024;

/** For the sender. `before`: digests of the items that the receiver has, in its order. */
export const prepareList = <Item>(items: readonly Item[], before: readonly string[]): OutgoingList<Item> => {
  const places = new Map(before.map((digest, place) => [digest, place]));
  const order = new Int32Array(new SharedArrayBuffer(items.length * Int32Array.BYTES_PER_ELEMENT));
  const digests: string[] = [];
  const batches: Item[][] = [];
  let [room, fresh] = [0, 0];
  for (const [at, item] of items.entries()) {
    const { digest, bytes } = digestOf(item);
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
  return { transfer: { order, fresh }, digests, batches };
};

/** For the receiver. `next` resolves to the next batch. Items from `before` stay the same objects. */
export const receiveList = async <Item>(
  { order, fresh }: ListTransfer,
  before: readonly Item[],
  next: () => Promise<readonly Item[]>,
): Promise<readonly Item[]> => {
  const received: Item[] = [];
  while (received.length < fresh) received.push(...(await next()));
  const items: Item[] = [];
  let taken = 0;
  for (const place of order) items.push(place < 0 ? received[taken++]! : before[place]!);
  return items;
};
