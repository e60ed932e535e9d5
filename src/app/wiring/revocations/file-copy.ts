/**
 * The revocations file as a copy of the journal's revocations: reads it, adds to it, and restores what it lost. Alarms
 * report a restored file and a reinstatement that somebody wrote to it.
 */
import { lstat } from "node:fs/promises";
import { events } from "../../../common/log/events.ts";
import type { Journal } from "../../../journal/journal.ts";
import { endOf, type Revoked } from "../../../journal/revocations/revoked-set.ts";
import {
  addToFile,
  compactFile,
  nameOf,
  readRevocations,
  setAside,
  type Added,
  type Decision,
  type RevocationsRead,
} from "../../../settings/files/revocations-file.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";
import { reason } from "../../../common/system-error.ts";
import { decisionOf, logUnavailable } from "./in-force.ts";

const MOST_BYTES = 256 << 20;
const MOST_NAMED = 10;
const RETRY_MS = 60_000;
const MANY_LINES = 4000;
/** A revocation has two lines. */
const LINES_PER_REVOCATION = 4;
/** A revocation is kept this long after its expiry; a clock that is wrong by less loses none. */
const FORGET_MS = 7 * 86_400_000;
/** How long the status warns of a file that was repaired. */
const REMEMBERED_MS = 24 * 3_600_000;
const RESTORED = "the revocations file had lost revocations and was restored from the journal";
const IGNORED = "the revocations file reinstates a credential that the journal revokes; it stays revoked";

export type FileRead = RevocationsRead & {
  /** Why the file is no complete copy of the journal; undefined when all of it can be read. */
  readonly fault: string | undefined;
  /** False when there is no file at the path. */
  readonly isThere: boolean;
};

export class RevocationsCopy {
  readonly #file: string;
  readonly #journal: Pick<Journal, "note">;
  readonly #now: () => number;
  #trouble: { readonly at: number; readonly says: string } | undefined;
  /** The file's stamp at the last reading; empty once the gateway has written to it. */
  #seen = "";
  /** When a failed repair is tried again. */
  #retryAt = Number.POSITIVE_INFINITY;

  /** `now`: milliseconds, monotonic. */
  constructor(file: string, journal: Pick<Journal, "note">, now: () => number) {
    this.#file = file;
    this.#journal = journal;
    this.#now = now;
  }

  troubles(): readonly string[] {
    return this.#trouble && this.#now() - this.#trouble.at < REMEMBERED_MS ? [this.#trouble.says] : [];
  }

  /** Whether the file has changed since it was last read, or a failed repair must be tried again. */
  async isDue(): Promise<boolean> {
    return this.#now() >= this.#retryAt || (await stampOf(this.#file)) !== this.#seen;
  }

  /** Never rejects. */
  async read(): Promise<FileRead> {
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.#seen = await stampOf(this.#file);
    return readFileAt(this.#file);
  }

  /** Resolves to whether the lines were written. */
  async add({ decisions = [], journalled = [] }: Partial<Added>): Promise<boolean> {
    this.#seen = "";
    try {
      await addToFile(this.#file, { decisions, journalled });
      return true;
    } catch (fault) {
      logUnavailable(fault);
      return false;
    }
  }

  /** Adds the revocations in force that the file lacks. If that fails, it is tried again after a minute. */
  async restore(found: FileRead, inForce: readonly Revoked[]): Promise<void> {
    try {
      const restored = await restoreFile(this.#file, found, inForce);
      if (restored === undefined) return;
      this.#seen = "";
      events.revocationsFileRestored({ detail: restored });
      this.#raise(RESTORED, restored);
    } catch (error) {
      logUnavailable(error);
      const says = `${this.#file} lost revocations and cannot be restored; the journal has what is revoked`;
      this.#trouble = { at: this.#now(), says };
      this.#retryAt = this.#now() + RETRY_MS;
    }
  }

  /** Removes the lines of former revocations if there are many: each change of the file means reading all lines. */
  async compact({ fault, fresh, lines }: FileRead, inForce: readonly Revoked[]): Promise<void> {
    const oldest = Date.now() - FORGET_MS;
    const remembered = inForce.filter((each) => endOf(each) > oldest);
    if (fault !== undefined || fresh.length > 0 || lines <= MANY_LINES + LINES_PER_REVOCATION * remembered.length)
      return;
    try {
      const decisions = remembered.map(decisionOf);
      if (await compactFile(this.#file, decisions)) this.#seen = "";
    } catch (error) {
      logUnavailable(error);
    }
  }

  /** Reports reinstatements in the file, which have no effect. */
  rejectReinstatements(lifts: readonly Decision[]): void {
    const detail = `${named(lifts)}; use ocsgw revoke -c FILE --reinstate, also while the gateway is stopped`;
    events.reinstatementRejected({ detail });
    this.#raise(IGNORED, detail);
  }

  #raise(reason: string, detail: string): void {
    this.#journal.note({ kind: "alarm", reason, detail });
    const says = `${reason} (${new Date().toISOString()}): find out who wrote to ${this.#file}`;
    this.#trouble = { at: this.#now(), says };
  }
}

/** Differs after every change of the file: device, inode, size and time. */
const stampOf = (file: string): Promise<string> =>
  lstat(file).then(
    ({ dev, ino, size, mtimeMs }) => `${dev} ${ino} ${size} ${mtimeMs}`,
    () => "none",
  );

const readFileAt = async (file: string): Promise<FileRead> => {
  const nothing = readRevocations("");
  try {
    const read = readRevocations(await readSmallFile(file, MOST_BYTES));
    const [line] = read.damaged;
    return { ...read, isThere: true, fault: line === undefined ? undefined : `line ${line} is damaged` };
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === "ENOENT";
    return {
      ...nothing,
      isThere: !isGone,
      fault: isGone ? "it is gone" : `it cannot be read: ${reason(error)}`,
    };
  }
};

/**
 * Adds the revocations of `inForce` that the file lacks. Sets a damaged file aside and writes a new one. Resolves to a
 * description of the fault; undefined when there was none. Rejects when the file cannot be written.
 */
const restoreFile = async (
  file: string,
  { last, fault, isThere }: FileRead,
  inForce: readonly Revoked[],
): Promise<string | undefined> => {
  const now = Date.now();
  const standing = inForce.filter((each) => endOf(each) > now);
  const missing = standing.filter((each) => {
    const copied = last.get(nameOf(each));
    return !copied || copied.lifted || endOf(copied) < endOf(each);
  });
  const isUsable = fault === undefined || !isThere;
  if (missing.length === 0 && isUsable) return undefined;
  const damagedFile = isUsable ? undefined : await setAside(file);
  const decisions = (isUsable ? missing : standing).map(decisionOf);
  await addToFile(file, { decisions, journalled: decisions });
  return [
    `${file}: ${fault ?? "lines are missing or were changed"}`,
    `${missing.length} of ${standing.length} were missing${missing.length > 0 ? `: ${named(missing)}` : ""}`,
    ...(damagedFile === undefined
      ? []
      : [`the damaged file is kept as ${damagedFile}: repeat every revocation in it that no gateway has applied`]),
  ].join("; ");
};

/** The first ten by name, and the number of the others. */
const named = (all: readonly Pick<Decision, "kind" | "id">[]): string => {
  const more = all.length - MOST_NAMED;
  return `${all.slice(0, MOST_NAMED).map(nameOf).join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
};
