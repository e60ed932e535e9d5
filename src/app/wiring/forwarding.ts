/** Forwards the journal's entries to the destinations of `audit.forward`, in a thread of its own. */
import { Worker } from "node:worker_threads";
import { listenInBackground } from "../../common/threads/background-worker.ts";
import type { ForwardSample } from "../../admin/metrics/sources.ts";
import { events } from "../../common/log/events.ts";
import { addressText, type Destination } from "../../journal/forward/destination.ts";
import type { ForwardState } from "../../journal/forward/forwarder.ts";
import { keepFirstPositions } from "../../journal/forward/position.ts";
import type { Command, ThreadData, ThreadNews } from "../../journal/forward/messages.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import type { ShutdownSteps } from "../shutdown.ts";
import { VERSION } from "../version.ts";

export type Forwarding = {
  /** Applies `audit.forward` of these settings; the positions stay. */
  readonly update: (settings: Settings) => Promise<void>;
  /** One sentence for each destination that entries do not reach. */
  readonly troubles: () => readonly string[];
  readonly samples: () => readonly ForwardSample[];
};

type ForwardSettings = Settings["audit"]["forward"][number];

const POLL_MS = 250;
/** A destination that gets nothing for this long, although there are entries for it, is reported. */
const STUCK_MS = 60_000;
/** The last entries of a stop get this time. */
const STOP_MS = 2000;
const RESTART_MS = 5000;
const HEAP_MIB = { old: 256, young: 16 };

type ForwardJournal = Pick<Journal, "dir" | "status" | "note">;

/** What is known of a destination. `since`: when it last got an entry or had all (milliseconds, monotonic). */
type Watched = { readonly state: ForwardState; since: number; isAlarmed: boolean };

/** To be called before the first entry of this run, so that the start is forwarded too. */
export const startForwarding = async (
  journal: ForwardJournal,
  settings: Settings,
  stops: ShutdownSteps,
): Promise<Forwarding> => {
  const forwarding = new ForwardThread(journal);
  stops.push(() => forwarding.stop());
  await forwarding.change(settings.audit.forward);
  return {
    update: ({ audit }) => forwarding.change(audit.forward),
    troubles: () => forwarding.troubles(),
    samples: () => forwarding.samples(),
  };
};

class ForwardThread {
  readonly #journal: ForwardJournal;
  #settings: readonly ForwardSettings[] = [];
  #worker: Worker | undefined;
  #size = 0;
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isStopping = false;
  #stopped = Promise.withResolvers<void>();

  constructor(journal: ForwardJournal) {
    this.#journal = journal;
  }

  async change(settings: readonly ForwardSettings[]): Promise<void> {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return;
    this.#settings = settings;
    const names = new Set(settings.map(({ name }) => name));
    for (const name of this.#watched.keys()) if (!names.has(name)) this.#watched.delete(name);
    const { dir } = this.#journal;
    // If the disk fails, each destination reports it.
    await keepFirstPositions(dir, settings, this.#journal.status().size).catch(() => undefined);
    if (this.#isStopping || settings !== this.#settings) return;
    if (this.#worker) this.#tell({ do: "change", destinations: settings.map(destinationOf) });
    else if (settings.length > 0) this.#begin();
  }

  troubles(): readonly string[] {
    return [...this.#watched.values()].flatMap((watched) => {
      const { name, to, next } = watched.state;
      const trouble = this.#troubleOf(watched, STUCK_MS);
      if (trouble === undefined) return [];
      const waiting = next === undefined ? "journal entries" : `${this.#lagOf(watched)} journal entries`;
      return [`${waiting} wait to be forwarded to ${name} (${to}): ${trouble}`];
    });
  }

  #lagOf({ state: { next } }: Watched): number | undefined {
    return next === undefined ? undefined : Math.max(0, this.#journal.status().size - next);
  }

  /** Why a destination gets nothing. `stuckMs`: after this time without progress it counts as stuck. */
  #troubleOf(watched: Watched, stuckMs: number): string | undefined {
    const { state, since } = watched;
    const isStuck = this.#lagOf(watched) !== 0 && performance.now() - since >= stuckMs;
    return state.trouble ?? (isStuck ? "nothing was taken for a long time" : undefined);
  }

  samples(): readonly ForwardSample[] {
    return [...this.#watched.values()].map((watched) => ({
      destination: watched.state.name,
      isUp: this.#troubleOf(watched, STUCK_MS) === undefined,
      next: watched.state.next,
      lag: this.#lagOf(watched),
      failures: watched.state.failures,
      missing: watched.state.missing,
    }));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (!worker) return;
    this.#tell({ do: "stop", size: this.#journal.status().size });
    const late = setTimeout(() => this.#stopped.resolve(), STOP_MS);
    await this.#stopped.promise;
    clearTimeout(late);
    await worker.terminate();
  }

  #tell(command: Command): void {
    this.#worker?.postMessage(command);
  }

  #begin(): void {
    this.#size = this.#journal.status().size;
    const workerData: ThreadData = {
      dir: this.#journal.dir,
      version: VERSION,
      size: this.#size,
      destinations: this.#settings.map(destinationOf),
    };
    const worker = new Worker(new URL("../../journal/forward/worker.ts", import.meta.url), {
      workerData,
      name: "forward",
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB.old, maxYoungGenerationSizeMb: HEAP_MIB.young },
    });
    this.#worker = worker;
    listenInBackground(worker, (news: ThreadNews) => this.#hear(news));
    worker.on("error", (error) => events.forwardThreadFailed({ error }));
    worker.on("exit", () => this.#ended());
    this.#timer ??= setInterval(() => this.#poll(), POLL_MS).unref();
  }

  #ended(): void {
    this.#worker = undefined;
    this.#stopped.resolve();
    if (this.#isStopping) return;
    for (const settings of this.#settings) this.#hear({ kind: "state", state: this.#brokenState(settings) });
    this.#restart = setTimeout(() => this.#begin(), RESTART_MS).unref();
  }

  /** The thread ended: until it runs again, nothing is forwarded. */
  #brokenState({ name, to }: ForwardSettings): ForwardState {
    const before = this.#watched.get(name)?.state;
    const trouble = "the thread that forwards entries ended";
    const failures = (before?.failures ?? 0) + 1;
    return { name, to: addressText(to), next: before?.next, trouble, failures, missing: before?.missing ?? 0 };
  }

  #poll(): void {
    const { size } = this.#journal.status();
    if (size !== this.#size) this.#tell({ do: "read", size: (this.#size = size) });
    for (const settings of this.#settings) this.#alarm(settings);
  }

  /** Raises one alarm when a destination got nothing for `alarm_after`, although there is something for it. */
  #alarm({ name, alarm_after: afterMs }: ForwardSettings): void {
    const watched = this.#watched.get(name);
    if (!watched) return;
    if (this.#lagOf(watched) === 0 && watched.state.trouble === undefined) watched.since = performance.now();
    const trouble = this.#troubleOf(watched, afterMs);
    if (trouble === undefined || watched.isAlarmed || performance.now() - watched.since < afterMs) return;
    watched.isAlarmed = true;
    const { to } = watched.state;
    events.forwardBehind({ destination: name, seconds: Math.round(afterMs / 1000), reason: trouble });
    this.#journal.note({
      kind: "alarm",
      reason: "journal entries cannot be forwarded",
      detail: `${name} (${to}): ${trouble}`,
    });
  }

  #hear(news: ThreadNews): void {
    if (news.kind === "stopped") return this.#stopped.resolve();
    if (news.kind === "missing") {
      const { name, missing } = news;
      return events.forwardEntriesMissing({
        destination: name,
        from: missing.from,
        to: missing.to - 1,
        reason: missing.reason,
      });
    }
    const { state } = news;
    if (!this.#settings.some(({ name }) => name === state.name)) return;
    const before = this.#watched.get(state.name);
    reportChange(before?.state, state);
    const isProgress = state.trouble === undefined && (!before || before.state.next !== state.next);
    this.#watched.set(state.name, {
      state,
      since: isProgress || !before ? performance.now() : before.since,
      isAlarmed: !isProgress && before?.isAlarmed === true,
    });
  }
}

const reportChange = (before: ForwardState | undefined, { name, to, trouble }: ForwardState): void => {
  if (trouble !== undefined && before?.trouble === undefined)
    events.forwardFailed({ destination: name, address: to, reason: trouble });
  if (trouble === undefined && before?.trouble !== undefined) events.forwardRecovered({ destination: name });
};

const destinationOf = (settings: ForwardSettings): Destination => {
  const { name, to, format, tls, kinds, from, enterprise_number } = settings;
  const own = format ?? (to.kind === "syslog" ? "rfc5424" : "ocsf");
  return { name, to, format: own, tls, kinds, from, enterprise_number };
};
