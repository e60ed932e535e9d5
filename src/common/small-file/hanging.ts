/**
 * Limits file access on mounts that may hang, such as a network mount whose server is down. Each blocked system call
 * occupies one of Node's few threads for files (4 unless UV_THREADPOOL_SIZE is set), which the journal needs too. So
 * only one file is accessed at a time, callers get an error after a time limit, a file that hangs is not accessed again
 * until its call ends, and at most MOST_HANGING threads may be blocked.
 */
import { NotRead } from "./not-read.ts";
import { SerialQueue } from "../serial-queue.ts";
import { withDeadline } from "../timeout.ts";

export const HANGS_MS = 5000;

const MOST_HANGING = 2;
const STILL = "the file system still does not answer: is a network mount unreachable?";

/** The reason for a file that could not be read within the limit. */
export const notWithin = (limitMs: number): string =>
  `the file system does not answer within ${limitMs / 1000} s: is a network mount unreachable?`;

/** Number of blocked calls per JavaScript thread; all share Node's threads for files. Cell 0: the main thread. */
const CELLS = 16;
let cells = new Int32Array(new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT));
let ownCell = 0;

export type Cell = { readonly shared: Int32Array<SharedArrayBuffer>; readonly at: number };

/** The cells in use by this thread and its workers. */
const usedCells = new Set<number>([0]);

/** Reserves a cell for another thread. Call `free` when that thread has ended. Throws when all cells are in use. */
export const newCell = (): Cell & { readonly free: () => void } => {
  const at = cells.findIndex((_, each) => !usedCells.has(each));
  if (at === -1) throw new Error("too many threads read files");
  usedCells.add(at);
  const free = (): void => {
    Atomics.store(cells, at, 0);
    usedCells.delete(at);
  };
  return { shared: cells, at, free };
};

/** Makes this thread count its blocked calls in the cell. */
export const countIn = ({ shared, at }: Cell): void => void ([cells, ownCell] = [shared, at]);

/** The paths of this thread's blocked calls. */
const hanging = new Set<string>();
const queue = new SerialQueue();

/** Settles like the work, but rejects with NotRead after `limitMs`, or at once if the path or other files hang. */
export const withoutHanging = <Value>(
  path: string,
  work: () => Promise<Value>,
  limitMs: number = HANGS_MS,
): Promise<Value> => queue.run(() => withinLimit(path, work, limitMs));

const withinLimit = async <Value>(path: string, work: () => Promise<Value>, limitMs: number): Promise<Value> => {
  if (hanging.has(path)) throw new NotRead(path, STILL);
  if (cells.reduce((sum, count) => sum + count, 0) >= MOST_HANGING) {
    const others = [...hanging].join(" and ") || "other files";
    throw new NotRead(path, `the file system does not answer for ${others}`);
  }
  const result = work();
  return withDeadline(limitMs, result, () => {
    hanging.add(path);
    Atomics.add(cells, ownCell, 1);
    result
      .catch(() => undefined)
      .finally(() => {
        hanging.delete(path);
        Atomics.sub(cells, ownCell, 1);
      });
    return new NotRead(path, notWithin(limitMs));
  });
};
