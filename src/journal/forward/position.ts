/** The index of the next entry to forward to a destination, in a file beside the journal. */
import { join } from "node:path";
import { nodeDisk, readWhole, replaceWhole } from "../disk.ts";
import { paths } from "../paths.ts";
import type { Destination } from "./destination.ts";

const fileOf = (dir: string, name: string): string => join(paths(dir).forward, `${name}.json`);

/** Undefined when there is none yet. Rejects when the file cannot be read, or is not a position. */
export const readPosition = async (dir: string, name: string): Promise<number | undefined> => {
  const path = fileOf(dir, name);
  const text = await readWhole(nodeDisk, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (text === undefined) return undefined;
  const next: unknown = parsed(text.toString())?.next;
  if (typeof next !== "number" || !Number.isSafeInteger(next) || next < 0)
    throw new Error(`${path} does not have a position; delete it to begin as audit.forward says`);
  return next;
};

const parsed = (text: string): { readonly next?: unknown } | undefined => {
  try {
    return JSON.parse(text) as { readonly next?: unknown };
  } catch {
    return undefined;
  }
};

/** Resolves when the position is on disk. */
export const writePosition = async (dir: string, name: string, next: number): Promise<void> => {
  await nodeDisk.makeDirectory(paths(dir).forward);
  await replaceWhole(nodeDisk, fileOf(dir, name), Buffer.from(`${JSON.stringify({ next })}\n`));
};

/**
 * Gives each destination without a position its first one, so that a crash before its first entry loses nothing.
 * `size`: entries on disk.
 */
export const keepFirstPositions = async (
  dir: string,
  destinations: readonly Pick<Destination, "name" | "from">[],
  size: number,
): Promise<void> => {
  for (const { name, from } of destinations)
    if ((await readPosition(dir, name)) === undefined) await writePosition(dir, name, from === "now" ? size : 0);
};
