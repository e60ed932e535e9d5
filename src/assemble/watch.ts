/**
 * Tells when files have other content. Folders are watched and not files, because an editor replaces a file and Kubernetes swaps a link beside
 * it (`..data`); a burst of events is one look; only other bytes count. Every 30 s there is a look without any event, because some file systems tell nothing.
 */
import { createHash } from "node:crypto";
import { watch as watchFolder, type FSWatcher } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { events } from "../events.ts";
import { readBytes, withoutHanging } from "../small-file.ts";
import { isSystemError } from "../system-error.ts";

export type Watching = {
  /** As they are at this moment, each with the SHA-256 of what was read of it, where that is known: they may change with every reading. */
  readonly files: () => ReadonlyMap<string, string | undefined>;
  /** Awaited before the next look. */
  readonly changed: () => Promise<unknown>;
};

const SETTLE_MS = 200;
const POLL_MS = 30_000;

/** Tells every other content, beginning with what has changed since it was read; resolves when that is told. The function that is returned ends it. */
export const watchFiles = async (watching: Watching): Promise<() => Promise<void>> => {
  const watcher = new Watcher(watching);
  await watcher.look();
  return () => watcher.close();
};

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
    const known = this.#known ?? new Map([...this.#watching.files()].map(([file, read]) => [file, read ?? now.get(file) ?? ""]));
    const other = !isSame(known, now);
    this.#known = now;
    if (!other || this.#closed) return;
    await this.#watching.changed();
    // Files may have changed while they were read, and the reading may name others: known is what it can have read, so that the next look finds the rest.
    await this.#watchFolders();
    const after = await this.#contents();
    this.#known = new Map([...this.#watching.files()].map(([file, read]) => [file, now.get(file) ?? read ?? ""]));
    if (!this.#closed && !isSame(this.#known, after)) this.#soon();
  }

  async #contents(): Promise<Contents> {
    const contents = new Map<string, string>();
    for (const file of this.#watching.files().keys()) contents.set(file, await contentOf(file));
    return contents;
  }

  /** Where each file stands, and where a link to it leads; for a folder that is not there, the one in which it would be. */
  async #watchFolders(): Promise<void> {
    const folders = new Set<string>();
    for (const file of this.#watching.files().keys()) {
      folders.add(await nearest(dirname(file)));
      const real = await withoutHanging(file, () => realpath(file)).catch(() => undefined);
      if (real !== undefined) folders.add(dirname(real));
    }
    for (const [folder, { watcher, id }] of this.#folders) {
      if (folders.has(folder) && id === await idOf(folder)) continue;
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
      const watcher = watchFolder(folder, { persistent: false }, () => this.#soon());
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

/** Empty where there is nothing, or it may not be read. A FIFO, what is too large, and what does not answer are other contents: the reading says why. */
const contentOf = (file: string): Promise<string> =>
  readBytes(file).then((bytes) => createHash("sha256").update(bytes).digest("hex"), (error: unknown) => (isSystemError(error) ? "" : String(error)));

const idOf = (folder: string): Promise<string> => withoutHanging(folder, () => stat(folder)).then(({ dev, ino }) => `${dev} ${ino}`, () => "");

const nearest = async (folder: string): Promise<string> => {
  let at = folder;
  while (at !== dirname(at) && await idOf(at) === "") at = dirname(at);
  return at;
};

const isSame = (one: Contents, other: Contents): boolean => one.size === other.size && [...one].every(([file, hash]) => other.get(file) === hash);
