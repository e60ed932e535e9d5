/** Entries in their order → stories in theirs, without an index: what reads everything reads so. In memory stand those whose end is not there yet, and what waits behind them. */
import type { Recorded } from "./entry.ts";
import type { Line } from "./read.ts";
import { closes, type Story } from "./story.ts";

/** A story with the lines of its entries. */
export type ToldStory = Story & { readonly lines: readonly string[] };

type Waiting = { readonly at: number; readonly entries: Recorded[]; readonly lines: string[]; isOpen: boolean };

/**
 * An intent without an end holds back what began after it; beyond `most` it is given as it stands, and an end that comes later is a story by
 * itself.
 */
export const storiesOf = async function* (
  lines: AsyncIterable<Line>,
  most = 100_000,
): AsyncGenerator<ToldStory, void, undefined> {
  const queue = new Queue();
  for await (const line of lines) {
    queue.take(line);
    for (let ready = queue.next(most); ready; ready = queue.next(most)) yield ready;
  }
  for (let rest = queue.next(0); rest; rest = queue.next(0)) yield rest;
};

class Queue {
  readonly #open = new Map<string, Waiting>();
  #waiting: Waiting[] = [];
  #head = 0;

  take({ entry, text }: Line): void {
    const id = "id" in entry ? entry.id : "";
    const begun = closes(entry) ? this.#open.get(id) : undefined;
    if (begun) {
      begun.entries.push(entry);
      begun.lines.push(text);
      begun.isOpen = false;
      this.#open.delete(id);
      return;
    }
    const story: Waiting = { at: entry.index, entries: [entry], lines: [text], isOpen: entry.kind === "intent" };
    this.#waiting.push(story);
    if (story.isOpen) this.#open.set(id, story);
  }

  /** The first one, when it is whole or more than `most` wait. */
  next(most: number): ToldStory | undefined {
    const story = this.#waiting[this.#head];
    if (!story || (story.isOpen && this.#waiting.length - this.#head <= most)) return undefined;
    if (story.isOpen && "id" in story.entries[0]!) this.#open.delete(story.entries[0].id);
    if (++this.#head > 1000) [this.#waiting, this.#head] = [this.#waiting.slice(this.#head), 0];
    return story;
  }
}
