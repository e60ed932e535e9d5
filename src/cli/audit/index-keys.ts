/** The index keys for a person search: those of the config that the user of the command can read. */
import type { Settings } from "../../settings/schema/schema.ts";
import { readableKeys } from "../../settings/unreadable-index-keys.ts";
import { CannotTell } from "./searcher.ts";

type IndexKeys = Settings["audit"]["index_key"];

/** Throws CannotTell if no key can be read. Warns about each key that cannot be read. */
export const keysToSearchWith = (given: IndexKeys): IndexKeys => {
  const { keys, why } = readableKeys(given);
  if (keys === undefined)
    throw new CannotTell(
      `cannot search by number or customer id: ${why.join("; ")}. Run this command as a user who can read the key`,
    );
  for (const each of why) console.error(`warning: tokens of this index key are not searched: ${each}`);
  return keys;
};
