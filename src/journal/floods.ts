/**
 * Refusals of nobody in particular: each is an entry, until within one second too many come from one source or from all. The rest of that second is
 * counted by source, and the count is an entry when the second is over. So who has no identity can neither fill the disk nor go unrecorded.
 * At most 100 refusals and 51 counts are written in a second, some 50 KB.
 */
import type { Entry, Flood, Refusal } from "./entry.ts";

const PER_SOURCE = 10;
const OF_ALL = 100;
/** Beyond them sources are counted together, as `*`. */
const SOURCES = 50;
const REST = "*";

type Count = { readonly source: string; readonly listener: string | undefined; count: number; readonly codes: Record<string, number> };

type Options = {
  readonly note: (entry: Entry) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
};

export class Floods {
  readonly #note: (entry: Entry) => void;
  readonly #now: () => number;
  /** Of the second that is counted, in seconds since 1970. */
  #second = Number.NaN;
  #written = 0;
  /** By source, how many of this second are entries. */
  readonly #writtenOf = new Map<string, number>();
  readonly #counts = new Map<string, Count>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ note, now = Date.now }: Options) {
    this.#note = note;
    this.#now = now;
  }

  /** Takes the place of the journal's own `note`. */
  readonly note = (entry: Entry): void => {
    if (entry.kind !== "refusal" || isKnown(entry)) return this.#note(entry);
    this.#turn();
    if (this.#isWithin(entry.source ?? REST)) return this.#note(entry);
    this.#count(entry);
  };

  /** Writes down what is counted so far. */
  readonly flush = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { source, listener, count, codes } of this.#counts.values()) {
      const flood: Flood = { kind: "flood", source, listener, second: new Date(this.#second * 1000).toISOString(), count, codes };
      this.#note(flood);
    }
    this.#counts.clear();
  };

  #turn(): void {
    const second = Math.floor(this.#now() / 1000);
    if (second === this.#second) return;
    this.flush();
    this.#second = second;
    this.#written = 0;
    this.#writtenOf.clear();
  }

  #isWithin(source: string): boolean {
    const written = this.#writtenOf.get(source) ?? 0;
    if (written >= PER_SOURCE || this.#written >= OF_ALL) return false;
    this.#writtenOf.set(source, written + 1);
    this.#written++;
    return true;
  }

  #count({ source, listener, code }: Refusal): void {
    const own = source ?? REST;
    const at = this.#counts.has(own) || this.#counts.size < SOURCES ? own : REST;
    let counted = this.#counts.get(at);
    if (!counted) this.#counts.set(at, (counted = { source: at, listener: at === REST ? undefined : listener ?? undefined, count: 0, codes: {} }));
    counted.count++;
    counted.codes[code] = (counted.codes[code] ?? 0) + 1;
    this.#timer ??= setTimeout(this.flush, 1000 - (this.#now() % 1000));
  }
}

const isKnown = ({ client, credential, tenant }: Refusal): boolean => [client, credential, tenant].some((known) => known !== null && known !== undefined);
