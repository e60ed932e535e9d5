/** API keys. Only their hashes are known here, so the table can be read by anyone and used by no one. */
import { hash } from "node:crypto";
import { finish, type Steps } from "../steps.ts";
import type { AuthFailure, Denial } from "./denial.ts";
import { CredentialFault, type Identity, type KeyRecord } from "./types.ts";

export type KeyTable = {
  /** `user` is who the caller says it is, where the carrier says so: it must be the record's client. */
  readonly identify: (key: string, user: string | undefined, source: string) => Identity | Denial;
  /** True for a key that was good before from this source: it costs one hash to say. */
  readonly knows: (key: string, source: string) => boolean;
  /** True for the key of a record, also of one that has ended: wherever it stands, it is a secret. */
  readonly has: (text: string) => boolean;
};

type Options = { readonly records: readonly KeyRecord[]; /** Milliseconds since 1970. */ readonly now: () => number };
type Entry = {
  readonly identity: Identity;
  readonly until: number;
  /** What it is from then on. */
  readonly ends: Extract<AuthFailure, "key-expired" | "key-revoked">;
  /** Made with its first use: most keys of many are never used. */
  usedFrom: Set<string> | undefined;
};

/** Printable ASCII without a blank, the same bytes in every carrier. */
const KEY = /^[\x21-\x7e]{1,512}$/;
const HASH = /^sha256:([0-9a-f]{64})$/i;
/** Addresses that are remembered of one key. */
const MAX_SOURCES = 64;
/** A day, or a moment with its zone: without one it would mean another moment on another machine. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Throws CredentialFault. A key is looked up by its SHA-256: known or not, it costs the same hash and the same probe. How long the probe
 * takes may depend on the digest, but a caller who wants to try digests must first find keys that have them, and what it would learn of a
 * stored digest says nothing about the key behind it. So nothing here needs to compare in constant time.
 */
export const createKeyTable = (options: Options): KeyTable => finish(keyTableSteps(options));

export const keyTableSteps = function* ({ records, now }: Options): Steps<KeyTable> {
  const entries = yield* readRecords(records);
  return {
    identify: (key, user, source) => {
      if (!KEY.test(key)) return { denied: "key-unknown", reason: "what was sent has not the form of a key" };
      const entry = entries.get(hash("sha256", key, "hex"));
      if (!entry) return { denied: "key-unknown", reason: "the key is not in the keys file" };
      const {
        client,
        credential: { id },
      } = entry.identity;
      const named = `key ${id} of client ${client}`;
      if (now() >= entry.until) return { denied: entry.ends, reason: `${named} ${endOf(entry)}`, key: id };
      if (user !== undefined && user !== client)
        return { denied: "key-client", reason: `${named} was sent under another client's name`, key: id };
      entry.usedFrom ??= new Set();
      if (!entry.usedFrom.has(source) && entry.usedFrom.size < MAX_SOURCES) entry.usedFrom.add(source);
      return entry.identity;
    },
    knows: (key, source) => KEY.test(key) && entries.get(hash("sha256", key, "hex"))?.usedFrom?.has(source) === true,
    has: (text) => KEY.test(text) && entries.has(hash("sha256", text, "hex")),
  };
};

/** One with an end that cannot be read has ended long ago. */
const endOf = ({ ends, until }: Entry): string =>
  `${ends === "key-revoked" ? "was revoked" : "expired"}${Number.isFinite(until) ? ` at ${new Date(until).toISOString()}` : ""}`;

/** Of a record that is in another table too: what was good once stays known. */
const made = new WeakMap<KeyRecord, { readonly digest: string; readonly entry: Entry }>();

const readRecords = function* (records: readonly KeyRecord[]): Steps<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  const ids = new Set<string>();
  for (const record of records) {
    yield;
    const { id, client, hash: written, expires, revoked, tenants } = record;
    const known = made.get(record);
    if (known && !ids.has(id) && !entries.has(known.digest)) {
      ids.add(id);
      entries.set(known.digest, known.entry);
      continue;
    }
    const fault = (problem: string): CredentialFault => new CredentialFault(`key "${id}": ${problem}`);
    const digest = HASH.exec(written)?.[1]?.toLowerCase();
    if (id === "" || client === "") throw fault("id or client is empty");
    if (digest === undefined) throw fault('hash is not "sha256:" and 64 hexadecimal digits');
    if (ids.has(id)) throw fault("the id stands twice");
    if (entries.has(digest)) throw fault("another record has the same hash");
    const end = expires === undefined ? Infinity : momentOf(expires);
    if (end === undefined) throw fault("expires is not a day or a moment with its time zone");
    // Whoever wrote anything there wanted the key gone.
    const gone = revoked === undefined ? Infinity : (momentOf(revoked) ?? -Infinity);
    ids.add(id);
    const entry: Entry = {
      identity: { client, credential: { kind: "key", id }, ...(tenants && { tenants }) },
      until: Math.min(end, gone),
      ends: gone <= end ? "key-revoked" : "key-expired",
      usedFrom: undefined,
    };
    made.set(record, { digest, entry });
    entries.set(digest, entry);
  }
  return entries;
};

const momentOf = (text: string): number | undefined => {
  const moment = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(moment) ? undefined : moment;
};
