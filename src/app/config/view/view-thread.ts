/** The main thread's side of the view thread: one question at a time, with a time limit. */
import { SHARE_ENV, Worker } from "node:worker_threads";
import { ConfigUnavailable } from "../../../admin/api/config.ts";
import { fileCallIn, newFileCallBuffer, type FileCallBuffer } from "../../../common/small-file/file-call.ts";
import { HANGS_MS, newCell, notWithin } from "../../../common/small-file/hanging.ts";
import { SerialQueue } from "../../../common/serial-queue.ts";
import type { Answers, InForce, Question, Result } from "./messages.ts";
import { listenInBackground } from "../../../common/threads/background-worker.ts";

const LIMIT_MS = 60_000;
const IDLE_MS = 30_000;
const POLL_MS = 250;
const MOST_WAITING = 8;
/** Threads that a file system does not let end. */
const MOST_ENDING = 2;

type Thread = { readonly worker: Worker; readonly fileCallBuffer: FileCallBuffer };
type Running = Thread & { readonly pending: PromiseWithResolvers<Result> | undefined };

export class ViewThread {
  readonly #queue = new SerialQueue();
  #waiting = 0;
  #running: Running | undefined;
  #idle: NodeJS.Timeout | undefined;
  #ending = 0;
  #isClosed = false;

  /** Rejects with ConfigUnavailable. */
  async ask<Asked extends Question>(inForce: InForce, question: Asked): Promise<Answers[Asked["kind"]]> {
    if (this.#waiting >= MOST_WAITING)
      throw new ConfigUnavailable("too many questions about the config; try again later");
    this.#waiting++;
    try {
      return await this.#queue.run(() => this.#ask(inForce, question));
    } finally {
      this.#waiting--;
    }
  }

  async #ask<Asked extends Question>(inForce: InForce, question: Asked): Promise<Answers[Asked["kind"]]> {
    if (this.#isClosed) throw new ConfigUnavailable("the gateway is stopping");
    clearTimeout(this.#idle);
    const thread = this.#running ?? this.#start();
    const pending = Promise.withResolvers<Result>();
    this.#running = { ...thread, pending };
    const giveUp = (why: string): void => {
      pending.reject(new ConfigUnavailable(why));
      this.#end();
    };
    const late = setTimeout(() => giveUp(`the config was not read within ${LIMIT_MS / 1000} s`), LIMIT_MS);
    const watch = watchFileCalls(thread.fileCallBuffer, (path) =>
      giveUp(`cannot read ${path}: ${notWithin(HANGS_MS)}`),
    );
    try {
      thread.worker.postMessage({ inForce, question });
      const result = (await pending.promise) as Result<Asked["kind"]>;
      if ("failed" in result) throw new ConfigUnavailable(result.failed);
      return result.answer;
    } finally {
      clearTimeout(late);
      clearInterval(watch);
      if (this.#running) this.#running = { ...this.#running, pending: undefined };
      this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
    }
  }

  #start(): Thread {
    if (this.#ending >= MOST_ENDING)
      throw new ConfigUnavailable("the file system of the config does not answer; try again later");
    const { free, ...cell } = newCell();
    const fileCallBuffer = newFileCallBuffer();
    const worker = new Worker(new URL("./view-worker.ts", import.meta.url), {
      name: "config-view",
      env: SHARE_ENV,
      workerData: { fileCallBuffer, cell },
    });
    const isCurrent = (): boolean => this.#running?.worker === worker;
    const fail = (why: string): void => {
      if (!isCurrent()) return;
      this.#running?.pending?.reject(new ConfigUnavailable(why));
      this.#end();
    };
    listenInBackground(worker, (result: Result) => void (isCurrent() && this.#running?.pending?.resolve(result)));
    worker.once("error", (error: NodeJS.ErrnoException) =>
      fail(
        error.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? "the config is too large to be shown"
          : "the config cannot be shown: internal error",
      ),
    );
    worker.once("exit", () => {
      free();
      fail("the thread that reads the config ended");
    });
    return { worker, fileCallBuffer };
  }

  #end(): void {
    clearTimeout(this.#idle);
    const worker = this.#running?.worker;
    this.#running = undefined;
    if (!worker) return;
    this.#ending++;
    worker.once("exit", () => this.#ending--);
    void worker.terminate();
  }

  /** Ends the thread; questions in progress are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#running?.pending?.reject(new ConfigUnavailable("the gateway is stopping"));
    this.#end();
    await this.#queue.idle();
  }
}

/** Calls `hangs` with the path when one call for a file takes too long, as on a network mount whose server is down. */
const watchFileCalls = (buffer: FileCallBuffer, hangs: (path: string) => void): NodeJS.Timeout => {
  let seen: { readonly call: number; readonly since: number } | undefined;
  return setInterval(() => {
    const current = fileCallIn(buffer);
    const now = performance.now();
    if (current?.call !== seen?.call) seen = current && { call: current.call, since: now };
    if (current && now - seen!.since >= HANGS_MS) hangs(current.path);
  }, POLL_MS);
};
