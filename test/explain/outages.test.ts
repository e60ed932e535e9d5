/** What `explain` says about requests while the journal could not be written. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TimeLimit } from "../../src/journal/search/worker/time-limit.ts";
import { answerOf } from "../../src/journal/search/worker/answer.ts";
import {
  describeOutage,
  describeOutageAtReply,
  outagesAt,
  outagesAtReply,
  type Outage,
} from "../../src/explain/outages.ts";
import { ulid } from "../../src/common/ulid.ts";
import type { Gap } from "../../src/journal/entry.ts";
import { fieldsOf } from "../../src/journal/search/transaction.ts";
import type { Answer, Question } from "../../src/journal/search/worker/messages.ts";
import { openJournal } from "../../src/journal/write/open-journal.ts";
import { JournalSearch } from "../../src/journal/search/journal-search.ts";
import { aDirectory, anIntent, anOutcome, removeDirectory } from "../journal/kit.ts";

let dir: string;
let search: JournalSearch | undefined;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(async () => {
  search?.close();
  search = undefined;
  await removeDirectory(dir);
});

const START = Date.now();
const time = (ms: number): string => new Date(START + ms).toISOString().replace("Z", "000Z");
const gap = (from: number, to: number, lost?: number): Gap => ({
  kind: "gap",
  reason: "the journal could not be written: no space is left on the disk",
  from: time(from),
  to: time(to),
  ...(lost !== undefined && { lost }),
});

const searching = async (): Promise<{ readonly ask: (question: Question) => Promise<Answer> }> => {
  search = new JournalSearch(dir);
  await search.refresh();
  return { ask: (question) => answerOf(search!, question, new TimeLimit(60_000)) };
};

describe("a request without an entry", () => {
  it.each<[string, string, readonly number[]]>([
    ["came during an outage", ulid(START - 130_000), [0]],
    ["came just before an outage, and was refused in it", ulid(START - 170_000), [0]],
    ["came long before an outage", ulid(START - 200_000), []],
    ["came during an outage that lost none", ulid(START - 79_000), []],
    ["came during an outage of which the number lost is unknown", ulid(START - 2_000), [2]],
    ["has an incomplete id", ulid(START - 30_000).slice(0, 12), []],
  ])("may be among the missing entries of an outage if it %s", async (_what, id, indexes) => {
    const journal = await openJournal({ dir, durability: "os" });
    await journal.append(gap(-160_000, -120_000, 4));
    await journal.append(gap(-80_000, -78_000, 0));
    await journal.append(gap(-3000, -1000));
    await journal.close();
    expect((await outagesAt(await searching(), id)).map(({ index }) => index)).toEqual(indexes);
  });
});

describe("a request whose outcome was to be written during an outage", () => {
  it.each<[string, number, number, Partial<ReturnType<typeof anOutcome>>, boolean]>([
    ["got its answer in it", -1, 5, {}, true],
    ["got its answer while the write failed", 1, 0.5, {}, true],
    ["got its answer before it", 10_000, 0.5, {}, false],
    ["got its answer after it", -10_000, 0.5, {}, false],
    ["got no answer", -1, 5, { delivery: "sent-no-answer", origin: "gateway", status: 504, code: "OCSGW-4101" }, false],
  ])("%s", async (_what, from, total, over, isAffected) => {
    const journal = await openJournal({ dir, durability: "os" });
    const intent = anIntent(1);
    await journal.append(intent);
    const now = Date.now() - START;
    await journal.append(gap(now + from, now + from + 2000, 0));
    await journal.append({ ...anOutcome(intent.id), waits: { queue_ms: 0, ocs_ms: 0, total_ms: total }, ...over });
    await journal.close();
    const searcher = await searching();
    const [transaction] = (await searcher.ask({ kind: "transaction", id: intent.id })).transactions ?? [];
    const outages = await outagesAtReply(searcher, fieldsOf(transaction!));
    expect(outages.map(({ index }) => index)).toEqual(isAffected ? [1] : []);
  });

  it("is described without claiming more than the journal says", () => {
    const outage: Outage = { ...gap(0, 1000, 4), index: 17, time: time(1000) };
    expect(describeOutage(outage)).toBe(
      `4 entries from ${time(0)} to ${time(1000)} are missing (#17: the journal could not be written: no space is ` +
        "left on the disk), possibly that of this request",
    );
    expect(describeOutage({ ...outage, lost: 1 })).toMatch(/^1 entry from .* is missing /);
    expect(describeOutage({ ...outage, lost: undefined })).toMatch(/^an unknown number of entries /);
    expect(describeOutageAtReply(outage)).toBe(
      `the journal could not be written from ${time(0)} to ${time(1000)} (#17): the reply may have had OCSGW-5102 ` +
        "and Ocsgw-Repeat: no",
    );
  });
});
