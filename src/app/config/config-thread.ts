/** Reads the config on a worker thread: ten thousand tenants take seconds, and even a few would delay many requests. */
import { stat } from "node:fs/promises";
import { SHARE_ENV, Worker, type WorkerOptions } from "node:worker_threads";
import type { KeyRecord } from "../../settings/files/keys-rows.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { HANGS_MS, newCell, notWithin } from "../../common/small-file/hanging.ts";
import { newFileCallBuffer, fileCallIn, type FileCallBuffer } from "../../common/small-file/file-call.ts";
import { NotRead } from "../../common/small-file/not-read.ts";
import { withoutHanging } from "../../common/small-file/small-file.ts";
import { receiveList, type ListTransfer } from "./thread-transfer.ts";
import { digestOf, pack, type PackedContent } from "./parsed-cache.ts";
import { isSmall, readSettled, type ReadOptions, type CheckedConfig, type ValidConfig } from "./load-config.ts";

/** The task of the thread. */
export type Job = Omit<ReadOptions, "content" | "parsed"> & { readonly kept?: PackedContent | undefined };

type WithoutLists = Omit<ValidConfig, "settings" | "keys"> & { readonly settings: Omit<Settings, "tenants"> };

/** The first message of the thread; the rest of the lists follows on request. */
export type FirstMessage =
  | { readonly checked: Extract<CheckedConfig, { ok: false }> }
  | {
      readonly checked: WithoutLists;
      readonly kept: PackedContent;
      readonly tenants: ListTransfer;
      readonly keys: ListTransfer | undefined;
    };

/** `kept`: data for the next reading; undefined when the config is invalid. */
export type ThreadReading = CheckedConfig & { readonly kept?: PackedContent };

/** The tenants and keys that `kept` describes. */
export type PreviousLists = { readonly tenants: Settings["tenants"]; readonly keys: readonly KeyRecord[] | undefined };

/** Heap limits, enough for ten thousand tenants in many files. Without them the heap grows several times larger. */
const LIMITS = { maxOldGenerationSizeMb: 144, maxYoungGenerationSizeMb: 16 };
/** Bytes. A larger file is read without limits: parsed YAML takes about 100 times the size of its text. */
const LARGE = 1 << 20;

/**
 * Reads the config on a worker thread; `signal` aborts the reading. Rejects when it is aborted, when the thread exits
 * without an answer, and with NotRead when a file system does not answer.
 */
export const readOnThread = async (
  job: Job,
  previous: PreviousLists = { tenants: [], keys: [] },
  signal: AbortSignal = new AbortController().signal,
): Promise<ThreadReading> => {
  const [first, ...others] = hanging.values();
  if (first !== undefined && others.length > 0) {
    throw new NotRead(first, `the file system still does not answer, nor for ${others.join(", ")}`);
  }
  const isLarge = await withoutHanging(job.file, () => stat(job.file)).then(
    ({ size }) => size > LARGE,
    (error: unknown) => {
      // A worker thread would hang too, and would block one of Node's few threads for file operations.
      if (error instanceof NotRead) throw error;
      return false;
    },
  );
  const context = { job, previous, signal };
  if (isLarge) return runJob(context, undefined);
  return runJob(context, LIMITS).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ERR_WORKER_OUT_OF_MEMORY") throw error;
    return runJob(context, undefined);
  });
};

/** Worker threads that hang in a file system, with the path that each one waits for. At most two. */
const hanging = new Map<Worker, string>();

type JobContext = { readonly job: Job; readonly previous: PreviousLists; readonly signal: AbortSignal };

const runJob = async (
  { job, previous, signal }: JobContext,
  limits: WorkerOptions["resourceLimits"] | undefined,
): Promise<ThreadReading> => {
  signal.throwIfAborted();
  const thread = (limits && takeIdle()) ?? startThread(limits);
  const abort = (): void => thread.fail(signal.reason as Error);
  signal.addEventListener("abort", abort);
  const watch = setInterval(() => checkForHang(thread), POLL_MS);
  let isUsable = false;
  try {
    thread.worker.postMessage(job);
    const head = (await thread.next()) as FirstMessage;
    if (!("kept" in head)) {
      isUsable = true;
      return head.checked;
    }
    const next = async (): Promise<readonly never[]> => {
      // Let waiting requests run between two batches.
      await new Promise((resolve) => setImmediate(resolve));
      thread.worker.postMessage("next");
      return (await thread.next()) as readonly never[];
    };
    const tenants = await receiveList(head.tenants, previous.tenants, next);
    const keys = head.keys && (await receiveList(head.keys, previous.keys ?? [], next));
    isUsable = head.kept.bytes < LARGE;
    return { ...head.checked, settings: { ...head.checked.settings, tenants }, keys, kept: head.kept };
  } finally {
    clearInterval(watch);
    signal.removeEventListener("abort", abort);
    if (isUsable && limits && !signal.aborted) keepIdle(thread);
    else void thread.worker.terminate();
  }
};

/** `next`: resolves to the thread's next message, in order. */
type Thread = {
  readonly worker: Worker;
  readonly next: () => Promise<unknown>;
  /** Rejects the wait for a message with this error. */
  readonly fail: (error: Error) => void;
  readonly fileCallBuffer: FileCallBuffer;
  /** The file call in progress, and when it was first seen (milliseconds, monotonic). */
  callInProgress: { readonly call: number; readonly since: number } | undefined;
};

const POLL_MS = 250;

const checkForHang = (thread: Thread): void => {
  const current = fileCallIn(thread.fileCallBuffer);
  const now = performance.now();
  if (current?.call !== thread.callInProgress?.call)
    thread.callInProgress = current && { call: current.call, since: now };
  if (!current || now - thread.callInProgress!.since < HANGS_MS) return;
  hanging.set(thread.worker, current.path);
  // The thread exits when the file call returns.
  thread.worker.once("exit", () => hanging.delete(thread.worker)).unref();
  thread.fail(new NotRead(current.path, notWithin(HANGS_MS)));
};

const startThread = (limits: WorkerOptions["resourceLimits"] | undefined): Thread => {
  const fileCallBuffer = newFileCallBuffer();
  const { free, ...cell } = newCell();
  const worker = new Worker(new URL("./config-worker.ts", import.meta.url), {
    name: "config",
    env: SHARE_ENV,
    workerData: { fileCallBuffer, cell },
    ...(limits && { resourceLimits: limits }),
  });
  const waiting: PromiseWithResolvers<unknown>[] = [];
  const received: unknown[] = [];
  let failed: Error | undefined;
  const fail = (error: Error): void => {
    failed ??= error;
    if (idle?.thread.worker === worker) endIdle();
    for (const each of waiting.splice(0)) each.reject(failed);
  };
  worker.on("message", (message) => {
    const first = waiting.shift();
    if (first) first.resolve(message);
    else received.push(message);
  });
  worker.once("exit", free);
  worker
    .once("error", fail)
    .once("exit", (code) => fail(new Error(`the thread that reads the config file ended with ${code}`)));
  const next = (): Promise<unknown> => {
    if (received.length > 0) return Promise.resolve(received.shift());
    if (failed) return Promise.reject(failed);
    const pending = Promise.withResolvers<unknown>();
    waiting.push(pending);
    return pending.promise;
  };
  return { worker, next, fail, fileCallBuffer, callInProgress: undefined };
};

/** Changes often come in series, and starting a thread is slow, so a thread stays idle this long before it ends. */
const IDLE_MS = 10_000;
let idle: { readonly thread: Thread; readonly timer: NodeJS.Timeout } | undefined;

const keepIdle = (thread: Thread): void => {
  endIdle();
  thread.worker.unref();
  idle = { thread, timer: setTimeout(endIdle, IDLE_MS).unref() };
};

const takeIdle = (): Thread | undefined => {
  const thread = idle?.thread;
  clearTimeout(idle?.timer);
  idle = undefined;
  thread?.worker.ref();
  return thread;
};

/** Ends the idle thread, if there is one. */
export const endIdle = (): void => void takeIdle()?.worker.terminate();

/** The first reading, at the start: a small config is read in less time than a thread takes to start. */
export const readFirst = async (options: ReadOptions): Promise<ThreadReading> => {
  if (!(await isSmall(options))) return readOnThread(options);
  const { checked, parsed, loaded } = await readSettled(options);
  if (!checked.ok) return checked;
  const { settings, keys = [], pieces } = checked;
  const kept = pack({
    text: loaded.text!,
    parsed,
    ended: [...loaded.ended],
    pieces: [...pieces],
    tenants: settings.tenants.map((tenant) => digestOf(tenant).digest),
    keys: keys.map((key) => digestOf(key).digest),
  });
  return { ...checked, kept };
};
