/** Counts refusals within a time window; when the window ends, each count becomes an entry. */
import type { Entry, Flood, Refusal } from "../../entry.ts";

/** What the refusals of one count have in common. */
export type About = Omit<Flood, "kind" | "second" | "seconds" | "count" | "codes" | "first_id" | "last_id">;

type Count = {
  readonly about: About;
  count: number;
  readonly codes: Record<string, number>;
  readonly firstId: string;
  lastId: string;
};

type Options = {
  readonly note: (entry: Entry) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly windowMs: number;
};

export class RefusalCounts {
  readonly #options: Options;
  /** The number of the current window since 1970. */
  #window = Number.NaN;
  /** Undefined: a known key without refusals yet. */
  readonly #counts = new Map<string, Count | undefined>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  get size(): number {
    return this.#counts.size;
  }

  has(key: string): boolean {
    return this.#counts.has(key);
  }

  add(key: string): void {
    this.#counts.set(key, undefined);
  }

  /** True when another window has begun. */
  turn(): boolean {
    const { now, windowMs } = this.#options;
    const window = Math.floor(now() / windowMs);
    if (window === this.#window) return false;
    this.flush();
    this.#window = window;
    return true;
  }

  count(key: string, { id, code }: Refusal, about: About): void {
    let counted = this.#counts.get(key);
    if (!counted) this.#counts.set(key, (counted = { about, count: 0, codes: {}, firstId: id, lastId: id }));
    counted.count++;
    counted.codes[code] = (counted.codes[code] ?? 0) + 1;
    if (id < counted.firstId) Object.assign(counted, { firstId: id });
    if (id > counted.lastId) counted.lastId = id;
    const { now, windowMs } = this.#options;
    this.#timer ??= setTimeout(() => this.flush(), windowMs - (now() % windowMs));
  }

  /** Writes the counts as entries, and forgets the known keys. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { note, windowMs } = this.#options;
    for (const counted of this.#counts.values()) {
      if (!counted) continue;
      const { about, count, codes, firstId, lastId } = counted;
      const second = new Date(this.#window * windowMs).toISOString();
      note({
        kind: "flood",
        ...about,
        second,
        seconds: windowMs / 1000,
        count,
        codes,
        first_id: firstId,
        last_id: lastId,
      });
    }
    this.#counts.clear();
  }
}
