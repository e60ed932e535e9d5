/**
 * Long work that viewers start over the admin API: verifications and exports. A job runs in the background; its state
 * and progress can be read at any time, and its result stays for a while.
 */
import { faultInWords } from "../../common/system-error.ts";
import { ulid } from "../../common/ulid.ts";

export type JobState = "running" | "done" | "failed" | "cancelled";

export type Job<About, Result> = {
  readonly id: string;
  readonly by: string;
  readonly purpose: string | null;
  readonly about: About;
  readonly state: JobState;
  /** Entries read, of how many. */
  readonly entries: number;
  readonly of: number;
  /** RFC 3339; `ended` is null while it runs. */
  readonly started: string;
  readonly ended: string | null;
  readonly result: Result | null;
  /** Why it failed. */
  readonly error: string | null;
};

/** The work of a job. `cancel` resolves when it writes nothing any more; then `result` rejects. */
export type Work<Result> = { readonly result: Promise<Result>; readonly cancel: () => Promise<void> };

export type Begin<About, Result> = Pick<Job<About, Result>, "by" | "purpose" | "about" | "of"> & {
  /** The id of the job; a new one by default. */
  readonly id?: string;
  readonly work: (onProgress: (entries: number) => void) => Work<Result>;
};

type Running<About, Result> = {
  job: Job<About, Result>;
  readonly cancel: () => Promise<void>;
  /** Resolves when the work has ended, or was cancelled and writes nothing any more. */
  settled: Promise<unknown>;
  /** Called at each change. */
  readonly watchers: Set<() => void>;
};

/** Why the gateway ended a job: not its failure, and not the wish of a viewer. */
export type Ended = { readonly state: "failed" | "cancelled"; readonly error: string | null };

export const MOST_STREAMS = 20;

export class Jobs<About, Result> {
  readonly #most: number;
  #streams = 0;
  readonly #onEnd: (job: Job<About, Result>) => void;
  readonly #jobs = new Map<string, Running<About, Result>>();

  /** `most`: ended jobs to keep. `onEnd`: called once for each job. */
  constructor(most: number, onEnd: (job: Job<About, Result>) => void = () => undefined) {
    [this.#most, this.#onEnd] = [most, onEnd];
  }

  /** Newest first. */
  list(): Job<About, Result>[] {
    return [...this.#jobs.values()].map(({ job }) => job).toReversed();
  }

  get(id: string): Job<About, Result> | undefined {
    return this.#jobs.get(id)?.job;
  }

  get running(): number {
    return this.list().filter(({ state }) => state === "running").length;
  }

  start({ id = ulid(), work, ...asked }: Begin<About, Result>): Job<About, Result> {
    const onProgress = (entries: number): void => this.#change(id, { entries: Math.min(entries, asked.of) });
    const { result, cancel } = work(onProgress);
    const job: Job<About, Result> = {
      id,
      ...asked,
      state: "running",
      entries: 0,
      started: new Date().toISOString(),
      ended: null,
      result: null,
      error: null,
    };
    const settled = result.catch(() => undefined);
    this.#jobs.set(id, { job, cancel, settled, watchers: new Set() });
    void result.then(
      (found) => this.#end(id, { state: "done", result: found, entries: asked.of }),
      (error: unknown) => this.#end(id, { state: "failed", error: faultInWords(error) }),
    );
    return job;
  }

  /** Resolves to the job once it has ended and writes nothing any more; undefined if there is no such job. */
  async cancel(
    id: string,
    ended: Ended = { state: "cancelled", error: null },
  ): Promise<Job<About, Result> | undefined> {
    const running = this.#jobs.get(id);
    if (running?.job.state === "running") {
      running.settled = running.cancel();
      this.#end(id, ended);
    }
    await running?.settled;
    return this.#jobs.get(id)?.job;
  }

  /** Resolves when the job writes nothing any more. */
  async settled(id: string): Promise<void> {
    await this.#jobs.get(id)?.settled;
  }

  /** Forgets an ended job. */
  remove(id: string): void {
    if (this.get(id)?.state !== "running") this.#jobs.delete(id);
  }

  /** `onChange` is called at each change until the returned function is called. */
  watch(id: string, onChange: () => void): () => void {
    const watchers = this.#jobs.get(id)?.watchers;
    watchers?.add(onChange);
    return () => watchers?.delete(onChange);
  }

  /** Reserves one of the few streams of progress; the returned function frees it. Undefined if all are in use. */
  enter(): (() => void) | undefined {
    if (this.#streams >= MOST_STREAMS) return undefined;
    this.#streams++;
    return () => void this.#streams--;
  }

  /** Cancels what runs. */
  async stop(): Promise<void> {
    const ended: Ended = { state: "cancelled", error: "the gateway stopped" };
    await Promise.all([...this.#jobs.keys()].map((id) => this.cancel(id, ended)));
  }

  #change(id: string, change: Partial<Job<About, Result>>): void {
    const running = this.#jobs.get(id);
    if (running?.job.state !== "running") return;
    running.job = { ...running.job, ...change };
    for (const onChange of running.watchers) onChange();
  }

  #end(id: string, change: Partial<Job<About, Result>>): void {
    if (this.get(id)?.state !== "running") return;
    this.#change(id, { ...change, ended: new Date().toISOString() });
    this.#onEnd(this.get(id)!);
    const ended = [...this.#jobs.values()].filter(({ job }) => job.state !== "running");
    for (const { job } of ended.slice(0, Math.max(0, ended.length - this.#most))) this.#jobs.delete(job.id);
  }
}
