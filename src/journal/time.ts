/** The journal's times: RFC 3339, UTC, microseconds. */

let ahead = Date.now() - performance.now();

/**
 * Microseconds since 1970. JavaScript's wall clock has milliseconds only; the monotonic clock gives the digits below
 * and is kept within the wall clock's millisecond, so the result follows a clock that is set.
 */
export const wallMicros = (): number => {
  const wall = Date.now();
  const monotonic = performance.now();
  const guess = monotonic + ahead;
  if (guess < wall) ahead = wall - monotonic;
  else if (guess >= wall + 1) ahead = wall + 0.999 - monotonic;
  return Math.floor((monotonic + ahead) * 1000);
};

let second = Number.NaN;
let upToSecond = "";

/** `2026-11-22T12:04:31.218123Z` */
export const writeMicros = (micros: number): string => {
  const whole = Math.floor(micros / 1_000_000);
  if (whole !== second) {
    second = whole;
    upToSecond = `${new Date(whole * 1000).toISOString().slice(0, 19)}.`;
  }
  return `${upToSecond}${String(micros - whole * 1_000_000).padStart(6, "0")}Z`;
};

/** The microseconds of such a text; NaN for any other text. */
export const readMicros = (time: string): number =>
  MICROS.test(time) ? Date.parse(`${time.slice(0, 19)}Z`) * 1000 + Number(time.slice(20, 26)) : Number.NaN;

const MICROS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
