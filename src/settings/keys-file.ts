/** The keys file: one entry per key, hashes only. Changed by editing the YAML itself, so that comments stay. */
import { randomBytes } from "node:crypto";
import { open, realpath, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { isMap, isSeq, type Document, type YAMLMap } from "yaml";
import { z } from "zod";
import { repeats } from "./compare.ts";
import { endFindings, endMarker, hasEnd } from "./end-marker.ts";
import { findingsOf } from "./issues.ts";
import { readRows } from "./keys-rows.ts";
import type { Finding, Problem } from "./problem.ts";
import { problemsOf } from "./report.ts";
import { label } from "./units.ts";
import { readYaml, type Read } from "./yaml.ts";
import { readSmallFile } from "../small-file.ts";
import { reason } from "../system-error.ts";
import type { Owner } from "../file-owner.ts";

const TIME = "a time in UTC, as in 2026-11-22T12:00:00Z";
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
    .array(z.string().min(1))
    .min(1, { error: "expected at least one tenant" })
    .nullable()
    .prefault(null as never),
});
const fileSchema = z.strictObject({ version: z.literal(1), keys: z.array(keySchema), end: endMarker.optional() });

/** `hash` is `sha256:<hex>` of the whole key; times are milliseconds since 1970, null when there is none. */
export type KeyRecord = Readonly<
  Omit<z.output<typeof keySchema>, "tenants"> & {
    /** Names or DBIDs; null for all of the client's. */ tenants: readonly string[] | null;
  }
>;
/** `isEnded`: its last key is `end: true`. */
export type Keys =
  | { readonly ok: true; readonly keys: readonly KeyRecord[]; readonly isEnded: boolean }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const EMPTY = `# Keys of clients, as hashes: the keys themselves are nowhere. Written by ocsgw keys create and ocsgw keys revoke.\nversion: 1\nkeys: []\n`;

export const isLive = ({ expires, revoked }: KeyRecord, now: number): boolean =>
  revoked === null && (expires === null || expires > now);

const asItStands = (value: string): { ok: true; value: string } => ({ ok: true, value });

export const readKeys = (text: string, file: string): Keys => {
  const rows = readRows(text);
  return rows && twice(rows.keys).length === 0 ? { ok: true, ...rows } : check(readYaml(text, asItStands), file);
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
    ...(result.success ? twice(result.data.keys) : []),
  ]);
  return result.success && problems.length === 0
    ? { ok: true, keys: result.data.keys, isEnded: hasEnd(read.value) }
    : { ok: false, problems };
};

const twice = (keys: readonly KeyRecord[]): readonly Finding[] =>
  (["id", "hash"] as const).flatMap((name) =>
    repeats(
      keys.map((key, at) => ({ key, at })),
      ({ key }) => key[name],
    ).map(({ first, again }): Finding => ({
      code: "OCSGW-6251",
      path: ["keys", again.at, name],
      message: `two keys have the same ${name}`,
      also: { path: ["keys", first.at, name], message: "first here" },
    })),
  );

/** What could not be done to a keys file, in a sentence; `problems` when the file itself is not valid. */
export class KeysFileError extends Error {
  readonly problems: readonly Problem[];
  constructor(message: string, problems: readonly Problem[] = []) {
    super(message);
    this.problems = problems;
  }
}

const iso = (time: number): string => new Date(time).toISOString().replace(/\.\d{3}Z$/, "Z");

/** Makes the file when there is none; `service`: who must be able to read it. Rejects with KeysFileError. */
export const addKey = (
  file: string,
  { id, client, hash, created, expires, tenants }: Omit<KeyRecord, "revoked">,
  service?: Owner,
): Promise<void> =>
  edit(
    file,
    (document) => {
      const keys = document.get("keys");
      if (!isSeq(keys)) throw new KeysFileError(`${file} has no list of keys`);
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
    },
    service,
  );

/** Resolves to the record as it stood before. Rejects with KeysFileError when there is no such key. */
export const revokeKey = async (file: string, id: string, now: number = Date.now()): Promise<KeyRecord> => {
  let before: KeyRecord | undefined;
  await edit(file, (document, keys) => {
    const at = keys.findIndex((key) => key.id === id);
    before = keys[at];
    if (!before) throw new KeysFileError(`${file} has no key ${id}`);
    const entry = document.getIn(["keys", at]);
    if (before.revoked === null && isMap(entry)) entry.set("revoked", iso(now));
  });
  return before as unknown as KeyRecord;
};

/** Under a lock, and whole or not at all: written beside the file, flushed, then put in its place. */
const edit = async (
  file: string,
  change: (document: Document.Parsed, keys: readonly KeyRecord[]) => void,
  service?: Owner,
): Promise<void> => {
  const target = await realpath(file).catch(() => file);
  const lock = `${target}.lock`;
  const handle = await open(lock, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new KeysFileError(
      error.code === "EEXIST"
        ? `another command is changing ${file}; if none is, delete ${lock}`
        : `cannot write beside ${file}: ${reason(error)}`,
    );
  });
  try {
    const read = readYaml(await current(target), asItStands);
    const keys = check(read, file);
    if (!keys.ok) throw new KeysFileError(`${file} is not valid`, keys.problems);
    change(read.document, keys.keys);
    await replace(target, read.document.toString({ lineWidth: 0 }), service);
  } finally {
    await handle.close();
    await unlink(lock);
  }
};

const current = async (file: string): Promise<string> => {
  try {
    return await readSmallFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return EMPTY;
    throw new KeysFileError(`cannot read ${file}: ${reason(error)}`);
  }
};

/** Owner, group and mode as they were. `service`: who must be able to read a new one. */
const replace = async (file: string, text: string, service: Owner | undefined): Promise<void> => {
  const rights = await rightsFor(file, service);
  const beside = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    const handle = await open(beside, "wx", 0o600);
    try {
      await keepRights(handle, file, rights);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await unlink(beside).catch(() => undefined);
    throw error instanceof KeysFileError ? error : new KeysFileError(`cannot write ${file}: ${reason(error)}`);
  }
  await syncDirectory(dirname(file));
};

type Rights = Owner & { readonly mode: number };

/** A new one is its directory's owner's; root's are for the group of the directory, or else of the service, to read. */
const rightsFor = async (file: string, service: Owner | undefined): Promise<Rights> => {
  const found = await stat(file).catch(() => undefined);
  if (found) return { uid: found.uid, gid: found.gid, mode: found.mode & 0o7777 };
  const { uid, gid, mode } = await stat(dirname(file));
  if (process.geteuid?.() !== 0)
    return { uid: process.geteuid?.() ?? uid, gid: process.getegid?.() ?? gid, mode: 0o600 };
  if (uid !== 0) return { uid, gid, mode: 0o600 };
  if (gid !== 0 && (mode & 0o050) !== 0) return { uid, gid, mode: 0o640 };
  return service === undefined || service.uid === 0
    ? { uid, gid, mode: 0o600 }
    : { uid, gid: service.gid, mode: 0o640 };
};

/** In the place of another's file a file of ours would be one that its owner, or the service, may not be able to read. */
const keepRights = async (handle: FileHandle, file: string, { uid, gid, mode }: Rights): Promise<void> => {
  if (process.platform === "win32") return;
  const made = await handle.stat();
  if (made.uid !== uid || made.gid !== gid) {
    await handle.chown(uid, gid).catch((error: unknown) => {
      throw new KeysFileError(
        `${file} belongs to uid ${uid} and gid ${gid}, and would not after the change (${reason(error)}): run this as that user, or as root`,
      );
    });
  }
  await handle.chmod(mode);
};

/** The new name is durable only once its directory is. Windows cannot open one, and needs not. */
const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
};
