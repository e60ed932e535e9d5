/** A job on a thread of its own, as the gateway sees it: a verification or an export of the whole journal. */
import { Worker } from "node:worker_threads";
import type { JobData, JobMessage } from "./messages.ts";
import { listenInBackground } from "../../common/threads/background-worker.ts";

const MOST_HEAP_MIB = 512;

export class JobFailed extends Error {
  override readonly name = "JobFailed";
  /** The name of the error's class. */
  readonly kind: string;

  constructor(reason: string, kind = "") {
    super(reason);
    this.kind = kind;
  }
}

/** The job was cancelled. */
export class JobCancelled extends Error {
  override readonly name = "JobCancelled";
}

export type JobOptions<Asked> = {
  /** The file of the thread's program, which calls `runJob`. */
  readonly program: URL;
  readonly asked: Asked;
  /** The folder for the thread's temporary files; default: that of the process. */
  readonly temporary?: string | undefined;
  readonly onProgress: (entries: number) => void;
};

export class JobThread<Asked, Result> {
  readonly #worker: Worker;
  readonly #paused = new SharedArrayBuffer(4);
  readonly #ended = Promise.withResolvers<Result>();
  #isCancelled = false;

  constructor({ program, asked, temporary, onProgress }: JobOptions<Asked>) {
    this.#ended.promise.catch(() => undefined);
    this.#worker = new Worker(program, {
      workerData: { asked, paused: this.#paused } satisfies JobData<Asked>,
      resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MIB },
      ...(temporary !== undefined && { env: { ...process.env, TMPDIR: temporary } }),
    });
    listenInBackground(this.#worker, (message: JobMessage<Result>) => {
      if (message.kind === "progress") onProgress(message.entries);
      else if (message.kind === "done") this.#ended.resolve(message.result);
      else this.#ended.reject(new JobFailed(message.reason, message.name));
    });
    this.#worker.on("error", (error) => this.#ended.reject(new JobFailed(error.message)));
    this.#worker.on("exit", () =>
      this.#ended.reject(this.#isCancelled ? new JobCancelled("cancelled") : new JobFailed("the thread ended early")),
    );
  }

  /** Rejects with JobFailed or JobCancelled. */
  get result(): Promise<Result> {
    return this.#ended.promise;
  }

  set isPaused(paused: boolean) {
    Atomics.store(new Int32Array(this.#paused), 0, paused ? 1 : 0);
  }

  /** Resolves when the thread has ended: it writes nothing any more. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    await this.#worker.terminate();
  }
}
