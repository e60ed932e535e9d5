/** Times as people write them, in UTC: what stretch of time each of them means. */

const AGO = /^(\d{1,6})(s|m|h|d|w)$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(\.\d{1,6})?Z?$/i;

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** First and last microsecond since 1970; undefined when it is no time. `now`: milliseconds since 1970. */
export const spanOf = (text: string, now: number): readonly [from: number, to: number] | undefined => {
  if (text === "now") return [now * 1000, now * 1000];
  const ago = AGO.exec(text);
  if (ago) {
    const at = (now - Number(ago[1]) * SECONDS[ago[2] as keyof typeof SECONDS] * 1000) * 1000;
    return [at, at];
  }
  const clock = CLOCK.exec(text);
  if (clock) return stretch(`${new Date(now).toISOString().slice(0, 10)}T${clock[1]!.padStart(2, "0")}:${clock[2]}:${clock[3] ?? "00"}Z`, clock[3] === undefined ? 60 : 1);
  if (DAY.test(text)) return stretch(`${text}T00:00:00Z`, 86_400);
  const moment = MOMENT.exec(text);
  return moment ? momentOf(moment) : undefined;
};

const momentOf = ([, day, minute, second = "", fraction]: RegExpExecArray): readonly [number, number] | undefined => {
  const whole = stretch(`${day}T${minute}${second || ":00"}Z`, second === "" ? 60 : 1);
  if (!whole || fraction === undefined) return whole;
  const from = whole[0] + Number(fraction.slice(1).padEnd(6, "0"));
  return [from, from + 10 ** (7 - fraction.length) - 1];
};

const stretch = (start: string, seconds: number): readonly [number, number] | undefined => {
  const at = Date.parse(start);
  // Date.parse takes 31 February for 3 March.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 19) !== start.slice(0, 19)) return undefined;
  return [at * 1000, (at + seconds * 1000) * 1000 - 1];
};
