/** Progress and time left of work that takes longer than two seconds, on a terminal. Nothing when piped. */

export type Progress = {
  /** `done`: of `total`, in the same unit. */
  readonly reach: (done: number) => void;
  /** Removes the line, so that the result takes its place. */
  readonly end: () => void;
};

export type Screen = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly write: (text: string) => unknown;
};

/** `unit`: of the numbers, for example "entries"; undefined: the numbers are percentages. */
export type ProgressOptions = {
  readonly unit?: string;
  readonly screen?: Screen;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

const SHOW_AFTER_MS = 2000;
const DRAW_EVERY_MS = 200;
const BAR = 20;
const ERASE_LINE = "\r\u001b[K";

/** `total`: undefined if it is unknown; then neither a bar nor the time left is shown. */
export const showProgress = (
  what: string,
  total: number | undefined,
  { unit, screen = process.stderr, now = () => performance.now(), env = process.env }: ProgressOptions = {},
): Progress => {
  if (screen.isTTY !== true || env["TERM"] === "dumb") return { reach: () => undefined, end: () => undefined };
  const begun = now();
  let first: number | undefined;
  let drawn = begun + SHOW_AFTER_MS - DRAW_EVERY_MS;
  let isShown = false;
  return {
    reach: (done) => {
      first ??= done;
      const at = now();
      if (at - drawn < DRAW_EVERY_MS) return;
      [drawn, isShown] = [at, true];
      const left = total === undefined ? undefined : ((at - begun) * (total - done)) / (done - first);
      const line = progressLine({ what, done, total, unit, left });
      screen.write(`${ERASE_LINE}${line.slice(0, Math.max(1, (screen.columns ?? 80) - 1))}`);
    },
    end: () => {
      if (isShown) screen.write(ERASE_LINE);
      isShown = false;
    },
  };
};

type Drawn = {
  readonly what: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly unit: string | undefined;
  /** Milliseconds; not finite while nothing is known. */
  readonly left: number | undefined;
};

const progressLine = ({ what, done, total, unit, left }: Drawn): string => {
  const amount = unit === undefined ? [] : [`${done.toLocaleString("en")} ${unit}`];
  if (total === undefined) return [what, ...amount].join("  ");
  // A journal that is written meanwhile has more entries than at the beginning.
  const part = total <= 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(part * BAR);
  return [
    what,
    `[${"#".repeat(filled)}${"-".repeat(BAR - filled)}]`,
    `${Math.floor(part * 100)} %`,
    ...amount,
    ...(left !== undefined && Number.isFinite(left) ? [`${timeLeft(Math.max(0, left))} left`] : []),
  ].join("  ");
};

/** For example 8 s, 2 min 5 s, 1 h 3 min. */
const timeLeft = (milliseconds: number): string => {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
};
