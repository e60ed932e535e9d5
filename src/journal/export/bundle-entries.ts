/**
 * Chooses the entries of a bundle and writes them, byte for byte, with a proof of each up to a signed checkpoint. Index
 * and tiles give places and proofs, and each line is verified against the signed root. If that fails, or if there are
 * many matches, all lines are read and the root is computed from them.
 */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { finished, pipeline } from "node:stream/promises";
import { periodOf } from "../search/person-coverage.ts";
import { nodeDisk } from "../disk.ts";
import { evaluate, type Filter } from "../search/filter/filter.ts";
import { coverageLines } from "./coverage-text.ts";
import { futureTimeWarning, type UnknownName } from "../search/filter/vocabulary.ts";
import { transactionsByIndex } from "./by-index.ts";
import { InclusionProofs, readLeaves } from "./inclusion-proofs.ts";
import { NOTHING_FITS } from "./read-me.ts";
import { MOST_ROWS, summaryEnd, summaryHead, summaryRow } from "./html-summary.ts";
import { fileStream, ownRecord, paced, writeText, type Exported, type Query } from "./export.ts";
import { ZipTooLarge } from "./zip.ts";
import type { Evidence } from "../search/person-search.ts";
import type { Checkpoint } from "../integrity/checkpoints/signed-note.ts";
import { readLines, type Line } from "../read/read-entries.ts";
import {
  deletedKindsWithin,
  describeDeletedKinds,
  describeSetAside,
  setAsideWithin,
  MissingEntriesScan,
} from "../search/missing-segments.ts";
import { UnknownNameCheck } from "../search/unknown-names.ts";
import { groupEntries, type GroupedEntries } from "../search/group-entries.ts";
import { fieldsOf } from "../search/transaction.ts";
import { LeavesMissing, Tiles } from "../integrity/tiles.ts";
import { digestBytes, digestOf, leafHash, verifyInclusion, type Digest } from "../integrity/merkle-tree.ts";

export type BundleQuery = {
  readonly dir: string;
  readonly filter: Filter;
  /** Size of the checkpoint: the entries that it covers. */
  readonly size: number;
  /** Names in the filter that the config does not have. */
  readonly names?: readonly UnknownName[] | undefined;
  /** What a person search covers, for a bundle about a person. */
  readonly evidence?: Evidence | undefined;
  readonly caseFile?: CaseFile | undefined;
  /** Bytes. ZipTooLarge is thrown as soon as the entries and their proofs have more. */
  readonly most?: number | undefined;
  /** Awaited for each thousand entries that were read, with the index of the next one. */
  readonly pace?: Query["pace"];
};

/** A person's case: further transactions by their index, HTML before the table, and further files. */
export type CaseFile = {
  readonly transactions: ReadonlySet<number>;
  readonly title: string;
  /** HTML. */
  readonly summaryHtml: string;
  readonly json: unknown;
  readonly readMe: string;
};

/** The journal does not match its checkpoint, so nothing can be proved. */
export class NotProvable extends Error {
  override readonly name = "NotProvable";
}

/** `through`: how the entries were found. */
export type FilledBundle = Exported & { readonly through: "index" | "lines" };

/** Writes events.ndjson, proofs.ndjson and summary.html into the directory `work`. Throws NotProvable. */
export const writeEntries = async (work: string, query: BundleQuery, checkpoint: Checkpoint): Promise<FilledBundle> =>
  (await fillByIndex(work, query, checkpoint)) ?? (await fillByLines(work, query, checkpoint));

/**
 * Uses the index and the tiles, in time that does not grow with the journal. Undefined if they do not lead to the
 * signed root, if there are many matches, or if it takes all lines to show that nothing matches, or that no entry has a
 * name.
 */
const fillByIndex = async (
  work: string,
  query: BundleQuery,
  { root }: Checkpoint,
): Promise<FilledBundle | undefined> => {
  const { dir, filter, size, names = [], caseFile } = query;
  // A case also has requests that do not match its filter.
  if (names.length > 0 || caseFile) return undefined;
  const tiles = new Tiles(nodeDisk, dir, size);
  try {
    const signed = digestOf(root);
    if ((await tiles.root()) !== signed) return undefined;
    const { transactions: found, own = -1 } = (await transactionsByIndex({ dir, filter, size })) ?? {};
    const transactions = found?.filter(
      (transaction) => isSupporting(transaction, own) || evaluate(filter.expression, fieldsOf(transaction)) === true,
    );
    if (
      !transactions ||
      transactions.every((transaction) => isSupporting(transaction, own)) ||
      !(await areProved(transactions, tiles, signed))
    )
      return undefined;
    const { chosen, ...done } = await writeEvents(work, query, { transactions, own });
    await writeProofs(work, tiles, chosen);
    return { ...done, through: "index" };
  } catch (error) {
    if (error instanceof LeavesMissing) return undefined;
    throw error;
  } finally {
    await tiles.close();
  }
};

/** Whether each line leads to the root. */
const areProved = async (transactions: readonly GroupedEntries[], tiles: Tiles, root: Digest): Promise<boolean> => {
  for (const { entries, lines } of transactions) {
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

/** Reads all lines and computes the root from them. */
const fillByLines = async (work: string, query: BundleQuery, { root }: Checkpoint): Promise<FilledBundle> => {
  const { dir, filter, size, pace } = query;
  const proofs = new InclusionProofs(dir);
  const own = await ownRecord({ dir, filter, size });
  const { chosen, ...done } = await writeEvents(work, query, {
    transactions: groupEntries(hashed(dir, paced(readLines(dir, { to: size }), pace), proofs)),
    own,
  });
  if (proofs.size !== size || !digestBytes(proofs.root()).equals(root))
    throw new NotProvable(
      `the first ${size} entries do not have the root that checkpoint ${size} signed. To see where: ocsgw audit ` +
        "verify -c FILE",
    );
  await writeProofs(work, proofs, chosen);
  return { ...done, through: "lines" };
};

/**
 * Whether the transaction supports the claim up to which number the Do-Not-Calls are complete: the record of this
 * export, or an entry about deleted or set-aside entries.
 */
const isSupporting = (transaction: GroupedEntries, own: number): boolean =>
  transaction.at === own || transaction.entries[0]?.kind === "deleted" || transaction.entries[0]?.kind === "set-aside";

/** A hash of a path in proofs.ndjson: 64 digits, quotes and a comma. */
const HASH_BYTES = 67;

type SelectedTransactions = {
  readonly transactions: Iterable<GroupedEntries> | AsyncIterable<GroupedEntries>;
  readonly own: number;
};

const writeEvents = async (
  work: string,
  { dir, filter, size, names, evidence, caseFile, most = Infinity }: BundleQuery,
  { transactions: looked, own }: SelectedTransactions,
): Promise<Exported & { readonly chosen: readonly number[] }> => {
  const proofBytes = Math.ceil(Math.log2(Math.max(2, size))) * HASH_BYTES;
  let bytes = 0;
  const events = fileStream(join(work, "events.ndjson"));
  const summary = fileStream(join(work, "summary.html"));
  const chosen: number[] = [];
  const watch = new UnknownNameCheck(names ?? []);
  const missing = new MissingEntriesScan();
  let [transactions, matching] = [0, 0];
  const says = [
    `Filter: ${filter.text || "(everything)"}`,
    "To check that nothing was changed: README.txt",
    ...(evidence && !caseFile ? coverageLines(evidence) : []),
  ];
  await writeText(summary, summaryHead(caseFile?.title ?? "Journal entries", says, { html: caseFile?.summaryHtml }));
  for await (const transaction of looked) {
    const fields = fieldsOf(transaction);
    watch.add(fields);
    missing.add(transaction);
    const fits = evaluate(filter.expression, fields) === true || caseFile?.transactions.has(transaction.at) === true;
    if (fits && transaction.at !== own) matching++;
    if (!fits && !isSupporting(transaction, own)) continue;
    for (const [place, { index }] of transaction.entries.entries()) {
      chosen.push(index);
      const line = `${transaction.lines[place]}\n`;
      if ((bytes += Buffer.byteLength(line) + proofBytes) > most) {
        for (const stream of [events, summary]) stream.destroy();
        throw new ZipTooLarge();
      }
      await writeText(events, line);
    }
    if (++transactions <= MOST_ROWS) await writeText(summary, summaryRow(transaction));
  }
  const { spans, deleted } = await missing.missing(dir, size);
  const aside = setAsideWithin(spans, periodOf(filter));
  const notCovered = [
    ...describeDeletedKinds(deletedKindsWithin(deleted?.kinds, periodOf(filter))).map(({ text }) => text),
    ...aside.map(describeSetAside),
  ];
  const warnings = [
    ...futureTimeWarning(filter),
    ...watch.warnings(),
    ...(evidence ? [] : notCovered.map((each) => `Not covered: ${each}`)),
  ];
  await writeText(
    summary,
    summaryEnd(Math.max(0, transactions - MOST_ROWS), matching === 0 ? [NOTHING_FITS, ...warnings] : warnings),
  );
  await Promise.all([events, summary].map((stream) => finished(stream.end())));
  return { transactions, entries: chosen.length, matching, warnings, set_aside: aside, chosen };
};

/** Passes the lines on and adds each as a leaf. */
const hashed = async function* (
  dir: string,
  lines: AsyncIterable<Line>,
  proofs: InclusionProofs,
): AsyncGenerator<Line, void, undefined> {
  for await (const line of lines) {
    if (proofs.size < line.entry.index) await addHashes(dir, proofs, line.entry.index);
    proofs.add(leafHash(Buffer.from(line.text)));
    yield line;
  }
};

const AT_ONCE = 65_536;

/** Deleted and set aside entries still have their leaf hashes. */
const addHashes = async (dir: string, proofs: InclusionProofs, until: number): Promise<void> => {
  while (proofs.size < until) {
    const leaves = await readLeaves(dir, proofs.size, Math.min(AT_ONCE, until - proofs.size));
    if (leaves.length === 0) throw new NotProvable(`the leaf hashes of the entries from ${proofs.size} on are missing`);
    for (const leaf of leaves) proofs.add(leaf);
  }
};

const writeProofs = async (work: string, proofs: Pick<Tiles, "of">, chosen: readonly number[]): Promise<void> => {
  const lines = async function* (): AsyncGenerator<string> {
    for (const index of chosen) {
      const path = (await proofs.of(index)).map((digest) => digestBytes(digest).toString("hex"));
      yield `${JSON.stringify({ index, path })}\n`;
    }
  };
  await pipeline(lines, createWriteStream(join(work, "proofs.ndjson")));
};
