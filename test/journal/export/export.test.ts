import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../src/journal/append.ts";
import type { Entry } from "../../src/journal/entry.ts";
import { exportTo } from "../../src/journal/export.ts";
import { csvHead, csvRow } from "../../src/journal/export/csv.ts";
import { parseFilter } from "../../src/journal/filter.ts";
import { unknownNames } from "../../src/journal/filter/vocabulary.ts";
import { aDirectory, aDoNotCall, linesOf, removeDirectory, segmentsOf } from "./kit.ts";

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
  it("has no limit, and gives the lines as they stand, a request's beside each other", async () => {
    const size = await write(Array.from({ length: 3000 }, (_, number) => aDoNotCall(number)).flat());
    const out = join(dir, "all.ndjson");
    expect(await exportTo(query("", size), { out, as: "ndjson" })).toEqual({
      stories: 3000,
      entries: 6000,
      fitting: 3000,
      warnings: [],
      set_aside: [],
    });
    const lines = (await Promise.all((await segmentsOf(dir)).map((segment) => linesOf(dir, segment)))).flat();
    expect(await readFile(out, "utf8")).toBe(lines.map((line) => `${line}\n`).join(""));
  });

  it("ends where the checkpoint ends, and holds what the filter takes", async () => {
    await write([...aDoNotCall(0), ...aDoNotCall(1, { status: 410 }), ...aDoNotCall(2, { status: 410 })]);
    const out = join(dir, "some.ndjson");
    expect(await exportTo(query("status:410", 4), { out, as: "ndjson" })).toEqual({
      stories: 1,
      entries: 2,
      fitting: 1,
      warnings: [],
      set_aside: [],
    });
  });

  it("does not count the record of itself as something found", async () => {
    const own = (text: string): Entry => ({ kind: "access", user: "rw", operation: "export", query: text });
    const size = await write([...aDoNotCall(0), own("kind:access"), own("client:nobody")]);
    expect(
      await exportTo(query("kind:access", size - 1), { out: join(dir, "own.ndjson"), as: "ndjson" }),
    ).toMatchObject({ stories: 1, fitting: 0 });
    expect(await exportTo(query("client:nobody", size), { out: join(dir, "none.csv"), as: "csv" })).toMatchObject({
      stories: 0,
      fitting: 0,
    });
  });

  it("names what nobody knows, and only that", async () => {
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

  it("is written whole or not at all", async () => {
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

  it("has nothing to do with what an earlier one left behind, or another writes at the same time", async () => {
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
    ["a=b", "a=b"],
  ])("has no formula in it: %j", (client, cell) => {
    expect(rowOf({ client })).toContain(`,${cell},`);
  });

  it("quotes what RFC 4180 says must be quoted", () =>
    expect(rowOf({ client: 'a,"b"\nc' })).toContain(',"a,""b""\nc",'));

  it("has a cell for each column, and ends with CR LF", () => {
    expect(rowOf({}).split(",").length).toBe(csvHead().split(",").length);
    expect(rowOf({}).endsWith("\r\n")).toBe(true);
  });
});
