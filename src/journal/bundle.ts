/**
 * An export that can be verified elsewhere: the entries of a query byte for byte, a proof of each up to a signed checkpoint, and a program without
 * dependencies that checks them. The index says where they lie and the tiles give their paths, and each line is held against the signed root before
 * anything is handed out; where that does not lead there, or much is asked for, all lines are read and the root is computed from them.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished, pipeline } from "node:stream/promises";
import { periodOf } from "./coverage.ts";
import { nodeDisk } from "./disk.ts";
import { judge, type Filter } from "./filter.ts";
import { coverageOf } from "./export/coverage.ts";
import { futureWarning, type UnknownName } from "./filter/vocabulary.ts";
import { storiesByIndex } from "./export/by-index.ts";
import { PROGRAMS, writeOutside, type Outside } from "./export/outside.ts";
import { Proofs, readLeaves } from "./export/proofs.ts";
import { NOTHING_FITS, readMe } from "./export/read-me.ts";
import { MOST_ROWS, summaryEnd, summaryHead, summaryRow } from "./export/summary.ts";
import { writeZip } from "./export/zip.ts";
import { fileStream, ownRecord, put, type Exported } from "./export.ts";
import type { Evidence } from "./lookup.ts";
import { readCheckpoint, type Checkpoint } from "./note.ts";
import { places } from "./places.ts";
import { readLines, type Line } from "./read.ts";
import { asidesWithin, AsideWatch, saysAside } from "./search/asides.ts";
import { NameWatch } from "./search/names.ts";
import { storiesOf, type ToldStory } from "./stories.ts";
import { factsOf } from "./story.ts";
import { LeavesMissing, Tiles } from "./tiles.ts";
import { digestBytes, digestOf, leafHash, verifyInclusion, type Digest } from "./tree.ts";

export type Bundling = {
  readonly dir: string;
  readonly filter: Filter;
  /** Of a checkpoint: what it covers. */
  readonly size: number;
  /** Names of the filter that the config does not have. */
  readonly names?: readonly UnknownName[] | undefined;
  readonly by: string;
  readonly purpose: string | undefined;
  readonly version: string;
  readonly configHash: string;
  /** Of a person who was looked for: what the bundle cannot cover. */
  readonly evidence?: Evidence | undefined;
  readonly caseFile?: CaseFile | undefined;
};

/** A person's case: further stories by the index at which they begin, and what stands in front of the table and in a file of its own. */
export type CaseFile = {
  readonly also: ReadonlySet<number>;
  readonly title: string;
  /** HTML. */
  readonly head: string;
  readonly json: unknown;
  readonly readMe: string;
};

/** The journal does not have the root that its checkpoint signed, so nothing can be proved. */
export class NotProvable extends Error {
  override readonly name = "NotProvable";
}

/** A zip when `out` ends so, else a directory; whole or not at all. Rejects when there is one already. */
export const writeBundle = async (bundling: Bundling, out: string): Promise<Exported> => {
  const work = await mkdtemp(join(dirname(out), ".ocsgw-bundle-"));
  try {
    const done = await fill(work, bundling);
    if (!out.endsWith(".zip")) {
      await mkdir(out, { mode: 0o700 });
      await rename(work, out);
    } else {
      const packed = join(work, "packed");
      await writeZip(packed, work, (await readdir(work)).toSorted());
      await writeFile(out, "", { flag: "wx", mode: 0o600 });
      await rename(packed, out);
    }
    return done;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

const fill = async (work: string, bundling: Bundling): Promise<Exported> => {
  const note = await readFile(places(bundling.dir).checkpoint(bundling.size), "utf8");
  const checkpoint = readCheckpoint(note)!;
  const done = (await fillByIndex(work, bundling, checkpoint)) ?? (await fillByLines(work, bundling, checkpoint));
  await writeFile(join(work, "checkpoints.txt"), note);
  const outside = await writeOutside(work, bundling.dir, checkpoint);
  await writeAbout(work, bundling, { ...done, origin: checkpoint.origin, outside });
  await copyFile(new URL("./verify/bundle.mjs", import.meta.url), join(work, "verify.mjs"));
  for (const program of PROGRAMS) await copyFile(new URL(`./verify/${program}`, import.meta.url), join(work, program));
  await writeManifest(work);
  return done;
};

/** `through`: how the entries were looked for. */
type Filled = Exported & { readonly through: "index" | "lines" };

/**
 * By the index and the tiles: in time that does not grow with the journal. Undefined where these do not lead to the signed root, or much fits; and for
 * what only all lines can tell: that nothing fits, and that no entry has a name.
 */
const fillByIndex = async (work: string, bundling: Bundling, { root }: Checkpoint): Promise<Filled | undefined> => {
  const { dir, filter, size, names = [], caseFile } = bundling;
  // A case also has requests that its filter does not name.
  if (names.length > 0 || caseFile) return undefined;
  const tiles = new Tiles(nodeDisk, dir, size);
  try {
    const signed = digestOf(root);
    if ((await tiles.root()) !== signed) return undefined;
    const { stories: found, own = -1 } = (await storiesByIndex({ dir, filter, size })) ?? {};
    const stories = found?.filter((story) => isBeside(story, own) || judge(filter.expression, factsOf(story)) === true);
    if (!stories || stories.every((story) => isBeside(story, own)) || !(await areProved(stories, tiles, signed)))
      return undefined;
    const { chosen, ...done } = await writeEvents(work, bundling, { stories, own });
    await writeProofs(work, tiles, chosen);
    return { ...done, through: "index" };
  } catch (error) {
    if (error instanceof LeavesMissing) return undefined;
    throw error;
  } finally {
    await tiles.close();
  }
};

/** Each of their lines leads to the root. */
const areProved = async (stories: readonly ToldStory[], tiles: Tiles, root: Digest): Promise<boolean> => {
  for (const { entries, lines } of stories) {
    for (const [place, { index }] of entries.entries()) {
      if (
        !verifyInclusion({
          index,
          size: tiles.size,
          leaf: leafHash(Buffer.from(lines[place]!)),
          root,
          proof: await tiles.of(index),
        })
      )
        return false;
    }
  }
  return true;
};

/** Through all lines: the root is computed from them. */
const fillByLines = async (work: string, bundling: Bundling, { root }: Checkpoint): Promise<Filled> => {
  const { dir, filter, size } = bundling;
  const proofs = new Proofs(dir);
  const own = await ownRecord({ dir, filter, size });
  const { chosen, ...done } = await writeEvents(work, bundling, {
    stories: storiesOf(hashed(dir, readLines(dir, { to: size }), proofs)),
    own,
  });
  if (proofs.size !== size || !digestBytes(proofs.root()).equals(root))
    throw new NotProvable(
      `the first ${size} entries do not have the root that checkpoint ${size} signed: ocsgw audit verify tells where`,
    );
  await writeProofs(work, proofs, chosen);
  return { ...done, through: "lines" };
};

/** The stories that fit, and besides them what says up to which numbers the Do-Not-Calls go: the record of this export, and of what was retired or set aside. */
const isBeside = (story: ToldStory, own: number): boolean =>
  story.at === own || story.entries[0]?.kind === "deleted" || story.entries[0]?.kind === "set-aside";

type Looked = { readonly stories: Iterable<ToldStory> | AsyncIterable<ToldStory>; readonly own: number };

const writeEvents = async (
  work: string,
  { dir, filter, size, names, evidence, caseFile }: Bundling,
  { stories: looked, own }: Looked,
): Promise<Exported & { readonly chosen: readonly number[] }> => {
  const events = fileStream(join(work, "events.ndjson"));
  const summary = fileStream(join(work, "summary.html"));
  const chosen: number[] = [];
  const watch = new NameWatch(names ?? []);
  const asides = new AsideWatch();
  let [stories, fitting] = [0, 0];
  const says = [
    `Filter: ${filter.text || "(everything)"}`,
    "To check that nothing was changed: README.txt",
    ...(evidence && !caseFile ? coverageOf(evidence) : []),
  ];
  await put(summary, summaryHead(caseFile?.title ?? "Journal entries", says, caseFile?.head));
  for await (const story of looked) {
    const facts = factsOf(story);
    watch.see(facts);
    asides.see(story);
    const fits = judge(filter.expression, facts) === true || caseFile?.also.has(story.at) === true;
    if (fits && story.at !== own) fitting++;
    if (!fits && !isBeside(story, own)) continue;
    for (const [place, { index }] of story.entries.entries()) {
      chosen.push(index);
      await put(events, `${story.lines[place]}\n`);
    }
    if (++stories <= MOST_ROWS) await put(summary, summaryRow(story));
  }
  const aside = asidesWithin(await asides.spans(dir, size), periodOf(filter));
  const warnings = [
    ...futureWarning(filter),
    ...watch.warnings(),
    ...(evidence ? [] : aside.map((each) => `not covered: ${saysAside(each)}`)),
  ];
  await put(
    summary,
    summaryEnd(Math.max(0, stories - MOST_ROWS), fitting === 0 ? [NOTHING_FITS, ...warnings] : warnings),
  );
  await Promise.all([events, summary].map((stream) => finished(stream.end())));
  return { stories, entries: chosen.length, fitting, warnings, set_aside: aside, chosen };
};

/** The lines as they pass, each a leaf. */
const hashed = async function* (
  dir: string,
  lines: AsyncIterable<Line>,
  proofs: Proofs,
): AsyncGenerator<Line, void, undefined> {
  for await (const line of lines) {
    if (proofs.size < line.entry.index) await addHashes(dir, proofs, line.entry.index);
    proofs.add(leafHash(Buffer.from(line.text)));
    yield line;
  }
};

const AT_ONCE = 65_536;

/** Of entries that were deleted when their time was over, or set aside, the leaf hashes are there. */
const addHashes = async (dir: string, proofs: Proofs, until: number): Promise<void> => {
  while (proofs.size < until) {
    const leaves = await readLeaves(dir, proofs.size, Math.min(AT_ONCE, until - proofs.size));
    if (leaves.length === 0) throw new NotProvable(`the leaf hashes of the entries from ${proofs.size} on are missing`);
    for (const leaf of leaves) proofs.add(leaf);
  }
};

const writeProofs = async (work: string, proofs: Pick<Tiles, "of">, chosen: readonly number[]): Promise<void> => {
  const lines = async function* (): AsyncGenerator<string> {
    for (const index of chosen)
      yield `${JSON.stringify({ index, path: (await proofs.of(index)).map((digest) => digestBytes(digest).toString("hex")) })}\n`;
  };
  await pipeline(lines, createWriteStream(join(work, "proofs.ndjson")));
};

const writeAbout = async (
  work: string,
  { dir, filter, size, by, purpose, version, configHash, evidence, caseFile }: Bundling,
  found: Filled & { readonly origin: string; readonly outside: Outside },
): Promise<void> => {
  const at = new Date().toISOString();
  const keys = (await readFile(places(dir).verifierKeys, "utf8")).split("\n").filter(Boolean);
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  await writeFile(
    join(work, "keys.json"),
    json({ keys, says: "Compare them with what the gateway's owner told you otherwise." }),
  );
  await writeFile(
    join(work, "query.json"),
    json({
      filter: filter.text,
      exported: at,
      by,
      purpose: purpose ?? null,
      gateway_version: version,
      config_hash: configHash,
      checkpoint: size,
      requests_and_events: found.stories,
      entries: found.entries,
      fitting: found.fitting,
      warnings: found.warnings,
      looked_through: found.through,
      outside: found.outside,
      ...(evidence && { evidence }),
    }),
  );
  if (caseFile) await writeFile(join(work, "case.json"), json(caseFile.json));
  await writeFile(
    join(work, "README.txt"),
    readMe({
      query: filter.text,
      at,
      by,
      purpose,
      size,
      ...found,
      coverage: evidence && coverageOf(evidence),
      more: caseFile?.readMe,
    }),
  );
};

const writeManifest = async (work: string): Promise<void> => {
  const lines = await Promise.all(
    (await readdir(work)).toSorted().map(async (name) => {
      const hash = createHash("sha256");
      await pipeline(createReadStream(join(work, name)), hash);
      return `${hash.digest("hex")}  ${name}\n`;
    }),
  );
  await writeFile(join(work, "manifest.sha256"), lines.join(""));
};
