/** A disk that a test can break and mend: it fails, takes half, hangs, or shows what was asked of it. */
import { nodeDisk, type Disk, type DiskFile } from "../../src/journal/disk.ts";

export const failure = (code: string): Error =>
  Object.assign(new Error(`${code}: the test's disk fails, write '/a/path'`), { code });

/**
 * `only`: the calls that are meant, as "segments write". `times`: how many of them fail, Infinity until `mend`. `half`:
 * a write takes half of it first.
 */
export type Fault = {
  readonly code: string;
  readonly only?: RegExp;
  readonly times?: number;
  readonly half?: boolean;
  readonly after?: number;
};

export class TroubledDisk {
  /** Every call that could change the disk, as "<folder> <verb>". */
  readonly calls: string[] = [];
  /** Calls on a descriptor one of whose writes or flushes failed, but to close it. */
  readonly onFailed: string[] = [];
  /** Told of each before it is made. */
  onCall: ((what: string) => void) | undefined;
  /** How often somebody asked whether a file is in its place. */
  looks = 0;
  #fault: Fault | undefined;
  #seen = 0;
  #failed = 0;
  #gate: Promise<void> | undefined;

  /** From the call number `after` (0: the next one) on. */
  break(fault: Fault): void {
    this.#fault = fault;
    this.#seen = this.#failed = 0;
  }

  mend(): void {
    this.#fault = undefined;
  }

  /** Calls wait until the function that it gives is called. */
  hang(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return () => {
      this.#gate = undefined;
      resolve();
    };
  }

  readonly disk: Disk = {
    open: (path, how) =>
      how === "read"
        ? nodeDisk.open(path, how)
        : this.#call(path, "open", async () => this.#file(path, await nodeDisk.open(path, how))),
    makeDirectory: (path) => this.#call(path, "makeDirectory", () => nodeDisk.makeDirectory(path)),
    list: nodeDisk.list,
    modified: nodeDisk.modified,
    remove: (path) => this.#call(path, "remove", () => nodeDisk.remove(path)),
    rename: (from, to) => this.#call(from, "rename", () => nodeDisk.rename(from, to)),
    syncDirectory: (path) => this.#call(`${path}/`, "sync", () => nodeDisk.syncDirectory(path)),
  };

  #file(path: string, inner: DiskFile): DiskFile {
    let failed = false;
    const through = async <Value>(
      verb: string,
      work: () => Promise<Value>,
      half?: () => Promise<unknown>,
    ): Promise<Value> => {
      if (failed) this.onFailed.push(`${path} ${verb}`);
      try {
        return await this.#call(path, verb, work, half);
      } catch (error) {
        failed = true;
        throw error;
      }
    };
    return {
      ...inner,
      write: (bytes, position) =>
        through(
          "write",
          () => inner.write(bytes, position),
          () => inner.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), position),
        ),
      flush: () => through("flush", inner.flush),
      truncate: (size) => through("truncate", () => inner.truncate(size)),
      isAt: async (at) => {
        this.looks++;
        await this.#gate;
        return inner.isAt(at);
      },
    };
  }

  async #call<Value>(
    path: string,
    verb: string,
    work: () => Promise<Value>,
    half?: () => Promise<unknown>,
  ): Promise<Value> {
    const place = /\/(segments|checkpoints)(\/|$)/.exec(path)?.[1] ?? "dir";
    const what = `${place}${path.endsWith(".hashes") ? ".hashes" : ""} ${verb}`;
    this.calls.push(what);
    this.onCall?.(what);
    await this.#gate;
    if (!this.#isHit(what)) return work();
    if (this.#fault!.half && half) await half();
    throw failure(this.#fault!.code);
  }

  #isHit(what: string): boolean {
    const { only, times = Number.POSITIVE_INFINITY, after = 0 } = this.#fault ?? { times: 0 };
    if ((only && !only.test(what)) || this.#seen++ < after || this.#failed >= times) return false;
    this.#failed++;
    return true;
  }
}
