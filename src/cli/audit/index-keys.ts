/** The keys with which a command looks for a person: those of the config that its user may read. */
import type { Settings } from "../../settings/schema.ts";
import { readableKeys } from "../../settings/withheld.ts";
import { CannotTell } from "./searcher.ts";

type IndexKeys = Settings["audit"]["index_key"];

/** Throws CannotTell where not one can be read. Tokens of one that cannot be are told as not searched. */
export const keysToSearchWith = (given: IndexKeys): IndexKeys => {
  const { keys, why } = readableKeys(given);
  if (keys === undefined)
    throw new CannotTell(
      `nobody can be looked for by number or customer id: ${why.join("; ")}. Run this as a user who may read the key`,
    );
  for (const each of why) console.error(`warning: tokens of this key are not searched: ${each}`);
  return keys;
};
