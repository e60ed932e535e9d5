/**
 * A whole query, from the segments themselves and without the index: nothing that it may have left out is missing, and there is no limit. Rows
 * are written as they are read.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { periodOf } from "./coverage.ts";
import { judge, type Filter } from "./filter.ts";
import { futureWarning, type UnknownName } from "./filter/vocabulary.ts";
import type { Recorded } from "./entry.ts";
import { csvHead, csvRow } from "./export/csv.ts";
import { nodeDisk } from "./disk.ts";
import { damagedLine } from "./index.ts";
import { isAsWritten } from "./proof.ts";
import { readLines, type Line } from "./read.ts";
import { asidesWithin, AsideWatch, type AsideSpan } from "./search/asides.ts";
import { NameWatch } from "./search/names.ts";
import { firstsOf } from "./segment.ts";
import { storiesOf, type ToldStory } from "./stories.ts";
import { factsOf } from "./story.ts";

export type Query = {
  readonly dir: string;
  readonly filter: Filter;
  /** Entries below it. */
  readonly size: number;
  /** Names of the filter that the config does not have. */
  readonly names?: readonly UnknownName[] | undefined;
};

export type Exported = {
  readonly stories: number;
  readonly entries: number;
  /** Stories that the filter took, but for the record of this export. */
  readonly fitting: number;
  /** Names that neither the config nor any entry has. */
  readonly warnings: readonly string[];
  /** What could not be read, because it was set aside. */
  readonly set_aside: readonly AsideSpan[];
};

/** Every story that fits, oldest first. */
const exported = async function* (
  { dir, filter, size }: Query,
  watch: NameWatch,
  asides: AsideWatch,
): AsyncGenerator<ToldStory, void, undefined> {
  for await (const story of storiesOf(asWritten(dir, readLines(dir, { to: size })))) {
    const facts = factsOf(story);
    watch.see(facts);
    asides.see(story);
    if (judge(filter.expression, facts) === true) yield story;
  }
};

/** Throws LineDamaged at a line that is not as it was written. */
const asWritten = async function* (dir: string, lines: AsyncIterable<Line>): AsyncGenerator<Line, void, undefined> {
  const firsts = await firstsOf(nodeDisk, dir);
  for await (const line of lines) {
    const {
      text,
      entry: { index },
    } = line;
    const bytes = Buffer.from(text);
    const first = firsts.findLast((each) => each <= index) ?? 0;
    if (!(await isAsWritten({ disk: nodeDisk, dir }, first, { bytes, start: 0, end: bytes.length, index })))
      throw damagedLine(first, index);
    yield line;
  }
};

const FORMATS = {
  ndjson: { head: "", row: ({ lines }: ToldStory) => lines.map((line) => `${line}\n`).join("") },
  csv: { head: csvHead(), row: csvRow },
} as const;
export type PlainFormat = keyof typeof FORMATS;

/** Whole or not at all: written beside it and then given its name. `-` is standard output. */
export const exportTo = async (
  query: Query,
  { out, as }: { readonly out: string; readonly as: PlainFormat },
): Promise<Exported> => {
  if (out === "-") return write(process.stdout, query, as);
  const partial = `${out}.${randomUUID()}.partial`;
  const stream = fileStream(partial);
  try {
    const done = await write(stream, query, as);
    await finished(stream.end());
    await rename(partial, out);
    return done;
  } catch (error) {
    stream.destroy();
    await rm(partial, { force: true });
    throw error;
  }
};

/** What goes wrong may be told while nobody waits for it: `put` and `finished` tell it then. */
export const fileStream = (path: string): WriteStream =>
  createWriteStream(path, { flags: "wx", mode: 0o600 }).on("error", () => undefined);

type Sink = NodeJS.WritableStream & { readonly errored: Error | null };

const write = async (sink: Sink, query: Query, as: PlainFormat): Promise<Exported> => {
  const { head, row } = FORMATS[as];
  const watch = new NameWatch(query.names ?? []);
  const asides = new AsideWatch();
  const own = await ownRecord(query);
  let [stories, entries, fitting] = [0, 0, 0];
  await put(sink, head);
  for await (const story of exported(query, watch, asides)) {
    stories++;
    if (story.at !== own) fitting++;
    entries += story.entries.length;
    await put(sink, row(story));
  }
  return {
    stories,
    entries,
    fitting,
    warnings: [...futureWarning(query.filter), ...watch.warnings()],
    set_aside: asidesWithin(await asides.spans(query.dir, query.size), periodOf(query.filter)),
  };
};

/** Waits while the other side has enough. */
export const put = async (sink: Sink, text: string): Promise<void> => {
  if (sink.errored) throw sink.errored;
  if (text !== "" && !sink.write(text)) await once(sink, "drain");
};

/** So many entries before the checkpoint that covers it the record of an export may be. */
export const NEAR = 10_000;

/** Index of the entry that says that this export was made: the last one of its kind. */
export const ownRecord = async ({ dir, filter, size }: Query): Promise<number> => {
  let own = -1;
  for await (const { entry } of readLines(dir, { from: Math.max(0, size - NEAR), to: size })) {
    if (isRecordOf(entry, filter)) own = entry.index;
  }
  return own;
};

/** Whether the entry says that this filter was exported. */
export const isRecordOf = (entry: Recorded, { text }: Filter): boolean =>
  entry.kind === "access" && entry.operation === "export" && (entry.query ?? "") === text;
