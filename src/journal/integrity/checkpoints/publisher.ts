/** Writes checkpoints to one sink, in order, also after the sink was unavailable for long. Nothing waits for it. */
import { isTimeout, withTimeout } from "../../../common/timeout.ts";
import type { Journal } from "../../journal.ts";
import { readWhole } from "../../disk.ts";
import { numbersIn, paths } from "../../paths.ts";
import type { CheckpointSink, Delivered } from "./checkpoint-sink.ts";
import { faultInWords } from "../../../common/system-error.ts";

export type PublisherEvent = { readonly place: string } & (
  | { readonly kind: "away"; readonly reason: string }
  | { readonly kind: "back" }
  /** The sink lost what this run had written to it earlier, and has it again. */
  | { readonly kind: "shortened" }
  | { readonly kind: "restored" }
);

const PATIENCE_MS = 2000;
const FIRST_TRY_MS = 1000;
const LONGEST_TRY_MS = 30_000;
/** If more wait, the oldest are dropped: each covers everything that earlier ones cover. */
const MOST = 1000;

export class Publisher {
  readonly #place: CheckpointSink;
  readonly #onNews: (news: PublisherEvent) => void;
  readonly #notes: string[] = [];
  /** A delivery that timed out and may still succeed. */
  #late: Promise<Delivered> | undefined;
  #isIncomplete = false;
  #hasArrived = false;
  #turn: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #away: string | undefined;
  #tryMs = FIRST_TRY_MS;

  constructor(place: CheckpointSink, onNews: (news: PublisherEvent) => void) {
    this.#place = place;
    this.#onNews = onNews;
  }

  /** Why checkpoints do not arrive or were removed; undefined if all is well. */
  get trouble(): string | undefined {
    if (this.#away !== undefined)
      return `${this.#notes.length} checkpoints wait for ${this.#place.name}: ${this.#away}`;
    return this.#isIncomplete
      ? `earlier checkpoints are missing in ${this.#place.name}: it was removed, emptied or shortened`
      : undefined;
  }

  /** Whether checkpoints arrive and stay; undefined before the first one. */
  get arrives(): boolean | undefined {
    return this.#away !== undefined || this.#isIncomplete ? false : this.#hasArrived ? true : undefined;
  }

  /** How many checkpoints wait for the sink. */
  get waiting(): number {
    return this.#notes.length;
  }

  get place(): string {
    return this.#place.name;
  }

  readonly publish = (note: string): void => {
    this.#notes.push(note);
    if (this.#notes.length > MOST) this.#notes.splice(this.#late ? 1 : 0, 1);
    // While the sink is unavailable, the timer tries again.
    if (this.#away === undefined) this.#start();
  };

  /** Tries once more, for at most two seconds. */
  readonly stop = async (): Promise<void> => {
    this.#start();
    await withTimeout(PATIENCE_MS, this.#turn ?? Promise.resolve(), this.#place.name).catch(() => undefined);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  };

  #start(): void {
    clearTimeout(this.#timer);
    this.#turn ??= this.#work().finally(() => (this.#turn = undefined));
  }

  async #work(): Promise<void> {
    for (let note = this.#notes[0]; note !== undefined; note = this.#notes[0]) {
      try {
        this.#late ??= this.#place.deliver(note);
        const found = await withTimeout(PATIENCE_MS, this.#late, this.#place.name);
        this.#late = undefined;
        this.#found(found);
        this.#notes.shift();
        this.#hasArrived = true;
        this.#isBack();
      } catch (error) {
        return this.#isAway(error);
      }
    }
  }

  #found(found: Delivered): void {
    const isRestored = this.#isIncomplete && found === "complete";
    this.#isIncomplete = found !== "complete";
    if (found === "shortened") this.#onNews({ kind: "shortened", place: this.#place.name });
    if (isRestored) this.#onNews({ kind: "restored", place: this.#place.name });
  }

  #isBack(): void {
    if (this.#away !== undefined) this.#onNews({ kind: "back", place: this.#place.name });
    this.#away = undefined;
    this.#tryMs = FIRST_TRY_MS;
  }

  #isAway(error: unknown): void {
    const reason = faultInWords(error);
    if (!isTimeout(error)) this.#late = undefined;
    if (this.#away === undefined) this.#onNews({ kind: "away", place: this.#place.name, reason });
    this.#away = reason;
    this.#timer = setTimeout(() => this.#start(), this.#tryMs).unref();
    this.#tryMs = Math.min(2 * this.#tryMs, LONGEST_TRY_MS);
  }
}

/** Publishes checkpoints that the sink missed before the last stop; for a sink that cannot be read, only the newest. */
export const catchUp = async (
  { disk, dir }: Pick<Journal, "disk" | "dir">,
  publisher: Publisher,
  last: number | undefined,
): Promise<void> => {
  const sizes = numbersIn(await disk.list(paths(dir).checkpoints), "");
  const missing = last === undefined ? sizes.slice(-1) : sizes.filter((size) => size > last).slice(-MOST);
  for (const size of missing) publisher.publish((await readWhole(disk, paths(dir).checkpoint(size))).toString());
};
