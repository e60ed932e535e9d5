/** Snapshots of configs beside the journal, one file for each hash, readable by their owner alone; the newest ones. */
import { lchown, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import { giveToOwner, makeFolders, refuseLinkNow } from "../../../common/file-owner.ts";
import { readSnapshot, type Snapshot } from "../../../settings/view/snapshot.ts";

const MOST_FILES = 100;
const MOST_BYTES = 64 << 20;
/** Of one snapshot, decompressed. */
const LARGEST = 256 << 20;
const NAME = /^([0-9a-f]{64})\.json\.zst$/;
const INTERRUPTED = /^[0-9a-f]{64}\.json\.zst\.new$/;

const fileOf = (dir: string, hash: string): string => join(dir, `${hash}.json.zst`);

/** Replaces an earlier one of the same hash. Rejects when it cannot be written. */
export const writeSnapshot = async (dir: string, snapshot: Snapshot): Promise<void> => {
  if (!/^[0-9a-f]{64}$/.test(snapshot.hash)) return;
  refuseLinkNow(dir);
  await makeFolders(dir);
  const bytes = await promisify(zstdCompress)(JSON.stringify(snapshot));
  const file = fileOf(dir, snapshot.hash);
  const beside = `${file}.new`;
  await rm(beside, { force: true });
  await writeFile(beside, bytes, { mode: 0o600, flag: "wx" });
  await giveToOwner(file, (uid, gid) => lchown(beside, uid, gid));
  await rename(beside, file);
  await prune(dir);
};

/** The hashes whose snapshots are at hand. */
export const snapshotsIn = async (dir: string): Promise<ReadonlySet<string>> =>
  new Set((await readdir(dir).catch(() => [])).flatMap((name) => NAME.exec(name)?.[1] ?? []));

/** Undefined if there is none, or none that can be read. */
export const snapshotAt = async (dir: string, hash: string): Promise<Snapshot | undefined> => {
  if (!/^[0-9a-f]{64}$/.test(hash)) return undefined;
  const bytes = await readFile(fileOf(dir, hash)).catch(() => undefined);
  const text = bytes && (await promisify(zstdDecompress)(bytes, { maxOutputLength: LARGEST }).catch(() => undefined));
  return text && readSnapshot(text.toString());
};

/** Removes the oldest ones beyond the limits, and what an interrupted writing left. */
const prune = async (dir: string): Promise<void> => {
  const names = await readdir(dir);
  await Promise.all(names.filter((name) => INTERRUPTED.test(name)).map((name) => rm(join(dir, name), { force: true })));
  const files = await Promise.all(
    names
      .filter((name) => NAME.test(name))
      .map(async (name) => {
        const { mtimeMs, size } = await stat(join(dir, name));
        return { name, mtimeMs, size };
      }),
  );
  let bytes = 0;
  for (const [at, { name, size }] of files.toSorted((one, other) => other.mtimeMs - one.mtimeMs).entries()) {
    bytes += size;
    if (at > 0 && (at >= MOST_FILES || bytes > MOST_BYTES)) await rm(join(dir, name), { force: true });
  }
};
