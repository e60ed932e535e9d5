import { afterEach, beforeEach, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/append.ts";
import { readFilter, unknownNames } from "../../../src/journal/filter/vocabulary.ts";
import { createRedactor } from "../../../src/journal/redact.ts";
import { answerOf } from "../../../src/journal/search/answer.ts";
import { TimeLimit } from "../../../src/journal/search/time-limit.ts";
import { Finder } from "../../../src/journal/search.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../kit.ts";

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
])(
  "is complete for a person and %j only where somebody knows the names, and the time has come: %s",
  async (text, complete) => {
    const tokens = createRedactor({ phone: "last4", customer_id: "token", fields: {}, others: "drop" }, KEYS).tokens(
      "records",
      undefined,
      new Map([["GSW_PHONE", "4155550100"]]),
    );
    const journal = await openJournal({ dir, durability: "os" });
    journal.keys.use(KEYS, "h");
    for (const entry of aDoNotCall(0, { tokens })) await journal.append(entry);
    await journal.close();
    const finder = new Finder(dir);
    try {
      await finder.refresh();
      const filter = readFilter(text, VOCABULARY);
      const person = { kind: "phone", value: "4155550177" } as const;
      const { evidence, warnings } = await answerOf(
        finder,
        { kind: "person", person, keys: KEYS, filter: filter.text, names: unknownNames(filter, VOCABULARY), limit: 10 },
        new TimeLimit(60_000),
      );
      expect([evidence!.complete, warnings!.length]).toEqual([complete, complete ? 0 : 1]);
    } finally {
      finder.close();
    }
  },
);
