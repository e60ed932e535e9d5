/**
 * Metrics of the process: those of prom-client, under the names that common dashboards use. Two kinds are made here:
 * those whose first values would not be numbers (the lag of the event loop), and the count of descriptors, for which
 * prom-client blocks the event loop. Three are left out: they are gauges whose names end like a counter's, and each
 * scrape would list every connection.
 */
import { readdir } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { collectDefaultMetrics, Registry } from "prom-client";
import { register, type Metric, type Rows } from "./exposition.ts";

let ofProcess: Registry | undefined;

/** One registry for the process, however many gateways it has. Measuring starts at the first call. */
export const processMetrics = (): Registry => (ofProcess ??= watched());

const LEFT_OUT = ["nodejs_active_resources", "nodejs_active_handles", "nodejs_active_requests"].flatMap((name) => [
  name,
  `${name}_total`,
]);
const LAG = "nodejs_eventloop_lag";
const LAGS = ["", "_min", "_max", "_mean", "_stddev", "_p50", "_p90", "_p99"].map((of) => `${LAG}${of}_seconds`);
const OPEN = "process_open_fds";

/** Nobody reads prom-client's own lag histogram here, so it samples once in twelve days. */
const ALMOST_NEVER_MS = 2 ** 30;
const LAG_EACH_MS = 10;

const watched = (): Registry => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: ALMOST_NEVER_MS });
  for (const name of [...LEFT_OUT, ...LAGS, OPEN]) registry.removeSingleMetric(name);
  const histogram = monitorEventLoopDelay({ resolution: LAG_EACH_MS });
  histogram.enable();
  register(registry, OURS, new Lag(histogram));
  return registry;
};

type Delay = ReturnType<typeof monitorEventLoopDelay>;
/** Seconds. */
type Delays = {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
};

/** The event loop's delays since the last read; concurrent scrapes get the same values. */
class Lag {
  readonly #histogram: Delay;
  #last: Delays | undefined;

  constructor(histogram: Delay) {
    this.#histogram = histogram;
  }

  /** Undefined before the first sample. */
  read(): Delays | undefined {
    const of = this.#histogram;
    if (of.count > 0) {
      const [p50, p90, p99] = [50, 90, 99].map((share) => of.percentile(share) / 1e9) as [number, number, number];
      this.#last = {
        min: of.min / 1e9,
        max: of.max / 1e9,
        mean: of.mean / 1e9,
        stddev: of.stddev / 1e9,
        p50,
        p90,
        p99,
      };
      of.reset();
    }
    return this.#last;
  }
}

const sinceLastRead = (of: keyof Delays, help: string): Metric<Lag> => ({
  name: `${LAG}_${of}_seconds`,
  type: "gauge",
  help: `${help} of the event loop's delays since the last scrape.`,
  rows: (lag) => {
    // The first metric in `OURS` reads the delays; the others get the same values.
    const delays = lag.read();
    return delays ? [[{}, delays[of]]] : [];
  },
});

const lagNow = (): Promise<number> =>
  new Promise((resolve) => {
    const before = performance.now();
    setImmediate(() => resolve((performance.now() - before) / 1000));
  });

const OURS: readonly Metric<Lag>[] = [
  {
    name: `${LAG}_seconds`,
    type: "gauge",
    help: "Lag of the event loop at this scrape.",
    rows: async () => [[{}, await lagNow()]],
  },
  sinceLastRead("min", "The shortest"),
  sinceLastRead("max", "The longest"),
  sinceLastRead("mean", "The mean"),
  sinceLastRead("stddev", "The standard deviation"),
  sinceLastRead("p50", "The 50th percentile"),
  sinceLastRead("p90", "The 90th percentile"),
  sinceLastRead("p99", "The 99th percentile"),
  {
    name: OPEN,
    type: "gauge",
    help: "Open file descriptors.",
    rows: async (): Promise<Rows> => {
      const open = await openDescriptors();
      return open === undefined ? [] : [[{}, open]];
    },
  },
];

let counting: Promise<number | undefined> | undefined;

/**
 * Number of open files and connections; undefined where the system does not report them. Concurrent callers get the
 * same answer.
 */
export const openDescriptors = (): Promise<number | undefined> =>
  // Without the descriptor that reads the folder.
  (counting ??= readdir("/proc/self/fd")
    .then(
      (all) => all.length - 1,
      () => undefined,
    )
    .finally(() => (counting = undefined)));
