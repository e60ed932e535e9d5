/** Times and spans as people read them. Times of the journal are ISO texts in UTC with up to six decimals. */
import { preferences } from "./preferences.ts";

export type Zone = "utc" | "local" | "both";

const pad = (number: number, width = 2): string => String(number).padStart(width, "0");

const dayOf = (date: Date, isUtc: boolean): string =>
  isUtc
    ? `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`
    : `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;

const clockOf = (date: Date, isUtc: boolean, decimals: number): string => {
  const [hours, minutes, seconds, ms] = isUtc
    ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds()];
  const fraction = decimals === 0 ? "" : `.${pad(ms, 3).slice(0, decimals)}`;
  return `${pad(hours)}:${pad(minutes)}:${pad(seconds)}${fraction}`;
};

/** The browser's zone, such as Europe/Berlin. */
export const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** "12:09:03.1", and the day before it when it is not today. Empty if the text is no time. */
export const shortTime = (iso: string, isUtc: boolean, now = Date.now(), decimals = 1): string => {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const day = dayOf(date, isUtc);
  const clock = clockOf(date, isUtc, decimals);
  return day === dayOf(new Date(now), isUtc) ? clock : `${day} ${clock}`;
};

/** "2026-11-22 12:08:41.003 UTC". */
export const longTime = (iso: string, isUtc: boolean): string => {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return `${dayOf(date, isUtc)} ${clockOf(date, isUtc, 3)} ${isUtc ? "UTC" : localZone()}`;
};

/** "38 ms", "1.2 s", "4 min", "2 h 05 min", "3 d 4 h". */
export const spanOf = (ms: number): string => {
  if (ms < 1000) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${pad(minutes % 60)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
};

/** The next of UTC, local time and both. */
const NEXT: Readonly<Record<Zone, Zone>> = { utc: "local", local: "both", both: "utc" };
export const nextZone = (): Zone => NEXT[preferences.peek().zone];
