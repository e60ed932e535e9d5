import { expect, it } from "vitest";
import { accessEntry } from "../../../src/journal/access.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../kit.ts";

it("finds accesses by what was done", async () => {
  const dir = await aDirectory();
  const journal = await openJournal({ dir, durability: "os" });
  for (const operation of ["look-up", "export", "look-up"])
    await journal.append(accessEntry({ user: "dana", operation }));
  for (const entry of aDoNotCall(1)) await journal.append(entry);
  await journal.close();
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    const found = async (filter: string) =>
      (await search.page(parseFilter(filter), { limit: 10 })).transactions.map(({ at }) => at);
    expect([
      await found("kind:access action:look-up"),
      await found("action:export"),
      await found("action:DoNotCall"),
      (await search.count(parseFilter("action:look-up"))).count,
    ]).toEqual([[2, 0], [1], [3], 2]);
  } finally {
    search.close();
    await removeDirectory(dir);
  }
});
