/** The revocations file as a copy of what the journal revokes: reading it, whole or not, and restoring it. */
import { lstat } from "node:fs/promises";
import { endOf, type Revoked } from "../journal/revoked.ts";
import {
  addToFile,
  nameOf,
  readRevocations,
  setAside,
  type Decision,
  type RevocationsRead,
} from "../settings/revocations-file.ts";
import { readSmallFile } from "../small-file.ts";
import { reason } from "../system-error.ts";

const MOST_BYTES = 256 << 20;
const MOST_NAMED = 10;

export type FileRead = RevocationsRead & {
  /** Why it is no copy of the journal any more; undefined when it can be read as a whole. */
  readonly fault: string | undefined;
  /** It is in the way of a new one. */
  readonly isThere: boolean;
};

/** Another one for every other content that a file had. */
export const stampOf = (file: string): Promise<string> =>
  lstat(file).then(
    ({ dev, ino, size, mtimeMs }) => `${dev} ${ino} ${size} ${mtimeMs}`,
    () => "none",
  );

export const readFileAt = async (file: string): Promise<FileRead> => {
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
 * Adds what the file lacks of `inForce`. A damaged file is set aside, and a new one is made. Resolves with what was
 * wrong, in words; undefined when nothing was. Rejects when the file cannot be written.
 */
export const restoreFile = async (
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
  const aside = isUsable ? undefined : await setAside(file);
  const decisions = (isUsable ? missing : standing).map((each) => ({ ...each, lifted: false }));
  await addToFile(file, { decisions, journalled: true });
  return [
    `${file}: ${fault ?? "lines are missing or were changed"}`,
    `${missing.length} of ${standing.length} were missing${missing.length > 0 ? `: ${named(missing)}` : ""}`,
    ...(aside === undefined
      ? []
      : [`the damaged file is kept as ${aside}: a revocation in it that no gateway had taken must be made again`]),
  ].join("; ");
};

/** Some of them by name, and how many more there are. */
export const named = (all: readonly Pick<Decision, "kind" | "id">[]): string => {
  const more = all.length - MOST_NAMED;
  return `${all.slice(0, MOST_NAMED).map(nameOf).join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
};
