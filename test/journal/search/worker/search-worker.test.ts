import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { SearchWorker, SearchFailed, InvalidQuestion } from "../../../../src/journal/search/worker/search-worker.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../../kit.ts";

let dir: string;
let desk: SearchWorker;
beforeEach(async () => {
  dir = await aDirectory();
  desk = new SearchWorker(dir);
  const journal = await openJournal({ dir, durability: "os" });
  for (const entry of [...aDoNotCall(1), ...aDoNotCall(2, { refused: "OCSGW-2103" })]) await journal.append(entry);
  await journal.close();
});
afterEach(async () => {
  await desk.close();
  await removeDirectory(dir);
});

describe("the search worker of a running gateway", () => {
  it("answers several questions at once, each with its own result", async () => {
    const [page, transaction, open] = await Promise.all([
      desk.ask({ kind: "page", filter: "is:ok", names: [], limit: 10 }),
      desk.ask({ kind: "transaction", id: "01KAPQ8C10QX01KAPQ8C000002" }),
      desk.ask({ kind: "open-dnc-snapshot", most: 10 }),
    ]);
    expect([
      page.transactions!.map(({ at }) => at),
      page.searched!.to,
      transaction.transactions!.map(({ at }) => at),
      open,
    ]).toEqual([[0], 3, [2], { openDncSnapshot: { size: 3, count: 0, rows: "", tenants: [] } }]);
  });

  it("says why a question is invalid", async () => {
    await expect(desk.ask({ kind: "page", filter: "tenat:x", names: [], limit: 10 })).rejects.toThrow(InvalidQuestion);
    await expect(
      desk.ask({
        kind: "person",
        person: { kind: "phone", value: "-" },
        keys: "a key of 16 bytes and more",
        filter: "",
        names: [],
        limit: 10,
      }),
    ).rejects.toThrow(InvalidQuestion);
  });

  it("fails a question that cannot be answered, and answers the next one", async () => {
    await rm(join(dir, "segments"), { recursive: true });
    await expect(desk.ask({ kind: "page", filter: "", names: [], limit: 10 })).rejects.toThrow(SearchFailed);
    const journal = await openJournal({ dir, durability: "os" });
    await journal.append(aDoNotCall(3)[0]!);
    await journal.close();
    expect((await desk.ask({ kind: "page", filter: "", names: [], limit: 10 })).transactions!.length).toBe(1);
  });

  it("fails waiting questions when it closes", async () => {
    const asked = desk.ask({ kind: "page", filter: "", names: [], limit: 10 });
    await Promise.all([expect(asked).rejects.toThrow("the gateway is stopping"), desk.close()]);
  });
});
