import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { writeStartEntries } from "../../../src/journal/write/start-entries.ts";
import { aDirectory, anIntent, anOutcome, removeDirectory } from "../kit.ts";

let dir: string;
let journal: Journal;
const open = async (): Promise<void> => {
  journal = await openJournal({ dir, durability: "os", segmentBytes: 1500 });
};
const begin = (): Promise<number> => writeStartEntries(journal, { version: "1", config_hash: "c" });

beforeEach(async () => {
  dir = await aDirectory();
  await open();
});
afterEach(async () => {
  await journal.close();
  await removeDirectory(dir);
});

describe("the first entries of a run", () => {
  it("say which optional members this run records, because entries of an older gateway lack them", async () => {
    await begin();
    const [start] = await Array.fromAsync(readEntries(dir));
    expect(start).toMatchObject({ kind: "start", format: 2, records: ["dropped_fields", "named"] });
  });

  it("record the start, and close each open intent of the previous run once", async () => {
    expect(await begin()).toBe(0);
    for (let number = 0; number < 7; number++) await journal.append(anIntent(number));
    for (const number of [1, 4, 6]) await journal.append(anOutcome(anIntent(number).id));
    await journal.append({
      kind: "abandoned",
      id: anIntent(2).id,
      delivery: "not-sent",
      waits: { queue_ms: 1, ocs_ms: 0, total_ms: 1 },
    });
    await journal.close();
    await open();
    expect(await begin()).toBe(3);
    const entries = await Array.fromAsync(readEntries(dir));
    const { tenant, client, resource, action } = anIntent(0);
    const doubt = (number: number): object => ({
      kind: "in-doubt",
      id: anIntent(number).id,
      intent: 1 + number,
      tenant,
      client,
      resource,
      action,
    });
    expect(entries.slice(12)).toMatchObject([
      { kind: "start", version: "1", config_hash: "c", pid: process.pid },
      doubt(0),
      doubt(3),
      doubt(5),
    ]);
    await journal.close();
    await open();
    expect(await begin()).toBe(0);
  });

  it("close more intents than fit into one batch", async () => {
    await Promise.all(Array.from({ length: 2100 }, (_, number) => journal.append(anIntent(number))));
    await journal.close();
    await open();
    expect(await begin()).toBe(2100);
    expect(
      (await Array.fromAsync(readEntries(dir)))
        .filter(({ kind }) => kind === "in-doubt")
        .map((entry) => "intent" in entry && entry.intent),
    ).toEqual(Array.from({ length: 2100 }, (_, index) => index));
  });
});
