import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import { exportTo } from "../../../src/journal/export/export.ts";
import { csvHead, csvRow } from "../../../src/journal/export/csv.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { unknownNames } from "../../../src/journal/search/filter/vocabulary.ts";
import { aDirectory, aDoNotCall, linesOf, removeDirectory, segmentsOf } from "../kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const write = async (entries: readonly Entry[]): Promise<number> => {
  const journal = await openJournal({ dir, durability: "os", segmentBytes: 50_000 });
  await Promise.all(entries.map(journal.append));
  await journal.close();
  return entries.length;
};
const query = (filter: string, size: number) => ({ dir, filter: parseFilter(filter), size });

describe("an export", () => {
  it("has no limit, and contains unchanged lines, with the lines of a request side by side", async () => {
    const size = await write(Array.from({ length: 3000 }, (_, number) => aDoNotCall(number)).flat());
    const out = join(dir, "all.ndjson");
    expect(await exportTo(query("", size), { out, as: "ndjson" })).toEqual({
      transactions: 3000,
      entries: 6000,
      matching: 3000,
      warnings: [],
      set_aside: [],
    });
    const lines = (await Promise.all((await segmentsOf(dir)).map((segment) => linesOf(dir, segment)))).flat();
    expect(await readFile(out, "utf8")).toBe(lines.map((line) => `${line}\n`).join(""));
  });

  it("ends at the checkpoint, and contains only entries that match the filter", async () => {
    await write([...aDoNotCall(0), ...aDoNotCall(1, { status: 410 }), ...aDoNotCall(2, { status: 410 })]);
    const out = join(dir, "some.ndjson");
    expect(await exportTo(query("status:410", 4), { out, as: "ndjson" })).toEqual({
      transactions: 1,
      entries: 2,
      matching: 1,
      warnings: [],
      set_aside: [],
    });
  });

  it("does not count its own record as a match", async () => {
    const own = (text: string): Entry => ({ kind: "access", user: "rw", operation: "export", query: text });
    const size = await write([...aDoNotCall(0), own("kind:access"), own("client:nobody")]);
    expect(
      await exportTo(query("kind:access", size - 1), { out: join(dir, "own.ndjson"), as: "ndjson" }),
    ).toMatchObject({ transactions: 1, matching: 0 });
    expect(await exportTo(query("client:nobody", size), { out: join(dir, "none.csv"), as: "csv" })).toMatchObject({
      transactions: 0,
      matching: 0,
    });
  });

  it("warns only about names that neither config nor journal has", async () => {
    const size = await write([...aDoNotCall(0), ...aDoNotCall(1, { client: "former-crm" })]);
    const filter = parseFilter("client:former-crm,nobody -tenant:102 OR is:ok since:2999-01-01");
    const names = unknownNames(filter, {
      actions: [],
      codes: [],
      names: { client: ["alpha-crm"], tenant: [{ dbid: 101, name: "Alpha Tenant" }] },
    });
    for (const as of ["ndjson", "csv"] as const) {
      expect((await exportTo({ dir, filter, names, size }, { out: join(dir, `named.${as}`), as })).warnings).toEqual([
        "client:nobody: there is no such client in the config or in the journal",
        "tenant:102: there is no such tenant in the config or in the journal; did you mean 101?",
      ]);
    }
  });

  it("is written completely or not at all", async () => {
    const size = await write(aDoNotCall(0));
    const [segment] = await segmentsOf(dir);
    await writeFile(join(dir, "segments", segment!), "no line\n", { flag: "a" });
    await expect(exportTo(query("", size + 1), { out: join(dir, "never.csv"), as: "csv" })).rejects.toThrow("not JSON");
    expect((await readdir(dir)).filter((name) => name.startsWith("never"))).toEqual([]);
  });

  it("says why it cannot be written", async () => {
    const size = await write(aDoNotCall(0));
    await expect(exportTo(query("", size), { out: join(dir, "no/folder.csv"), as: "csv" })).rejects.toThrow("ENOENT");
  });

  it("ignores temporary files of an earlier or a concurrent export", async () => {
    const size = await write(aDoNotCall(0));
    const out = join(dir, "all.csv");
    await writeFile(`${out}.partial`, "half");
    await Promise.all([exportTo(query("", size), { out, as: "csv" }), exportTo(query("", size), { out, as: "csv" })]);
    expect((await readFile(out, "utf8")).split("\r\n").length).toBe(3);
  });
});

describe("a CSV row", () => {
  const rowOf = (over: object): string =>
    csvRow({
      at: 7,
      entries: [{ ...aDoNotCall(0)[0]!, ...over, index: 7, time: "2026-11-22T12:00:00.000000Z" } as never],
    });

  it.each([
    ["=1+2", "'=1+2"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\tx", "'\tx"],
    ["\rx", '"\'\rx"'],
    ["\nx", '"\'\nx"'],
    ["\uff1d1+2", "'\uff1d1+2"],
    ["\uff20SUM(A1)", "'\uff20SUM(A1)"],
    ["a=b", "a=b"],
  ])("does not start with a formula: %j", (client, cell) => {
    expect(rowOf({ client })).toContain(`,${cell},`);
  });

  it("quotes what RFC 4180 says must be quoted", () =>
    expect(rowOf({ client: 'a,"b"\nc' })).toContain(',"a,""b""\nc",'));

  it("has a cell for each column, and ends with CR LF", () => {
    expect(rowOf({}).split(",").length).toBe(csvHead().split(",").length);
    expect(rowOf({}).endsWith("\r\n")).toBe(true);
  });
});
