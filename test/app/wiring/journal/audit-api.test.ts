import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { auditVerify } from "../../../../src/cli/audit/output/verify-report.ts";
import type { Report } from "../../../../src/journal/verify/verify.ts";
import { aDirectory, aJournal, aKey, removeDirectory } from "../../../journal/kit.ts";

let [dir, vkey] = ["", ""];
beforeEach(async () => {
  dir = await aDirectory();
  vkey = await aJournal(dir, aKey(), { size: 12, checkpointsAt: [5, 10] });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await removeDirectory(dir);
});

/** Resolves to the exit code and the text on stdout. */
const run = async (...args: Parameters<typeof auditVerify>): Promise<{ code: number; output: string }> => {
  const written = vi.spyOn(process.stdout, "write").mockImplementation(() => true);
  const code = await auditVerify(...args);
  const output = written.mock.calls.map(([text]) => String(text)).join("");
  written.mockRestore();
  return { code, output };
};

const change = async (): Promise<void> => {
  const path = join(dir, "segments", "000000000000.jsonl");
  const lines = (await readFile(path, "utf8")).split("\n");
  await writeFile(path, lines.with(6, lines[6]!.replace("alpha-crm", "alpha-crl")).join("\n"));
};

describe("audit verify", () => {
  it("ends with 0 for an intact journal, and says which entries no checkpoint covers", async () => {
    const { code, output } = await run(dir, { key: vkey });
    expect(code).toBe(0);
    expect(output).toContain("entries     12 in 1 segment\n");
    expect(output).toContain("2 of 2 checkpoints signed by gateway.test/main+");
    expect(output).toContain("(the key given)");
    expect(output).toContain("\nOK  unchanged up to index 9\n");
    expect(output).toContain("\nnot proved: the last 2 entries, which no checkpoint covers yet\n");
  });

  it("reads the key from a file, and cannot tell if the only key is the directory's own", async () => {
    expect((await run(dir, { key: join(dir, "checkpoint.pub") })).code).toBe(0);
    const own = await run(dir, {});
    expect([own.code, own.output]).toEqual([
      8,
      expect.stringMatching(/\(the key in this directory\)[^]*CANNOT TELL {2}the only key is stored beside the lines/),
    ]);
    expect(await run(dir, { own: vkey })).toMatchObject({
      code: 0,
      output: expect.stringContaining("(the key of the config)") as string,
    });
  });

  it("ends with 7 and names the line when an entry was changed", async () => {
    await change();
    const { code, output } = await run(dir, { key: vkey });
    expect(code).toBe(7);
    expect(output).toContain(
      "broken      line 7 of 000000000000.jsonl (index 6) was changed: the first 10 entries do not have the root of " +
        "checkpoint 10\n",
    );
    expect(output).toContain("\nBROKEN  1 finding\n");
  });

  it("ends with 8 when a key, a checkpoint or the journal is missing", async () => {
    expect(await run(dir, { key: join(dir, "no-such-file") })).toMatchObject({
      code: 8,
      output: expect.stringContaining("nor a file that can be read (there is no such file)") as string,
    });
    expect(await run(join(dir, "nowhere"), { key: vkey })).toMatchObject({
      code: 8,
      output: expect.stringContaining("CANNOT TELL  there is no directory") as string,
    });
    await rm(join(dir, "checkpoint.pub"));
    expect(await run(dir, {})).toMatchObject({
      code: 8,
      output: expect.stringContaining("CANNOT TELL  no key") as string,
    });
    await rm(join(dir, "checkpoints"), { recursive: true });
    expect((await run(dir, { key: vkey })).code).toBe(8);
  });

  it("prints one JSON object with --json", async () => {
    await change();
    const { code, output } = await run(dir, { key: vkey, json: true });
    expect(code).toBe(7);
    expect(JSON.parse(output) as Report).toMatchObject({
      verdict: "broken",
      entries: 12,
      findings: [{ kind: "changed", segment: "000000000000.jsonl", line: 7, index: 6 }],
    });
    expect(JSON.parse((await run(join(dir, "x"), { key: "no key", json: true })).output)).toMatchObject({
      verdict: "cannot-tell",
    });
  });
});
