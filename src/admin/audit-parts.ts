/** What the routes about the journal need: searches, and entries that record each access. */
import { faultOf, type AccessRequest } from "../journal/access.ts";
import { readFilter, unknownNames, type UnknownName, type Vocabulary } from "../journal/search/filter/vocabulary.ts";
import type { IndexKeys } from "../journal/redact.ts";
import { SearchFailed, InvalidQuestion } from "../journal/search/worker/search-worker.ts";
import type { Answer, Question } from "../journal/search/worker/messages.ts";
import type { Viewer } from "./viewer.ts";

export type AuditParts = {
  readonly ask: (question: Question) => Promise<Answer>;
  /** What the open Do-Not-Calls do not know of other gateways, in sentences; undefined without `shared`. */
  readonly elsewhere?: (() => readonly string[]) | undefined;
  /** The index keys in force. */
  readonly keys: () => IndexKeys;
  /** The words and names of the config in force; the names of these tenants only, by DBID. */
  readonly vocabulary: (tenants?: readonly number[]) => Vocabulary;
  /**
   * Resolves when the entry is on disk; with `sign`, when a checkpoint covers it. `size`: number of entries in the
   * journal, or covered by that checkpoint.
   */
  readonly record: (asked: AccessRequest, sign: boolean) => Promise<{ readonly size: number }>;
};

/** Resolves when the access is on disk. Throws InvalidQuestion for members that must not be journaled. */
export const note = async (
  record: AuditParts["record"],
  asked: AccessRequest,
  sign = false,
): Promise<{ readonly size: number }> => {
  const fault = faultOf(asked);
  if (fault !== undefined) throw new InvalidQuestion(fault);
  try {
    return await record(asked, sign);
  } catch {
    throw new SearchFailed("the journal cannot record this access, so no result is returned");
  }
};

/** The user to record. A token names nobody, so its holder may say who asks; a signed-in person may not. */
export const userOf = ({ name, via }: Viewer, claimed: string | undefined): string => {
  if (claimed === undefined || claimed === name) return name;
  if (via === "session") throw new InvalidQuestion("user: leave it out, the journal records who is signed in");
  return claimed;
};

/** Who makes an access, for its entry. Throws as `userOf` does. */
export const accessBy = (viewer: Viewer, claimed?: string): Pick<AccessRequest, "user" | "role" | "node"> => ({
  user: userOf(viewer, claimed),
  ...(viewer.via === "session" && { role: viewer.roles.join(", ") }),
  ...(viewer.node !== undefined && { node: viewer.node }),
});

/** The names in a filter that the config does not have. Throws FilterError for an invalid filter. */
export const namesIn = (filter: string, vocabulary: Vocabulary): readonly UnknownName[] =>
  unknownNames(readFilter(filter, vocabulary), vocabulary);
