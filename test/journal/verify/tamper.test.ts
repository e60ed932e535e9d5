import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signCheckpoint } from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { createTree, digestBytes, leafHash } from "../../../src/journal/integrity/merkle-tree.ts";
import { verifyJournal } from "../../../src/journal/verify/verify.ts";
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

const ROUNDS = 500;
const SIZE = 60;
const COVERED = 56;
const key = aKey();
const random = randomFrom(11);
let [original, other, older, dir, vkey] = ["", "", "", "", ""];

beforeAll(async () => {
  [original, other, older, dir] = [await aDirectory(), await aDirectory(), await aDirectory(), await aDirectory()];
  await aJournal(older, key, { size: 30, checkpointsAt: [20], segmentBytes: 5000 });
  await cp(older, original, { recursive: true });
  const { journal, checkpoints } = await openWithCheckpoints(original, key, { segmentBytes: 5000 });
  for (let number = 30; number < SIZE; number++) {
    await journal.append(anIntent(number));
    if (number + 1 === 40 || number + 1 === COVERED) await checkpoints.write();
  }
  await journal.close();
  vkey = checkpoints.verifierKey;
  await aJournal(other, aKey(), { size: SIZE, checkpointsAt: [COVERED], segmentBytes: 5000 });
});
afterAll(async () => {
  for (const each of [original, other, older, dir]) await removeDirectory(each);
});

/** A segment below the last checkpoint, with its lines, and one of those that are covered. */
const aPlace = async () => {
  const segments = (await segmentsOf(dir)).filter((name) => Number(name.slice(0, 12)) < COVERED);
  const segment = segments[random(segments.length)]!;
  const lines = await linesOf(dir, segment);
  return { segment, lines, at: random(Math.min(lines.length, COVERED - Number(segment.slice(0, 12)))) };
};

const WAYS: Readonly<Record<string, () => Promise<void>>> = {
  flip: async () => {
    const { segment, lines, at } = await aPlace();
    const start = Buffer.byteLength(
      lines
        .slice(0, at)
        .map((line) => `${line}\n`)
        .join(""),
    );
    const path = join(dir, "segments", segment);
    const bytes = await readFile(path);
    bytes[start + random(lines[at]!.length)]! ^= 1 << random(8);
    await writeFile(path, bytes);
  },
  delete: async () => {
    const { segment, lines, at } = await aPlace();
    await writeLines(dir, segment, lines.toSpliced(at, 1 + random(2)));
  },
  insert: async () => {
    const { segment, lines, at } = await aPlace();
    await writeLines(
      dir,
      segment,
      lines.toSpliced(at, 0, lines[random(lines.length)]!.replace("alpha-crm", "beta-crm")),
    );
  },
  swap: async () => {
    const { segment, lines } = await aPlace();
    const covered = Math.min(lines.length, COVERED - Number(segment.slice(0, 12)));
    const one = random(covered);
    const two = (one + 1 + random(Math.max(1, lines.length - 1))) % lines.length;
    if (one === two) return WAYS["flip"]!();
    await writeLines(dir, segment, lines.with(one, lines[two]!).with(two, lines[one]!));
  },
  truncate: async () => {
    const { segment, lines, at } = await aPlace();
    const start = Buffer.byteLength(
      lines
        .slice(0, at)
        .map((line) => `${line}\n`)
        .join(""),
    );
    await truncate(join(dir, "segments", segment), start + random(lines[at]!.length));
  },
  splice: async () => {
    const { segment, lines, at } = await aPlace();
    const theirs = (await linesOf(other, (await segmentsOf(other))[0]!))[random(5)]!;
    await writeLines(
      dir,
      segment,
      lines.with(at, theirs.replace(/^\{"index":\d+/, `{"index":${Number(segment.slice(0, 12)) + at}`)),
    );
  },
  "older copy": async () => {
    await rm(join(dir, "segments"), { recursive: true });
    await cp(join(older, "segments"), join(dir, "segments"), { recursive: true });
    // What the older copy has is all true; a part of it may be older still.
    if (random(2) === 0) await rm(join(dir, "segments", (await segmentsOf(dir)).at(-1)!));
  },
  "re-signed with another key": async () => {
    const { segment, lines, at } = await aPlace();
    await writeLines(dir, segment, lines.with(at, lines[at]!.replace("alpha-crm", "alpha-crn")));
    const tree = createTree();
    const thief = aKey();
    for (const name of await segmentsOf(dir)) {
      for (const line of await linesOf(dir, name)) {
        tree.append(leafHash(Buffer.from(line)));
        if (tree.size() === COVERED)
          await writeFile(
            join(dir, "checkpoints", String(COVERED).padStart(12, "0")),
            signCheckpoint({ origin: ORIGIN, size: COVERED, root: digestBytes(tree.root()) }, thief),
          );
      }
    }
  },
};

describe("any manipulation of a journal below its last checkpoint", () => {
  it(`is detected, ${ROUNDS} times of ${ROUNDS}`, async () => {
    const missed: string[] = [];
    const ways = Object.keys(WAYS);
    for (let round = 0; round < ROUNDS; round++) {
      const way = ways[round % ways.length]!;
      await rm(dir, { recursive: true });
      await cp(original, dir, { recursive: true });
      await WAYS[way]!();
      const { verdict, findings } = await verifyJournal(dir, { vkey });
      if (verdict !== "broken" || findings.length === 0) missed.push(`round ${round}: ${way}`);
    }
    expect(missed).toEqual([]);
  }, 120_000);
});
