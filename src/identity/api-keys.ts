/** API keys. The gateway knows only their hashes, so that the keys file contains nothing usable. */
import { hash } from "node:crypto";
import { finish, type Steps } from "../common/steps.ts";
import type { AuthFailure, Denial } from "./auth-failure.ts";
import { CredentialSettingsError, type Identity, type KeyRecord } from "./types.ts";

export type KeyTable = {
  /** `user`: the client that Basic names; it must be the record's client. `source`: the peer's address. */
  readonly identify: (key: string, user: string | undefined, source: string) => Identity | Denial;
  /** True for a valid key that this source has used before. Costs one hash. */
  readonly wasAccepted: (key: string, source: string) => boolean;
  /** True for the key of a record, also of an expired or revoked one. */
  readonly isKey: (text: string) => boolean;
};

type Options = { readonly records: readonly KeyRecord[]; /** Milliseconds since 1970. */ readonly now: () => number };
type Entry = {
  readonly identity: Identity;
  readonly until: number;
  /** Why the key is refused from then on. */
  readonly ends: Extract<AuthFailure, "key-expired" | "key-revoked">;
  /** Addresses that have used the key; made at its first use, because most keys are never used. */
  usedFrom: Set<string> | undefined;
};

/** Printable ASCII without a blank: the same bytes in every header. */
const KEY = /^[\x21-\x7e]{1,512}$/;
const HASH = /^sha256:([0-9a-f]{64})$/i;
/** Maximum addresses remembered for one key. */
const MAX_SOURCES = 64;
/** A day, or a time with a zone; without a zone its meaning would depend on the machine. */
const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Throws CredentialSettingsError. A key is looked up by its SHA-256. The time of the look-up may depend on the digest,
 * but a caller cannot choose a digest without finding a key that has it, and a stored digest says nothing about its
 * key. So no comparison in constant time is needed.
 */
export const createKeyTable = (options: Options): KeyTable => finish(keyTableSteps(options));

export const keyTableSteps = function* ({ records, now }: Options): Steps<KeyTable> {
  const entries = yield* readRecords(records);
  return {
    identify: (key, user, source) => {
      if (!KEY.test(key))
        return { denied: "key-unknown", reason: "the credential does not have the format of an API key" };
      const entry = entries.get(hash("sha256", key, "hex"));
      if (!entry) return { denied: "key-unknown", reason: "the key is not in the keys file" };
      const {
        client,
        credential: { id },
      } = entry.identity;
      const named = `key ${id} of client ${client}`;
      if (now() >= entry.until) return { denied: entry.ends, reason: `${named} ${endOf(entry)}`, key: id };
      if (user !== undefined && user !== client)
        return { denied: "key-client", reason: `${named} was sent under the name of another client`, key: id };
      entry.usedFrom ??= new Set();
      if (!entry.usedFrom.has(source) && entry.usedFrom.size < MAX_SOURCES) entry.usedFrom.add(source);
      return entry.identity;
    },
    wasAccepted: (key, source) =>
      KEY.test(key) && entries.get(hash("sha256", key, "hex"))?.usedFrom?.has(source) === true,
    isKey: (text) => KEY.test(text) && entries.has(hash("sha256", text, "hex")),
  };
};

const endOf = ({ ends, until }: Entry): string => {
  const at = Number.isFinite(until) ? ` at ${new Date(until).toISOString()}` : "";
  return `${ends === "key-revoked" ? "was revoked" : "expired"}${at}`;
};

/** Entries of an earlier table, so that an unchanged record keeps the addresses that have used it. */
const entryOf = new WeakMap<KeyRecord, { readonly digest: string; readonly entry: Entry }>();

const readRecords = function* (records: readonly KeyRecord[]): Steps<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  const ids = new Set<string>();
  for (const record of records) {
    yield;
    const { id, client, hash: written, expires, revoked, tenants } = record;
    const known = entryOf.get(record);
    if (known && !ids.has(id) && !entries.has(known.digest)) {
      ids.add(id);
      entries.set(known.digest, known.entry);
      continue;
    }
    const fault = (problem: string): CredentialSettingsError => new CredentialSettingsError(`key "${id}": ${problem}`);
    const digest = HASH.exec(written)?.[1]?.toLowerCase();
    if (id === "" || client === "") throw fault("id or client is empty");
    if (digest === undefined) throw fault('hash is not "sha256:" and 64 hexadecimal digits');
    if (ids.has(id)) throw fault("duplicate id");
    if (entries.has(digest)) throw fault("another record has the same hash");
    const end = expires === undefined ? Infinity : timeOf(expires);
    if (end === undefined) throw fault("expires is not a date or a time with a time zone");
    // A malformed time revokes the key at once, because revoking it was intended.
    const revokedAt = revoked === undefined ? Infinity : (timeOf(revoked) ?? -Infinity);
    ids.add(id);
    const entry: Entry = {
      identity: { client, credential: { kind: "key", id }, ...(tenants && { tenants }) },
      until: Math.min(end, revokedAt),
      ends: revokedAt <= end ? "key-revoked" : "key-expired",
      usedFrom: undefined,
    };
    entryOf.set(record, { digest, entry });
    entries.set(digest, entry);
  }
  return entries;
};

const timeOf = (text: string): number | undefined => {
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
};
