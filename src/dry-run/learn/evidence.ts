/** What was seen in the journal: how often, when, and in which requests. */

export type Evidence = {
  readonly requests: number;
  /** RFC 3339, of the first and the last entry. */
  readonly first: string;
  readonly last: string;
  /** Up to three request ids. */
  readonly ids: readonly string[];
};

type Growing = { -readonly [Key in keyof Evidence]: Key extends "ids" ? string[] : Evidence[Key] };

/** An entry that is counted. `count`: requests that it stands for. */
export type Sighting = { readonly time: string; readonly id: string | undefined; readonly count?: number };

const MOST_IDS = 3;
/** Clients choose names, so their number is limited. */
const MOST_NAMES = 5000;

const newEvidence = (time: string): Growing => ({ requests: 0, first: time, last: time, ids: [] });

const grow = (evidence: Growing, { time, id, count = 1 }: Sighting): void => {
  evidence.requests += count;
  if (time < evidence.first) evidence.first = time;
  if (time > evidence.last) evidence.last = time;
  if (id !== undefined && evidence.ids.length < MOST_IDS) evidence.ids.push(id);
};

/** The sum of several; undefined of none. */
export const sumOf = (all: readonly (Evidence | undefined)[]): Evidence | undefined => {
  let sum: Growing | undefined;
  for (const each of all) {
    if (!each) continue;
    sum ??= newEvidence(each.first);
    sum.requests += each.requests;
    if (each.first < sum.first) sum.first = each.first;
    if (each.last > sum.last) sum.last = each.last;
    sum.ids.push(...each.ids.slice(0, MOST_IDS - sum.ids.length));
  }
  return sum;
};

/** Evidence by name: at most 5,000 names; requests with further names are only counted. */
export class Seen {
  readonly #by = new Map<string, Growing>();
  #uncounted = 0;

  add(name: string, sighting: Sighting): void {
    let evidence = this.#by.get(name);
    if (!evidence) {
      if (this.#by.size >= MOST_NAMES) {
        this.#uncounted += sighting.count ?? 1;
        return;
      }
      this.#by.set(name, (evidence = newEvidence(sighting.time)));
    }
    grow(evidence, sighting);
  }

  get(name: string): Evidence | undefined {
    return this.#by.get(name);
  }

  has(name: string): boolean {
    return this.#by.has(name);
  }

  names(): readonly string[] {
    return [...this.#by.keys()];
  }

  entries(): readonly (readonly [string, Evidence])[] {
    return [...this.#by];
  }

  /** Requests whose names were too many to keep. */
  get uncounted(): number {
    return this.#uncounted;
  }
}
