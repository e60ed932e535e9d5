/**
 * Which file systems may hold the journal. On a network file system a lock depends on a lease: after a lost connection
 * the server may give it to another machine while this process still believes that it holds it. Then two gateways would
 * write one journal.
 */
import { statfs } from "node:fs/promises";

/** statfs(2), `f_type`. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x73757245, "Coda"],
  [0x564c, "NCP"],
]);

/** Local file systems, and cluster file systems with their own locks. */
const REAL: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0xca451a4e, // bcachefs
  0x3153464a, // JFS
  0x52654973, // ReiserFS
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
  0x01161970, // GFS2
  0x7461636f, // OCFS2
  0x00c36400, // CephFS
]);

export type FileSystem = {
  /** The name of a network file system, on which locks are not reliable. */
  readonly network: string | undefined;
  /** A lock there excludes every process that sees the directory. */
  readonly isReal: boolean;
};

export const judgeFileSystem = (type: number): FileSystem => ({
  network: NETWORK.get(type >>> 0),
  isReal: REAL.has(type >>> 0),
});

/** On systems other than Linux the numbers have another meaning, and nothing is known. */
export const fileSystemOf = async (dir: string): Promise<FileSystem> =>
  process.platform === "linux" ? judgeFileSystem((await statfs(dir)).type) : { network: undefined, isReal: true };
