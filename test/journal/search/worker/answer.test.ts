import { afterEach, beforeEach, expect, it } from "vitest";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { readFilter, unknownNames } from "../../../../src/journal/search/filter/vocabulary.ts";
import { createRedactor } from "../../../../src/journal/redact.ts";
import { answerOf } from "../../../../src/journal/search/worker/answer.ts";
import { TimeLimit } from "../../../../src/journal/search/worker/time-limit.ts";
import { JournalSearch } from "../../../../src/journal/search/journal-search.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../../kit.ts";

const KEYS = [{ epoch: "t1", secret: "the first key of this journal, 32 and more" }];
const VOCABULARY = { actions: ["DoNotCall"], codes: [], names: { tenant: [{ dbid: 101, name: "Alpha Tenant" }] } };

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

it.each([
  ["", true],
  ["tenant:101", true],
  ["tenant:Alpha", false],
  ["tenant:999", false],
  ["client:alpha-crn", false],
  ["client:alpha-crm", true],
  ["since:2999-01-01", false],
])('with the filter %j, "nothing found" about a person is complete: %s', async (text, complete) => {
  const tokens = createRedactor({ phone: "last4", customer_id: "token", fields: {}, others: "drop" }, KEYS).tokens(
    "records",
    undefined,
    new Map([["GSW_PHONE", "4155550100"]]),
  );
  const journal = await openJournal({ dir, durability: "os" });
  journal.keys.use(KEYS, "h");
  for (const entry of aDoNotCall(0, { tokens })) await journal.append(entry);
  await journal.close();
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    const filter = readFilter(text, VOCABULARY);
    const person = { kind: "phone", value: "4155550177" } as const;
    const { evidence, warnings } = await answerOf(
      search,
      { kind: "person", person, keys: KEYS, filter: filter.text, names: unknownNames(filter, VOCABULARY), limit: 10 },
      new TimeLimit(60_000),
    );
    expect([evidence!.complete, warnings!.length]).toEqual([complete, complete ? 0 : 1]);
  } finally {
    search.close();
  }
});
