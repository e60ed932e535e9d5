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

/** By path, since when. */
const hanging = new Set<string>();
let turn: Promise<unknown> = Promise.resolve();

/** Rejects with what the work rejects with, and with NotRead when it takes longer than `limitMs`. */
export const withoutHanging = <Value>(path: string, work: () => Promise<Value>, limitMs: number = HANGS_MS): Promise<Value> => {
  const done = turn.then(() => within(path, work, limitMs));
  turn = done.catch(() => undefined);
  return done;
};

const within = async <Value>(path: string, work: () => Promise<Value>, limitMs: number): Promise<Value> => {
  if (hanging.has(path)) throw new NotRead(path, STILL);
  if (hanging.size >= MOST_HANGING) throw new NotRead(path, `it is not read, because the file system does not answer for ${[...hanging].join(" and ")}`);
  const { promise, reject } = Promise.withResolvers<never>();
  const asked = work();
  const timer = setTimeout(() => {
    hanging.add(path);
    asked.catch(() => undefined).finally(() => hanging.delete(path));
    reject(new NotRead(path, `the file system does not answer within ${limitMs / 1000} s: is a network mount away?`));
  }, limitMs);
  try {
    return await Promise.race([asked, promise]);
  } finally {
    clearTimeout(timer);
  }
};
