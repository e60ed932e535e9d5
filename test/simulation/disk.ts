/**
 * A disk in memory. A killed process loses nothing that a write took; a power cut loses what was not flushed, and
 * names that were not synced. Calls can be slow, fail, take fewer bytes than given, or hang until the fault is over.
 */
import { basename, dirname, join } from "node:path";
import { mkdir, writeFile } from "node:fs/promises";
import type { Disk, DiskFile, OpenMode } from "../../src/journal/disk.ts";
import type { Random } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

type Content = { bytes: Buffer; length: number; /** As after a power cut. */ durable: Buffer; modified: number };
type Names = { now: Map<string, Content>; synced: Map<string, Content> };

export type DiskFault = "fails" | "short" | "hangs" | "slow";

const NO_SUCH_FILE = (path: string): Error =>
  Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: "ENOENT" });
const BROKEN = (): Error => Object.assign(new Error("EIO: i/o error, write"), { code: "EIO" });

export class SimDisk {
  fault: DiskFault | undefined;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #directories = new Map<string, Names>();
  #waiting: (() => void)[] = [];

  constructor(scheduler: Scheduler, random: Random) {
    [this.#scheduler, this.#random] = [scheduler, random];
  }

  mend(): void {
    this.fault = undefined;
    for (const go of this.#waiting.splice(0)) go();
  }

  /** The process that waited is dead. */
  forget(): void {
    this.#waiting = [];
  }

  /** Everything that was not flushed is gone. */
  cutPower(): void {
    for (const names of this.#directories.values()) {
      names.now = new Map(names.synced);
      for (const content of names.now.values()) setBytes(content, content.durable);
    }
  }

  /** Of all files under a folder, one after the other. */
  textIn(folder: string): string {
    return [...this.#directories]
      .filter(([path]) => path.startsWith(folder))
      .flatMap(([, { now }]) => [...now.values()])
      .map(({ bytes, length }) => bytes.toString("latin1", 0, length))
      .join("\n");
  }

  /** Lays the files out on a real disk. */
  async copyTo(from: string, to: string): Promise<void> {
    for (const [path, { now }] of this.#directories) {
      if (!path.startsWith(from)) continue;
      const folder = join(to, path.slice(from.length));
      await mkdir(folder, { recursive: true });
      for (const [name, { bytes, length }] of now) await writeFile(join(folder, name), bytes.subarray(0, length));
    }
  }

  /** As one process sees it: of a process that is dead no call takes effect any more. */
  for(owner: Owner): Disk {
    const call = <Value>(work: () => Value, writes = false): Promise<Value> => this.#call(owner, work, writes);
    return {
      open: (path, how) => call(() => this.#open(path, how, call), how !== "read"),
      makeDirectory: (path) => call(() => void this.#names(path)),
      list: (path) => call(() => [...this.#names(path).now.keys()]),
      modified: (path) => call(() => this.#find(path).modified),
      remove: (path) => call(() => void this.#names(dirname(path)).now.delete(basename(path)), true),
      rename: (from, to) => call(() => this.#rename(from, to), true),
      syncDirectory: (path) =>
        call(() => {
          const names = this.#names(path);
          names.synced = new Map(names.now);
        }, true),
    };
  }

  #open(path: string, how: OpenMode, call: <Value>(work: () => Value, writes?: boolean) => Promise<Value>): DiskFile {
    const names = this.#names(dirname(path)).now;
    let content = names.get(basename(path));
    if (!content && how === "read") throw NO_SUCH_FILE(path);
    if (!content)
      names.set(
        basename(path),
        (content = { bytes: Buffer.alloc(1024), length: 0, durable: Buffer.alloc(0), modified: Date.now() }),
      );
    const file = content;
    const flush = (): void => {
      file.durable = Buffer.from(file.bytes.subarray(0, file.length));
    };
    return {
      write: (bytes, position) =>
        call(() => {
          const taken = this.fault === "short" ? this.#random.below(bytes.length + 1) : bytes.length;
          write(file, bytes.subarray(0, taken), position);
          if (how === "durable") flush();
          return taken;
        }, true),
      flush: () => call(flush, true),
      read: (into, position) =>
        call(() =>
          file.bytes.copy(into, 0, Math.min(position, file.length), Math.min(file.length, position + into.length)),
        ),
      size: () => call(() => file.length),
      truncate: (size) =>
        call(() => {
          file.length = Math.min(file.length, size);
        }, true),
      isAt: (other) => call(() => this.#directories.get(dirname(other))?.now.get(basename(other)) === file),
      close: () => call(() => undefined),
    };
  }

  #call<Value>(owner: Owner, work: () => Value, writes: boolean): Promise<Value> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        if (!owner.isAlive) return;
        if (this.fault === "hangs")
          return void this.#waiting.push(() => this.#scheduler.outside(this.#random.between(0.05, 2), run, owner));
        if (this.fault === "fails" && writes && this.#random.chance(0.7)) return reject(BROKEN());
        try {
          const done = work();
          // A process may die between what the disk did and hearing of it.
          if (writes && this.#random.chance(0.3))
            this.#scheduler.outside(this.#random.between(0.01, 1), () => resolve(done), owner);
          else resolve(done);
        } catch (error) {
          reject(error as Error);
        }
      };
      const slow = this.fault === "slow" && writes ? this.#random.between(20, 900) : 0;
      this.#scheduler.outside(slow + (writes ? this.#random.latency(0.15, 4) : 0.01), run, owner);
    });
  }

  #rename(from: string, to: string): void {
    const names = this.#names(dirname(from)).now;
    names.set(basename(to), this.#find(from));
    names.delete(basename(from));
  }

  #find(path: string): Content {
    const content = this.#names(dirname(path)).now.get(basename(path));
    if (!content) throw NO_SUCH_FILE(path);
    return content;
  }

  #names(path: string): Names {
    let names = this.#directories.get(path);
    if (!names) this.#directories.set(path, (names = { now: new Map(), synced: new Map() }));
    return names;
  }
}

const setBytes = (content: Content, bytes: Buffer): void => {
  content.bytes = Buffer.from(bytes);
  content.length = bytes.length;
};

const write = (content: Content, bytes: Uint8Array, position: number): void => {
  const end = position + bytes.length;
  if (end > content.bytes.length) {
    const grown = Buffer.alloc(Math.max(2 * content.bytes.length, end));
    content.bytes.copy(grown, 0, 0, content.length);
    content.bytes = grown;
  }
  content.bytes.set(bytes, position);
  content.length = Math.max(content.length, end);
  content.modified = Date.now();
};
