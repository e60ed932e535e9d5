/**
 * Reads a signed journal as its auditors do, in a process of its own. `prepare`: its segments get their indexes, and
 * are compressed. `read`: first pages, a person, open Do-Not-Calls and a bundle, each several times, and how much
 * memory that took.
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
import { median } from "../statistics.ts";

/** Bytes on disk; milliseconds. */
export type Prepared = {
  readonly indexMs: number;
  readonly lines: number;
  readonly hashes: number;
  readonly index: number;
};
/** Milliseconds of each; resident memory in bytes, of the searches and then of the bundle as well. */
export type Read = {
  readonly pages: readonly number[];
  readonly person: number;
  readonly open: number;
  readonly bundle: number;
  readonly entries: number;
  readonly searchRss: number;
  readonly rss: number;
};

const ROUNDS = 5;
const [what, dir, person, filters] = [
  process.argv[2]!,
  process.argv[3]!,
  process.argv[4]!,
  JSON.parse(process.argv[5]!) as string[],
];

const bytesOf = (folder: string, ending = ""): number =>
  readdirSync(folder, { withFileTypes: true }).reduce(
    (sum, each) =>
      sum +
      (each.isDirectory()
        ? bytesOf(join(folder, each.name), ending)
        : each.name.endsWith(ending)
          ? statSync(join(folder, each.name)).size
          : 0),
    0,
  );

const prepare = async (): Promise<Prepared> => {
  const start = performance.now();
  const search = new JournalSearch(dir);
  await search.refresh();
  while (await search.maintain());
  const indexMs = performance.now() - start;
  await search.openDncSnapshot(0);
  search.close();
  await extendTiles({ disk: nodeDisk, dir });
  await compressSegments({ journal: { dir, disk: nodeDisk }, after: Number.NEGATIVE_INFINITY });
  const { segments, indexes, index, tilesDirectory } = paths(dir);
  return {
    indexMs,
    lines: bytesOf(segments, ".zst"),
    hashes: bytesOf(segments, ".hashes") + bytesOf(tilesDirectory),
    index: (existsSync(indexes) ? bytesOf(indexes) : 0) + statSync(index).size,
  };
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = performance.now();
    await work();
    times.push(performance.now() - before);
  }
  return median(times);
};

const rss = (): number => process.resourceUsage().maxRSS * 1024;

const read = async (): Promise<Read> => {
  const search = new JournalSearch(dir);
  await search.refresh();
  const pages: number[] = [];
  for (const filter of filters) pages.push(await timed(() => search.page(parseFilter(filter), { limit: 50 })));
  const look = async (): Promise<void> => {
    await search.page(parseFilter(person), { limit: 50 });
    await search.epochs();
    for (const uncovered of ["missing:phone action:DoNotCall resource:records", "missing:phone -action:DoNotCall"])
      await search.count(parseFilter(uncovered));
  };
  const personMs = await timed(look);
  const open = await timed(() => search.openDncSnapshot(100));
  const searchRss = rss();
  search.close();
  const size = numbersIn(await nodeDisk.list(paths(dir).checkpoints), "").at(-1)!;
  let entries = 0;
  const bundle = await timed(async () => {
    const out = join(dir, "bundle");
    ({ entries } = await writeBundle(
      { dir, filter: parseFilter(person), size, by: "bench", purpose: undefined, version: "0", configHash: "0" },
      out,
    ));
    rmSync(out, { recursive: true });
  });
  return { pages, person: personMs, open, bundle, entries, searchRss, rss: rss() };
};

process.send!(what === "prepare" ? await prepare() : await read());
