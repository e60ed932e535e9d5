/** Pages of the checkpoints in the directory, newest first, with their signatures and where they were published. */
import type { X509Certificate } from "node:crypto";
import { readWhole, type Disk } from "../../disk.ts";
import { COSIGNED, numbersIn, paths, TIMESTAMP } from "../../paths.ts";
import { cosignaturesIn, readWitnessKeys } from "../../verify/bundle/cosignature.mjs";
import { imprintOf, readTimestamp, TimestampFault } from "../../verify/bundle/timestamp.mjs";
import { nameOfKey, readCheckpoint, signerOf } from "./signed-note.ts";

type Place = { readonly disk: Disk; readonly dir: string };

export type Cosigned = {
  readonly witness: string;
  /** RFC 3339; null if the witness states no time. */
  readonly time: string | null;
  /** The signature is valid. Null: this Node does not support its algorithm. */
  readonly valid: boolean | null;
};

export type CheckpointRow = {
  readonly size: number;
  /** RFC 3339, of the file. */
  readonly time: string;
  /** In hex. Null if the file is not a checkpoint of this size. */
  readonly root: string | null;
  /** Name and id of the key whose signature was found valid; null if none of the directory's keys signed it. */
  readonly key: string | null;
  readonly cosigned: readonly Cosigned[];
  /** `trusted`: its chain ends in the certificates of the config. Null if there is none, or it is not valid. */
  readonly timestamp: { readonly time: string; readonly signer: string; readonly trusted: boolean } | null;
  /** The sinks that have a checkpoint of this size and root. */
  readonly published: readonly string[];
};

export type CheckpointPage = {
  readonly checkpoints: readonly CheckpointRow[];
  /** The size before which the next page begins; undefined on the last page. */
  readonly next: number | undefined;
  /** How many there are. Those of old days are thinned out. */
  readonly total: number;
};

/** Signed notes by the sink that has them. */
export type PublishedNotes = readonly { readonly name: string; readonly notes: readonly string[] }[];

export type CheckpointQuery = {
  readonly before?: number | undefined;
  readonly limit: number;
  /** Verifier keys, one per line. */
  readonly witnesses: string;
  readonly authorities: readonly X509Certificate[];
  readonly published: PublishedNotes;
};

export const listCheckpoints = async (at: Place, query: CheckpointQuery): Promise<CheckpointPage> => {
  const { before = Number.POSITIVE_INFINITY, limit } = query;
  const names = await at.disk.list(paths(at.dir).checkpoints);
  const all = numbersIn(names, "");
  const earlier = all.filter((size) => size < before);
  const wanted = earlier.slice(-limit).toReversed();
  const keys = (await textOf(at, paths(at.dir).verifierKeys))?.split("\n").filter(Boolean) ?? [];
  const sinks = query.published.map(({ name, notes }) => ({ name, roots: rootsOf(notes, wanted) }));
  const checkpoints: CheckpointRow[] = [];
  for (const size of wanted) {
    // It may be pruned meanwhile.
    const row = await rowOf(at, { ...query, size, names, keys, sinks });
    if (row) checkpoints.push(row);
  }
  return { checkpoints, next: wanted.length < earlier.length ? wanted.at(-1) : undefined, total: all.length };
};

type Sink = { readonly name: string; readonly roots: ReadonlyMap<number, string> };

type One = CheckpointQuery & {
  readonly size: number;
  readonly names: readonly string[];
  readonly keys: readonly string[];
  readonly sinks: readonly Sink[];
};

const rowOf = async (at: Place, { size, names, keys, sinks, ...query }: One): Promise<CheckpointRow | undefined> => {
  const path = paths(at.dir).checkpoint(size);
  const note = await textOf(at, path);
  const modified = await at.disk.modified(path).catch(ifGone);
  if (note === undefined || modified === undefined) return undefined;
  const checkpoint = readCheckpoint(note);
  const root = checkpoint?.size === size ? Buffer.from(checkpoint.root).toString("hex") : null;
  const signer = nameOfKey(signerOf(note, keys) ?? "");
  return {
    size,
    time: new Date(modified).toISOString(),
    root,
    key: root !== null && signer ? `${signer.name}+${signer.id}` : null,
    cosigned: names.includes(fileName(size, COSIGNED)) ? await cosignedBy(at, size, { note, ...query }) : [],
    timestamp: names.includes(fileName(size, TIMESTAMP)) ? await timestampOf(at, size, { note, ...query }) : null,
    published: sinks.flatMap(({ name, roots }) => (root !== null && roots.get(size) === root ? [name] : [])),
  };
};

const DIGITS = 12;
const fileName = (size: number, ending: string): string => `${String(size).padStart(DIGITS, "0")}${ending}`;

/** By size, the roots in hex. Only notes of the wanted sizes are read whole: a sink has thousands. */
const rootsOf = (notes: readonly string[], sizes: readonly number[]): ReadonlyMap<number, string> => {
  const wanted = new Set(sizes.map(String));
  return new Map(
    notes
      .filter((note) => wanted.has(note.split("\n", 2)[1] ?? ""))
      .flatMap((note) => readCheckpoint(note) ?? [])
      .map(({ size, root }) => [size, Buffer.from(root).toString("hex")]),
  );
};

/** None if the file has the cosignatures of another note. */
const cosignedBy = async (
  at: Place,
  size: number,
  { note: own, witnesses }: Pick<CheckpointQuery, "witnesses"> & { readonly note: string },
): Promise<readonly Cosigned[]> => {
  const note = (await textOf(at, paths(at.dir).cosigned(size))) ?? "";
  if (!note.startsWith(own)) return [];
  return cosignaturesIn(note, readWitnessKeys(witnesses)).rows.map(({ name, id, verdict, time }) => ({
    witness: `${name}+${id}`,
    time: verdict === "valid" && time > 0 ? new Date(time * 1000).toISOString() : null,
    valid: verdict === "unchecked" ? null : verdict === "valid",
  }));
};

const timestampOf = async (
  { disk, dir }: Place,
  size: number,
  { note, authorities }: Pick<CheckpointQuery, "authorities"> & { readonly note: string },
): Promise<CheckpointRow["timestamp"]> => {
  const der = await readWhole(disk, paths(dir).timestamp(size)).catch(ifGone);
  if (!der) return null;
  const read = (trusted: readonly X509Certificate[] | undefined): CheckpointRow["timestamp"] => {
    const { time, signer, isTrusted } = readTimestamp(der, { imprint: imprintOf(note), authorities: trusted });
    return { time: new Date(time).toISOString(), signer, trusted: isTrusted };
  };
  try {
    return read(authorities.length === 0 ? undefined : authorities);
  } catch (error) {
    return error instanceof TimestampFault && error.kind === "untrusted" ? read(undefined) : null;
  }
};

const textOf = async ({ disk }: Place, path: string): Promise<string | undefined> =>
  (await readWhole(disk, path).catch(ifGone))?.toString();

const ifGone = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== "ENOENT") throw error;
  return undefined;
};
