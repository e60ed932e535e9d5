/**
 * Facts decide: a signed root that is not that of the lines means broken, whatever else fits; and what cannot be known
 * is not said to be fine.
 */
import { cp, mkdir, readFile, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { signCheckpoint } from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { createTree, digestBytes, leafHash } from "../../../src/journal/integrity/merkle-tree.ts";
import { verifyJournal, verifySegment, type Report } from "../../../src/journal/verify/verify.ts";
import {
  ORIGIN,
  aDirectory,
  aJournal,
  aKey,
  anIntent,
  linesOf,
  openWithCheckpoints,
  removeDirectory,
  segmentsOf,
  writeLines,
} from "../kit.ts";

// 30 entries in segments that begin with 0, 9, 18 and 27; checkpoints cover 10, 20 and 28.
const key = aKey();
const thief = aKey();
let [original, dir, vkey] = ["", "", ""];

beforeAll(async () => {
  original = await aDirectory();
  vkey = await aJournal(original, key, { size: 30, checkpointsAt: [10, 20, 28], segmentBytes: 3400 });
});
afterAll(() => removeDirectory(original));
beforeEach(async () => {
  dir = await aDirectory();
  await cp(original, dir, { recursive: true });
});
afterEach(() => removeDirectory(dir));

const checkpoint = (size: number): string => join(dir, "checkpoints", String(size).padStart(12, "0"));
const rootNow = async (size: number): Promise<Buffer> => {
  const tree = createTree();
  for (const segment of await segmentsOf(dir))
    for (const line of await linesOf(dir, segment)) if (tree.size() < size) tree.append(leafHash(Buffer.from(line)));
  return digestBytes(tree.root());
};
const sign = async (size: number, by = key, root?: Buffer): Promise<void> =>
  writeFile(checkpoint(size), signCheckpoint({ origin: ORIGIN, size, root: root ?? (await rootNow(size)) }, by));
const change = async (segment: string, line: number): Promise<void> => {
  const lines = await linesOf(dir, segment);
  await writeLines(dir, segment, lines.with(line, lines[line]!.replace("alpha-crm", "alpha-crl")));
};
const textsOf = ({ findings }: Report): string => findings.map(({ text }) => text).join("\n");
const OTHER_ROOT = Buffer.alloc(32, 7);

describe("checkpoints that contradict each other", () => {
  it.each([[0], [1], [9], [10], [15], [19], [20], [27]])(
    "are found if a signed one of %i entries belongs to other lines, although the last one matches",
    async (size) => {
      await sign(size, key, OTHER_ROOT);
      const report = await verifyJournal(dir, { vkey });
      expect([report.verdict, textsOf(report)]).toEqual([
        "broken",
        expect.stringContaining(
          `checkpoint ${size} does not have the root of the first ${size} entries, and checkpoint 28 has that of the ` +
            "first 28: they contradict each other",
        ),
      ]);
    },
  );

  it.each([[28], [29], [30]])("are found if the last one, of %i entries, belongs to other lines", async (size) => {
    await sign(size, key, OTHER_ROOT);
    expect((await verifyJournal(dir, { vkey })).verdict).toBe("broken");
  });

  it("are all reported", async () => {
    for (const size of [5, 15, 25]) await sign(size, key, OTHER_ROOT);
    const report = await verifyJournal(dir, { vkey });
    expect(report.findings.map(({ text }) => /^checkpoint (\d+)/.exec(text)?.[1])).toEqual(["5", "15", "25"]);
    expect(report.checkpoints).toEqual({ found: 6, signed: 6, matching: 3 });
  });

  it("do not hide a changed line", async () => {
    await sign(5, key, OTHER_ROOT);
    await change("000000000009.jsonl", 3);
    const report = await verifyJournal(dir, { vkey });
    expect(report.findings).toContainEqual(
      expect.objectContaining({ kind: "changed", segment: "000000000009.jsonl", line: 4, index: 12 }),
    );
    expect(textsOf(report)).toContain("checkpoint 5 does not have the root");
  });

  it("do not include a signed checkpoint of zero entries, whose root is that of the empty tree", async () => {
    await sign(0);
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "ok",
      checkpoints: { found: 4, signed: 4, matching: 4 },
    });
  });

  it("are found by verifying a single segment, too", async () => {
    await sign(15, key, OTHER_ROOT);
    const report = await verifySegment(join(dir, "segments/000000000009.jsonl"), { vkey });
    expect([report.verdict, textsOf(report)]).toEqual([
      "broken",
      expect.stringContaining("the leaf hashes beside the segments do not have the root of checkpoint 15"),
    ]);
  });

  it("are found in a segment whose leaf hashes were changed with its lines", async () => {
    await change("000000000018.jsonl", 4);
    const path = join(dir, "segments/000000000018.hashes");
    const hashes = await readFile(path);
    digestBytes(leafHash(Buffer.from((await linesOf(dir, "000000000018.jsonl"))[4]!))).copy(hashes, 4 * 32);
    await writeFile(path, hashes);
    const report = await verifySegment(join(dir, "segments/000000000018.jsonl"), { vkey });
    expect([report.verdict, textsOf(report)]).toEqual([
      "broken",
      expect.stringContaining("do not have the root of checkpoint 28: lines or hashes between 20 and 27 were changed"),
    ]);
  });
});

describe("the end of a journal that was signed again by a thief", () => {
  beforeEach(async () => {
    await change("000000000018.jsonl", 5);
    for (const size of [28]) await sign(size, thief);
  });

  it("is found with the gateway's key", async () => {
    const report = await verifyJournal(dir, { vkey });
    expect([report.verdict, textsOf(report)]).toEqual([
      "broken",
      expect.stringMatching(
        /checkpoint 000000000028: was signed in the name of gateway\.test\/main by another key, [0-9a-f]{8}/,
      ),
    ]);
  });

  it("is not accepted because of the thief's key beside it", async () => {
    const { verifierKey } = await import("../../../src/journal/integrity/checkpoints/signed-note.ts");
    await writeFile(join(dir, "checkpoint.pub"), `${vkey}\n${verifierKey(ORIGIN, thief)}\n`);
    expect((await verifyJournal(dir)).verdict).toBe("cannot-tell");
    expect(await verifyJournal(dir, { own: vkey })).toMatchObject({
      verdict: "cannot-tell",
      missing: [expect.stringContaining("checkpoint 28 is signed by a key that only this directory names")],
    });
    expect((await verifyJournal(dir, { vkey })).verdict).toBe("broken");
  });
});

describe("a checkpoint that was kept elsewhere", () => {
  const held = async (size: number, by = key, root?: Buffer): Promise<{ name: string; note: string }> => ({
    name: "the anchor /x/audit.anchor",
    note: signCheckpoint({ origin: ORIGIN, size, root: root ?? (await rootNow(size)) }, by),
  });

  it("agrees with an intact journal", async () => {
    expect(
      await verifyJournal(dir, { vkey, elsewhere: [await held(28), await held(20), await held(30)] }),
    ).toMatchObject({ verdict: "ok", covered: 30, findings: [], notes: [] });
  });

  it("shows that the directory was replaced by an older copy", async () => {
    const last = await held(28);
    await rm(join(dir, "segments/000000000027.jsonl"));
    for (const name of ["segments/000000000027.hashes", "checkpoints/000000000028"]) await rm(join(dir, name));
    expect(await verifyJournal(dir, { vkey })).toMatchObject({ verdict: "ok", covered: 20 });
    const report = await verifyJournal(dir, { vkey, elsewhere: [last] });
    expect([report.verdict, textsOf(report)]).toEqual([
      "broken",
      "the journal ends after 27 entries, but checkpoint 28 in the anchor /x/audit.anchor covers 28: it was cut off",
    ]);
  });

  it("shows that lines and checkpoints were rewritten with the gateway's own key", async () => {
    const last = await held(28);
    await change("000000000009.jsonl", 3);
    for (const size of [20, 28]) await sign(size);
    for (const name of await segmentsOf(dir)) await rm(join(dir, "segments", name.replace(".jsonl", ".hashes")));
    expect((await verifyJournal(dir, { vkey })).verdict).toBe("ok");
    const report = await verifyJournal(dir, { vkey, elsewhere: [last] });
    expect([report.verdict, textsOf(report)]).toEqual([
      "broken",
      expect.stringContaining("checkpoint 28 in the anchor /x/audit.anchor has another root than checkpoint 28"),
    ]);
  });

  it("counts only with a valid signature: a planted one breaks nothing and is reported", async () => {
    const forged = {
      name: "file:/elsewhere",
      note: (await held(28, key, OTHER_ROOT)).note.replace(/.{20}(.{8}\n)$/, `${"A".repeat(20)}$1`),
    };
    const report = await verifyJournal(dir, {
      vkey,
      elsewhere: [await held(25, thief, OTHER_ROOT), forged, { name: "file:/elsewhere", note: "nothing" }],
    });
    expect(report).toMatchObject({ verdict: "ok", findings: [] });
    expect(report.notes).toEqual([
      "the anchor /x/audit.anchor contains 1 note without a valid signature by a known key; they are ignored",
      "file:/elsewhere contains 2 notes without a valid signature by a known key; they are ignored",
    ]);
  });

  it("no longer counts for lines that a restore gave up", async () => {
    const gone = { name: "file:/e", note: signCheckpoint({ origin: ORIGIN, size: 99, root: OTHER_ROOT }, key) };
    const restored = {
      name: "file:/e",
      note: signCheckpoint({ origin: ORIGIN, size: 28, root: await rootNow(28) }, key, ["restored"]),
    };
    expect((await verifyJournal(dir, { vkey, elsewhere: [gone] })).verdict).toBe("broken");
    expect((await verifyJournal(dir, { vkey, elsewhere: [gone, restored] })).verdict).toBe("ok");
    // Only the key's holder can say so.
    const planted = {
      name: "file:/e",
      note: signCheckpoint({ origin: ORIGIN, size: 28, root: await rootNow(28) }, thief, ["restored"]),
    };
    expect((await verifyJournal(dir, { vkey, elsewhere: [gone, planted] })).verdict).toBe("broken");
  });
});

describe("removed checkpoints", () => {
  it("are missed if all of them are gone", async () => {
    await rm(join(dir, "checkpoints"), { recursive: true });
    expect(await verifyJournal(dir, { vkey })).toMatchObject({
      verdict: "cannot-tell",
      missing: ["there is no checkpoint, so the lines cannot be verified"],
    });
  });
});

describe("the verification is not blocked by", () => {
  it.each<[string, () => Promise<void>, Report["verdict"] | "throws"]>([
    ["a directory as a checkpoint", () => mkdir(checkpoint(25)), "broken"],
    ["a pipe as a checkpoint", () => Promise.resolve(void execFileSync("mkfifo", [checkpoint(25)])), "broken"],
    [
      "a huge file as a checkpoint",
      () => writeFile(checkpoint(25), "").then(() => truncate(checkpoint(25), 20 * 2 ** 30)),
      "broken",
    ],
    [
      "a pipe as a segment",
      () => Promise.resolve(void execFileSync("mkfifo", [join(dir, "segments/000000000030.jsonl")])),
      "throws",
    ],
    [
      "a pipe as the key file",
      async () => {
        await rm(join(dir, "checkpoint.pub"));
        execFileSync("mkfifo", [join(dir, "checkpoint.pub")]);
      },
      "cannot-tell",
    ],
    ["a link that leads nowhere as a checkpoint", () => symlink("/nowhere", checkpoint(25)), "throws"],
    [
      "an endless line of zeros after the last checkpoint",
      () => truncate(join(dir, "segments/000000000027.jsonl"), 70 * 2 ** 20),
      "ok",
    ],
  ])("%s", async (_what, put, expected) => {
    await put();
    const verdict = await verifyJournal(dir, expected === "cannot-tell" ? {} : { vkey }).then(
      (report) => report.verdict,
      () => "throws",
    );
    expect(verdict).toBe(expected);
  });
});

describe("a clock that was wrong", () => {
  it("by six years in one run is reported in both directions", async () => {
    const ahead = (Date.now() + 6 * 365 * 86_400_000) * 1000;
    const future = await openWithCheckpoints(dir, key, { clocks: { wall: () => ahead, steady: () => 0 } });
    await future.journal.append({ kind: "start", version: "1", pid: 1 });
    await future.journal.append(anIntent(31));
    await future.close();
    const back = await openWithCheckpoints(dir, key);
    await back.journal.append({ kind: "start", version: "1", pid: 1 });
    await back.close();
    const { verdict, notes } = await verifyJournal(dir, { vkey });
    expect([verdict, notes]).toEqual([
      "ok",
      [expect.stringMatching(/is dated 20\d\d-.*which is after the time of this machine/)],
    ]);
    // The other direction stands in the journal.
    const lines = (
      await Promise.all(
        (await readdir(join(dir, "segments")))
          .filter((name) => name.endsWith(".jsonl"))
          .map((name) => readFile(join(dir, "segments", name), "utf8")),
      )
    ).join("");
    expect(lines).toMatch(/"kind":"clock","from":"20\d\d-[^"]*","to":"[^"]*","step_ms":-18\d{10},/);
  });
});
