/**
 * Has a bundle of one person's entries made of a journal, plain and then compressed, in a process of its own; tells how
 * long each took, how many bytes its lines have in each form, its hashes and its indexes.
 */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeBundle } from "../../../src/journal/export/bundle.ts";
import { compressSegments } from "../../../src/journal/segments/compress.ts";
import { nodeDisk } from "../../../src/journal/disk.ts";
import { parseFilter } from "../../../src/journal/search/filter/filter.ts";
import { numbersIn, paths } from "../../../src/journal/paths.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { extendTiles } from "../../../src/journal/integrity/tiles.ts";

/** Milliseconds, bytes. `packed`: the part of its size that a segment has once it is compressed. */
export type Bundled = {
  readonly plainMs: number;
  readonly compressedMs: number;
  readonly entries: number;
  readonly lines: number;
  readonly packed: number;
  readonly hashes: number;
  readonly index: number;
};

const ROUNDS = 5;
const [dir, filter] = [process.argv[2]!, parseFilter(process.argv[3]!)];
const size = numbersIn(await nodeDisk.list(paths(dir).checkpoints), "").at(-1)!;

const bundled = async (): Promise<{ readonly ms: number; readonly entries: number }> => {
  const times: number[] = [];
  let entries = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const out = join(dir, `bundle-${round}`);
    const before = performance.now();
    ({ entries } = await writeBundle(
      { dir, filter, size, by: "bench", purpose: undefined, version: "0", configHash: "0" },
      out,
    ));
    times.push(performance.now() - before);
    rmSync(out, { recursive: true });
  }
  return { ms: times.toSorted((one, other) => one - other)[ROUNDS >> 1]!, entries };
};

const bytesOf = (folder: string, ending = ""): number =>
  (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => name.endsWith(ending))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

const search = new JournalSearch(dir);
await search.refresh();
while (await search.maintain());
search.close();
await extendTiles({ disk: nodeDisk, dir });
const lines = bytesOf(paths(dir).segments, ".jsonl");
const plain = await bundled();
const done = await compressSegments({ journal: { dir, disk: nodeDisk }, after: Number.NEGATIVE_INFINITY });
const compressed = await bundled();
process.send!({
  plainMs: plain.ms,
  compressedMs: compressed.ms,
  entries: compressed.entries,
  lines,
  packed: done.after / done.before,
  hashes: bytesOf(paths(dir).segments, ".hashes") + bytesOf(paths(dir).tilesDirectory),
  index: bytesOf(paths(dir).indexes) + statSync(paths(dir).index).size,
} satisfies Bundled);
