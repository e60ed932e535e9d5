import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/append.ts";
import { SearchDesk, SearchFailed, WrongQuestion } from "../../../src/journal/search/desk.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../kit.ts";

let dir: string;
let desk: SearchDesk;
beforeEach(async () => {
  dir = await aDirectory();
  desk = new SearchDesk(dir);
  const journal = await openJournal({ dir, durability: "os" });
  for (const entry of [...aDoNotCall(1), ...aDoNotCall(2, { refused: "OCSGW-2103" })]) await journal.append(entry);
  await journal.close();
});
afterEach(async () => {
  await desk.close();
  await removeDirectory(dir);
});

describe("the desk where a running gateway has its journal searched", () => {
  it("answers several questions at once, each its own", async () => {
    const [page, story, open] = await Promise.all([
      desk.ask({ kind: "page", filter: "is:ok", names: [], limit: 10 }),
      desk.ask({ kind: "story", id: "01KAPQ8C10QX01KAPQ8C000002" }),
      desk.ask({ kind: "open-do-not-calls", most: 10 }),
    ]);
    expect([page.stories!.map(({ at }) => at), page.searched!.to, story.stories!.map(({ at }) => at), open]).toEqual([
      [0],
      3,
      [2],
      { openDoNotCalls: { size: 3, count: 0, rows: "", tenants: [] } },
    ]);
  });

  it("tells what is wrong with a question", async () => {
    await expect(desk.ask({ kind: "page", filter: "tenat:x", names: [], limit: 10 })).rejects.toThrow(WrongQuestion);
    await expect(
      desk.ask({
        kind: "person",
        person: { kind: "phone", value: "-" },
        keys: "a key of 16 bytes and more",
        filter: "",
        names: [],
        limit: 10,
      }),
    ).rejects.toThrow(WrongQuestion);
  });

  it("fails a question that cannot be answered, and answers the next one", async () => {
    await rm(join(dir, "segments"), { recursive: true });
    await expect(desk.ask({ kind: "page", filter: "", names: [], limit: 10 })).rejects.toThrow(SearchFailed);
    const journal = await openJournal({ dir, durability: "os" });
    await journal.append(aDoNotCall(3)[0]!);
    await journal.close();
    expect((await desk.ask({ kind: "page", filter: "", names: [], limit: 10 })).stories!.length).toBe(1);
  });

  it("fails what waits when it closes", async () => {
    const asked = desk.ask({ kind: "page", filter: "", names: [], limit: 10 });
    await Promise.all([expect(asked).rejects.toThrow("the gateway stops"), desk.close()]);
  });
});
