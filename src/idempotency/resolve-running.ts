/**
 * What became of requests that an earlier run left without an end, from the journal's entries since they were claimed.
 * A key is free only if the journal proves that its request was not sent.
 */
import type { Delivery, Recorded } from "../journal/entry.ts";
import { readMicros } from "../journal/time.ts";
import type { KeyEnd, RunningKey } from "./types.ts";

export type ResolveDeps = {
  /** The journal's entries from this index on; those that were deleted are missing. */
  readonly entriesFrom: (index: number) => AsyncIterable<Recorded>;
  /** The names of the replies to requests that were sent, by their code. */
  readonly refusalOf: (code: string) => string | undefined;
  /** The name of the reply to a request of which nobody knows how far it got, and its detail. */
  readonly doubt: { readonly refusal: string; readonly detail: string };
};

type Seen = {
  intent?: true;
  end?: { delivery: Delivery; code: string | null; status: number; warning: string | null };
};

/** The end of each request, by id. */
export const resolveRunning = async (
  running: readonly RunningKey[],
  deps: ResolveDeps,
): Promise<ReadonlyMap<string, KeyEnd>> => {
  const reading = await readSince(running, deps);
  return new Map(running.map((key) => [key.id, endOf(key, reading, deps)]));
};

type Reading = {
  readonly seen: ReadonlyMap<string, Seen>;
  /** Times of entries by index, of those that the keys name. */
  readonly times: ReadonlyMap<number, number>;
  /** Whether entries are missing that may have been about requests. */
  readonly hasGaps: boolean;
};

const readSince = async (running: readonly RunningKey[], { entriesFrom }: ResolveDeps): Promise<Reading> => {
  const seen = new Map<string, Seen>(running.map(({ id }) => [id, {}]));
  const named = new Set(running.map(({ entry }) => entry));
  const times = new Map<number, number>();
  const first = Math.min(...named);
  let hasGaps = first < 0;
  let next = Math.max(0, first);
  try {
    for await (const entry of running.length === 0 ? [] : entriesFrom(next)) {
      hasGaps ||=
        entry.index !== next || LOSSES.has(entry.kind) || (entry.kind === "alarm" && entry.anchor !== undefined);
      next = entry.index + 1;
      if (named.has(entry.index)) times.set(entry.index, readMicros(entry.time));
      const of = "id" in entry ? seen.get(entry.id) : undefined;
      if (of) note(of, entry);
    }
  } catch {
    // A damaged line: what it and the lines after it said is not known.
    hasGaps = true;
  }
  return { seen, times, hasGaps };
};

/** Kinds of entries which state that other entries are missing. */
const LOSSES: ReadonlySet<string> = new Set(["gap", "set-aside", "deleted"]);

const note = (of: Seen, entry: Recorded): void => {
  if (entry.kind === "intent") of.intent = true;
  else if (entry.kind === "outcome") of.end = entry;
  else if (entry.kind === "abandoned") of.end = { delivery: "not-sent", code: null, status: 0, warning: null };
};

const endOf = (key: RunningKey, { seen, times, hasGaps }: Reading, { refusalOf, doubt }: ResolveDeps): KeyEnd => {
  const { intent, end } = seen.get(key.id)!;
  const unknown: KeyEnd = { state: "unknown", ...doubt };
  if (end) {
    if (end.delivery === "not-sent") return { state: "free" };
    if (end.delivery === "answered") return answeredWith(end.status, end.warning);
    const refusal = end.code === null ? undefined : refusalOf(end.code);
    return refusal === undefined ? unknown : { state: "unknown", refusal, detail: doubt.detail };
  }
  if (intent || hasGaps || !key.certain) return unknown;
  // Another journal, or an older copy of this one, may lack the intent.
  return times.get(key.entry) === key.entryTime ? { state: "free" } : unknown;
};

/** OCS's answer, of which the journal has the status and the Warning. */
const answeredWith = (status: number, warning: string | null): KeyEnd => ({
  state: "answered",
  answer: { status, headers: warning === null ? [] : [["Warning", warning]], body: new Uint8Array(0) },
});
