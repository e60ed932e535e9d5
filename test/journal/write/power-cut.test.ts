/**
 * A power cut at any moment: what was flushed is there, of what was not any part may be. The disk below remembers every
 * call, and from it the directory is built as it may look after the cut: unflushed writes whole, in half, as zeros or
 * not at all, and in any order.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { createCheckpoints } from "../../../src/journal/integrity/checkpoints/checkpoint.ts";
import { compressSegments } from "../../../src/journal/segments/compress.ts";
import { nodeDisk, type Disk } from "../../../src/journal/disk.ts";
import { finishRemainders, leaveRemainders } from "../../../src/journal/segments/retention/remainder.ts";
import { readEntries } from "../../../src/journal/read/read-entries.ts";
import { writeStartEntries } from "../../../src/journal/write/start-entries.ts";
import { verifyJournal } from "../../../src/journal/verify/verify.ts";
import {
  ORIGIN,
  aQuickDirectory,
  aKey,
  anIntent,
  aRefusal,
  openWithCheckpoints,
  randomFrom,
  removeDirectory,
} from "../kit.ts";

type Content = { bytes: Buffer; readonly unflushed: { readonly position: number; readonly bytes: Buffer }[] };
/** What a directory holds: names as they are, and names that were synced. */
type Names = { now: Map<string, Content>; synced: Map<string, Content> };
type Moment = { readonly directories: Map<string, Names>; readonly acknowledged: readonly string[] };

const IMAGES = 200;

const apply = (content: Buffer, position: number, bytes: Uint8Array): Buffer => {
  const grown = Buffer.alloc(Math.max(content.length, position + bytes.length));
  content.copy(grown);
  grown.set(bytes, position);
  return grown;
};

/** Works as the disk does and keeps a copy of every state in `moments`. */
const remembering = (acknowledged: readonly string[]): { disk: Disk; moments: Moment[] } => {
  const directories = new Map<string, Names>();
  const moments: Moment[] = [];
  const namesOf = (path: string): Names =>
    directories.get(path) ?? directories.set(path, { now: new Map(), synced: new Map() }).get(path)!;
  const remember = (): void => {
    const copies = new Map<Content, Content>();
    const copy = (content: Content): Content =>
      copies.get(content) ??
      copies.set(content, { bytes: content.bytes, unflushed: [...content.unflushed] }).get(content)!;
    const copied = (names: Map<string, Content>): Map<string, Content> =>
      new Map([...names].map(([name, content]) => [name, copy(content)]));
    moments.push({
      directories: new Map(
        [...directories].map(([path, { now, synced }]) => [path, { now: copied(now), synced: copied(synced) }]),
      ),
      acknowledged: [...acknowledged],
    });
  };
  const disk: Disk = {
    ...nodeDisk,
    open: async (path, how) => {
      const file = await nodeDisk.open(path, how);
      if (how === "read") return file;
      const names = namesOf(dirname(path)).now;
      const content =
        names.get(basename(path)) ??
        names.set(basename(path), { bytes: Buffer.alloc(0), unflushed: [] }).get(basename(path))!;
      return {
        ...file,
        write: async (bytes, position) => {
          const taken = await file.write(bytes, position);
          const unflushed = { position, bytes: Buffer.from(bytes.subarray(0, taken)) };
          content.unflushed.push(unflushed);
          remember();
          if (how === "durable") {
            content.unflushed.splice(content.unflushed.indexOf(unflushed), 1);
            content.bytes = apply(content.bytes, position, unflushed.bytes);
            remember();
          }
          return taken;
        },
        flush: async () => {
          await file.flush();
          for (const { position, bytes } of content.unflushed.splice(0))
            content.bytes = apply(content.bytes, position, bytes);
          remember();
        },
      };
    },
    rename: async (from, to) => {
      await nodeDisk.rename(from, to);
      const { now } = namesOf(dirname(from));
      now.set(basename(to), now.get(basename(from))!);
      now.delete(basename(from));
      remember();
    },
    remove: async (path) => {
      await nodeDisk.remove(path);
      namesOf(dirname(path)).now.delete(basename(path));
      remember();
    },
    syncDirectory: async (path) => {
      await nodeDisk.syncDirectory(path);
      namesOf(path).synced = new Map(namesOf(path).now);
      remember();
    },
  };
  return { disk, moments };
};

/** One way in which the moment may look after the cut. */
const writeImage = async (
  dir: string,
  from: string,
  { directories }: Moment,
  random: (below: number) => number,
): Promise<void> => {
  for (const folder of ["segments", "checkpoints", "states"]) await mkdir(join(dir, folder), { recursive: true });
  for (const [path, { now, synced }] of directories) {
    for (const [name, content] of random(2) === 0 ? now : synced) {
      let { bytes } = content;
      for (const write of content.unflushed.toSorted(() => random(3) - 1)) {
        const fate = random(4);
        const half = write.bytes.subarray(0, random(write.bytes.length + 1));
        if (fate === 0) bytes = apply(bytes, write.position, write.bytes);
        if (fate === 1) bytes = apply(bytes, write.position, half);
        if (fate === 2)
          bytes = apply(
            bytes,
            write.position,
            Buffer.concat([Buffer.alloc(half.length), write.bytes.subarray(half.length)]),
          );
      }
      await writeFile(join(dir, path.slice(from.length), name), bytes);
    }
  }
};

let dir: string;
beforeEach(async () => {
  dir = await aQuickDirectory();
});
afterEach(() => removeDirectory(dir));

describe("after a power cut", () => {
  it("no acknowledged entry is lost, and no checkpoint contradicts the lines", async () => {
    const key = aKey();
    const acknowledged: string[] = [];
    const { disk, moments } = remembering(acknowledged);
    const journal = await openJournal({ dir: `${dir}/live`, durability: "flush", segmentBytes: 3000, disk });
    const checkpoints = await createCheckpoints(journal, { key, origin: ORIGIN, everyMs: 3_600_000 });
    for (let wave = 0; wave < 12; wave++) {
      await Promise.all(
        [0, 1, 2].map(async (number) => {
          const entry = anIntent(10 * wave + number);
          await journal.append(entry);
          acknowledged.push(entry.id);
        }),
      );
      if (wave % 4 === 3) await checkpoints.write();
    }
    await journal.close();
    expect(moments.length).toBeGreaterThan(40);

    const random = randomFrom(26);
    const begun: number[] = [];
    for (let image = 0; image < IMAGES; image++) {
      const moment = moments[random(moments.length)]!;
      const own = `${dir}/image-${image}`;
      await writeImage(own, `${dir}/live`, moment, random);
      const again = await openWithCheckpoints(own, key);
      begun.push(again.journal.openedFrom.at);
      const doubts = await writeStartEntries(again.journal, { version: "1" });
      await again.journal.append(anIntent(999));
      await again.close();
      const entries = await Array.fromAsync(readEntries(own));
      const intents = entries.filter((entry) => entry.kind === "intent");
      const ids = intents.map(({ id }) => id);
      expect(doubts, `image ${image}`).toBe(intents.length - 1);
      expect(
        intents.map(({ dnc }) => dnc),
        `image ${image}`,
      ).toEqual(intents.map((_, at) => at + 1));
      expect(
        entries.map(({ index }) => index),
        `image ${image}`,
      ).toEqual(entries.map((_, at) => at));
      expect(
        moment.acknowledged.filter((id) => !ids.includes(id)),
        `image ${image}`,
      ).toEqual([]);
      expect(await verifyJournal(own, { vkey: checkpoints.verifierKey }), `image ${image}`).toMatchObject({
        verdict: "ok",
        findings: [],
        uncovered: 0,
      });
    }
    expect(begun.filter((at) => at > 0).length).toBeGreaterThan(IMAGES / 10);
    expect(begun.filter((at) => at === 0).length).toBeGreaterThan(IMAGES / 10);
  }, 120_000);

  it("during a compression, every line is there and verifies, plain or compressed", async () => {
    const key = aKey();
    const acknowledged: string[] = [];
    const { disk, moments } = remembering(acknowledged);
    const { journal, checkpoints, close } = await openWithCheckpoints(`${dir}/live`, key, { segmentBytes: 3000, disk });
    for (let number = 0; number < 40; number++) await journal.append(anIntent(number));
    await checkpoints.write();
    const before = moments.length;
    await compressSegments({ journal, after: 0 });
    expect(moments.length - before).toBeGreaterThan(15);
    await close();

    const random = randomFrom(27);
    for (let image = 0; image < IMAGES; image++) {
      const own = `${dir}/image-${image}`;
      await writeImage(own, `${dir}/live`, moments[before + random(moments.length - before)]!, random);
      const again = await openWithCheckpoints(own, key);
      await again.journal.append(anIntent(999));
      await again.close();
      await compressSegments({ journal: again.journal, after: 0 });
      const entries = await Array.fromAsync(readEntries(own));
      expect(
        entries.map(({ index }) => index),
        `image ${image}`,
      ).toEqual(Array.from({ length: 41 }, (_, at) => at));
      expect(await verifyJournal(own, { vkey: checkpoints.verifierKey }), `image ${image}`).toMatchObject({
        verdict: "ok",
        findings: [],
        uncovered: 0,
      });
    }
  }, 120_000);

  it("during a deletion by kind, every other line is there and verifies, and the next run completes it", async () => {
    const key = aKey();
    const acknowledged: string[] = [];
    const { disk, moments } = remembering(acknowledged);
    const { journal, checkpoints, close } = await openWithCheckpoints(`${dir}/live`, key, { segmentBytes: 3000, disk });
    for (let number = 0; number < 20; number++) {
      await journal.append(anIntent(number));
      await journal.append(aRefusal(number));
    }
    await checkpoints.write();
    const before = moments.length;
    const keep = { default: 400 * 86_400_000, refusal: 1 };
    const later = (): number => Date.now() + 1000;
    const left = await leaveRemainders({ journal, checkpoints, keep, holds: [], now: later });
    expect([left!.segments, moments.length - before]).toEqual([3, expect.any(Number)]);
    await close();

    const random = randomFrom(28);
    let written = 0;
    for (let image = 0; image < IMAGES / 4; image++) {
      const own = `${dir}/image-${image}`;
      await writeImage(own, `${dir}/live`, moments[before + random(moments.length - before)]!, random);
      const again = await openWithCheckpoints(own, key);
      expect(await verifyJournal(own, { vkey: checkpoints.verifierKey }), `image ${image}`).toMatchObject({
        verdict: "ok",
        findings: [],
      });
      if (again.journal.lastDeleted()) written++;
      await finishRemainders({ ...again, keep, holds: [], now: later });
      await leaveRemainders({ ...again, keep, holds: [], now: later });
      await compressSegments({ journal: again.journal, after: 400 * 86_400_000 });
      await again.close();
      const entries = await Array.fromAsync(readEntries(own));
      const kept = entries.filter(({ kind }) => kind === "intent").length;
      const refused = entries.filter(({ kind }) => kind === "refusal").length;
      expect([kept, refused], `image ${image}`).toEqual([20, 20 - left!.entries]);
      expect(await verifyJournal(own, { vkey: checkpoints.verifierKey }), `image ${image}`).toMatchObject({
        verdict: "ok",
        findings: [],
        deletedByKind: left!.entries,
      });
    }
    expect(written).toBeGreaterThan(IMAGES / 40);
  }, 120_000);
});
