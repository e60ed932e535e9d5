/**
 * The revocations for `ocsgw revoke --list`: those in the journal, and those in the file that no gateway has read yet.
 */
import { existsSync } from "node:fs";
import { paths } from "../../journal/paths.ts";
import { revokedIn } from "../../journal/revocations/revoked-entries.ts";
import { endOf, type Revoked } from "../../journal/revocations/revoked-set.ts";
import { nameOf, readRevocations, revocationsFile } from "../../settings/files/revocations-file.ts";
import { openSearcher, type Searcher } from "../audit/searcher.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { faultInWords, reason } from "../../common/system-error.ts";

/** `doubts`: why further revocations may exist that could not be read. */
export type Listed = { readonly revocations: readonly Revoked[]; readonly doubts: readonly string[] };

const MOST_BYTES = 256 << 20;

/**
 * Revocations that have not expired at `now` (milliseconds since 1970). Never rejects: what cannot be read is a doubt.
 */
export const revocationsIn = async (auditDir: string, now: number = Date.now()): Promise<Listed> => {
  const doubts: string[] = [];
  const file = revocationsFile(auditDir);
  const text = await readSmallFile(file, MOST_BYTES).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") doubts.push(`further revocations may exist: ${file} cannot be read: ${reason(error)}`);
    return "";
  });
  const { last, fresh, damaged } = readRevocations(text);
  if (damaged.length > 0) doubts.push(`further revocations may exist: line ${damaged[0]} of ${file} is damaged`);
  const { all, isComplete } = await inJournal(auditDir, doubts);
  // A journal of format 1 may know less than the file.
  const added = isComplete ? fresh : [...last.values()];
  // As at a start: a reinstatement that is marked as journaled may be older than the journal's last revocation.
  const isFresh = new Set(fresh.map(nameOf));
  const found = new Map(all.map((each) => [nameOf(each), each]));
  for (const { kind, id, lifted, until } of added) {
    const before = found.get(nameOf({ kind, id }));
    if (lifted) {
      if (!isComplete && isFresh.has(nameOf({ kind, id }))) found.delete(nameOf({ kind, id }));
    } else if (!before || endOf(before) < endOf({ until })) found.set(nameOf({ kind, id }), { kind, id, until });
  }
  return { revocations: [...found.values()].filter((each) => endOf(each) > now), doubts };
};

const inJournal = async (
  auditDir: string,
  doubts: string[],
): Promise<{ readonly all: readonly Revoked[]; readonly isComplete: boolean }> => {
  if (!existsSync(paths(auditDir).segments)) return { all: [], isComplete: false };
  let searcher: Searcher | undefined;
  try {
    searcher = await openSearcher(auditDir, "revoke --list");
    const set = await revokedIn(searcher);
    return { all: set.all(), isComplete: set.isComplete };
  } catch (error) {
    doubts.push(`further revocations may exist: the journal in ${auditDir} cannot be read: ${faultInWords(error)}`);
    return { all: [], isComplete: false };
  } finally {
    await searcher?.close();
  }
};
