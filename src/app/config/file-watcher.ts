/**
 * Tells when files have other content. Folders are watched and not files, because an editor replaces a file and Kubernetes swaps a link beside
 * it (`..data`); a burst of events is one look; only other bytes count. Every 30 s there is a look without any event, because some file systems tell nothing.
 * Of a folder among the files the content is which YAML files it has.
 */
import { watch as watchFolder, type BigIntStats, type FSWatcher } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { events } from "../events.ts";
import { listingOf } from "../settings/config-text.ts";
import { hashOfBytes, withoutHanging } from "../small-file.ts";
import { isSystemError } from "../system-error.ts";

export type Watching = {
  /** As they are at this moment, each with the SHA-256 of what was read of it, where that is known: they may change with every reading. */
  readonly files: () => ReadonlyMap<string, string | undefined>;
  /** Awaited before the next look. */
  readonly changed: (change: Change) => Promise<unknown>;
};

/** `whole`: of the files that changed, those that were renamed into their places, so that they were never there in part. */
export type Change = { readonly whole: readonly string[] };

const SETTLE_MS = 200;
const POLL_MS = 30_000;

/** `look`: at once, because other files are to be watched from now on. */
export type Watch = { readonly look: () => Promise<void>; readonly close: () => Promise<void> };

/** Tells every other content, beginning with what has changed since it was read; resolves when that is told. */
export const startWatching = async (watching: Watching): Promise<Watch> => {
  const watcher = new Watcher(watching);
  await watcher.look();
  return { look: () => watcher.look(), close: () => watcher.close() };
};

/** The same for who never looks by himself. The function that is returned ends it. */
export const watchFiles = async (watching: Watching): Promise<() => Promise<void>> =>
  (await startWatching(watching)).close;

/** By file, the hash of what it holds. */
type Contents = ReadonlyMap<string, string>;

/** `id`: of the folder itself. Another one in its place is none that is watched. */
type Watched = { readonly watcher: FSWatcher; readonly id: string };

class Watcher {
  readonly #watching: Watching;
  readonly #folders = new Map<string, Watched>();
  readonly #poll: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #known: Contents | undefined;
  /** How each file was when it was last seen, and what it held. */
  readonly #seen = new Map<string, Seen>();
  /** Names in watched folders that were written to, and names that came or went, since the last change was told. */
  readonly #written = new Set<string>();
  readonly #moved = new Set<string>();
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(watching: Watching) {
    this.#watching = watching;
    this.#poll = setInterval(() => void this.look(), POLL_MS);
    this.#poll.unref();
  }

  look(): Promise<void> {
    return (this.#looking = this.#looking.then(() => this.#look()));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#timer);
    for (const { watcher } of this.#folders.values()) watcher.close();
    await this.#looking;
  }

  async #look(): Promise<void> {
    if (this.#closed) return;
    await this.#watchFolders();
    const now = await this.#contents();
    const known =
      this.#known ?? new Map([...this.#watching.files()].map(([file, read]) => [file, read ?? now.get(file) ?? ""]));
    const other = [...new Set([...known.keys(), ...now.keys()])].filter((file) => known.get(file) !== now.get(file));
    this.#known = now;
    if (this.#closed) return;
    if (other.length === 0) return this.#forgetEvents();
    const arePlaced = await Promise.all(other.map((file) => this.#isWhole(file)));
    this.#forgetEvents();
    await this.#watching.changed({ whole: other.filter((_, at) => arePlaced[at]) });
    // Files may have changed while they were read, and the reading may name others: known is what it can have read, so that the next look finds the rest.
    await this.#watchFolders();
    const after = await this.#contents();
    this.#known = new Map([...this.#watching.files()].map(([file, read]) => [file, now.get(file) ?? read ?? ""]));
    if (!this.#closed && !isSame(this.#known, after)) this.#soon();
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

  /** Of a file that is as it was nothing is read again: there may be thousands of them. */
  async #contentOf(file: string): Promise<string> {
    const stamp = await withoutHanging(file, () => stat(file, { bigint: true })).then(stampOf, () => undefined);
    const seen = this.#seen.get(file);
    if (stamp !== undefined && seen?.stamp === stamp && !seen.isFresh) return seen.content;
    const content = await contentOf(file);
    // What was written a moment ago may be written again without another time.
    if (stamp !== undefined)
      this.#seen.set(file, { stamp, content, isFresh: Date.now() - changedAt(stamp) < FRESH_MS });
    return content;
  }

  /** It, or a link on the way to it, was renamed into its place, and nothing was written there. */
  async #isWhole(file: string): Promise<boolean> {
    const real = await realPathOf(file);
    if (real === undefined) return false;
    const names = [file, real].map((each) => basename(each));
    if (names.some((name) => this.#written.has(name))) return false;
    return names.some((name) => this.#moved.has(name)) || (real !== file && this.#moved.has("..data"));
  }

  /** Where each file stands, and where a link to it leads; for a folder that is not there, the one in which it would be. */
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
      // To watch one on a mount that hangs would wait for it, and everybody with it.
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
    } catch {
      events.filesUnwatched(folder);
    }
  }

  /** The folder is gone, or the system gives no more watches: the next look tries again. */
  #forget(folder: string, watcher: FSWatcher): void {
    watcher.close();
    this.#folders.delete(folder);
    this.#soon();
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look(), SETTLE_MS);
    this.#timer.unref();
  }
}

type Seen = { readonly stamp: string; readonly content: string; readonly isFresh: boolean };

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

/** Empty where there is nothing, or it may not be read. A FIFO, what is too large, and what does not answer are other contents: the reading says why. */
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
