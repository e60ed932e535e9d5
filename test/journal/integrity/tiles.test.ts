import { generateKeyPairSync } from "node:crypto";
import { mkdir, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeDisk } from "../../../src/journal/disk.ts";
import { signCheckpoint } from "../../../src/journal/integrity/checkpoints/signed-note.ts";
import { paths } from "../../../src/journal/paths.ts";
import { extendTiles, LeavesMissing, Tiles } from "../../../src/journal/integrity/tiles.ts";
import {
  consistencyProof,
  digestBytes,
  inclusionProof,
  leafHash,
  rootOf,
  type Digest,
} from "../../../src/journal/integrity/merkle-tree.ts";
import { aQuickDirectory, ORIGIN, randomFrom, removeDirectory } from "../kit.ts";
import { TroubledDisk } from "../failing-disk.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const LEAVES = Array.from({ length: 70_000 }, (_, at) => leafHash(Buffer.from(`entry ${at}`)));
/** Where segments begin: not where tiles do. */
const FIRSTS = [0, 5, 261, 300, 1000, 40_000, 69_999];

let dir: string;
beforeEach(async () => {
  dir = await aQuickDirectory();
  const at = paths(dir);
  for (const path of [at.segments, at.checkpoints]) await mkdir(path, { recursive: true });
  for (const [place, first] of FIRSTS.entries())
    await writeFile(at.leaves(first), Buffer.concat(LEAVES.slice(first, FIRSTS[place + 1]).map(digestBytes)));
});
afterEach(() => removeDirectory(dir));

const sign = (size: number): Promise<void> =>
  writeFile(
    paths(dir).checkpoint(size),
    signCheckpoint({ origin: ORIGIN, size, root: digestBytes(rootOf(LEAVES, 0, size)) }, privateKey),
  );
const opened = async <Result>(size: number, work: (tiles: Tiles) => Promise<Result>): Promise<Result> => {
  const tiles = new Tiles(nodeDisk, dir, size);
  try {
    return await work(tiles);
  } finally {
    await tiles.close();
  }
};
const sizes = async (): Promise<number[]> =>
  Promise.all([1, 2, 3].map(async (level) => (await readFile(paths(dir).tiles(level))).length / 32));

describe("consistency proofs from tiles", () => {
  const random = randomFrom(7);
  const sizes = [1, 2, 3, 5, 255, 256, 257, 511, 1000, 5000];
  it.each(sizes)("for %i entries equal those that RFC 6962 defines", async (size) => {
    const olds = [
      0,
      1,
      size,
      size - 1,
      ...sizes.filter((each) => each < size),
      ...Array.from({ length: 6 }, () => random(size)),
    ];
    await opened(size, async (tiles) => {
      for (const old of olds)
        expect([old, await tiles.consistency(old)]).toEqual([old, consistencyProof(LEAVES.slice(0, size), old)]);
    });
  });

  it("are the same with nodes that were computed before, and read no file again for them", async () => {
    const made = new Map<string, Digest>();
    for (const size of [300, 1000, 5000, 70_000]) {
      const tiles = new Tiles(nodeDisk, dir, size, made);
      expect(await tiles.consistency(299)).toEqual(consistencyProof(LEAVES.slice(0, size), 299));
      expect(await tiles.root()).toBe(rootOf(LEAVES, 0, size));
      await tiles.close();
    }
    expect(made.size).toBeGreaterThan(250);
    const read: string[] = [];
    const again = new Tiles(
      {
        ...nodeDisk,
        open: (path, how) => {
          read.push(path);
          return nodeDisk.open(path, how);
        },
      },
      dir,
      65_536,
      made,
    );
    expect(await again.root()).toBe(rootOf(LEAVES, 0, 65_536));
    await again.close();
    expect(read.filter((path) => path.endsWith(".hashes"))).toEqual([]);
  });

  it.each([1, 65_536, 65_537, 69_999])("for 70,000 entries are correct from the first %i on", async (old) => {
    await opened(70_000, async (tiles) => expect(await tiles.consistency(old)).toEqual(consistencyProof(LEAVES, old)));
  });
});

describe("inclusion proofs from tiles", () => {
  const random = randomFrom(5);
  const CASES = [1, 2, 3, 255, 256, 257, 511, 512, 513, 1023, 4096, 65_535, 65_536, 65_537, 66_000, 69_999, 70_000];

  it.each([
    ["without tiles", 0],
    ["with tiles of some entries", 20_000],
    ["with tiles of all entries", 70_000],
  ])(
    "equal those of the whole tree, %s",
    async (_how, tiled) => {
      if (tiled > 0) {
        await sign(tiled);
        await extendTiles({ disk: nodeDisk, dir });
        expect(await sizes()).toEqual([Math.floor(tiled / 256), Math.floor(tiled / 65_536), 0]);
      }
      for (const size of CASES) {
        const own = LEAVES.slice(0, size);
        await opened(size, async (tiles) => {
          expect(await tiles.root(), `size ${size}`).toBe(rootOf(own));
          for (const index of new Set([0, size - 1, size >> 1, random(size)]))
            expect(await tiles.of(index), `${index} of ${size}`).toEqual(inclusionProof(own, index));
        });
      }
    },
    60_000,
  );

  it("read a few parts of the files and not all of them", async () => {
    await sign(70_000);
    await extendTiles({ disk: nodeDisk, dir });
    let read = 0;
    const counting = {
      ...nodeDisk,
      open: async (path: string, how: "read" | "create" | "durable") => {
        const file = await nodeDisk.open(path, how);
        return {
          ...file,
          read: async (into: Uint8Array, position: number) => {
            const got = await file.read(into, position);
            read += got;
            return got;
          },
        };
      },
    };
    const tiles = new Tiles(counting, dir, 70_000);
    await tiles.of(12_345);
    await tiles.close();
    expect(read).toBeLessThan(6 * 8192);
  });

  it("fail with the missing leaf hashes, and are never made without them", async () => {
    await truncate(paths(dir).leaves(300), 32 * 100);
    await opened(1000, async (tiles) => {
      await expect(tiles.root()).rejects.toThrow(LeavesMissing);
      await expect(tiles.of(700)).rejects.toThrow(/leaf hashes of the entries from \d+ on are missing/);
    });
  });
});

describe("tiles on disk", () => {
  it("grow with the checkpoints, never beyond the last one", async () => {
    await sign(600);
    await extendTiles({ disk: nodeDisk, dir });
    expect(await sizes()).toEqual([2, 0, 0]);
    await sign(70_000);
    await extendTiles({ disk: nodeDisk, dir });
    expect(await sizes()).toEqual([273, 1, 0]);
  });

  it.each<[string, () => Promise<void>]>([
    [
      "a node was changed",
      async () => writeFile(paths(dir).tiles(1), (await readFile(paths(dir).tiles(1))).fill(7, 64, 96)),
    ],
    ["an end is cut off", () => truncate(paths(dir).tiles(1), 33)],
    ["they are missing", () => rm(paths(dir).tilesDirectory, { recursive: true })],
  ])("are rebuilt if %s", async (_what, damage) => {
    await sign(60_000);
    await extendTiles({ disk: nodeDisk, dir });
    const whole = await readFile(paths(dir).tiles(1));
    await damage();
    await extendTiles({ disk: nodeDisk, dir });
    expect((await readFile(paths(dir).tiles(1))).equals(whole)).toBe(true);
  });

  it("are continued after any failed disk call", async () => {
    await sign(3000);
    for (let k = 0, failed = true; failed; k++) {
      await rm(paths(dir).tilesDirectory, { recursive: true, force: true });
      const trouble = new TroubledDisk();
      trouble.break({ code: "EIO", after: k, half: true });
      failed = await extendTiles({ disk: trouble.disk, dir }).then(
        () => false,
        () => true,
      );
      await extendTiles({ disk: nodeDisk, dir });
      expect(await sizes(), `k ${k}`).toEqual([11, 0, 0]);
    }
  });

  it("are refused if the leaf hashes do not lead to the signed root", async () => {
    await sign(70_000);
    const path = paths(dir).leaves(1000);
    await writeFile(path, (await readFile(path)).fill(7, 0, 32));
    await expect(extendTiles({ disk: nodeDisk, dir })).rejects.toThrow(
      "the leaf hashes of the first 70000 entries do not have the root that checkpoint 70000 signed",
    );
  });

  it("are not created if nothing was signed", async () => {
    await extendTiles({ disk: nodeDisk, dir });
    expect(await readdir(dir)).not.toContain("tiles");
    expect(join(dir, "tiles")).toBe(paths(dir).tilesDirectory);
  });
});
