/**
 * Signed checkpoints of the journal, at intervals and at stop: what a later verification holds the lines against. The journal is opened only
 * when its tree agrees with every checkpoint there is, and it only grows; so no root is signed that contradicts an earlier one.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { link, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { Anchor } from "./anchor.ts";
import type { Journal } from "./append.ts";
import { nodeDisk, readWhole, replaceWhole } from "./disk.ts";
import { readCheckpoint, requireKeyName, signCheckpoint, verifierKey, type Checkpoint } from "./note.ts";
import { privateKeyPem } from "../x509/pem.ts";
import { numbersIn, places } from "./places.ts";
import { writeState } from "./states.ts";
import { digestBytes } from "./tree.ts";
import { inShell } from "../shell-word.ts";
import { readSmallFile } from "../small-file.ts";
import { giveToOwner, makeFolders } from "../file-owner.ts";

export type CheckpointOptions = {
  /** Ed25519, private. */
  readonly key: KeyObject;
  /** The log's name, which is also the key's. */
  readonly origin: string;
  readonly everyMs: number;
  /** Told when a checkpoint could not be written. The next interval tries again. */
  readonly onFailure?: (error: unknown) => void;
  /** Told when the start state beside a checkpoint could not be written: the next start reads more lines. */
  readonly onStateFailure?: (error: unknown) => void;
  /** Given each signed note when it is on disk. */
  readonly publish?: (note: string) => void;
  /** Told of each checkpoint when it is on disk; told once at the beginning, so that one that cannot be written is known at once. */
  readonly anchor?: Anchor;
};

export type Checkpoints = {
  /** For those who verify: name, key id and public key in one line. */
  readonly verifierKey: string;
  /** The size of the last checkpoint, 0 when there is none, and milliseconds since it was written or found, whatever the wall clock did. */
  readonly last: () => { readonly size: number; readonly age: number };
  /** Writes a checkpoint when there are entries since the last one. `more`: lines behind its root. */
  readonly write: (more?: readonly string[]) => Promise<void>;
  /** Writes the last one and ends. */
  readonly stop: () => Promise<void>;
};

/** `at`: on the monotonic clock. */
type Last = { size: number; at: number };

/** SHA-256 of nothing: RFC 6962, 2.1. */
const EMPTY_ROOT = Buffer.from("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "hex");

/** Throws when the earlier checkpoints are another log's, the origin cannot be a name, or the anchor cannot be written. */
export const createCheckpoints = async (
  journal: Journal,
  { key, origin, everyMs, onFailure, onStateFailure, publish, anchor }: CheckpointOptions,
): Promise<Checkpoints> => {
  requireKeyName(origin);
  const own = verifierKey(origin, key);
  const earlier = await lastOf(journal, origin);
  const last: Last = { size: earlier?.size ?? 0, at: performance.now() };
  await leaveKey(journal, own);
  // Before the first entry: entries without any checkpoint are then known for a crash at the very beginning.
  await anchor?.keep(earlier ?? { size: 0, root: EMPTY_ROOT });

  const sign = async (more: readonly string[] = []): Promise<void> => {
    const { size, root: digest, state } = await journal.head(origin);
    const root = digestBytes(digest);
    const isNew = size > last.size;
    if (isNew) {
      const note = signCheckpoint({ origin, size, root }, key, more);
      await replaceWhole(journal.disk, places(journal.dir).checkpoint(size), Buffer.from(note));
      publish?.(note);
      if (state !== undefined)
        await writeState(journal, { size, text: state }, { origin, key }).catch((error: unknown) =>
          onStateFailure?.(error),
        );
    }
    Object.assign(last, { size, at: performance.now() } satisfies Last);
    // An anchor that lags behind is true nevertheless: it tells its trouble itself, and nobody waits for it.
    if (isNew || anchor?.trouble !== undefined) await anchor?.keep({ size, root }).catch(() => undefined);
  };
  let turn: Promise<void> = Promise.resolve();
  const write = (more?: readonly string[]): Promise<void> => {
    const done = turn.then(() => sign(more));
    turn = done.catch(() => undefined);
    return done;
  };
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
  const size = numbersIn(await disk.list(places(dir).checkpoints), "").at(-1);
  if (size === undefined) return undefined;
  const path = places(dir).checkpoint(size);
  const earlier = readCheckpoint((await readWhole(disk, path)).toString());
  if (earlier?.origin !== origin)
    throw new Error(
      `${path}: a checkpoint of ${earlier?.origin ?? "nothing known"}, this journal would sign as ${origin}`,
    );
  return earlier;
};

/** A key that replaces another is added: earlier checkpoints are still verified by theirs. */
const leaveKey = async ({ disk, dir }: Journal, own: string): Promise<void> => {
  const path = places(dir).verifierKeys;
  const before = (await disk.list(dir)).includes("checkpoint.pub")
    ? (await readWhole(disk, path)).toString().split("\n").filter(Boolean)
    : [];
  if (!before.includes(own)) await replaceWhole(disk, path, Buffer.from([...before, own, ""].join("\n")));
};

/** `made`: told the verifier key of a private key that is made. */
export type SigningKey = {
  readonly dir: string;
  readonly path: string;
  readonly origin: string;
  readonly made: (verifierKey: string) => void;
};

/**
 * What signs the journal in `dir`; made at the first start. Where a journal was signed before, another key in place of
 * a lost one would take its identity from it, so none is made. Throws in words.
 */
export const signingKey = async ({ dir, path, origin, made }: SigningKey): Promise<KeyObject> => {
  const isThere = (await readIfThere(path)) !== undefined;
  const before = isThere ? undefined : await signedBefore(dir);
  if (before !== undefined) {
    throw new Error(
      `${path}, the key that signs the journal in ${dir}, is missing, and no other is made in its place: restore it from a copy (verifier key ${before}). ` +
        `Where it is lost, make another: openssl genpkey -algorithm ed25519 -out ${inShell(path)}; the journal then says that its key has changed`,
    );
  }
  const key = await loadOrCreateKey(path);
  if (!isThere) made(verifierKey(origin, key));
  return key;
};

/** The newest verifier key that the directory names; undefined where nothing was signed. */
const signedBefore = async (dir: string): Promise<string | undefined> =>
  (await readIfThere(places(dir).verifierKeys))?.split("\n").findLast((line) => line !== "");

/** The private key in a PKCS#8 PEM file; undefined where there is no such file. Throws when it is no Ed25519 key. */
export const loadKey = async (path: string): Promise<KeyObject | undefined> => {
  const pem = await readIfThere(path);
  return pem === undefined ? undefined : keyOf(pem, path);
};

/** The same; made, with mode 0600, when there is no such file. */
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

/** Written whole beside it and then linked: of two processes that begin at once, both use the key of the first. */
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
