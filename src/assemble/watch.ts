/**
 * Tells when files have other content. Folders are watched and not files, because an editor replaces a file and Kubernetes swaps a link beside
 * it (`..data`); a burst of events is one look; only other bytes count. Every 30 s there is a look without any event, because some file systems tell nothing.
 */
import { createHash } from "node:crypto";
import { watch as watchFolder, type FSWatcher } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { events } from "../events.ts";

export type Watching = {
  /** As they are at this moment: they may change with every reading. */
  readonly files: () => Iterable<string>;
  /** Awaited before the next look. */
  readonly changed: () => Promise<unknown>;
};

const SETTLE_MS = 200;
const POLL_MS = 30_000;

/** Resolves when what stands there is known; then every other content is told. The function that is returned ends it. */
export const watchFiles = async (watching: Watching): Promise<() => Promise<void>> => {
  const watcher = new Watcher(watching);
  await watcher.look();
  return () => watcher.close();
};

class Watcher {
  readonly #watching: Watching;
  readonly #folders = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;
  #known: string | undefined;
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
    for (const folder of this.#folders.values()) folder.close();
    await this.#looking;
  }

  async #look(): Promise<void> {
    if (this.#closed) return;
    await this.#watchFolders();
    const now = await this.#fingerprint();
    const other = this.#known !== undefined && this.#known !== now;
    this.#known = now;
    if (!other || this.#closed) return;
    await this.#watching.changed();
    // Another reading may name other files: what they hold now is what was read.
    await this.#watchFolders();
    this.#known = await this.#fingerprint();
  }

  async #fingerprint(): Promise<string> {
    const hash = createHash("sha256");
    for (const file of [...new Set(this.#watching.files())].toSorted()) hash.update(`${file}\0${await contentOf(file)}\0`);
    return hash.digest("hex");
  }

  /** Where each file stands, and where a link to it leads. */
  async #watchFolders(): Promise<void> {
    const folders = new Set<string>();
    for (const file of this.#watching.files()) {
      folders.add(dirname(file));
      const real = await realpath(file).catch(() => undefined);
      if (real !== undefined) folders.add(dirname(real));
    }
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of folders) if (!this.#folders.has(folder) && !this.#closed) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      const watcher = watchFolder(folder, { persistent: false }, () => this.#soon());
      watcher.on("error", () => this.#forget(folder, watcher));
      this.#folders.set(folder, watcher);
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

const contentOf = (file: string): Promise<string> => readFile(file).then((bytes) => createHash("sha256").update(bytes).digest("hex"), () => "");
