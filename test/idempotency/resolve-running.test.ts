/** Only a journal that proves that nothing was sent makes a key free again. */
import { describe, expect, it } from "vitest";
import { resolveRunning } from "../../src/idempotency/resolve-running.ts";
import type { RunningKey } from "../../src/idempotency/types.ts";
import type { Entry, Recorded } from "../../src/journal/entry.ts";
import { writeMicros } from "../../src/journal/time.ts";
import { anIntent, anOutcome, aRefusal } from "../journal/kit.ts";

const BEGUN = 1_900_000_000_000_000;
const [intent] = [anIntent(1)];
const key: RunningKey = { id: intent.id, entry: 5, entryTime: BEGUN + 5, certain: true };
const DOUBT = { refusal: "connection-lost", detail: "in doubt" };
const other = anIntent(2);

const at = (index: number, entry: Entry): Recorded => ({ ...entry, index, time: writeMicros(BEGUN + index) });
/** Entries from index 5 on, the last one on disk when the key was claimed. */
const since = (...entries: readonly Entry[]): Recorded[] =>
  [aRefusal(1), ...entries].map((entry, place) => at(5 + place, entry));

const resolve = async (entries: readonly Recorded[], running: readonly RunningKey[] = [key], fails = false) =>
  resolveRunning(running, {
    entriesFrom: async function* (from) {
      yield* entries.filter(({ index }) => index >= from);
      if (fails) throw new Error("000000000000.jsonl line 7: not JSON");
    },
    refusalOf: (code) => ({ "OCSGW-4101": "no-answer" })[code],
    doubt: DOUBT,
  });

const FREE = { state: "free" };
const UNKNOWN = { state: "unknown", ...DOUBT };
const failed = (over: object): Entry => ({ ...anOutcome(intent.id), origin: "gateway", ...over });

describe("a request that an earlier run left without an end", () => {
  it.each<[string, readonly Recorded[], object]>([
    ["that was never journaled is free", since(other, anOutcome(other.id)), FREE],
    ["that was journaled and not ended is unknown", since(intent), UNKNOWN],
    [
      "that is in doubt is unknown",
      since(intent, { ...intent, kind: "in-doubt", intent: 6, reason: "the gateway ended" }),
      UNKNOWN,
    ],
    ["that was not sent is free", since(intent, failed({ delivery: "not-sent", status: 503 })), FREE],
    [
      "whose client hung up is free",
      since(intent, { kind: "abandoned", id: intent.id, delivery: "not-sent", waits: anOutcome("").waits }),
      FREE,
    ],
    [
      "that got no answer is unknown, with its code",
      since(intent, failed({ delivery: "sent-no-answer", status: 504, code: "OCSGW-4101" })),
      { state: "unknown", refusal: "no-answer", detail: "in doubt" },
    ],
    [
      "with a code that no reply has is unknown",
      since(intent, failed({ delivery: "sent-no-answer", status: 504, code: "OCSGW-4999" })),
      UNKNOWN,
    ],
    [
      "that OCS answered has the answer's status and Warning",
      since(intent, { ...anOutcome(intent.id), status: 409, warning: "9014 - DB down" }),
      {
        state: "answered",
        answer: { status: 409, headers: [["Warning", "9014 - DB down"]], body: new Uint8Array(0) },
      },
    ],
    ["is unknown when entries were lost", since({ kind: "gap", reason: "disk", from: "", to: "", lost: 1 }), UNKNOWN],
    ["is unknown when an entry is missing", since(other, other).filter(({ index }) => index !== 6), UNKNOWN],
    ["is unknown when the entry before it is missing", since(other).filter(({ index }) => index !== 5), UNKNOWN],
    ["is unknown in a journal that ends before it", [], UNKNOWN],
    ["is unknown in another journal", since().map((entry) => ({ ...entry, time: writeMicros(BEGUN) })), UNKNOWN],
    [
      "is unknown in a journal that was restored from a copy",
      since({ kind: "alarm", reason: "restored", anchor: { size: 6, root: "" } }),
      UNKNOWN,
    ],
  ])("%s", async (_, entries, end) => expect((await resolve(entries)).get(key.id)).toEqual(end));

  it.each<[string, Partial<RunningKey>]>([
    ["the journal may lose intents", { certain: false }],
    ["its place in the journal is not known", { entry: -1 }],
  ])("is unknown when %s", async (_, over) =>
    expect((await resolve(since(), [{ ...key, ...over }])).get(key.id)).toEqual(UNKNOWN),
  );

  it("is unknown when a line after it cannot be read", async () => {
    expect((await resolve(since(), [key], true)).get(key.id)).toEqual(UNKNOWN);
    const ended = await resolve(since(intent, failed({ delivery: "not-sent" })), [key], true);
    expect(ended.get(key.id)).toEqual(FREE);
  });

  it("is told from others, with one reading from the first of them on", async () => {
    const later = { ...key, id: other.id, entry: 6, entryTime: BEGUN + 6 };
    const ends = await resolve(since(intent, other), [later, key]);
    expect([...ends]).toEqual([
      [other.id, UNKNOWN],
      [key.id, UNKNOWN],
    ]);
    expect((await resolve(since(aRefusal(2)), [later, key])).get(other.id)).toEqual(FREE);
  });
});
