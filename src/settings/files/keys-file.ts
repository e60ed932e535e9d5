/** The keys file: one entry per API key, with its hash. Changes edit the YAML document, so that comments stay. */
import { isMap, isSeq, type Document, type YAMLMap } from "yaml";
import { z } from "zod";
import { repeats } from "../rules/compare.ts";
import { editFile, FileEditError, verbatim, type EditedFormat } from "./edit-file.ts";
import { endFindings, endMarker, hasEnd } from "./end-marker.ts";
import { findingsOf } from "../schema/schema-problems.ts";
import { readRows, type KeyRecord } from "./keys-rows.ts";
import type { Finding, Problem } from "../problems/problem.ts";
import { problemsOf } from "../problems/locate.ts";
import { label, text } from "../schema/units.ts";
import { readYaml, type Read } from "../yaml.ts";
import type { Owner } from "../../common/file-owner.ts";

const TIME = "a time in UTC, for example 2026-11-22T12:00:00Z";
const time = z.iso.datetime({ error: `expected ${TIME}` }).transform((text) => Date.parse(text));
const HASH = "sha256: and 64 hexadecimal digits, as ocsgw keys create writes it";

const keySchema = z.strictObject({
  id: label,
  client: label,
  hash: z.string({ error: `expected ${HASH}` }).regex(/^sha256:[0-9a-f]{64}$/, { error: `expected ${HASH}` }),
  created: time,
  expires: time.nullable().prefault(null as never),
  revoked: time.nullable().prefault(null as never),
  tenants: z
    .array(text)
    .min(1, { error: "expected at least one name or DBID of a tenant; leave tenants out for all of the client's" })
    .nullable()
    .prefault(null as never),
});
const fileSchema = z.strictObject({ version: z.literal(1), keys: z.array(keySchema), end: endMarker.optional() });

/** `isEnded`: the file's last key is `end: true`. */
export type Keys =
  | { readonly ok: true; readonly keys: readonly KeyRecord[]; readonly isEnded: boolean }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const EMPTY =
  "# API keys of clients, as hashes; the keys themselves are not stored. Written by ocsgw keys create and ocsgw keys " +
  "revoke.\nversion: 1\nkeys: []\n";

export const isLive = ({ expires, revoked }: KeyRecord, now: number): boolean =>
  revoked === null && (expires === null || expires > now);

export const readKeys = (text: string, file: string): Keys => {
  const rows = readRows(text);
  return rows && duplicates(rows.keys).length === 0 ? { ok: true, ...rows } : check(readYaml(text, verbatim), file);
};

const check = (read: Read, file: string): Keys => {
  const result = fileSchema.safeParse(read.value);
  const keysAt = (path: readonly unknown[]): string[] =>
    Object.keys(path.length === 0 ? fileSchema.shape : keySchema.shape);
  const findings =
    read.broken.length > 0
      ? []
      : findingsOf(result.error?.issues ?? [], { value: read.value, keysAt, hidden: () => false });
  const problems = problemsOf(file, read, [
    ...read.findings,
    ...findings,
    ...endFindings(read.value),
    ...(result.success ? duplicates(result.data.keys) : []),
  ]);
  return result.success && problems.length === 0
    ? { ok: true, keys: result.data.keys, isEnded: hasEnd(read.value) }
    : { ok: false, problems };
};

const duplicates = (keys: readonly KeyRecord[]): readonly Finding[] =>
  (["id", "hash"] as const).flatMap((name) =>
    repeats(
      keys.map((key, at) => ({ key, at })),
      ({ key }) => key[name],
    ).map(({ first, again }): Finding => ({
      code: "OCSGW-6251",
      path: ["keys", again.at, name],
      message: `two keys have the same ${name}`,
      help: "delete one of the two entries",
      also: { path: ["keys", first.at, name], message: "first used here" },
    })),
  );

const FORMAT: EditedFormat<Extract<Keys, { ok: true }>> = { empty: EMPTY, read: (read, file) => check(read, file) };

const iso = (time: number): string => new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");

/** What a command adds: a key that is not revoked. */
type AddedKey = Omit<KeyRecord, "revoked">;

/** Adds a key; makes a missing file. `service`: the user who must be able to read it. Rejects with FileEditError. */
export const addKey = (file: string, key: AddedKey, service?: Owner): Promise<void> =>
  editFile(file, {
    format: FORMAT,
    change: (document) => {
      if (!enterKey(document, key)) throw new FileEditError(`${file} has no list named keys`);
    },
    service,
  });

/** The text of a new keys file. */
export const newKeysFile = (keys: readonly AddedKey[]): string => {
  const { document } = readYaml(EMPTY, verbatim);
  for (const key of keys) enterKey(document, key);
  return document.toString({ lineWidth: 0 });
};

/** False if the document has no list of keys. */
const enterKey = (document: Document, { id, client, hash, created, expires, tenants }: AddedKey): boolean => {
  const keys = document.get("keys");
  if (!isSeq(keys)) return false;
  keys.flow &&= keys.items.length > 0; // `keys: []` becomes a list with one line for each key
  const node = document.createNode({
    id,
    client,
    hash,
    created: iso(created),
    ...(expires !== null && { expires: iso(expires) }),
    ...(tenants !== null && { tenants }),
  }) as YAMLMap;
  node.flow = true;
  keys.add(node);
  return true;
};

/** Marks a key as revoked. Resolves to the record before the change. Rejects with FileEditError for an unknown key. */
export const revokeKey = async (file: string, id: string, now: number = Date.now()): Promise<KeyRecord> => {
  let before: KeyRecord | undefined;
  await editFile(file, {
    format: FORMAT,
    change: (document, { keys }) => {
      const at = keys.findIndex((key) => key.id === id);
      before = keys[at];
      if (!before) throw new FileEditError(`${file} has no key ${id}`);
      const entry = document.getIn(["keys", at]);
      if (before.revoked === null && isMap(entry)) entry.set("revoked", iso(now));
    },
  });
  return before as unknown as KeyRecord;
};
