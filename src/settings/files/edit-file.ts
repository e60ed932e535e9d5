/**
 * Changes a YAML file that people also edit: keys.yaml, admins.yaml. Edits its document, so that comments stay, and
 * replaces the file atomically.
 */
import { randomBytes } from "node:crypto";
import { open, realpath, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import type { Document } from "yaml";
import { readYaml, type Read } from "../yaml.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { reason } from "../../common/system-error.ts";
import type { Owner } from "../../common/file-owner.ts";
import type { Problem } from "../problems/problem.ts";

/** Why a file could not be changed; `problems` for an invalid file. */
export class FileEditError extends Error {
  readonly problems: readonly Problem[];
  constructor(message: string, problems: readonly Problem[] = []) {
    super(message);
    this.problems = problems;
  }
}

export const verbatim = (value: string): { ok: true; value: string } => ({ ok: true, value });

/** `empty`: the text of a new file. `read`: the content of a text, or its problems. */
export type EditedFormat<Content> = {
  readonly empty: string;
  readonly read: (read: Read, file: string) => Content | { readonly ok: false; readonly problems: readonly Problem[] };
};

type Edit<Content> = {
  readonly format: EditedFormat<Content>;
  /** Changes the document; throws FileEditError. Called again if another program wrote the file meanwhile. */
  readonly change: (document: Document.Parsed, content: Content) => void;
  /** The user who must be able to read a new file. */
  readonly service?: Owner | undefined;
};

/**
 * Changes the file under a lock: writes a new file beside it, flushes it, and renames it. Makes a missing file. Editors
 * and deployment tools ignore the lock: what they write meanwhile is read again, and a half-written file is not used.
 * Rejects with FileEditError.
 */
export const editFile = async <Content extends { readonly ok: true }>(
  file: string,
  { format, change, service }: Edit<Content>,
): Promise<void> => {
  await locked(file, async (target) => {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      const before = await settled(target, format.empty);
      if (before === undefined) continue;
      const read = readYaml(before, verbatim);
      const content = format.read(read, file);
      if (!content.ok) throw new FileEditError(`${file} is not valid`, content.problems);
      change(read.document, content);
      const text = read.document.toString({ lineWidth: 0 });
      if (await replace(target, { before, text, empty: format.empty }, service)) return;
    }
    throw new FileEditError(`another program is writing ${file}, so nothing was changed; try again`);
  });
};

/**
 * Replaces the text of an existing file under the lock and in the way of `editFile`. Rejects with FileEditError if its
 * text is not `before`.
 */
export const replaceText = (
  file: string,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<void> =>
  locked(file, async (target) => {
    // A byte order mark is no part of the text that the config was read from.
    const mark = (await current(target, "")).startsWith(BOM) ? BOM : "";
    if (!(await replace(target, { before: mark + before, text: mark + after, empty: "" }, undefined)))
      throw new FileEditError(`another program has changed ${file} meanwhile, so it was not changed; try again`);
  });

const locked = async (file: string, run: (target: string) => Promise<void>): Promise<void> => {
  const target = await realpath(file).catch(() => file);
  const lock = `${target}.lock`;
  const handle = await open(lock, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new FileEditError(
      error.code === "EEXIST"
        ? `another command is changing ${file}; if no command is running, delete ${lock}`
        : `cannot write in the folder of ${file}: ${reason(error)}`,
    );
  });
  try {
    await run(target);
  } finally {
    await handle.close();
    await unlink(lock);
  }
};

const BOM = "\ufeff";
const MOST_ATTEMPTS = 20;
const SETTLE_MS = 50;

/** The content, if two readings are equal. */
const settled = async (file: string, empty: string): Promise<string | undefined> => {
  const text = await current(file, empty);
  await pass(SETTLE_MS);
  return (await current(file, empty)) === text ? text : undefined;
};

const current = async (file: string, empty: string): Promise<string> => {
  try {
    return await readSmallFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return empty;
    throw new FileEditError(`cannot read ${file}: ${reason(error)}`);
  }
};

type Replacement = { readonly before: string; readonly text: string; readonly empty: string };

/**
 * Replaces the file with the same owner, group and mode. `service`: the user who must be able to read a new file.
 * Resolves to false if the content is no longer `before`.
 */
const replace = async (
  file: string,
  { before, text, empty }: Replacement,
  service: Owner | undefined,
): Promise<boolean> => {
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
    if ((await current(file, empty)) !== before) {
      await unlink(beside);
      return false;
    }
    await rename(beside, file);
  } catch (error) {
    await unlink(beside).catch(() => undefined);
    throw error instanceof FileEditError ? error : new FileEditError(`cannot write ${file}: ${reason(error)}`);
  }
  await syncDirectory(dirname(file));
  return true;
};

export type Rights = Owner & { readonly mode: number };

/** A new file gets its directory's owner. If that is root, the directory's or the service's group may read the file. */
export const rightsFor = async (file: string, service: Owner | undefined): Promise<Rights> => {
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

/** Sets owner and group too, because otherwise the owner or the gateway might not be able to read the new file. */
const keepRights = async (handle: FileHandle, file: string, { uid, gid, mode }: Rights): Promise<void> => {
  if (process.platform === "win32") return;
  const made = await handle.stat();
  if (made.uid !== uid || made.gid !== gid) {
    await handle.chown(uid, gid).catch((error: unknown) => {
      throw new FileEditError(
        `${file} belongs to uid ${uid} and gid ${gid}, which this command cannot keep (${reason(error)}); run it ` +
          "as that user, or as root",
      );
    });
  }
  await handle.chmod(mode);
};

/** A rename is durable only after an fsync of the directory. Ignores errors: Windows cannot open directories. */
const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
};
