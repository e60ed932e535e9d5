/**
 * Signs checkpoints of the journal, at intervals and at stop; verifications compare the lines with them. The journal is
 * opened only if its tree matches every checkpoint, and it only grows, so no signed root contradicts an earlier one.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { link, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { Anchor } from "./anchor.ts";
import type { Journal } from "../../journal.ts";
import { nodeDisk, readWhole, replaceWhole } from "../../disk.ts";
import { readCheckpoint, requireKeyName, signCheckpoint, verifierKey, type Checkpoint } from "./signed-note.ts";
import { privateKeyPem } from "../../../common/x509/pem.ts";
import { numbersIn, paths } from "../../paths.ts";
import { writeState } from "../../states.ts";
import { digestBytes } from "../merkle-tree.ts";
import { inShell } from "../../../common/shell-word.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";
import { giveToOwner, makeFolders } from "../../../common/file-owner.ts";
import { SerialQueue } from "../../../common/serial-queue.ts";

export type CheckpointOptions = {
  /** Ed25519, private. */
  readonly key: KeyObject;
  /** The name of the log and of its key. */
  readonly origin: string;
  readonly everyMs: number;
  /** Called if a checkpoint could not be written. The next interval tries again. */
  readonly onFailure?: (error: unknown) => void;
  /** Called if the start state beside a checkpoint could not be written; the next start then reads more lines. */
  readonly onStateFailure?: (error: unknown) => void;
  /** Called with each signed note when it is on disk. */
  readonly publish?: (note: string) => void;
  /** Gets each checkpoint when it is on disk, and one at the beginning, so that a write error is known at once. */
  readonly anchor?: Anchor;
  /** The journal is signed although the anchor cannot be written at the beginning; each checkpoint tries again. */
  readonly mayLackAnchor?: boolean;
};

export type Checkpoints = {
  /** Name, key id and public key in one line. */
  readonly verifierKey: string;
  /** The size of the last checkpoint (0: none), and the milliseconds since it was written or found (monotonic). */
  readonly last: () => { readonly size: number; readonly age: number };
  /** Writes a checkpoint if there are new entries. `more`: extra lines after the root. */
  readonly write: (more?: readonly string[]) => Promise<void>;
  /** Writes the last checkpoint and stops. */
  readonly stop: () => Promise<void>;
};

/** `at`: on the monotonic clock. */
type Last = { size: number; at: number };

/** SHA-256 of nothing: RFC 6962, 2.1. */
const EMPTY_ROOT = Buffer.from("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "hex");

/**
 * Throws if earlier checkpoints belong to another log, the origin is invalid, or the anchor cannot be written and is
 * required.
 */
export const createCheckpoints = async (
  journal: Journal,
  { key, origin, everyMs, onFailure, onStateFailure, publish, anchor, mayLackAnchor = false }: CheckpointOptions,
): Promise<Checkpoints> => {
  requireKeyName(origin);
  const own = verifierKey(origin, key);
  const earlier = await lastOf(journal, origin);
  const last: Last = { size: earlier?.size ?? 0, at: performance.now() };
  await leaveKey(journal, own);
  // Before the first entry, so that entries without a checkpoint can be recognized as a crash at the very beginning.
  await anchor?.keep(earlier ?? { size: 0, root: EMPTY_ROOT }).catch((error: unknown) => {
    if (!mayLackAnchor) throw error;
  });

  const sign = async (more: readonly string[] = []): Promise<void> => {
    const { size, root: digest, state } = await journal.head(origin);
    const root = digestBytes(digest);
    const isNew = size > last.size;
    if (isNew) {
      const note = signCheckpoint({ origin, size, root }, key, more);
      await replaceWhole(journal.disk, paths(journal.dir).checkpoint(size), Buffer.from(note));
      publish?.(note);
      if (state !== undefined)
        await writeState(journal, { size, text: state }, { origin, key }).catch((error: unknown) =>
          onStateFailure?.(error),
        );
    }
    Object.assign(last, { size, at: performance.now() } satisfies Last);
    // An old anchor is still valid. The anchor reports its own errors.
    if (isNew || anchor?.trouble !== undefined) await anchor?.keep({ size, root }).catch(() => undefined);
  };
  const queue = new SerialQueue();
  const write = (more?: readonly string[]): Promise<void> => queue.run(() => sign(more));
  const timer = setInterval(() => void write().catch((error: unknown) => onFailure?.(error)), everyMs);
  timer.unref();
  return {
    verifierKey: own,
    last: () => ({ size: last.size, age: performance.now() - last.at }),
    write,
    stop: () => {
      clearInterval(timer);
      return write();
    },
  };
};

const lastOf = async ({ disk, dir }: Journal, origin: string): Promise<Checkpoint | undefined> => {
  const size = numbersIn(await disk.list(paths(dir).checkpoints), "").at(-1);
  if (size === undefined) return undefined;
  const path = paths(dir).checkpoint(size);
  const earlier = readCheckpoint((await readWhole(disk, path)).toString());
  if (earlier?.origin !== origin)
    throw new Error(
      `${path}: a checkpoint of ${earlier?.origin ?? "an unknown log"}, but this journal would sign as ${origin}`,
    );
  return earlier;
};

/** Adds the key to checkpoint.pub; earlier checkpoints are verified by the earlier keys. */
const leaveKey = async ({ disk, dir }: Journal, own: string): Promise<void> => {
  const path = paths(dir).verifierKeys;
  const before = (await disk.list(dir)).includes("checkpoint.pub")
    ? (await readWhole(disk, path)).toString().split("\n").filter(Boolean)
    : [];
  if (!before.includes(own)) await replaceWhole(disk, path, Buffer.from([...before, own, ""].join("\n")));
};

/** `made`: called with the verifier key of a new private key. */
export type SigningKey = {
  readonly dir: string;
  readonly path: string;
  readonly origin: string;
  readonly made: (verifierKey: string) => void;
};

/**
 * The key that signs the journal in `dir`; created at the first start. If the journal was signed before, a lost key is
 * not replaced silently, because that would change the journal's identity: it throws instead.
 */
export const signingKey = async ({ dir, path, origin, made }: SigningKey): Promise<KeyObject> => {
  const isThere = (await readIfThere(path)) !== undefined;
  const before = isThere ? undefined : await signedBefore(dir);
  if (before !== undefined) {
    throw new Error(
      `${path}, the key that signs the journal in ${dir}, is missing, and it is not replaced automatically. ` +
        `Restore it from a copy (verifier key ${before}). If it is lost, create another: openssl genpkey ` +
        `-algorithm ed25519 -out ${inShell(path)}; the journal then records that its key has changed`,
    );
  }
  const key = await loadOrCreateKey(path);
  if (!isThere) made(verifierKey(origin, key));
  return key;
};

/** The newest verifier key in the directory; undefined if nothing was signed. */
const signedBefore = async (dir: string): Promise<string | undefined> =>
  (await readIfThere(paths(dir).verifierKeys))?.split("\n").findLast((line) => line !== "");

/** The private key in a PKCS#8 PEM file; undefined if there is no such file. Throws if it is not an Ed25519 key. */
export const loadKey = async (path: string): Promise<KeyObject | undefined> => {
  const pem = await readIfThere(path);
  return pem === undefined ? undefined : keyOf(pem, path);
};

/** The same; creates the file, with mode 0600, if it is missing. */
export const loadOrCreateKey = async (path: string): Promise<KeyObject> =>
  (await loadKey(path)) ?? keyOf(await createKeyFile(path), path);

const keyOf = (pem: string, path: string): KeyObject => {
  const key = createPrivateKey(privateKeyPem(pem));
  if (key.asymmetricKeyType !== "ed25519")
    throw new Error(`${path}: expected an Ed25519 key, found ${key.asymmetricKeyType}`);
  return key;
};

const readIfThere = async (path: string): Promise<string | undefined> => {
  try {
    return await readSmallFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

/** Written to a temporary file and linked, so that two processes that start at once use the same key. */
const createKeyFile = async (path: string): Promise<string> => {
  await makeFolders(dirname(path));
  const { privateKey } = generateKeyPairSync("ed25519", {
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const written = `${path}.${process.pid}`;
  const file = await open(written, "wx", 0o600);
  try {
    await giveToOwner(path, (uid, gid) => file.chown(uid, gid));
    await file.writeFile(privateKey);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(written, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(written);
  }
  await nodeDisk.syncDirectory(dirname(path));
  return readSmallFile(path);
};
