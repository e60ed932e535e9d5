/** How much disk space the journal uses, and when the disk will be full at the current rate. */

export type Measured = {
  /** Bytes of all files in the journal's directory. */
  readonly journal: number;
  /** Bytes that the gateway's user can still write there. */
  readonly free: number;
};

export type DiskUse = Measured & {
  /** Bytes per hour by which the free space shrank over the last hour; undefined in the first ten minutes. */
  readonly perHour: number | undefined;
  /** Milliseconds until the disk is full; undefined if unknown or not foreseeable. */
  readonly fullInMs: number | undefined;
};

type Sample = Measured & { readonly at: number };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A shorter period says too little about an hour. */
const LEAST_MS = 600_000;

export class DiskWatch {
  readonly #steady: () => number;
  readonly #samples: Sample[] = [];

  /** `steady`: milliseconds of a monotonic clock. */
  constructor(steady: () => number = () => performance.now()) {
    this.#steady = steady;
  }

  add(measured: Measured): void {
    const at = this.#steady();
    this.#samples.push({ ...measured, at });
    while (this.#samples.length > 2 && at - this.#samples[1]!.at >= HOUR_MS) this.#samples.shift();
  }

  /** Undefined before the first measurement. */
  get use(): DiskUse | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last) return undefined;
    const { journal, free } = last;
    const perHour = rateOf(first, last);
    const fullInMs = perHour !== undefined && perHour > 0 ? (free / perHour) * HOUR_MS : undefined;
    return { journal, free, perHour, fullInMs: free === 0 ? 0 : fullInMs };
  }
}

/**
 * Other programs use the disk too, and space may be freed: the higher rate of journal growth and loss of free space
 * counts.
 */
const rateOf = (first: Sample, last: Sample): number | undefined => {
  const hours = (last.at - first.at) / HOUR_MS;
  if (hours * HOUR_MS < LEAST_MS) return undefined;
  return Math.max(0, last.journal - first.journal, first.free - last.free) / hours;
};

/** A sentence for an operator if the disk will be full within a day. */
export const fillingUp = (use: DiskUse | undefined): string | undefined => {
  if (use?.fullInMs === undefined || use.fullInMs >= DAY_MS) return undefined;
  const { free, perHour, fullInMs } = use;
  if (free === 0) return "the journal's disk is full";
  return (
    `the journal's disk is full in ${hoursText(fullInMs)} if this goes on: ${bytesText(free)} are free, and ` +
    `${bytesText(perHour!)} an hour are written`
  );
};

const hoursText = (ms: number): string =>
  ms < 2 * HOUR_MS ? `${Math.floor(ms / 60_000)} min` : `${Math.floor(ms / HOUR_MS)} h`;

const UNITS = [
  ["TB", 1e12],
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
] as const;

export const bytesText = (bytes: number): string => {
  const [unit, size] = UNITS.find(([, least]) => bytes >= least) ?? ["B", 1];
  const amount = bytes / size;
  return `${amount < 10 && unit !== "B" ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
};
