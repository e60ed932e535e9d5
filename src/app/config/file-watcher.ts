/**
 * Reports files whose content has changed. The watcher watches folders instead of files, because editors replace a file
 * and Kubernetes swaps a link beside it (`..data`). A burst of events causes one check, and only changed bytes are
 * reported. Some file systems send no events, so the watcher also checks every 30 s. The content of a folder is the
 * list of its YAML files.
 */
import { watch as watchFolder, type BigIntStats, type FSWatcher } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { events } from "../../common/log/events.ts";
import { listingOf } from "../../settings/files/config-text.ts";
import { hashOfBytes, withoutHanging } from "../../common/small-file/small-file.ts";
import { isSystemError } from "../../common/system-error.ts";
import { SerialQueue } from "../../common/serial-queue.ts";

export type Watching = {
  /** The files to watch now, with the SHA-256 of the content last read, if known. `changed` may change this list. */
  readonly files: () => ReadonlyMap<string, string | undefined>;
  /** Called for each change. The watcher awaits it before the next check. */
  readonly changed: (change: Change) => Promise<unknown>;
};

/** `whole`: the changed files that were renamed into place, so that no reader can have seen a part of them. */
export type Change = { readonly whole: readonly string[] };

const SETTLE_MS = 200;
const POLL_MS = 30_000;

/** `check`: checks at once; for a caller that has changed the list of files. */
export type Watch = { readonly check: () => Promise<void>; readonly close: () => Promise<void> };

/** Starts watching. Resolves once every change since the files were read is reported. */
export const startWatching = async (watching: Watching): Promise<Watch> => {
  const watcher = new Watcher(watching);
  await watcher.check();
  return { check: () => watcher.check(), close: () => watcher.close() };
};

/** Like `startWatching`, but resolves to the function that stops it. */
export const watchFiles = async (watching: Watching): Promise<() => Promise<void>> =>
  (await startWatching(watching)).close;

/** Content hash by file. */
type Contents = ReadonlyMap<string, string>;

/** `id`: identifies the folder, so that a new folder at the same path is noticed. */
type Watched = { readonly watcher: FSWatcher; readonly id: string };

class Watcher {
  readonly #watching: Watching;
  readonly #folders = new Map<string, Watched>();
  /** Folders that cannot be watched; each is logged once, until it is watched again. */
  readonly #unwatched = new Set<string>();
  readonly #poll: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #reported: Contents | undefined;
  /** State and content hash of each file at the last check. */
  readonly #states = new Map<string, FileState>();
  /** Since the last report: names in watched folders that were written, and names that appeared or vanished. */
  readonly #written = new Set<string>();
  readonly #moved = new Set<string>();
  readonly #checks = new SerialQueue();
  #closed = false;

  constructor(watching: Watching) {
    this.#watching = watching;
    this.#poll = setInterval(() => void this.check(), POLL_MS);
    this.#poll.unref();
  }

  check(): Promise<void> {
    return this.#checks.run(() => this.#check());
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
    for (const { watcher } of this.#folders.values()) watcher.close();
    await this.#checks.idle();
  }

  async #check(): Promise<void> {
    if (this.#closed) return;
    await this.#watchFolders();
    const now = await this.#contents();
    const known =
      this.#reported ?? new Map([...this.#watching.files()].map(([file, read]) => [file, read ?? now.get(file) ?? ""]));
    const other = [...new Set([...known.keys(), ...now.keys()])].filter((file) => known.get(file) !== now.get(file));
    this.#reported = now;
    if (this.#closed) return;
    if (other.length === 0) return this.#forgetEvents();
    const arePlaced = await Promise.all(other.map((file) => this.#isWhole(file)));
    this.#forgetEvents();
    await this.#watching.changed({ whole: other.filter((_, at) => arePlaced[at]) });
    // Files may have changed during the reading, and the reading may have named other files. Remember only what the
    // reading can have seen, so that the next check reports the rest.
    await this.#watchFolders();
    const after = await this.#contents();
    this.#reported = new Map([...this.#watching.files()].map(([file, read]) => [file, now.get(file) ?? read ?? ""]));
    if (!this.#closed && !isSame(this.#reported, after)) this.#soon();
  }

  #forgetEvents(): void {
    this.#written.clear();
    this.#moved.clear();
  }

  async #contents(): Promise<Contents> {
    const contents = new Map<string, string>();
    for (const file of this.#watching.files().keys()) contents.set(file, await this.#contentOf(file));
    return contents;
  }

  /** An unchanged file is not read again, because there may be thousands of files. */
  async #contentOf(file: string): Promise<string> {
    const stamp = await withoutHanging(file, () => stat(file, { bigint: true })).then(stampOf, () => undefined);
    const seen = this.#states.get(file);
    if (stamp !== undefined && seen?.stamp === stamp && !seen.isFresh) return seen.content;
    const content = await contentOf(file);
    // A file that was written just now may be written again with the same time stamp.
    if (stamp !== undefined)
      this.#states.set(file, { stamp, content, isFresh: Date.now() - changedAt(stamp) < FRESH_MS });
    return content;
  }

  /** Whether the file, or a link to it, was renamed into place rather than written in place. */
  async #isWhole(file: string): Promise<boolean> {
    const real = await realPathOf(file);
    if (real === undefined) return false;
    const names = [file, real].map((each) => basename(each));
    if (names.some((name) => this.#written.has(name))) return false;
    return names.some((name) => this.#moved.has(name)) || (real !== file && this.#moved.has("..data"));
  }

  /** Watches the folder of each file and of each link's target; for a missing folder, its nearest existing parent. */
  async #watchFolders(): Promise<void> {
    const folders = new Set<string>();
    for (const file of this.#watching.files().keys()) {
      folders.add(await nearest(dirname(file)));
      const real = await realPathOf(file);
      if (real !== undefined) folders.add((await isFolder(real)) ? real : dirname(real));
    }
    for (const [folder, { watcher, id }] of this.#folders) {
      if (folders.has(folder) && id === (await idOf(folder))) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of folders) {
      const id = await idOf(folder);
      // Watching a folder on a hanging mount would block the whole process.
      if (id !== "" && !this.#folders.has(folder) && !this.#closed) this.#watch(folder, id);
    }
  }

  #watch(folder: string, id: string): void {
    try {
      const watcher = watchFolder(folder, { persistent: false }, (kind, name) => {
        if (name !== null) (kind === "rename" ? this.#moved : this.#written).add(name);
        this.#soon();
      });
      watcher.on("error", () => this.#forget(folder, watcher));
      this.#folders.set(folder, { watcher, id });
      this.#unwatched.delete(folder);
    } catch {
      if (!this.#unwatched.has(folder)) events.fileWatchUnavailable({ folder });
      this.#unwatched.add(folder);
    }
  }

  /** For a folder that vanished, or when the system has no watches left: the next check tries again. */
  #forget(folder: string, watcher: FSWatcher): void {
    watcher.close();
    this.#folders.delete(folder);
    this.#soon();
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.check(), SETTLE_MS);
    this.#timer.unref();
  }
}

type FileState = { readonly stamp: string; readonly content: string; readonly isFresh: boolean };

const FRESH_MS = 2000;

const stampOf = ({ dev, ino, size, mtimeNs, ctimeNs, ctimeMs }: BigIntStats): string =>
  [ctimeMs, dev, ino, size, mtimeNs, ctimeNs].join(" ");
const changedAt = (stamp: string): number => Number(stamp.split(" ", 1)[0]);

const realPathOf = (file: string): Promise<string | undefined> =>
  withoutHanging(file, () => realpath(file)).catch(() => undefined);

const isFolder = (path: string): Promise<boolean> =>
  withoutHanging(path, () => stat(path)).then(
    (found) => found.isDirectory(),
    () => false,
  );

/**
 * The hash of a file's content, or a folder's list of YAML files. Empty for a missing or unreadable file. For a FIFO, a
 * file that is too large and a file system that does not answer: the error text; the reading reports it.
 */
const contentOf = async (file: string): Promise<string> => {
  try {
    if (await isFolder(file)) return listingOf(await withoutHanging(file, () => readdir(file)));
    return await hashOfBytes(file);
  } catch (error) {
    return isSystemError(error) ? "" : String(error);
  }
};

const idOf = (folder: string): Promise<string> =>
  withoutHanging(folder, () => stat(folder)).then(
    ({ dev, ino }) => `${dev} ${ino}`,
    () => "",
  );

const nearest = async (folder: string): Promise<string> => {
  let at = folder;
  while (at !== dirname(at) && (await idOf(at)) === "") at = dirname(at);
  return at;
};

const isSame = (one: Contents, other: Contents): boolean =>
  one.size === other.size && [...one].every(([file, hash]) => other.get(file) === hash);
