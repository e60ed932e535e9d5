/** What becomes of entries that arrive while the journal is being closed. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JournalUnavailable } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { aDirectory, anIntent, removeDirectory } from "../kit.ts";
import { TroubledDisk } from "../failing-disk.ts";

let dir: string;
beforeEach(async () => void (dir = await aDirectory()));
afterEach(() => removeDirectory(dir));

type Ended = { readonly id: string; readonly end: "written" | "refused" };

/** Which of these entries are in the journal. */
const idsOnDisk = async (): Promise<Set<string>> =>
  new Set((await Array.fromAsync(readEntries(dir))).flatMap((entry) => ("id" in entry && entry.id ? [entry.id] : [])));

describe("each append to a journal that is being closed ends", () => {
  it.each([
    { perCall: 1, breaksAt: undefined, onFailure: "refuse" },
    { perCall: 5, breaksAt: undefined, onFailure: "refuse" },
    { perCall: 20, breaksAt: undefined, onFailure: "continue" },
    // The write that is under way when the journal becomes closed.
    { perCall: 1, breaksAt: 5, onFailure: "refuse" },
    // A write of the close itself.
    { perCall: 5, breaksAt: 3, onFailure: "refuse" },
    { perCall: 5, breaksAt: 3, onFailure: "continue" },
  ] as const)("$perCall with each disk call, which fails from call $breaksAt on: $onFailure", async (row) => {
    const trouble = new TroubledDisk();
    const journal = await openJournal({ dir, durability: "flush", disk: trouble.disk, onFailure: row.onFailure });
    await journal.append(anIntent(0));
    const ends: Promise<Ended>[] = [];
    let calls = 0;
    trouble.onCall = () => {
      if (++calls === row.breaksAt) trouble.break({ code: "EIO" });
      for (let count = 0; count < row.perCall; count++) {
        const entry = anIntent(ends.length + 1);
        ends.push(
          journal.append(entry).then(
            () => ({ id: entry.id, end: "written" }),
            (error: unknown) => {
              expect(error).toBeInstanceOf(JournalUnavailable);
              return { id: entry.id, end: "refused" };
            },
          ),
        );
      }
    };
    journal.note(anIntent(999_999));
    await journal.close().catch(() => undefined);
    trouble.onCall = undefined;
    expect(ends.length).toBeGreaterThan(0);
    const onDisk = await idsOnDisk();
    for (const { id, end } of await Promise.all(ends))
      // With `continue`, a request goes on although its entry is not on disk.
      if (end === "refused" || row.onFailure === "refuse")
        expect([id, onDisk.has(id)]).toEqual([id, end === "written"]);
    await expect(journal.append(anIntent(5))).rejects.toThrow(JournalUnavailable);
  });
});
