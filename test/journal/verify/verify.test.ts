import { cp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { signCheckpoint } from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { createTree, digestBytes, leafHash } from "../../../src/journal/integrity/merkle-tree.ts";
import { verifyJournal, type Report } from "../../../src/journal/verify/verify.ts";
import {
  ORIGIN,
  aDirectory,
  aJournal,
  aKey,
  anIntent,
  linesOf,
  openWithCheckpoints,
  randomFrom,
  removeDirectory,
  segmentsOf,
  writeLines,
} from "../kit.ts";
import { patternOf } from "../../kit/pattern.ts";

// 30 entries in segments that begin with 0, 9, 18 and 27; checkpoints cover 10, 20 and 28; 28 and 29 are covered by
// none.
const SIZE = 30;
const SEGMENT = {
  first: "000000000000.jsonl",
  second: "000000000009.jsonl",
  third: "000000000018.jsonl",
  last: "000000000027.jsonl",
};
const key = aKey();
let [original, dir, vkey] = ["", "", ""];

beforeAll(async () => {
  original = await aDirectory();
  vkey = await aJournal(original, key, { size: SIZE, checkpointsAt: [10, 20, 28], segmentBytes: 3400 });
});
afterAll(() => removeDirectory(original));
beforeEach(async () => {
  dir = await aDirectory();
  await cp(original, dir, { recursive: true });
});
afterEach(() => removeDirectory(dir));

const edit = async (segment: string, change: (lines: string[]) => string[]): Promise<void> =>
  writeLines(dir, segment, change(await linesOf(dir, segment)));
const removeHashes = async (): Promise<void> => {
  for (const name of await readdir(join(dir, "segments")))
    if (name.endsWith(".hashes")) await rm(join(dir, "segments", name));
};
const verified = (): Promise<Report> => verifyJournal(dir, { vkey });
const renumbered = (line: string, index: number): string => line.replace(/^\{"index":\d+/, `{"index":${index}`);
const findingsOf = ({ findings }: Report): unknown[] =>
  findings.map(({ kind, segment, line, index }) => [kind, segment, line, index]);

describe("an intact journal", () => {
  it("is verified, with the number of covered and uncovered entries", async () => {
    expect(await segmentsOf(dir)).toEqual(Object.values(SEGMENT));
    const report = await verified();
    expect(report).toMatchObject({
      verdict: "ok",
      segments: 4,
      entries: 30,
      covered: 28,
      uncovered: 2,
      findings: [],
      missing: [],
      notes: [],
      checkpoints: { found: 3, signed: 3, matching: 3 },
      keys: { from: "given" },
      last: { origin: ORIGIN, size: 28 },
    });
    expect(report.notProved[0]).toBe("the last 2 entries, which no checkpoint covers yet");
  });

  it("cannot be verified with the directory's own key alone, because an attacker can have put it there", async () => {
    const report = await verifyJournal(dir);
    expect(report).toMatchObject({
      verdict: "cannot-tell",
      keys: { from: "directory" },
      covered: 28,
      findings: [],
      missing: [expect.stringContaining("the only key is stored beside the lines")],
    });
    expect(report.notProved.join()).toContain("Keep a copy elsewhere");
  });

  it("is verified with the config's key, even if an earlier key signed a part of it", async () => {
    expect(await verifyJournal(dir, { own: vkey })).toMatchObject({
      verdict: "ok",
      keys: { from: "config" },
      covered: 28,
      notes: [],
    });
    const { journal, checkpoints, close } = await openWithCheckpoints(dir, aKey());
    expect(await verifyJournal(dir, { own: checkpoints.verifierKey })).toMatchObject({
      verdict: "cannot-tell",
      covered: 0,
      missing: [expect.stringContaining("checkpoint 28 is signed by a key that only this directory names")],
    });
    await journal.append(anIntent(30));
    await close();
    expect(await verifyJournal(dir, { own: checkpoints.verifierKey })).toMatchObject({
      verdict: "ok",
      covered: 31,
      notes: [expect.stringContaining("checkpoints up to 28 are signed by gateway.test/main+")],
    });
  });

  it.each(["", "\n\n"])("cannot be verified with a key file without keys: %o", async (empty) => {
    await expect(verifyJournal(dir, { vkey: empty })).rejects.toThrow("expected a verifier key, found none");
  });

  it("is verified while it is written, with an incomplete line at its end", async () => {
    await writeFile(join(dir, "segments", SEGMENT.last), '{"index":30,"time":"2026-11-', { flag: "a" });
    expect(await verified()).toMatchObject({
      verdict: "ok",
      entries: 30,
      notes: [expect.stringContaining("line 4 of 000000000027.jsonl is incomplete")],
    });
  });

  it("is verified across runs, even if the clock was set back between them", async () => {
    const { journal, close } = await openWithCheckpoints(dir, key, {
      clocks: { wall: () => 1_000_000, steady: () => 0 },
    });
    await journal.append(anIntent(30));
    await close();
    // An entry of kind clock says it, before the intent.
    expect(await verified()).toMatchObject({ verdict: "ok", covered: 32, notes: [] });
  });

  it("has no note about a clock that was set within a run, which an entry states", async () => {
    let wall = Date.now() * 1000;
    const { journal, close } = await openWithCheckpoints(dir, key, { clocks: { wall: () => wall, steady: () => 0 } });
    await journal.append(anIntent(30));
    wall -= 3_600_000_000;
    await journal.append(anIntent(31));
    await close();
    expect(await verified()).toMatchObject({ verdict: "ok", covered: 33, notes: [] });
  });
});

/** What was done, and how it is named when the recorded leaf hashes are there and when they are gone as well. */
type Case = [what: string, damage: () => Promise<void>, withHashes: unknown[], without: unknown[], words: RegExp];

const cases: Case[] = [
  [
    "a bit that was turned",
    () => edit(SEGMENT.second, (lines) => lines.with(3, lines[3]!.replace("alpha-crm", "alpha-crl"))),
    [["changed", SEGMENT.second, 4, 12]],
    [["range", undefined, undefined, 10]],
    patternOf(
      /line 4 of 000000000009\.jsonl \(index 12\) was changed: /,
      /the first 28 entries do not have the root of checkpoint 28/,
    ),
  ],
  [
    "a line that was removed",
    () => edit(SEGMENT.second, (lines) => lines.toSpliced(3, 1)),
    [["removed", SEGMENT.second, 4, 12]],
    [["removed", SEGMENT.second, 4, 12]],
    /index 12 was removed from 000000000009\.jsonl, before line 4/,
  ],
  [
    "lines that were removed",
    () => edit(SEGMENT.second, (lines) => lines.toSpliced(3, 3)),
    [["removed", SEGMENT.second, 4, 12]],
    [["removed", SEGMENT.second, 4, 12]],
    /indexes 12 to 14 were removed/,
  ],
  [
    "a line that was removed and those behind it numbered anew",
    () => edit(SEGMENT.first, (lines) => lines.toSpliced(3, 1).map((line, at) => renumbered(line, at))),
    [
      ["changed", SEGMENT.first, 4, 3],
      ["changed", SEGMENT.first, 5, 4],
      ["changed", SEGMENT.first, 6, 5],
      ["changed", SEGMENT.first, 7, 6],
      ["changed", SEGMENT.first, 8, 7],
      ["cut", SEGMENT.first, 9, 8],
    ],
    [["cut", SEGMENT.first, 9, 8]],
    /index 8 was removed from 000000000000\.jsonl, at its end/,
  ],
  [
    "a line that was inserted",
    () => edit(SEGMENT.third, (lines) => lines.toSpliced(2, 0, lines[1]!.replace("alpha-crm", "alpha-ops"))),
    [["inserted", SEGMENT.third, 3, undefined]],
    [["inserted", SEGMENT.third, 3, 19]],
    /line 3 of 000000000018\.jsonl was inserted/,
  ],
  [
    "a line that stands twice",
    () => edit(SEGMENT.third, (lines) => lines.toSpliced(5, 0, lines[1]!)),
    [["inserted", SEGMENT.third, 6, 19]],
    [["inserted", SEGMENT.third, 6, 19]],
    /line 6 of 000000000018\.jsonl was inserted, a copy of index 19/,
  ],
  [
    "two lines that changed places",
    () => edit(SEGMENT.first, (lines) => lines.with(2, lines[3]!).with(3, lines[2]!)),
    [["swapped", SEGMENT.first, 3, 3]],
    [["swapped", SEGMENT.first, 3, 3]],
    /lines 3 and 4 of 000000000000\.jsonl are swapped \(indexes 3 and 2\)/,
  ],
  [
    "a line that was moved",
    () => edit(SEGMENT.first, (lines) => [...lines.toSpliced(1, 1), lines[1]!]),
    [["moved", SEGMENT.first, 9, 1]],
    [["moved", SEGMENT.first, 9, 1]],
    /line 9 of 000000000000\.jsonl \(index 1\) was moved/,
  ],
  [
    "an end that was cut off below a checkpoint",
    () => rm(join(dir, "segments", SEGMENT.last)),
    [["segment", SEGMENT.last, undefined, 27]],
    [["cut", SEGMENT.third, 10, 27]],
    /000000000027\.jsonl is missing, with the entries 27 to 27/,
  ],
  [
    "a last line that was cut in its middle below a checkpoint",
    async () => writeFile(join(dir, "segments", SEGMENT.last), (await linesOf(dir, SEGMENT.last))[0]!.slice(0, 100)),
    [["cut-off", SEGMENT.last, 1, 27]],
    [["cut-off", SEGMENT.last, 1, 27]],
    /line 1 of 000000000027\.jsonl \(index 27\) is cut off in its middle/,
  ],
  [
    "a segment that is missing",
    () => rm(join(dir, "segments", SEGMENT.second)),
    [["segment", SEGMENT.second, undefined, 9]],
    [["cut", SEGMENT.first, 10, 9]],
    /000000000009\.jsonl is missing, with the entries 9 to 17/,
  ],
  [
    "a segment that was put there",
    async () => writeLines(dir, "000000000004.jsonl", await linesOf(dir, SEGMENT.first)),
    [["segment", "000000000004.jsonl", undefined, undefined]],
    [["inserted", SEGMENT.first, 5, undefined]],
    /000000000004\.jsonl is not part of the journal/,
  ],
  [
    "text that is no line",
    () => edit(SEGMENT.second, (lines) => lines.with(0, "nothing")),
    [["changed", SEGMENT.second, 1, 9]],
    [["changed", SEGMENT.second, 1, 9]],
    /line 1 of 000000000009\.jsonl \(index 9\) was changed/,
  ],
];

describe("the verification reports where a journal was changed:", () => {
  it.each(cases)("%s", async (_what, damage, withHashes, _without, words) => {
    await damage();
    const report = await verified();
    expect(report.verdict).toBe("broken");
    expect(findingsOf(report)).toEqual(withHashes);
    expect(report.findings.map(({ text }) => text).join("\n")).toMatch(words);
  });
});

describe("without leaf hashes, the verification reports a change as far as the lines show it:", () => {
  it.each(cases)("%s", async (_what, damage, _withHashes, without) => {
    await removeHashes();
    await damage();
    const report = await verified();
    expect(report.verdict).toBe("broken");
    expect(findingsOf(report)).toEqual(expect.arrayContaining(without));
  });

  it("a changed line is located between two checkpoints if its leaf hash was changed with it", async () => {
    await edit(SEGMENT.second, (lines) => lines.with(3, lines[3]!.replace("alpha-crm", "alpha-crl")));
    const changed = (await linesOf(dir, SEGMENT.second))[3]!;
    const path = join(dir, "segments", SEGMENT.second.replace(".jsonl", ".hashes"));
    const hashes = await readFile(path);
    digestBytes(leafHash(Buffer.from(changed))).copy(hashes, 3 * 32);
    await writeFile(path, hashes);
    const report = await verified();
    expect(findingsOf(report)).toEqual([["range", undefined, undefined, 10]]);
    expect(report.findings[0]!.text).toBe(
      "among the entries 10 to 19 one or more lines were changed: the first 20 entries do not have the root of " +
        "checkpoint 20, the first 10 have that of checkpoint 10",
    );
  });
});

describe("any changed byte below the last checkpoint", () => {
  it("is located in its line", async () => {
    const random = randomFrom(7);
    const segments = await segmentsOf(dir);
    for (let round = 0; round < 120; round++) {
      const segment = segments[random(3)]!;
      const path = join(dir, "segments", segment);
      const bytes = await readFile(path);
      const at = random(bytes.length);
      const line = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << random(8);
      await writeFile(path, changed);
      const report = await verified();
      expect(report.verdict, `byte ${at} of ${segment}`).toBe("broken");
      const lines = report.findings.filter((finding) => finding.segment === segment).map((finding) => finding.line!);
      expect(
        lines.some((named) => Math.abs(named - line) <= (bytes[at] === 0x0a || changed[at] === 0x0a ? 1 : 0)),
        `byte ${at}: line ${line}, named ${lines.join()}`,
      ).toBe(true);
      await writeFile(path, bytes);
    }
  });
});

describe("after the last checkpoint,", () => {
  it("a changed line is not detected, and the report counts the uncovered entries", async () => {
    await edit(SEGMENT.last, (lines) => lines.with(2, lines[2]!.replace("alpha-crm", "alpha-crl")));
    expect(await verified()).toMatchObject({ verdict: "ok", uncovered: 2 });
  });

  it("a removed line is detected by the indexes", async () => {
    await edit(SEGMENT.last, (lines) => lines.toSpliced(1, 1));
    const report = await verified();
    expect(findingsOf(report)).toEqual([["removed", SEGMENT.last, 2, 28]]);
    expect(report.findings[0]!.text).toBe(
      "index 28 was removed from 000000000027.jsonl, before line 2: no checkpoint covers it yet, " +
        "but the indexes show it",
    );
  });

  it("a line that is not JSON is detected", async () => {
    await edit(SEGMENT.last, (lines) => lines.with(2, lines[2]!.replace('"kind"', '"kind')));
    expect((await verified()).findings.map(({ kind }) => kind)).toContain("json");
  });
});

describe("checkpoints", () => {
  const path = (size: string): string => join(dir, "checkpoints", size);
  const rootNow = async (size: number): Promise<Buffer> => {
    const tree = createTree();
    for (const segment of await segmentsOf(dir))
      for (const line of await linesOf(dir, segment)) if (tree.size() < size) tree.append(leafHash(Buffer.from(line)));
    return digestBytes(tree.root());
  };

  it("that another key signed again for changed lines are detected", async () => {
    await edit(SEGMENT.second, (lines) => lines.with(3, lines[3]!.replace("alpha-crm", "alpha-crl")));
    const other = aKey();
    for (const size of [20, 28])
      await writeFile(
        path(`0000000000${size}`),
        signCheckpoint({ origin: ORIGIN, size, root: await rootNow(size) }, other),
      );
    const report = await verified();
    expect(report.verdict).toBe("broken");
    expect(report.findings.map(({ text }) => text)).toEqual(
      [20, 28].map(
        (size) =>
          expect.stringMatching(
            new RegExp(`checkpoint 0000000000${size}: was signed in the name of ${ORIGIN} by another key, [0-9a-f]{8}`),
          ) as string,
      ),
    );
  });

  it("are all detected with a key that was kept, if another key signed all of them again", async () => {
    const other = aKey();
    for (const size of [10, 20, 28])
      await writeFile(
        path(`0000000000${size}`),
        signCheckpoint({ origin: ORIGIN, size, root: await rootNow(size) }, other),
      );
    const report = await verified();
    expect([report.verdict, report.findings.length, report.covered]).toEqual(["broken", 3, 0]);
  });

  it("with a changed text are detected", async () => {
    const text = await readFile(path("000000000010"), "utf8");
    await writeFile(path("000000000010"), text.replace(/\n[A-Za-z0-9+/]{4}/, "\nAAAA"));
    const report = await verified();
    expect(report.findings).toEqual([
      {
        kind: "checkpoint",
        text: expect.stringMatching(
          patternOf(
            /^checkpoint 000000000010: its signature is not that of gateway\.test\/main\+[0-9a-f]{8}: /,
            /the text or the signature was changed/,
          ),
        ) as string,
      },
    ]);
  });

  it("that were renamed or are not notes are detected", async () => {
    await cp(path("000000000010"), path("000000000011"));
    await writeFile(path("000000000012"), "12\n");
    expect((await verified()).findings.map(({ text }) => text)).toEqual([
      expect.stringContaining("000000000011: says that it covers 10 entries"),
      expect.stringContaining("000000000012: is not a signed checkpoint"),
    ]);
  });

  it("of a key that replaced another are verified with both keys", async () => {
    const { journal, checkpoints, close } = await openWithCheckpoints(dir, aKey());
    await journal.append(anIntent(30));
    await close();
    expect(await verifyJournal(dir, { vkey: `${vkey}\n${checkpoints.verifierKey}\n` })).toMatchObject({
      verdict: "ok",
      covered: 31,
    });
  });
});

describe('the verdict is "cannot tell"', () => {
  it("without any checkpoint", async () => {
    await rm(join(dir, "checkpoints"), { recursive: true });
    expect(await verified()).toMatchObject({
      verdict: "cannot-tell",
      covered: 0,
      missing: ["there is no checkpoint, so the lines cannot be verified"],
    });
  });

  it("without any key", async () => {
    await rm(join(dir, "checkpoint.pub"));
    expect(await verifyJournal(dir)).toMatchObject({
      verdict: "cannot-tell",
      covered: 0,
      missing: [expect.stringContaining("no key")],
    });
  });

  it("with the key of another log", async () => {
    const others = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    expect(await verifyJournal(dir, { vkey: others })).toMatchObject({
      verdict: "cannot-tell",
      covered: 0,
      missing: ["checkpoint 000000000010 is signed by gateway.test/main and not by sum.golang.org"],
    });
  });

  it("where there is no journal", async () => {
    expect(await verifyJournal(join(dir, "nowhere"), { vkey })).toMatchObject({
      verdict: "cannot-tell",
      missing: [expect.stringContaining("there is no directory")],
    });
    expect(await verifyJournal(join(dir, "checkpoints"), { vkey })).toMatchObject({
      verdict: "cannot-tell",
      missing: [expect.stringContaining("contains no journal")],
    });
  });

  it('but "broken" if a line was changed, even without a key', async () => {
    await rm(join(dir, "checkpoint.pub"));
    await edit(SEGMENT.second, (lines) => lines.with(3, lines[3]!.replace("alpha-crm", "alpha-crl")));
    expect(await verifyJournal(dir)).toMatchObject({ verdict: "broken", findings: [{ kind: "changed", index: 12 }] });
  });
});

describe("the verifier", () => {
  it("shares no code with what it verifies", () => {
    const sources = new URL("../../../src/journal/verify/", import.meta.url);
    const files = readdirSync(sources, { recursive: true, encoding: "utf8" }).filter((name) =>
      /\.m?ts$|\.mjs$/.test(name),
    );
    expect(files).toEqual(expect.arrayContaining(["merkle.ts", "segments/frames.ts", "bundle/bundle.mjs"]));
    for (const file of files) {
      const at = new URL(file, sources);
      const imports = [...readFileSync(at, "utf8").matchAll(/ from "([^"]+)"/g)].map(([, from]) => from!);
      const outside = imports.filter(
        (from) => !from.startsWith("node:") && !new URL(from, at).href.startsWith(sources.href),
      );
      expect([file, outside]).toEqual([file, []]);
    }
    expect(files.length).toBeGreaterThan(5);
  });
});
