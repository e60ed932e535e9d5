/** Brings checkpoints to one second place, in order, however long that is away; nobody waits for it. */
import { isTooLate, within } from "./broken.ts";
import type { Journal } from "./append.ts";
import { readWhole } from "./disk.ts";
import { numbersIn, places } from "./places.ts";
import type { SecondPlace } from "./second-place.ts";
import { faultInWords } from "../system-error.ts";

export type PublisherNews = { readonly place: string } & (
  | { readonly kind: "away"; readonly reason: string }
  | { readonly kind: "back" }
  /** What was left there earlier in this run is gone. */
  | { readonly kind: "emptied" }
);

const PATIENCE_MS = 2000;
const FIRST_TRY_MS = 1000;
const LONGEST_TRY_MS = 30_000;
/** Of more the oldest are left out: each covers all that those before it cover. */
const MOST = 1000;

export class Publisher {
  readonly #place: SecondPlace;
  readonly #tell: (news: PublisherNews) => void;
  readonly #notes: string[] = [];
  /** Was not waited for any longer, and may still arrive. */
  #late: Promise<boolean> | undefined;
  #isEmptied = false;
  #hasArrived = false;
  #turn: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #away: string | undefined;
  #tryMs = FIRST_TRY_MS;

  constructor(place: SecondPlace, tell: (news: PublisherNews) => void) {
    this.#place = place;
    this.#tell = tell;
  }

  /** Why checkpoints do not arrive or did not stay, in words; undefined while all is well. */
  get trouble(): string | undefined {
    if (this.#away !== undefined)
      return `${this.#notes.length} checkpoints wait for ${this.#place.name}: ${this.#away}`;
    return this.#isEmptied
      ? `${this.#place.name} was removed or emptied: earlier checkpoints are no longer there`
      : undefined;
  }

  /** Whether checkpoints arrive and stay; undefined before the first one was brought there. */
  get arrives(): boolean | undefined {
    return this.#away !== undefined || this.#isEmptied ? false : this.#hasArrived ? true : undefined;
  }

  /** How many checkpoints wait for the place. */
  get waiting(): number {
    return this.#notes.length;
  }

  get place(): string {
    return this.#place.name;
  }

  readonly publish = (note: string): void => {
    this.#notes.push(note);
    if (this.#notes.length > MOST) this.#notes.splice(this.#late ? 1 : 0, 1);
    // While the place is away, its timer asks.
    if (this.#away === undefined) this.#start();
  };

  /** Tries once more, for two seconds at most. */
  readonly stop = async (): Promise<void> => {
    this.#start();
    await within(PATIENCE_MS, this.#turn ?? Promise.resolve(), this.#place.name).catch(() => undefined);
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
        const isEmptied = await within(PATIENCE_MS, this.#late, this.#place.name);
        this.#late = undefined;
        if (isEmptied) this.#tell({ kind: "emptied", place: this.#place.name });
        this.#isEmptied ||= isEmptied;
        this.#notes.shift();
        this.#hasArrived = true;
        this.#isBack();
      } catch (error) {
        return this.#isAway(error);
      }
    }
  }

  #isBack(): void {
    if (this.#away !== undefined) this.#tell({ kind: "back", place: this.#place.name });
    this.#away = undefined;
    this.#tryMs = FIRST_TRY_MS;
  }

  #isAway(error: unknown): void {
    const reason = faultInWords(error);
    if (!isTooLate(error)) this.#late = undefined;
    if (this.#away === undefined) this.#tell({ kind: "away", place: this.#place.name, reason });
    this.#away = reason;
    this.#timer = setTimeout(() => this.#start(), this.#tryMs).unref();
    this.#tryMs = Math.min(2 * this.#tryMs, LONGEST_TRY_MS);
  }
}

/** What was signed and did not get there before the last stop: of a place that cannot be read, the newest one. */
export const catchUp = async (
  { disk, dir }: Pick<Journal, "disk" | "dir">,
  publisher: Publisher,
  last: number | undefined,
): Promise<void> => {
  const sizes = numbersIn(await disk.list(places(dir).checkpoints), "");
  const missing = last === undefined ? sizes.slice(-1) : sizes.filter((size) => size > last).slice(-MOST);
  for (const size of missing) publisher.publish((await readWhole(disk, places(dir).checkpoint(size))).toString());
};
