/**
 * The folder of exports: one folder for each, named by its id, so that nothing else is ever removed. An export may fill
 * neither the budget nor the disk: the journal may be on the same one, and it comes first.
 */
import { mkdir, readdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { isUlid } from "../../../../common/ulid.ts";
import { bytesText } from "../../../../journal/segments/disk-use.ts";

/** Bytes that must stay free on the disk. */
const LEAST_FREE = 1024 ** 3;

export class ExportFolder {
  readonly path: string;
  /** Bytes of all exports together. */
  readonly #most: number;
  readonly #leastFree: number;

  constructor(path: string, most: number, leastFree = LEAST_FREE) {
    [this.path, this.#most, this.#leastFree] = [path, most, leastFree];
  }

  /** Removes what an earlier run left. */
  async clear(): Promise<void> {
    for (const id of await this.#ids()) await this.remove(id);
  }

  /** The folder for this export, and one in it for temporary files. Only the gateway's user can read it. */
  async make(id: string): Promise<{ readonly folder: string; readonly temporary: string }> {
    const folder = join(this.path, id);
    const temporary = join(folder, "tmp");
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await mkdir(folder, { mode: 0o700 });
    await mkdir(temporary, { mode: 0o700 });
    return { folder, temporary };
  }

  async remove(id: string): Promise<void> {
    if (isUlid(id)) await rm(join(this.path, id), { recursive: true, force: true });
  }

  /** Why there is no room for more; undefined while there is. Rejects if the disk cannot be asked. */
  async full(): Promise<string | undefined> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(this.path);
    const free = bavail * bsize;
    if (free < this.#leastFree)
      return `the disk of ${this.path} has ${bytesText(free)} left, and ${bytesText(this.#leastFree)} stay free`;
    const used = await this.#used();
    return used >= this.#most
      ? `exports use ${bytesText(used)} of ${bytesText(this.#most)} (admin.exports.max_size); remove one`
      : undefined;
  }

  async #ids(): Promise<string[]> {
    return (await readdir(this.path).catch(() => [])).filter(isUlid);
  }

  async #used(): Promise<number> {
    let used = 0;
    for (const id of await this.#ids()) {
      const entries = await readdir(join(this.path, id), { recursive: true, withFileTypes: true }).catch(() => []);
      for (const entry of entries)
        if (entry.isFile()) used += (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0;
    }
    return used;
  }
}
