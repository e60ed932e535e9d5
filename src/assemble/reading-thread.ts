/** Reads the config on another thread: ten thousand tenants take seconds, and even few of them the time of many requests. */
import { stat } from "node:fs/promises";
import { SHARE_ENV, Worker, type WorkerOptions } from "node:worker_threads";
import type { KeyRecord } from "../settings/keys-file.ts";
import type { Settings } from "../settings/schema.ts";
import { HANGS_MS, newCell, notWithin } from "../small-file/hanging.ts";
import { newSight, seenIn, type Sight } from "../small-file/in-sight.ts";
import { NotRead } from "../small-file/not-read.ts";
import { withoutHanging } from "../small-file.ts";
import { arrive, type Crossing } from "./crossing.ts";
import { digested, pack, type Kept } from "./kept.ts";
import { isSmall, readSettled, type Asked, type Checked, type Valid } from "./reading.ts";

/** What the thread is asked. */
export type Job = Omit<Asked, "content" | "parsed"> & { readonly kept?: Kept | undefined };

type WithoutLists = Omit<Valid, "settings" | "keys"> & { readonly settings: Omit<Settings, "tenants"> };

/** What the thread says first; of the lists the rest follows when it is asked for. */
export type Head =
  | { readonly checked: Extract<Checked, { ok: false }> }
  | {
      readonly checked: WithoutLists;
      readonly kept: Kept;
      readonly tenants: Crossing;
      readonly keys: Crossing | undefined;
    };

/** `kept`: for the next reading, undefined where this one is not valid. */
export type Aside = Checked & { readonly kept?: Kept };

/** The lists that belong to `kept`. */
export type InHand = { readonly tenants: Settings["tenants"]; readonly keys: readonly KeyRecord[] | undefined };

/** Enough for ten thousand tenants in many files. Without a limit the heap grows to several times what is needed. */
const LIMITS = { maxOldGenerationSizeMb: 144, maxYoungGenerationSizeMb: 16 };
/** A file of this size needs more than that: in the document of a YAML file a byte takes a hundred. */
const LARGE = 1 << 20;

/**
 * `over`: aborts the reading. Rejects when it is aborted, when the thread ends without an answer, and with NotRead when
 * a file system does not answer.
 */
export const readAside = async (
  job: Job,
  inHand: InHand = { tenants: [], keys: [] },
  over: AbortSignal = new AbortController().signal,
): Promise<Aside> => {
  const [first, ...others] = hanging.values();
  if (first !== undefined && others.length > 0) {
    throw new NotRead(first, `the file system still does not answer, nor for ${others.join(", ")}`);
  }
  const isLarge = await withoutHanging(job.file, () => stat(job.file)).then(
    ({ size }) => size > LARGE,
    (error: unknown) => {
      // A thread would wait for it too, and hold one of those that Node has for files.
      if (error instanceof NotRead) throw error;
      return false;
    },
  );
  const asked = { job, inHand, over };
  if (isLarge) return readOn(asked, undefined);
  return readOn(asked, LIMITS).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ERR_WORKER_OUT_OF_MEMORY") throw error;
    return readOn(asked, undefined);
  });
};

/** Threads that a file system does not let go, and the path that each waits for. There are no more than two. */
const hanging = new Map<Worker, string>();

type AskedOf = { readonly job: Job; readonly inHand: InHand; readonly over: AbortSignal };

const readOn = async (
  { job, inHand, over }: AskedOf,
  limits: WorkerOptions["resourceLimits"] | undefined,
): Promise<Aside> => {
  over.throwIfAborted();
  const thread = (limits && takeIdle()) ?? startThread(limits);
  const ended = (): void => thread.fail(over.reason as Error);
  over.addEventListener("abort", ended);
  const watch = setInterval(() => lookFor(thread), LOOK_MS);
  let isUsable = false;
  try {
    thread.worker.postMessage(job);
    const head = (await thread.next()) as Head;
    if (!("kept" in head)) {
      isUsable = true;
      return head.checked;
    }
    const next = async (): Promise<readonly never[]> => {
      // Whoever waits for its turn comes first.
      await new Promise((resolve) => setImmediate(resolve));
      thread.worker.postMessage("next");
      return (await thread.next()) as readonly never[];
    };
    const tenants = await arrive(head.tenants, inHand.tenants, next);
    const keys = head.keys && (await arrive(head.keys, inHand.keys ?? [], next));
    isUsable = head.kept.byteLength < LARGE;
    return { ...head.checked, settings: { ...head.checked.settings, tenants }, keys, kept: head.kept };
  } finally {
    clearInterval(watch);
    over.removeEventListener("abort", ended);
    if (isUsable && limits && !over.aborted) keepIdle(thread);
    else void thread.worker.terminate();
  }
};

/** `next`: what it says, in the sequence in which that comes. */
type Thread = {
  readonly worker: Worker;
  readonly next: () => Promise<unknown>;
  /** Whoever waits for a word hears this instead. */
  readonly fail: (error: Error) => void;
  readonly sight: Sight;
  /** The call that it was last seen at, and since when. */
  at: { readonly call: number; readonly since: number } | undefined;
};

const LOOK_MS = 250;

const lookFor = (thread: Thread): void => {
  const seen = seenIn(thread.sight);
  const now = performance.now();
  if (seen?.call !== thread.at?.call) thread.at = seen && { call: seen.call, since: now };
  if (!seen || now - thread.at!.since < HANGS_MS) return;
  hanging.set(thread.worker, seen.path);
  // It ends when the call comes back.
  thread.worker.once("exit", () => hanging.delete(thread.worker)).unref();
  thread.fail(new NotRead(seen.path, notWithin(HANGS_MS)));
};

const startThread = (limits: WorkerOptions["resourceLimits"] | undefined): Thread => {
  const sight = newSight();
  const { free, ...cell } = newCell();
  const worker = new Worker(new URL("./reading-worker.ts", import.meta.url), {
    name: "config",
    env: SHARE_ENV,
    workerData: { sight, cell },
    ...(limits && { resourceLimits: limits }),
  });
  const waiting: PromiseWithResolvers<unknown>[] = [];
  const come: unknown[] = [];
  let failed: Error | undefined;
  const fail = (error: Error): void => {
    failed ??= error;
    if (idle?.thread.worker === worker) endIdle();
    for (const each of waiting.splice(0)) each.reject(failed);
  };
  worker.on("message", (message) => {
    const first = waiting.shift();
    if (first) first.resolve(message);
    else come.push(message);
  });
  worker.once("exit", free);
  worker
    .once("error", fail)
    .once("exit", (code) => fail(new Error(`the thread that reads the config file ended with ${code}`)));
  const next = (): Promise<unknown> => {
    if (come.length > 0) return Promise.resolve(come.shift());
    if (failed) return Promise.reject(failed);
    const asked = Promise.withResolvers<unknown>();
    waiting.push(asked);
    return asked.promise;
  };
  return { worker, next, fail, sight, at: undefined };
};

/** A change often comes with others: a thread that has read a small config is kept for a while, since to begin takes longer than to read. */
const IDLE_MS = 10_000;
let idle: { readonly thread: Thread; readonly timer: NodeJS.Timeout } | undefined;

const keepIdle = (thread: Thread): void => {
  endIdle();
  thread.worker.unref();
  idle = { thread, timer: setTimeout(endIdle, IDLE_MS).unref() };
};

const takeIdle = (): Thread | undefined => {
  const taken = idle?.thread;
  clearTimeout(idle?.timer);
  idle = undefined;
  taken?.worker.ref();
  return taken;
};

/** No thread waits for another reading any more. */
export const endIdle = (): void => void takeIdle()?.worker.terminate();

/** Before anybody is served: a small config is read in less time than a thread takes to begin. */
export const readFirst = async (asked: Asked): Promise<Aside> => {
  if (!(await isSmall(asked))) return readAside(asked);
  const { checked, parsed, loaded } = await readSettled(asked);
  if (!checked.ok) return checked;
  const { settings, keys = [], pieces } = checked;
  const kept = pack({
    text: loaded.text!,
    parsed,
    ended: [...loaded.ended],
    pieces: [...pieces],
    tenants: settings.tenants.map((tenant) => digested(tenant).digest),
    keys: keys.map((key) => digested(key).digest),
  });
  return { ...checked, kept };
};
