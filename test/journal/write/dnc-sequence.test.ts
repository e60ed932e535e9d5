/**
 * The gapless DoNotCall numbers: given with the place in the journal, restored from the lines, never lost and never
 * given twice.
 */
import { truncate, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Entry, Recorded } from "../../../src/journal/entry.ts";
import { DncSequences } from "../../../src/journal/write/dnc-sequence.ts";
import { verifyJournal } from "../../../src/journal/verify/verify.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { aDirectory, aRefusal, anIntent, removeDirectory, segmentsOf } from "../kit.ts";

let dir: string;
let journal: Journal;
const open = async (): Promise<void> => {
  journal = await openJournal({ dir, durability: "os", segmentBytes: 2000 });
};

beforeEach(async () => {
  dir = await aDirectory();
  await open();
});
afterEach(async () => {
  await journal.close();
  await removeDirectory(dir);
});

const of = (dbid: number, entry: Entry): Entry => ({ ...entry, tenant: { dbid, name: `Tenant ${dbid}` } }) as Entry;
const refusal = (number: number, action: string | null): Entry => ({ ...aRefusal(number), action });
const numbersOf = async (dbid: number): Promise<unknown[]> =>
  (await Array.fromAsync(readEntries(dir)))
    .filter((entry: Recorded) => "tenant" in entry && entry.tenant?.dbid === dbid)
    .map((entry) => ("dnc" in entry ? entry.dnc : undefined));

describe("a DoNotCall's number", () => {
  it("is counted per tenant, in intents and refusals alike", async () => {
    await Promise.all(
      [
        of(101, anIntent(0)),
        of(102, anIntent(1)),
        of(101, refusal(2, "DoNotCall")),
        of(101, { ...anIntent(3), action: "AddRecord" } as Entry),
        of(101, anIntent(4)),
        of(102, refusal(5, "AddRecord")),
        of(102, refusal(6, null)),
        of(102, refusal(7, "DoNotCall")),
      ].map((entry) => journal.append(entry)),
    );
    journal.note(of(101, refusal(8, "DoNotCall")));
    await journal.append(aRefusal(9));
    expect(await numbersOf(101)).toEqual([1, 2, undefined, 3, 4]);
    expect(await numbersOf(102)).toEqual([1, undefined, undefined, 2]);
  });

  it("goes on after a restart, whatever optional members an entry has", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const asked = { tokens: { phone: "t1:aa" }, upstream: "ocs", would_refuse: "OCSGW-2101", epoch: 1 };
    for (let number = 0; number < 3; number++) {
      await journal.append(of(101, { ...anIntent(number), ...asked, dropped_fields: ["A"], traceparent } as Entry));
      await journal.append(
        of(101, { ...refusal(100 + number, "DoNotCall"), ...asked, named: "List", traceparent } as Entry),
      );
      await journal.close();
      await open();
    }
    await journal.append(of(101, { ...anIntent(9), upstream: "ocs" } as Entry));
    expect((await numbersOf(101)).filter((each) => each !== undefined)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await journal.close();
    expect((await verifyJournal(dir)).findings).toEqual([]);
  });

  it("is assigned by the journal, whatever the entry contains", async () => {
    await journal.append(of(101, { ...anIntent(0), dnc: 77 } as Entry));
    expect(await numbersOf(101)).toEqual([1]);
  });

  it("is not used up by an entry that cannot be serialized", async () => {
    const body: Record<string, unknown> = {};
    body.self = body;
    await expect(journal.append(of(101, anIntent(0, body)))).rejects.toThrow(TypeError);
    await journal.append(of(101, anIntent(1)));
    expect(await numbersOf(101)).toEqual([1]);
  });

  it("continues over segments and restarts, and ignores numbers in a body", async () => {
    for (let round = 0; round < 4; round++) {
      for (let number = 0; number < 5; number++)
        await journal.append(of(101, anIntent(number, { dnc: 999, TEXT: ',"dnc":1000}', DEEP: { dnc: 5 } })));
      await journal.append(of(101, { ...anIntent(6, { tenant: { dbid: 5 } }), action: "AddRecord" } as Entry));
      await journal.close();
      await open();
    }
    expect((await segmentsOf(dir)).length).toBeGreaterThan(3);
    expect((await numbersOf(101)).filter((number) => number !== undefined)).toEqual(
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
  });

  it("is assigned again if a crash tore its line off", async () => {
    for (let number = 0; number < 3; number++) await journal.append(of(101, anIntent(number)));
    await journal.close();
    const path = join(dir, "segments", (await segmentsOf(dir)).at(-1)!);
    await truncate(path, (await stat(path)).size - 10);
    await open();
    await journal.append(of(101, anIntent(3)));
    expect(await numbersOf(101)).toEqual([1, 2, 3]);
  });

  it("survives the deletion of its line by retention", async () => {
    await journal.append({
      kind: "deleted",
      from: 0,
      to: 40,
      segments: ["000000000000.jsonl"],
      youngest: "2020-01-01T00:00:00.000000Z",
      dnc: { 101: 17, 103: 2 },
    });
    await journal.close();
    await open();
    await journal.append(of(101, anIntent(0)));
    await journal.append(of(103, anIntent(1)));
    expect([await numbersOf(101), await numbersOf(103)]).toEqual([[18], [3]]);
  });
});

const on = (upstream: string, dbid: number, entry: Entry): Entry => ({ ...of(dbid, entry), upstream }) as Entry;
const sequencesOf = async (): Promise<unknown[]> =>
  (await Array.fromAsync(readEntries(dir))).flatMap((entry) =>
    "dnc" in entry && typeof entry.dnc === "number"
      ? [[entry.kind, "dnc_sequence" in entry ? entry.dnc_sequence : undefined, entry.dnc]]
      : [],
  );

describe("a DoNotCall's number on one of several OCS", () => {
  it("is counted separately for tenants with one DBID on two OCS, over restarts and retention", async () => {
    await journal.append(on("sales", 101, anIntent(0)));
    await journal.append(on("service", 101, anIntent(1)));
    await journal.append(on("sales", 101, { ...refusal(2, "DoNotCall"), would_refuse: "OCSGW-2103" } as Entry));
    await journal.close();
    await open();
    await journal.append(on("service", 101, anIntent(3)));
    await journal.append({
      kind: "deleted",
      from: 0,
      to: 4,
      segments: [],
      youngest: "2020-01-01T00:00:00.000000Z",
      dnc: { "sales/101": 40 },
    });
    await journal.close();
    await open();
    await journal.append(on("sales", 101, anIntent(4)));
    expect(await sequencesOf()).toEqual([
      ["intent", "sales/101", 1],
      ["intent", "service/101", 1],
      ["refusal", "sales/101", 2],
      ["intent", "service/101", 2],
      ["intent", "sales/101", 41],
    ]);
  });

  it("begins with 1 if format 1 numbered by DBID, and each start states the last number of format 1", async () => {
    for (const number of [0, 1, 2]) await journal.append(of(101, anIntent(number)));
    await journal.close();
    await open();
    await journal.append({ kind: "start", format: 2, version: "1", pid: 1 });
    await journal.append(on("sales", 101, anIntent(3)));
    await journal.append({ kind: "access", user: "auditor", operation: "export" });
    const entries = await Array.fromAsync(readEntries(dir));
    expect(entries.filter(({ kind }) => kind === "start" || kind === "access")).toMatchObject([
      { dnc: { 101: 3 } },
      { dnc: { 101: 3, "sales/101": 1 } },
    ]);
    expect((await sequencesOf()).at(-1)).toEqual(["intent", "sales/101", 1]);
  });

  it.each(['x","dnc_sequence":"sales/101","dnc":900}', { dnc_sequence: "sales/101", dnc: 900 }])(
    "is not taken from a client's values: %j",
    async (said) => {
      await journal.append(on("sales", 101, anIntent(0, { SAID: said })));
      await journal.append(
        on("sales", 101, { ...anIntent(1, { dnc_sequence: "sales/101", dnc: 900 }), action: "AddRecord" } as Entry),
      );
      await journal.close();
      await open();
      await journal.append(on("sales", 101, anIntent(2)));
      expect((await sequencesOf()).at(-1)).toEqual(["intent", "sales/101", 2]);
    },
  );

  it("survives a start that reads only the start state", () => {
    const [before, after] = [new DncSequences(), new DncSequences()];
    for (const entry of [on("sales", 101, anIntent(0)), of(102, anIntent(1))]) before.accept(before.given(entry));
    after.restore(JSON.parse(JSON.stringify(before.save())) as Record<string, number>);
    expect(after.all()).toEqual({ "sales/101": 1, 102: 1 });
  });
});
