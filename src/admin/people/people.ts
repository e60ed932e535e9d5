/** The console's users, and the check of their passwords. */
import { createHash, createHmac } from "node:crypto";
import { parseArgon2id, USUAL_COST, type Argon2Hash } from "../../common/argon2id.ts";
import type { Role } from "../viewer.ts";

export type Person = {
  readonly name: string;
  readonly roles: readonly Role[];
  /** DBIDs. */
  readonly tenants: readonly number[] | "all";
  /** An argon2id hash as a PHC string. */
  readonly hash: string;
  readonly disabled: boolean;
};

export type People = {
  /** By name, in any case. */
  readonly find: (name: string) => Person | undefined;
  /**
   * What an attempt to log in with this name is compared with. For an unknown name it costs as much as some user's, the
   * same for each attempt, and never fits.
   */
  readonly hashOf: (name: string) => Argon2Hash;
};

/** Throws for a hash that cannot be read. */
export const createPeople = (people: readonly Person[]): People => {
  const byName = new Map(people.map((person) => [person.name.toLowerCase(), { person, hash: parsed(person) }]));
  const nobody = nobodys([...byName.values()].map(({ person, hash }) => ({ text: person.hash, hash })));
  return {
    find: (name) => byName.get(name.toLowerCase())?.person,
    hashOf: (name) => byName.get(name.toLowerCase())?.hash ?? nobody(name.toLowerCase()),
  };
};

const parsed = ({ name, hash }: Person): Argon2Hash => {
  const read = parseArgon2id(hash);
  if (!read) throw new Error(`the password hash of ${name} is not an argon2id hash`);
  return read;
};

/**
 * A tag that no password has, at the cost of one of the hashes, so that the time tells no names: with hashes of several
 * costs, names that are no user's take several times too. Which one it is depends on the name and on the users' hashes,
 * which nobody outside knows and a restart does not change.
 */
const nobodys = (stored: readonly { readonly text: string; readonly hash: Argon2Hash }[]) => {
  const costs = stored.map(({ hash }) => hash);
  const key = createHash("sha256")
    .update(stored.map(({ text }) => text).join("\n"))
    .digest();
  return (name: string): Argon2Hash => {
    const at = createHmac("sha256", key).update(name).digest().readUInt32BE();
    const { memory, passes, lanes } = costs[at % costs.length] ?? USUAL_COST;
    return { memory, passes, lanes, salt: Buffer.alloc(16), tag: Buffer.alloc(32) };
  };
};
