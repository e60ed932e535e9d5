/**
 * Exports a whole query from the segments, without the index and without a limit. Rows are written as they are read.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { periodOf } from "../search/person-coverage.ts";
import { evaluate, type Filter } from "../search/filter/filter.ts";
import { futureTimeWarning, type UnknownName } from "../search/filter/vocabulary.ts";
import type { Recorded } from "../entry.ts";
import { csvHead, csvRow } from "./csv.ts";
import { summaryEnd, summaryHead, summaryRow } from "./html-summary.ts";
import { nodeDisk } from "../disk.ts";
import { damagedLine } from "../search/index/search-index.ts";
import { isAsWritten } from "../integrity/entry-proof.ts";
import { readLines, type Line } from "../read/read-entries.ts";
import {
  deletedKindsWithin,
  describeDeletedKinds,
  describeSetAside,
  setAsideWithin,
  MissingEntriesScan,
  type SetAsideSpan,
} from "../search/missing-segments.ts";
import { UnknownNameCheck } from "../search/unknown-names.ts";
import { firstsOf } from "../segments/segment.ts";
import { groupEntries, type GroupedEntries } from "../search/group-entries.ts";
import { partFor, type Scope } from "../search/scope/part.ts";
import { fieldsOf } from "../search/transaction.ts";

export type Query = {
  readonly dir: string;
  readonly filter: Filter;
  /** Exports the entries below this index. */
  readonly size: number;
  /** Names of the filter that the config does not have. */
  readonly names?: readonly UnknownName[] | undefined;
  /** Only what people of this scope may see. */
  readonly scope?: Scope | undefined;
  /** Awaited for each thousand entries that were read, with the index of the next one. */
  readonly pace?: ((index: number) => Promise<void>) | undefined;
};

export type Exported = {
  readonly transactions: number;
  readonly entries: number;
  /** Matching transactions, without the record of this export. */
  readonly matching: number;
  /** Names that neither the config nor any entry has. */
  readonly warnings: readonly string[];
  /** Entries that could not be read, because they were set aside. */
  readonly set_aside: readonly SetAsideSpan[];
};

const NOTHING = { entries: [], fields: undefined };

/** All matches, oldest first. */
const exported = async function* (
  { dir, filter, size, scope, pace }: Query,
  watch: UnknownNameCheck,
  missing: MissingEntriesScan,
): AsyncGenerator<GroupedEntries, void, undefined> {
  for await (const transaction of groupEntries(asWritten(dir, paced(readLines(dir, { to: size }), pace)))) {
    missing.add(transaction);
    const { entries, fields } = scope
      ? (partFor(scope, transaction) ?? NOTHING)
      : { entries: transaction.entries, fields: fieldsOf(transaction) };
    if (!fields) continue;
    watch.add(fields);
    if (evaluate(filter.expression, fields) === true) yield { ...transaction, entries };
  }
};

/** Passes the lines on. Throws LineDamaged at a changed line. */
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

const PACE = 1000;

/** Passes the lines on, and lets `pace` slow them down. */
export const paced = async function* (
  lines: AsyncIterable<Line>,
  pace: Query["pace"],
): AsyncGenerator<Line, void, undefined> {
  let passed = 0;
  for await (const line of lines) {
    if (++passed % PACE === 0) await pace?.(line.entry.index + 1);
    yield line;
  }
};

export const PLAIN_FORMATS = ["ndjson", "csv", "html"] as const;
export type PlainFormat = (typeof PLAIN_FORMATS)[number];

/** A file of rows. `end`: what the scan found besides them, as sentences. */
type Form = {
  readonly head: string;
  readonly row: (transaction: GroupedEntries) => string;
  readonly end: (warnings: readonly string[]) => string;
};

/** `says`: sentences above the table of an HTML file. */
export type PlainOptions = {
  readonly out: string;
  readonly as: PlainFormat;
  readonly says?: readonly string[];
  /** Leaves out where the entries are in the journal, which says how many others there are. */
  readonly isPartial?: boolean;
};

const formOf = (query: Query, { as, says = [], isPartial = false }: PlainOptions): Form => {
  switch (as) {
    case "ndjson":
      return { head: "", row: ({ lines }) => lines.map((line) => `${line}\n`).join(""), end: () => "" };
    case "csv":
      return { head: csvHead(isPartial), row: (transaction) => csvRow(transaction, isPartial), end: () => "" };
    case "html":
      return {
        head: summaryHead("Journal entries", [`Filter: ${query.filter.text || "(everything)"}`, ...says], {
          isPartial,
        }),
        row: (transaction) => summaryRow(transaction, isPartial),
        end: (warnings) => summaryEnd(0, warnings),
      };
  }
};

/** Writes atomically, to a temporary file that is renamed. `-` is standard output. */
export const exportTo = async (query: Query, options: PlainOptions): Promise<Exported> => {
  const { out } = options;
  const form = formOf(query, options);
  if (out === "-") return write(process.stdout, query, form);
  const partial = `${out}.${randomUUID()}.partial`;
  const stream = fileStream(partial);
  try {
    const done = await write(stream, query, form);
    await finished(stream.end());
    await rename(partial, out);
    return done;
  } catch (error) {
    stream.destroy();
    await rm(partial, { force: true });
    throw error;
  }
};

/** Errors may occur while nothing awaits them; `writeText` and `finished` report them later. */
export const fileStream = (path: string): WriteStream =>
  createWriteStream(path, { flags: "wx", mode: 0o600 }).on("error", () => undefined);

type Sink = NodeJS.WritableStream & { readonly errored: Error | null };

const write = async (sink: Sink, query: Query, { head, row, end }: Form): Promise<Exported> => {
  const watch = new UnknownNameCheck(query.names ?? []);
  const missing = new MissingEntriesScan();
  const own = await ownRecord(query);
  let [transactions, entries, matching] = [0, 0, 0];
  await writeText(sink, head);
  for await (const transaction of exported(query, watch, missing)) {
    transactions++;
    if (transaction.at !== own) matching++;
    entries += transaction.entries.length;
    await writeText(sink, row(transaction));
  }
  const period = periodOf(query.filter);
  const { spans, deleted } = await missing.missing(query.dir, query.size);
  const kinds = describeDeletedKinds(deletedKindsWithin(deleted?.kinds, period));
  const setAside = setAsideWithin(spans, period);
  const warnings = [
    ...futureTimeWarning(query.filter),
    ...watch.warnings(),
    ...kinds.map(({ text }) => `Not covered: ${text}`),
  ];
  const says = query.scope ? describePeriod : describeSetAside;
  await writeText(sink, end([...warnings, ...setAside.map((each) => `Not covered: ${says(each)}`)]));
  return { transactions, entries, matching, warnings, set_aside: setAside };
};

/** Without the number of entries, which counts those of all tenants. */
const describePeriod = ({ oldest, youngest }: SetAsideSpan): string =>
  `entries from ${oldest ?? "the beginning"} to ${youngest ?? "now"} cannot be read`;

/** Waits while the stream's buffer is full. */
export const writeText = async (sink: Sink, text: string): Promise<void> => {
  if (sink.errored) throw sink.errored;
  if (text !== "" && !sink.write(text)) await once(sink, "drain");
};

/** The record of an export is at most this many entries before the checkpoint that covers it. */
export const RECORD_DISTANCE = 10_000;

/** Index of the entry that records this export: the last one for this filter. -1 if there is none. */
export const ownRecord = async ({ dir, filter, size }: Query): Promise<number> => {
  let own = -1;
  for await (const { entry } of readLines(dir, { from: Math.max(0, size - RECORD_DISTANCE), to: size })) {
    if (isRecordOf(entry, filter)) own = entry.index;
  }
  return own;
};

/** Whether the entry records an export with this filter. */
export const isRecordOf = (entry: Recorded, { text }: Filter): boolean =>
  entry.kind === "access" && entry.operation === "export" && (entry.query ?? "") === text;
