/** One open flow stream: asks for what is new, writes it, and says that it is alive while there is nothing. */
import type { BodyStream } from "../../common/message.ts";
import type { Known, Portion } from "../../journal/flows/shared-feed.ts";
import { END_REASONS, eventBytes, type BeginEvent, type EndReason } from "./event-stream.ts";
import type { WireForm } from "./wire-form.ts";

/** The journal as a stream needs it. */
export type FlowJournal = {
  /** Entries on disk. */
  readonly size: () => number;
  /** Retention deleted the segments below this index. */
  readonly deletedTo: () => number;
  /** Why nothing can be written; undefined while the journal works. */
  readonly failed: () => string | undefined;
  /** How long the oldest entry has been waiting for the disk, in milliseconds. */
  readonly lag: () => number;
};

/** Milliseconds. `tick`: how often the stream looks for new entries; `slow`: how long a client may take to read. */
export type StreamTimes = {
  readonly tick: number;
  readonly heartbeat: number;
  readonly slow: number;
  readonly linger: number;
};

export type WatcherDeps = {
  readonly journal: FlowJournal;
  readonly times: StreamTimes;
  readonly read: (known: Known) => Promise<Portion>;
  /** Resolves when it is time to look for new entries, for all streams at once. */
  readonly beat: () => Promise<void>;
  readonly form: WireForm;
  /** Called when the gateway ends the stream before its client does, except when the gateway stops. */
  readonly onDropped: (reason: EndReason, why: string) => void;
};

/** `isScoped`: for people who may see single tenants only; no event tells them how much others do. */
type Begin = Pick<BeginEvent, "filter" | "resumed" | "warnings"> & {
  readonly next: number;
  readonly cursor: string;
  readonly isScoped: boolean;
};

export class Watcher {
  readonly #deps: WatcherDeps;
  readonly #isScoped: boolean;
  /** Ends the wait for the next beat. */
  #wake: () => void = () => undefined;
  #reason: EndReason | "gone" | undefined;
  #next: number;
  #cursor: string;
  #sent = 0;
  #passed = 0;
  /** When the stream last wrote something, on the monotonic clock. */
  #wrote = performance.now();

  constructor(deps: WatcherDeps, { next, cursor, isScoped }: Begin) {
    [this.#deps, this.#next, this.#cursor, this.#isScoped] = [deps, next, cursor, isScoped];
  }

  /** The stream ends soon, after what the journal has so far if the gateway is stopping. */
  end(reason: EndReason | "gone"): void {
    this.#reason ??= reason;
    this.#wake();
  }

  /** Resolves when the stream has ended. Never rejects. */
  async run(to: BodyStream, { filter, resumed, warnings }: Begin): Promise<void> {
    const behind = this.#isScoped ? {} : { behind: this.#behind };
    try {
      await this.#say(to, eventBytes("begin", { filter, time: now(), resumed, ...behind, warnings }, this.#cursor));
      while (this.#reason === undefined) await this.#step(to);
      if (this.#reason === "stopping") await this.#finish(to);
    } catch (error) {
      this.#drop("failed", error instanceof Error ? error.message : "");
    }
    this.#close(to);
  }

  get #behind(): number {
    return Math.max(0, this.#deps.journal.size() - this.#next);
  }

  async #step(to: BodyStream): Promise<void> {
    const { heartbeat } = this.#deps.times;
    if (this.#behind > 0) await this.#show(to);
    if (this.#reason === undefined && performance.now() - this.#wrote >= heartbeat) {
      // For a cursor that differs from the last one, whether or not the journal has grown.
      if (this.#isScoped) await this.#show(to);
      await this.#say(to, this.#heartbeat());
    }
    if (this.#reason === undefined) await this.#nextBeat();
  }

  #nextBeat(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      void this.#deps.beat().then(resolve);
    });
  }

  /** What the journal had when the gateway began to stop; a client that does not take it in time continues later. */
  async #finish(to: BodyStream): Promise<void> {
    const size = this.#deps.journal.size();
    while (this.#next < size) {
      const before = this.#next;
      await this.#show(to);
      if (this.#next === before) return;
    }
  }

  async #show(to: BodyStream): Promise<void> {
    const { journal, read, form } = this.#deps;
    const portion = await read({ to: journal.size(), deletedTo: journal.deletedTo() });
    const { next, cursor, sent, passed } = portion;
    [this.#next, this.#cursor] = [next, cursor];
    this.#sent += sent;
    this.#passed += passed;
    if (portion.bytes.length > 0) await this.#write(to, form.portion(portion));
  }

  #say(to: BodyStream, event: Uint8Array): Promise<void> {
    return this.#write(to, this.#deps.form.event(event));
  }

  /** Waits for the client, but not for long. */
  async #write(to: BodyStream, bytes: Uint8Array): Promise<void> {
    const { slow } = this.#deps.times;
    const taken = to.write(bytes).then(() => true);
    const isTaken = await this.#within(slow, taken);
    this.#wrote = performance.now();
    if (isTaken !== true) this.#drop("slow", `it did not read ${bytes.length} bytes in ${slow / 1000} s`);
  }

  /** None for scoped people: the client has one, and another one would tell that the journal has grown. */
  get #endCursor(): string | undefined {
    return this.#isScoped ? undefined : this.#cursor;
  }

  #heartbeat(): Uint8Array {
    const failed = this.#deps.journal.failed();
    const counts = { passed: this.#passed, behind: this.#behind, journal: failed ?? null };
    const words = { journal: failed === undefined ? null : JOURNAL_FAILED };
    return eventBytes(
      "heartbeat",
      { time: now(), sent: this.#sent, ...(this.#isScoped ? words : counts) },
      this.#cursor,
    );
  }

  #drop(reason: EndReason, why: string): void {
    if (this.#reason === undefined) this.#deps.onDropped(reason, why);
    this.end(reason);
  }

  /** The last event says why; a client that does not read it within a moment is disconnected. */
  #close(to: BodyStream): void {
    const { form } = this.#deps;
    const reason = this.#reason!;
    if (reason !== "gone") {
      void to.write(form.event(eventBytes("end", { reason, message: END_REASONS[reason] }, this.#endCursor)));
      const last = form.end();
      if (last.length > 0) void to.write(last);
    }
    to.end();
    setTimeout(() => to.destroy(), this.#deps.times.linger).unref();
  }

  /** Undefined if `event` takes longer. */
  async #within<Value>(ms: number, event: Promise<Value>): Promise<Value | undefined> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), ms);
    const value = await Promise.race([event, late.promise]);
    clearTimeout(timer);
    return value;
  }
}

const JOURNAL_FAILED = "the journal cannot be written";

const now = (): string => new Date().toISOString();
