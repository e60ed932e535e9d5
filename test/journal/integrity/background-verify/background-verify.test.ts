/**
 * Old entries are read again: what is as it was signed gets a mark, and each kind of damage is named while the reading
 * goes on.
 */
import { execFileSync } from "node:child_process";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compressSegments } from "../../../../src/journal/segments/compress.ts";
import { nodeDisk } from "../../../../src/journal/disk.ts";
import { readMark, removeMark, writeMark } from "../../../../src/journal/integrity/background-verify/verified-mark.ts";
import {
  verifyInBackground,
  type Verified,
} from "../../../../src/journal/integrity/background-verify/background-verify.ts";
import { verifyJournal } from "../../../../src/journal/verify/verify.ts";
import { ORIGIN, aJournal, aKey, anIntent, aQuickDirectory, openWithCheckpoints, removeDirectory } from "../../kit.ts";

const key = aKey();
const signer = { key, origin: ORIGIN };
let dir: string;
let vkey: string;
beforeEach(async () => {
  dir = await aQuickDirectory();
  vkey = await aJournal(dir, key, { size: 11, checkpointsAt: [2, 5, 8, 11], segmentBytes: 1000 });
});
afterEach(() => removeDirectory(dir));

const place = () => ({ disk: nodeDisk, dir });
const segment = (first: number, ending = "jsonl"): string =>
  join(dir, "segments", `${String(first).padStart(12, "0")}.${ending}`);

type Found = { readonly verified: readonly Verified[]; readonly damage: readonly string[]; readonly paces: number };

const read = async (options: Partial<Parameters<typeof verifyInBackground>[0]> = {}): Promise<Found> => {
  const found = { verified: [] as Verified[], damage: [] as string[], paces: 0 };
  await verifyInBackground({
    ...place(),
    until: 11,
    setAsideRanges: [],
    published: [],
    pace: () => Promise.resolve(void found.paces++),
    verified: (each) => found.verified.push(each),
    damaged: ({ text }) => found.damage.push(text),
    ...options,
  });
  return found;
};

const flip = async (path: string, at: number): Promise<void> => {
  const bytes = await readFile(path);
  bytes[at]! ^= 4;
  await writeFile(path, bytes);
};

describe("the background verification", () => {
  it("verifies up to each checkpoint, and pauses before each read", async () => {
    const { verified, damage, paces } = await read();
    expect(damage).toEqual([]);
    expect(verified.map(({ size, segment: at }) => [size, at])).toEqual([
      [2, 0],
      [5, 3],
      [8, 6],
      [11, 9],
    ]);
    expect(verified.at(-1)!.dnc).toEqual({ 101: 11 });
    expect(paces).toBeGreaterThanOrEqual(4);
  });

  it("continues where an earlier one ended, without the entries below", async () => {
    const [, from] = (await read()).verified;
    await flip(segment(0), 60);
    const { verified, damage } = await read({ from });
    expect(damage).toEqual([]);
    expect(verified.map(({ size }) => size)).toEqual([8, 11]);
    expect(verified.at(-1)).toEqual((await read({ from })).verified.at(-1));
  });

  const damages: readonly (readonly [
    what: string,
    damage: () => Promise<void>,
    found: readonly RegExp[],
    verified: readonly number[],
  ])[] = [
    [
      "a flipped bit in a line",
      () => flip(segment(3), 60),
      [/^line 1 of 000000000003\.jsonl differs from what checkpoint 5 signed$/],
      [2],
    ],
    [
      "a flipped bit in two segments",
      async () => {
        await flip(segment(0), 60);
        await flip(segment(6), 60);
      },
      [/^line 1 of 000000000000\.jsonl/, /^line 1 of 000000000006\.jsonl/],
      [],
    ],
    [
      "a flipped bit in a leaf hash",
      () => flip(segment(3, "hashes"), 33),
      [/^the leaf hashes beside 000000000003\.jsonl are wrong for line 2, which is as checkpoint 5 signed$/],
      [2],
    ],
    [
      "a flipped bit in a line and in its leaf hash",
      async () => {
        await flip(segment(3), 60);
        await flip(segment(3, "hashes"), 3);
      },
      [/^between index 2 and 4 an entry is not as checkpoint 5 signed it; later entries could not be verified/],
      [2],
    ],
    [
      "a removed line break",
      async () => {
        const text = await readFile(segment(3), "utf8");
        await writeFile(segment(3), text.replace("\n", " "));
      },
      [
        /^lines 1, 2 of 000000000003\.jsonl differ from what checkpoint 5 signed$/,
        /^000000000003\.jsonl ends before line 3, which checkpoint 8 covers$/,
      ],
      [2],
    ],
    [
      "a segment that was cut off",
      () => truncate(segment(3), 100),
      [/^000000000003\.jsonl ends before line 1, which checkpoint 5 covers$/],
      [2],
    ],
    [
      "an empty segment",
      () => truncate(segment(3), 0),
      [/^000000000003\.jsonl ends before line 1, which checkpoint 5 covers$/],
      [2],
    ],
    ["a missing segment", () => rm(segment(3)), [/^000000000003\.jsonl is missing, with the entries 3 to 5$/], [2]],
    [
      "a missing segment with its leaf hashes",
      async () => {
        await rm(segment(3));
        await rm(segment(3, "hashes"));
      },
      [/000000000006\.jsonl does not follow|line 4 and its leaf hash are missing/],
      [2],
    ],
    ["no damage if only leaf hashes are missing", () => rm(segment(3, "hashes")), [], [2, 5, 8, 11]],
  ];
  it.each(damages)("reports %s, and continues", async (_what, damage, found, verified) => {
    await damage();
    const seen = await read();
    expect(seen.damage).toHaveLength(found.length);
    for (const [at, text] of found.entries()) expect(seen.damage[at]).toMatch(text);
    expect(seen.verified.map(({ size }) => size)).toEqual(verified);
  });

  it("reads compressed segments too, and reports their damage", async () => {
    const { verified } = await read();
    await compressSegments({ journal: place(), after: 0 });
    const zst = segment(3, "jsonl.zst");
    const whole = await readFile(zst);
    expect(await read()).toMatchObject({ damage: [], verified });
    for (const at of [10, Math.floor(whole.length / 2), whole.length - 3]) {
      await writeFile(zst, whole);
      await flip(zst, at);
      const seen = await read();
      expect(seen.damage[0], `byte ${at}`).toMatch(/^000000000003\.jsonl cannot be read: /);
      expect(
        seen.verified.map(({ size }) => size),
        `byte ${at}`,
      ).toEqual([2]);
    }
    await truncate(zst, whole.length - 5);
    expect((await read()).damage[0]).toMatch(/^000000000003\.jsonl cannot be read: /);
  });

  it("compares the lines with published checkpoints", async () => {
    const other = { origin: ORIGIN, size: 4, root: new Uint8Array(32).fill(9) };
    expect((await read({ published: [other] })).damage).toEqual([
      expect.stringMatching(/^between index 2 and 3 an entry is not as checkpoint 4 signed it/),
    ]);
  });

  it("reports a flipped bit anywhere in a line", async () => {
    const whole = await readFile(segment(0));
    const length = whole.indexOf(10);
    for (let at = 0; at < length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << (at % 8);
      await writeFile(segment(0), flipped);
      expect((await read()).damage[0], `byte ${at}`).toMatch(/^line 1 of 000000000000\.jsonl/);
    }
  });
});

describe('a "verified to" mark', () => {
  const marked = async (): Promise<void> => {
    const [, , third] = (await read()).verified;
    await writeMark(place(), { ...third!, began: 1000, at: Date.parse("2026-11-22T12:00:00Z") }, signer);
  };

  it("is accepted only if this key signed it and it is complete", async () => {
    await marked();
    const path = join(dir, "verified");
    const mark = await readMark(place(), signer);
    expect(mark).toMatchObject({ size: 8, segment: 6, began: 1000, at: Date.parse("2026-11-22T12:00:00Z") });
    expect((await read({ from: mark })).verified.map(({ size }) => size)).toEqual([11]);
    expect(await readMark(place(), { ...signer, key: aKey() })).toBeUndefined();
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 7) {
      await writeFile(path, whole.subarray(0, at));
      expect(await readMark(place(), signer), `${at} bytes`).toBeUndefined();
    }
    await removeMark(place());
    await removeMark(place());
    expect(await readMark(place(), signer)).toBeUndefined();
  });

  it("lets a verification start after it, which the report says", async () => {
    await marked();
    await flip(segment(0), 60);
    const since = await verifyJournal(dir, { vkey, sinceMark: true });
    expect(since).toMatchObject({
      verdict: "ok",
      findings: [],
      covered: 11,
      entries: 11,
      dnc: { 101: 11 },
      since: { size: 8, at: "2026-11-22T12:00:00.000Z" },
    });
    expect(since.notProved[0]).toMatch(
      /^that the first 8 entries are still as the gateway found them at 2026-11-22T12:00:00.000Z/,
    );
    expect(await verifyJournal(dir, { vkey })).toMatchObject({ verdict: "broken", since: null });
  });

  it("hides no damage after it", async () => {
    await marked();
    await flip(segment(9), 60);
    expect(await verifyJournal(dir, { vkey, sinceMark: true })).toMatchObject({
      verdict: "broken",
      findings: [{ kind: "changed", index: 9 }],
    });
  });

  const useless: readonly (readonly [what: string, spoil: () => Promise<unknown>, missing: RegExp])[] = [
    ["is not there", () => removeMark(place()), /there is no mark yet/],
    [
      "is a FIFO",
      async () => {
        await removeMark(place());
        execFileSync("mkfifo", [join(dir, "verified")]);
      },
      /the mark cannot be read: .*verified is not a regular file/,
    ],
    [
      "is signed by another key",
      async () =>
        writeMark(place(), { ...(await read()).verified[2]!, began: 0, at: 0 }, { key: aKey(), origin: ORIGIN }),
      /not signed by a known key/,
    ],
    [
      "has no checkpoint",
      async () => rm(join(dir, "checkpoints", "000000000008")),
      /no signed checkpoint of 8 entries has the mark's root/,
    ],
    [
      "has another root",
      async () => writeMark(place(), { ...(await read()).verified[2]!, root: "x".repeat(32), began: 0, at: 0 }, signer),
      /its root does not match its hashes/,
    ],
    ["has no segment any more", () => rm(segment(6)), /the entries after the mark no longer exist/],
  ];
  it.each(useless)('that %s makes the verification answer "cannot tell"', async (_what, spoil, missing) => {
    await marked();
    await spoil();
    expect(await verifyJournal(dir, { vkey, sinceMark: true })).toMatchObject({
      verdict: "cannot-tell",
      covered: 0,
      missing: [expect.stringMatching(missing)],
    });
  });

  it("stays valid while the journal grows", async () => {
    await marked();
    const { journal, close } = await openWithCheckpoints(dir, key, { segmentBytes: 1000 });
    for (let number = 20; number < 30; number++) await journal.append(anIntent(number));
    await close();
    expect(await verifyJournal(dir, { vkey, sinceMark: true })).toMatchObject({
      verdict: "ok",
      entries: 21,
      covered: 21,
      findings: [],
    });
  });
});
