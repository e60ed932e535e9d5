/** Genesys time zone objects by name, and conversion between local time and UTC, with daylight saving time. */
import type { DateTime } from "../../ocs/date-time.ts";

export type TimeZone = {
  readonly dbid: number;
  readonly name: string;
  /** IANA name, as Intl takes it. */ readonly zone: string;
};

export const TIME_ZONES: readonly TimeZone[] = [
  ["GMT", "Etc/GMT"],
  ["UTC", "Etc/UTC"],
  ["WET", "Europe/Lisbon"],
  ["CET", "Europe/Berlin"],
  ["EET", "Europe/Helsinki"],
  ["MSK", "Europe/Moscow"],
  ["EST", "America/New_York"],
  ["CST", "America/Chicago"],
  ["MST", "America/Denver"],
  ["PST", "America/Los_Angeles"],
  ["AKST", "America/Anchorage"],
  ["HST", "Pacific/Honolulu"],
  ["AST", "America/Halifax"],
  ["BET", "America/Sao_Paulo"],
  ["IST", "Asia/Kolkata"],
  ["JST", "Asia/Tokyo"],
  ["AEST", "Australia/Sydney"],
].map(([name, zone], index) => ({ dbid: 501 + index, name: name!, zone: zone! }));

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** The zone's offset from UTC at an instant, in milliseconds, positive east of UTC. */
export const offsetAt = (instant: number, zone: string): number => {
  const parts = Object.fromEntries(
    formatFor(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const wall = Date.UTC(parts.year!, parts.month! - 1, parts.day, parts.hour, parts.minute, parts.second);
  return wall - Math.floor(instant / 1000) * 1000;
};

const formatFor = (zone: string): Intl.DateTimeFormat => {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(zone, format);
  return format;
};

/** The zone's local time at an instant, in seconds since midnight. */
export const secondsOfDay = (instant: number, zone: string): number => {
  const wall = instant + offsetAt(instant, zone);
  return Math.floor((((wall % DAY) + DAY) % DAY) / 1000);
};

/**
 * Converts local time to UTC seconds. A time that occurs twice in autumn is the first; for a time skipped in spring the
 * offset before the change applies.
 */
export const utcSeconds = ({ year, month, day, hour, minute }: DateTime, zone: string): number => {
  const wall = Date.UTC(year, month - 1, day, hour, minute);
  const before = offsetAt(wall - DAY, zone);
  const after = offsetAt(wall + DAY, zone);
  const shown = [before, after]
    .map((offset) => wall - offset)
    .filter((instant) => instant + offsetAt(instant, zone) === wall);
  return (shown.length > 0 ? Math.min(...shown) : wall - before) / 1000;
};
