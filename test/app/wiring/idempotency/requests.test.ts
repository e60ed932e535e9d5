/** What a real journal says about requests that have ended. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { endedRequest } from "../../../../src/app/wiring/idempotency/requests.ts";
import { ulid } from "../../../../src/common/ulid.ts";
import type { Entry } from "../../../../src/journal/entry.ts";
import { JournalSearch } from "../../../../src/journal/search/journal-search.ts";
import { answerOf } from "../../../../src/journal/search/worker/answer.ts";
import type { Answer, Question } from "../../../../src/journal/search/worker/messages.ts";
import { TimeLimit } from "../../../../src/journal/search/worker/time-limit.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { aDirectory, anIntent, anOutcome, removeDirectory } from "../../../journal/kit.ts";

/** Minutes ago, so that no count of refusals is still open. */
const NOW = Date.now();
const idAt = (minutesAgo: number): string => ulid(NOW - minutesAgo * 60_000);
const [ok, denied, silent, refused, gone, doubtful, open, replayed, folded, lost] = Array.from(
  { length: 10 },
  (_, at) => idAt(10 + at * 10),
) as [string, string, string, string, string, string, string, string, string, string];
const time = (minutesAgo: number): string => new Date(NOW - minutesAgo * 60_000).toISOString();

const intent = (id: string, over: object = {}): Entry => ({
  ...anIntent(1),
  id,
  client: "alpha",
  action: "AddRecord",
  resource: "lists",
  ...over,
});
const asked = { tenant: { dbid: 101, name: "Alpha Tenant" }, client: "alpha", credential: { kind: "key", id: "k1" } };
const failed = { origin: "gateway", delivery: "sent-no-answer", status: 504, code: "OCSGW-4101" } as const;

const ENTRIES: readonly Entry[] = [
  intent(ok),
  anOutcome(ok),
  intent(denied),
  { ...anOutcome(denied), status: 409 },
  intent(silent, { idempotency_key: "t1:00" }),
  { ...anOutcome(silent), ...failed },
  { kind: "refusal", id: refused, ...asked, code: "OCSGW-3001", status: 429, delivery: "not-sent" },
  intent(gone),
  { kind: "abandoned", id: gone, delivery: "not-sent", waits: anOutcome("").waits },
  intent(doubtful),
  {
    ...anIntent(1),
    kind: "in-doubt",
    id: doubtful,
    client: "alpha",
    action: "AddRecord",
    resource: "lists",
    intent: 1,
    reason: "x",
  },
  intent(open),
  {
    kind: "replay",
    id: replayed,
    ...asked,
    source: "127.0.0.1",
    listener: "clients",
    resource: "lists",
    identifier: "Alpha List",
    action: "AddRecord",
    first: silent,
    status: 504,
    code: "OCSGW-4101",
    delivery: "sent-no-answer",
    waits: anOutcome("").waits,
    idempotency_key: "t1:00",
  },
];

let dir: string;
let search: JournalSearch;
/** As a search thread does. */
const ask = async (question: Question): Promise<Answer> => {
  await search.refresh();
  return answerOf(search, question, new TimeLimit(60_000));
};
const ended = (id: string) => endedRequest({ ask }, id);
beforeAll(async () => {
  dir = await aDirectory();
  const journal = await openJournal({ dir, durability: "os" });
  for (const entry of ENTRIES) journal.note(entry);
  await journal.close();
  search = new JournalSearch(dir);
});
afterAll(async () => {
  search.close();
  await removeDirectory(dir);
});

describe("a request that has ended", () => {
  it.each([
    ["answered by OCS", ok, { state: "answered", status: 200, delivery: "answered", repeat: null }],
    ["refused by OCS", denied, { state: "answered", status: 409, delivery: "answered", repeat: null }],
    [
      "without an answer, with a key",
      silent,
      { state: "unknown", status: 504, delivery: "sent-no-answer", repeat: "safe", code: "OCSGW-4101" },
    ],
    [
      "refused here",
      refused,
      { state: "refused", status: 429, delivery: "not-sent", repeat: "safe", code: "OCSGW-3001" },
    ],
    ["abandoned", gone, { state: "refused", status: null, delivery: "not-sent", repeat: "safe" }],
    ["in doubt", doubtful, { state: "unknown", status: null, delivery: "sent-no-answer", repeat: "no" }],
    [
      "that repeated it",
      replayed,
      { state: "unknown", status: 504, delivery: "sent-no-answer", repeat: "safe", code: "OCSGW-4101" },
    ],
  ])("%s", async (_, id, state) =>
    expect(await ended(id)).toEqual({
      known: { client: "alpha", tenant: expect.objectContaining({ dbid: 101 }), state: { id, ...state } },
      unclear: undefined,
    }),
  );

  it("without an outcome on disk has no state yet", async () =>
    expect(await ended(open)).toMatchObject({ known: { client: "alpha", state: undefined } }));

  it("is not known when the journal covers its time and has no entry", async () =>
    expect(await ended(idAt(5))).toEqual({ known: undefined, unclear: undefined }));

  it("is not known either in the minute in which refusals are counted", async () =>
    expect(await ended(ulid(Date.now()))).toEqual({ known: undefined, unclear: undefined }));

  it("is unclear when its entries were lost, and not known when it was only counted", async () => {
    const journal = await openJournal({ dir, durability: "os" });
    journal.note({ kind: "flood", source: "*", second: time(90), count: 2, first_id: folded, last_id: folded });
    journal.note({ kind: "gap", reason: "disk full", from: time(100.2), to: time(99.8), lost: 3 });
    await journal.close();
    expect((await ended(lost)).unclear).toMatch(/missing/);
    expect(await ended(folded)).toEqual({ known: undefined, unclear: undefined });
  });
});
