/** Files of SQLite that belong to the gateway alone: their permissions, and what happens to a damaged one. */
import { chmodSync, closeSync, existsSync, openSync, renameSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { giveToOwnerNow, refuseLinkNow } from "../file-owner.ts";

class Damaged extends Error {}

/** Makes the file, or takes it from others, before SQLite opens it: its additional files get the same permissions. */
export const prepareDatabaseFile = (file: string): void => {
  refuseLinkNow(file);
  const isNew = !existsSync(file);
  closeSync(openSync(file, "a", 0o600));
  chmodSync(file, 0o600);
  if (isNew) giveToOwnerNow(file);
};

/**
 * Opens and checks the file with `openWhole`, which closes it again when it throws. A damaged file is moved aside and a
 * new one opened. Throws the error for a file that cannot be opened now (the disk is full, it is locked), and leaves
 * that file where it is.
 */
export const openOrMoveAside = <Opened extends object>(
  file: string,
  openWhole: (file: string) => Opened,
): Opened & { readonly movedAside: string | undefined } => {
  try {
    return { ...openWhole(file), movedAside: undefined };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const movedAside = `${file}.damaged-${Date.now()}`;
    renameSync(file, movedAside);
    for (const ending of ["-wal", "-shm"]) rmSync(file + ending, { force: true });
    return { ...openWhole(file), movedAside };
  }
};

/** Throws if the database is damaged. */
export const refuseDamaged = (db: DatabaseSync): void => {
  const { quick_check: result } = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
  if (result !== "ok") throw new Damaged(result);
};

/** SQLITE_CORRUPT, SQLITE_NOTADB and their extended codes. */
const isDamage = (error: unknown): boolean =>
  error instanceof Damaged || [11, 26].includes((error as { errcode?: number }).errcode! & 0xff);
