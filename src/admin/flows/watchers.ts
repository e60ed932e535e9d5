/**
 * All open flow streams: how many there may be, and when the gateway ends them. Without one, nothing of this runs. When
 * the gateway is overloaded, streams end first.
 */
import { performance, type EventLoopUtilization } from "node:perf_hooks";
import { events } from "../../common/log/events.ts";
import type { Reply } from "../../common/message.ts";
import type { Place } from "../../journal/flows/cursor.ts";
import type { FlowThread } from "../../journal/flows/thread/flow-thread.ts";
import type { Scope } from "../../journal/search/scope/part.ts";
import { createBeat } from "./beat.ts";
import { packedForm, plainForm } from "./wire-form.ts";
import { Watcher, type FlowJournal, type StreamTimes } from "./watcher.ts";

/** Enough for a team and its scripts. */
export const MOST_WATCHERS = 20;
const OVERLOAD_MS = 1000;
/** The event loop is busy all the time: requests wait for each other. */
const BUSY = 0.97;
/** Entries wait for the disk. */
const MOST_LAG_MS = 1000;
/** A single busy second, as during a reload, is no overload. */
const BUSY_SECONDS = 5;
export const SHED_SECONDS = 30;

export const STREAM_TIMES: StreamTimes = { tick: 100, heartbeat: 2000, slow: 10_000, linger: 1000 };

export type FlowsDeps = {
  readonly thread: Pick<FlowThread, "open" | "read" | "close" | "end">;
  readonly journal: FlowJournal;
  readonly times?: Partial<StreamTimes>;
  /** The part of the last interval in which the event loop was busy, from 0 to 1. */
  readonly busy?: () => number;
};

export type Opening = {
  readonly filter: string;
  /** For people who may see single tenants only. */
  readonly scope?: Scope | undefined;
  readonly place: Place;
  readonly resumed: boolean;
  readonly warnings: readonly string[];
  /** The client accepts gzip. */
  readonly isPacked: boolean;
  readonly gone: AbortSignal;
  readonly source: string;
};

export class Watchers {
  readonly #deps: Required<FlowsDeps>;
  readonly #times: StreamTimes;
  readonly #beat: () => Promise<void>;
  /** `undefined`: a place that is taken while its stream opens. */
  readonly #open = new Set<{ watcher?: Watcher; done?: Promise<void> }>();
  #overload: NodeJS.Timeout | undefined;
  #busySeconds = 0;
  #shedUntil = -Infinity;
  #isStopping = false;

  constructor(deps: FlowsDeps) {
    this.#deps = { times: {}, busy: busyMeter(), ...deps };
    this.#times = { ...STREAM_TIMES, ...deps.times };
    this.#beat = createBeat(this.#times.tick);
  }

  get count(): number {
    return this.#open.size;
  }

  /** Why no stream can be opened now, and after how many seconds to try again; undefined when one can. */
  refusal(): { readonly error: string; readonly retryAfter: number } | undefined {
    if (this.#isStopping) return { error: "the gateway is stopping", retryAfter: 5 };
    const left = Math.ceil((this.#shedUntil - performance.now()) / 1000);
    if (left > 0) return { error: "the gateway is overloaded and serves requests first", retryAfter: left };
    if (this.#open.size >= MOST_WATCHERS)
      return { error: `${MOST_WATCHERS} flow streams are open already; close one`, retryAfter: 10 };
    return undefined;
  }

  /**
   * Takes a place for a stream: call the result once, with what to open or with undefined to give the place back. The
   * reply's stream is undefined if this journal has another entry at that place.
   */
  reserve(): (opening: Opening | undefined) => Promise<Reply["stream"]> {
    const place: { watcher?: Watcher; done?: Promise<void> } = {};
    this.#open.add(place);
    this.#watchLoad();
    const leave = (): void => {
      this.#open.delete(place);
      if (this.#open.size > 0) return;
      clearInterval(this.#overload);
      this.#overload = undefined;
    };
    return async (opening) => {
      const stream =
        opening && (await this.#begin(opening, place, leave).catch((error: unknown) => (leave(), raise(error))));
      if (!stream) leave();
      return stream;
    };
  }

  /** Ends all streams, each after what the journal has so far. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#endAll("stopping");
    const all = Promise.all([...this.#open].map(async ({ done }) => done));
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, this.#times.linger).unref())]);
    await this.#deps.thread.end();
  }

  async #begin(
    { filter, scope, place: from, resumed, warnings, isPacked, gone, source }: Opening,
    place: { watcher?: Watcher; done?: Promise<void> },
    leave: () => void,
  ): Promise<Reply["stream"]> {
    const { thread, journal } = this.#deps;
    const opened = await thread.open({ filter, place: from, scope, isPacked });
    if (!opened) return undefined;
    const begin = { filter, resumed, warnings, next: from.next, cursor: opened.cursor, isScoped: scope !== undefined };
    const watcher = (place.watcher = new Watcher(
      {
        journal,
        times: this.#times,
        read: (known) => thread.read(opened.watcher, known),
        beat: this.#beat,
        form: isPacked ? packedForm() : plainForm,
        onDropped: (reason, why) => events.flowStreamEnded({ source, reason, detail: why }),
      },
      begin,
    ));
    if (this.#isStopping) watcher.end("stopping");
    const closed = (): void => watcher.end("gone");
    gone.addEventListener("abort", closed);
    if (gone.aborted) closed();
    return (to) => {
      place.done = watcher.run(to, begin).finally(() => {
        gone.removeEventListener("abort", closed);
        thread.close(opened.watcher);
        leave();
      });
    };
  }

  #endAll(reason: "stopping" | "overload"): void {
    for (const { watcher } of this.#open) watcher?.end(reason);
  }

  #watchLoad(): void {
    if (this.#overload) return;
    this.#deps.busy();
    this.#busySeconds = 0;
    this.#overload = setInterval(() => this.#look(), OVERLOAD_MS).unref();
  }

  #look(): void {
    const { busy, journal } = this.#deps;
    const isBusy = busy() >= BUSY || (journal.failed() === undefined && journal.lag() > MOST_LAG_MS);
    this.#busySeconds = isBusy ? this.#busySeconds + 1 : 0;
    if (this.#busySeconds < BUSY_SECONDS) return;
    this.#busySeconds = 0;
    this.#shedUntil = performance.now() + SHED_SECONDS * 1000;
    events.flowStreamsShed({ streams: this.#open.size });
    this.#endAll("overload");
  }
}

const raise = (error: unknown): never => {
  throw error;
};

/** Measures from call to call. */
const busyMeter = (): (() => number) => {
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const before = last;
    last = performance.eventLoopUtilization();
    return performance.eventLoopUtilization(last, before).utilization;
  };
};
