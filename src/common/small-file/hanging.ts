/**
 * Work with files of a mount that may hang, as one whose server is gone. Every call of the system that waits holds one
 * of the few threads that Node has for files (4 where UV_THREADPOOL_SIZE says nothing else), and the journal needs
 * them too. So one file is worked on at a time, who waits for longer than a limit is told so, a file that hangs is not
 * asked again while it does, and no third thread is given away.
 */
import { NotRead } from "./not-read.ts";

export const HANGS_MS = 5000;

const MOST_HANGING = 2;
const STILL = "the file system still does not answer: is a network mount away?";

/** In words. */
export const notWithin = (limitMs: number): string =>
  `the file system does not answer within ${limitMs / 1000} s: is a network mount away?`;

/** How many calls hang, by thread: those that Node has for files belong to all of them. This one's is the first. */
const CELLS = 16;
let cells = new Int32Array(new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT));
let own = 0;

export type Cell = { readonly shared: Int32Array<SharedArrayBuffer>; readonly at: number };

/** Taken, by threads of this one. */
const taken = new Set<number>([0]);

/** For another thread. `free`: when it has ended, and nothing that it called holds a thread any more. */
export const newCell = (): Cell & { readonly free: () => void } => {
  const at = cells.findIndex((_, each) => !taken.has(each));
  if (at === -1) throw new Error("too many threads read files");
  taken.add(at);
  const free = (): void => {
    Atomics.store(cells, at, 0);
    taken.delete(at);
  };
  return { shared: cells, at, free };
};

/** From now on this thread counts there. */
export const countIn = ({ shared, at }: Cell): void => void ([cells, own] = [shared, at]);

/** Their paths. */
const hanging = new Set<string>();
let turn: Promise<unknown> = Promise.resolve();

/** Rejects with what the work rejects with, and with NotRead when it takes longer than `limitMs`. */
export const withoutHanging = <Value>(
  path: string,
  work: () => Promise<Value>,
  limitMs: number = HANGS_MS,
): Promise<Value> => {
  const done = turn.then(() => within(path, work, limitMs));
  turn = done.catch(() => undefined);
  return done;
};

const within = async <Value>(path: string, work: () => Promise<Value>, limitMs: number): Promise<Value> => {
  if (hanging.has(path)) throw new NotRead(path, STILL);
  if (cells.reduce((sum, count) => sum + count, 0) >= MOST_HANGING) {
    const others = [...hanging].join(" and ") || "other files";
    throw new NotRead(path, `it is not read, because the file system does not answer for ${others}`);
  }
  const { promise, reject } = Promise.withResolvers<never>();
  const asked = work();
  const timer = setTimeout(() => {
    hanging.add(path);
    Atomics.add(cells, own, 1);
    asked
      .catch(() => undefined)
      .finally(() => {
        hanging.delete(path);
        Atomics.sub(cells, own, 1);
      });
    reject(new NotRead(path, notWithin(limitMs)));
  }, limitMs);
  try {
    return await Promise.race([asked, promise]);
  } finally {
    clearTimeout(timer);
  }
};
