/** What `ocsgw revoke --list` shows: what the journal revokes, and what the file adds that no gateway has taken. */
import { existsSync } from "node:fs";
import { places } from "../journal/places.ts";
import { revokedIn } from "../journal/revoked-entries.ts";
import { endOf, type Revoked } from "../journal/revoked.ts";
import { nameOf, readRevocations, revocationsFile } from "../settings/revocations-file.ts";
import { openSearcher, type Searcher } from "./audit/searcher.ts";
import { readSmallFile } from "../small-file.ts";
import { faultInWords, reason } from "../system-error.ts";

/** `doubts`: sentences about what may be revoked and could not be read. */
export type Listed = { readonly standing: readonly Revoked[]; readonly doubts: readonly string[] };

const MOST_BYTES = 256 << 20;

export const standingIn = async (auditDir: string, now: number = Date.now()): Promise<Listed> => {
  const doubts: string[] = [];
  const file = revocationsFile(auditDir);
  const text = await readSmallFile(file, MOST_BYTES).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT")
      doubts.push(`cannot tell what else is revoked: ${file} cannot be read: ${reason(error)}`);
    return "";
  });
  const { last, fresh, damaged } = readRevocations(text);
  if (damaged.length > 0) doubts.push(`cannot tell what else is revoked: line ${damaged[0]} of ${file} is damaged`);
  const { all, isComplete } = await inJournal(auditDir, doubts);
  // A journal of format 1 may know less than the file.
  const added = isComplete ? fresh : [...last.values()];
  const standing = new Map(all.map((each) => [nameOf(each), each]));
  for (const { kind, id, lifted, until } of added) {
    const before = standing.get(nameOf({ kind, id }));
    if (lifted) {
      if (!isComplete) standing.delete(nameOf({ kind, id }));
    } else if (!before || endOf(before) < endOf({ until })) standing.set(nameOf({ kind, id }), { kind, id, until });
  }
  return { standing: [...standing.values()].filter((each) => endOf(each) > now), doubts };
};

const inJournal = async (
  auditDir: string,
  doubts: string[],
): Promise<{ readonly all: readonly Revoked[]; readonly isComplete: boolean }> => {
  if (!existsSync(places(auditDir).segments)) return { all: [], isComplete: false };
  let searcher: Searcher | undefined;
  try {
    searcher = await openSearcher(auditDir, "revoke --list");
    const set = await revokedIn(searcher);
    return { all: set.all(), isComplete: set.isComplete };
  } catch (error) {
    doubts.push(`cannot tell what else is revoked: the journal in ${auditDir} cannot be read: ${faultInWords(error)}`);
    return { all: [], isComplete: false };
  } finally {
    await searcher?.close();
  }
};
