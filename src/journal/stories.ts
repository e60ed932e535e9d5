/** Entries in their order → stories in theirs, without an index: what reads everything reads so. In memory stand those whose end is not there yet, and what waits behind them. */
import type { Recorded } from "./entry.ts";
import { closes, type Story } from "./story.ts";

type Waiting = { readonly at: number; readonly entries: Recorded[]; isOpen: boolean };

/**
 * An intent without an end holds back what began after it; beyond `most` it is given as it stands, and an end that comes later is a story by
 * itself.
 */
export const storiesOf = async function* (entries: AsyncIterable<Recorded>, most = 100_000): AsyncGenerator<Story, void, undefined> {
  const open = new Map<string, Waiting>();
  let queue: Waiting[] = [];
  let head = 0;
  for await (const entry of entries) {
    const begun = closes(entry) && "id" in entry ? open.get(entry.id) : undefined;
    if (begun && "id" in entry) {
      begun.entries.push(entry);
      begun.isOpen = false;
      open.delete(entry.id);
    } else queue.push({ at: entry.index, entries: [entry], isOpen: entry.kind === "intent" });
    if (entry.kind === "intent") open.set(entry.id, queue.at(-1)!);
    for (; head < queue.length && (!queue[head]!.isOpen || queue.length - head > most); head++) {
      const { at, entries: own } = queue[head]!;
      if (own[0]!.kind === "intent" && "id" in own[0]!) open.delete(own[0].id);
      yield { at, entries: own };
    }
    if (head > 1000) [queue, head] = [queue.slice(head), 0];
  }
  for (const { at, entries: own } of queue.slice(head)) yield { at, entries: own };
};
