/**
 * Finds the line of a setting in the config file. The gateway keeps values, not places, so the file is read again, on a
 * thread of its own, which stays for a minute for the next question.
 */
import { stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { listenInBackground } from "../../common/threads/background-worker.ts";
import type { Path } from "../../settings/problems/problem.ts";

export type SettingPlace = {
  readonly rule: string;
  /** `file:line:column` */
  readonly at: string;
};

/** Bytes. To read a larger config again, with all its tenants, for one line would cost too much. */
const LARGE = 1 << 20;
const LIMIT_MS = 30_000;
const IDLE_MS = 60_000;
const MOST_KEPT = 1000;

type Found = (SettingPlace & { readonly hash: string }) | undefined;

/**
 * `hash`: of the config in force. Resolves to undefined if the file on disk is another one now, cannot be read in time,
 * or is large. Never rejects. One question at a time.
 */
export const createLocator = (
  file: string,
  hash: () => string,
): ((path: Path) => Promise<SettingPlace | undefined>) => {
  const kept = new Map<string, SettingPlace>();
  let keptFor = "";
  let thread: LocatorThread | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const find = async (path: Path): Promise<SettingPlace | undefined> => {
    const inForce = hash();
    if (keptFor !== inForce) thread = (thread?.end(), undefined);
    if (keptFor !== inForce || kept.size >= MOST_KEPT) kept.clear();
    keptFor = inForce;
    const name = JSON.stringify(path);
    const known = kept.get(name);
    if (known) return known;
    if (!(await isSmall(file))) return undefined;
    if (!thread?.isAlive) thread = new LocatorThread(file);
    const found = await thread.ask(path);
    if (found?.hash !== inForce) {
      thread = (thread.end(), undefined);
      return undefined;
    }
    const place = { rule: found.rule, at: found.at };
    kept.set(name, place);
    return place;
  };
  return (path) => {
    const found = last.then(() => find(path));
    last = found;
    return found;
  };
};

const isSmall = (file: string): Promise<boolean> =>
  stat(file).then(
    ({ size }) => size <= LARGE,
    () => false,
  );

class LocatorThread {
  readonly #worker: Worker;
  #answered: ((found: Found) => void) | undefined;
  #idle: NodeJS.Timeout | undefined;
  isAlive = true;

  constructor(file: string) {
    this.#worker = new Worker(new URL("locate-worker.ts", import.meta.url), { workerData: { file } });
    listenInBackground(this.#worker, (found: Found) => this.#answered?.(found));
    this.#worker.on("error", () => this.end());
    this.#worker.on("exit", () => this.end());
  }

  /** Undefined if there is no answer in time. */
  async ask(path: Path): Promise<Found> {
    clearTimeout(this.#idle);
    const late = setTimeout(() => this.end(), LIMIT_MS);
    try {
      return await new Promise((resolve) => {
        this.#answered = resolve;
        this.#worker.postMessage(path);
      });
    } finally {
      clearTimeout(late);
      this.#idle = setTimeout(() => this.end(), IDLE_MS).unref();
    }
  }

  end(): void {
    this.isAlive = false;
    clearTimeout(this.#idle);
    this.#answered?.(undefined);
    void this.#worker.terminate();
  }
}
