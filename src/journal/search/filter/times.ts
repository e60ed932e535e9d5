/** Reads times as people write them, in UTC unless they have an offset, and gives the period that they mean. */

const AGO = /^(\d{1,6})(s|m|h|d|w)$/;
const ZONE = String.raw`(Z|[+-]\d{2}(?::?\d{2})?)?`;
const CLOCK = new RegExp(`^(\\d{1,2}):(\\d{2})(?::(\\d{2}))?${ZONE}$`, "i");
/** The offset of a day needs its colon, or it would look like a part of the date. */
const DAY = /^(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?$/i;
const MOMENT = new RegExp(String.raw`^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(\.\d{1,9})?${ZONE}$`, "i");

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** Microseconds since 1970, both ends included. */
type Span = readonly [from: number, to: number];

/** First and last microsecond since 1970; undefined if the text is not a time. `now`: milliseconds since 1970. */
export const spanOf = (text: string, now: number): Span | undefined => {
  if (text === "now") return [now * 1000, now * 1000];
  const ago = AGO.exec(text);
  if (ago) {
    const at = (now - Number(ago[1]) * SECONDS[ago[2] as keyof typeof SECONDS] * 1000) * 1000;
    return [at, at];
  }
  const clock = CLOCK.exec(text);
  if (clock) return clockOf(clock, now);
  const day = DAY.exec(text);
  if (day) return stretch(`${day[1]}T00:00:00Z`, 86_400, offsetOf(day[2]));
  const moment = MOMENT.exec(text);
  return moment ? momentOf(moment) : undefined;
};

/** A time of today; today begins at midnight in the offset's zone. */
const clockOf = ([, hour, minute, second, zone]: RegExpExecArray, now: number): Span | undefined => {
  const offset = offsetOf(zone);
  if (offset === undefined) return undefined;
  const today = new Date(now + offset).toISOString().slice(0, 10);
  return stretch(
    `${today}T${hour!.padStart(2, "0")}:${minute}:${second ?? "00"}Z`,
    second === undefined ? 60 : 1,
    offset,
  );
};

const momentOf = ([, day, minute, second, fraction, zone]: RegExpExecArray): Span | undefined => {
  if (fraction !== undefined && second === undefined) return undefined;
  const whole = stretch(`${day}T${minute}${second ?? ":00"}Z`, second === undefined ? 60 : 1, offsetOf(zone));
  if (!whole || fraction === undefined) return whole;
  const digits = fraction.slice(1, 7);
  const from = whole[0] + Number(digits.padEnd(6, "0"));
  return [from, from + 10 ** (6 - digits.length) - 1];
};

const MINUTE_MS = 60_000;

/** How far local time is ahead of UTC, in milliseconds; undefined if the offset is invalid. */
const offsetOf = (zone: string | undefined): number | undefined => {
  if (zone === undefined || zone.toUpperCase() === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(":", "") || 0)];
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
};

const stretch = (start: string, seconds: number, offset: number | undefined): Span | undefined => {
  const at = Date.parse(start);
  // Date.parse reads 31 February as 3 March.
  if (offset === undefined || Number.isNaN(at) || new Date(at).toISOString().slice(0, 19) !== start.slice(0, 19))
    return undefined;
  return [(at - offset) * 1000, (at - offset + seconds * 1000) * 1000 - 1];
};
