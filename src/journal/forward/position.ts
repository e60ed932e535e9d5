/** What a destination gets next, in a file beside the journal. */
import { join } from "node:path";
import { nodeDisk, readWhole, replaceWhole } from "../disk.ts";
import { paths } from "../paths.ts";
import type { Destination } from "./destination.ts";

const fileOf = (dir: string, name: string): string => join(paths(dir).forward, `${name}.json`);

/**
 * `next`: the index of the next entry. `lostTo`: the journal was replaced by an older copy that ends at `next`, and the
 * destination has entries up to this index of the lost one; it is not told yet.
 */
export type Position = { readonly next: number; readonly lostTo?: number | undefined };

/** The index of the next entry; undefined when there is none yet. Rejects as `readWholePosition`. */
export const readPosition = async (dir: string, name: string): Promise<number | undefined> =>
  (await readWholePosition(dir, name))?.next;

/** Undefined when there is none yet. Rejects when the file cannot be read, or is not a position. */
export const readWholePosition = async (dir: string, name: string): Promise<Position | undefined> => {
  const path = fileOf(dir, name);
  const text = await readWhole(nodeDisk, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (text === undefined) return undefined;
  const { next, lostTo } = parsed(text.toString()) ?? {};
  if (!isIndex(next)) throw new Error(`${path} does not have a position; delete it to begin as audit.forward says`);
  return { next, lostTo: isIndex(lostTo) && lostTo > next ? lostTo : undefined };
};

const isIndex = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

type Parsed = { readonly [Key in keyof Position]?: unknown };

const parsed = (text: string): Parsed | undefined => {
  try {
    return (JSON.parse(text) as Parsed | null) ?? undefined;
  } catch {
    return undefined;
  }
};

/** Resolves when the position is on disk. */
export const writePosition = async (dir: string, name: string, position: Position): Promise<void> => {
  await nodeDisk.makeDirectory(paths(dir).forward);
  await replaceWhole(nodeDisk, fileOf(dir, name), Buffer.from(`${JSON.stringify(position)}\n`));
};

/** `position`, in a journal of `size` entries: an older copy of the journal may be shorter. */
export const within = (position: Position, size: number): Position =>
  position.next > size ? { next: size, lostTo: position.lostTo ?? position.next } : position;

/**
 * Gives each destination without a position its first one, so that a crash before its first entry loses nothing, and
 * sets those back that are beyond the end: the entries that are written there now are others. `size`: entries on disk.
 */
export const keepFirstPositions = async (
  dir: string,
  destinations: readonly Pick<Destination, "name" | "from">[],
  size: number,
): Promise<void> => {
  for (const { name, from } of destinations) {
    const found = await readWholePosition(dir, name);
    const wanted = within(found ?? { next: from === "now" ? size : 0 }, size);
    if (wanted !== found) await writePosition(dir, name, wanted);
  }
};
