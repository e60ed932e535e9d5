/** Reads the values of a filter's keys: patterns, numbers and durations with ranges, words, tokens. */
import type { Kind, Tenant } from "../../entry.ts";
import { wordsOf } from "../../entry-line.ts";
import { KINDS } from "../../kinds.ts";
import type { FilterError } from "./error.ts";
import type { Value } from "./scan.ts";
import { looksLikePhone, matchesPattern, nearestOf } from "./text.ts";

export type ParseContext = {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly fault: (place: Value, message: string, help?: string) => FilterError;
};

import { spanOf } from "./times.ts";

/** A condition on a field that is present. */
export type Test = {
  readonly matches: (field: unknown) => boolean;
  readonly pattern?: string | undefined;
  readonly equals?: string | undefined;
  readonly between?: readonly [from: number, to: number] | undefined;
};

const LOOK_UP =
  "--phone-stdin reads a number from standard input and searches for its token; --customer-stdin does so for an id";

const phoneFault = (value: Value, fault: ParseContext["fault"]): FilterError =>
  fault(value, "this looks like a phone number, which a filter must not contain", LOOK_UP);

export const text = (value: Value, { fault }: ParseContext): Test => {
  if (looksLikePhone(value.text)) throw phoneFault(value, fault);
  const isLike = matchesPattern(value.text);
  return { matches: (field) => isLike(String(field)), pattern: value.text };
};

export const tenant = (value: Value, reading: ParseContext): Test => {
  if (/^\d{1,10}$/.test(value.text) && !value.quoted)
    return { matches: (field) => (field as Tenant).dbid === Number(value.text) };
  const named = text(value, reading);
  return { matches: (field) => named.matches((field as Tenant).name) };
};

const unknownWord = (value: Value, known: readonly string[], fault: ParseContext["fault"]): FilterError =>
  looksLikePhone(value.text)
    ? phoneFault(value, fault)
    : fault(
        value,
        `unknown word ${JSON.stringify(value.text.slice(0, 40))}`,
        nearestOf(value.text, known) ?? `known here: ${known.join(", ")}`,
      );

/** Also accepts the words of format 1. */
export const kind = (value: Value, { fault }: ParseContext): Test => {
  const isLike = matchesPattern(value.text);
  const kinds = new Set(KINDS.filter((each) => wordsOf(each).some(isLike)));
  if (kinds.size === 0) throw unknownWord(value, KINDS, fault);
  return { matches: (field) => (field as readonly Kind[]).some((each) => kinds.has(each)) };
};

/** Like `words`, for a field that is a list. */
export const listOf =
  (known: readonly string[]) =>
  (value: Value, reading: ParseContext): Test => {
    const { matches } = words(known)(value, reading);
    return { matches: (field) => (field as readonly string[]).some(matches) };
  };

export const words =
  (known: readonly string[]) =>
  (value: Value, { fault }: ParseContext): Test => {
    const wanted = value.text.toLowerCase();
    if (!known.includes(wanted)) throw unknownWord(value, known, fault);
    return { matches: (field) => field === wanted };
  };

export const code = (value: Value, { fault }: ParseContext): Test => {
  const number = /^(?:OCSGW-)?(\d{4})$/i.exec(value.text)?.[1];
  if (number === undefined) throw fault(value, "expected a code of the gateway", "for example OCSGW-2103");
  return { matches: (field) => field === `OCSGW-${number}` };
};

/** A ULID, or six or more of its first characters. */
export const id = (value: Value, { fault }: ParseContext): Test => {
  const wanted = value.text.toUpperCase();
  if (!/^[0-9A-Z-]{6,64}$/.test(wanted))
    throw fault(
      value,
      "expected a request id, or six or more of its first characters",
      "the reply has it in Ocsgw-Request-Id",
    );
  return { matches: (field) => String(field).toUpperCase().startsWith(wanted), equals: wanted };
};

const digits =
  (expected: string, help: string) =>
  (value: Value, { fault }: ParseContext): Test => {
    if (!/^\d{1,10}$/.test(value.text)) throw fault(value, `expected ${expected}`, help);
    return { matches: (field) => field === value.text, equals: value.text };
  };
export const recordHandle = digits("a record handle", "as in record:15");
export const group = digits("a campaign group's DBID", 'as in group:106; campaign:"…" asks for a campaign by name');

const TOKEN = /^t\d{1,4}:[0-9a-f]{12,64}$/;

/** Accepts tokens only: a number or id in clear would appear in histories and logs. */
export const token = (value: Value, { fault }: ParseContext): Test => {
  const wanted = value.text.toLowerCase();
  if (!TOKEN.test(wanted))
    throw Object.assign(fault(value, "expected a token: t1: and 12 or more of its hex digits", LOOK_UP), {
      hidden: true,
    });
  return { matches: (field) => String(field).startsWith(wanted), equals: wanted };
};

type Scale = { readonly pattern: RegExp; readonly read: (match: RegExpExecArray) => number; readonly expected: string };

const RANGE = /^(.+?)\.\.(.+)$/;
const COMPARED = /^(>=|<=|>|<|=)?(.+)$/;
/** Less than the resolution of the journal's clock. */
const SMALLEST_STEP = 1e-9;

const ranged =
  ({ pattern, read, expected }: Scale) =>
  (value: Value, { fault }: ParseContext): Test => {
    const one = (part: string): number => {
      const match = pattern.exec(part);
      if (!match) throw fault(value, `expected ${expected}`);
      return read(match);
    };
    const range = RANGE.exec(value.text);
    if (range) return between(...rising([one(range[1]!), one(range[2]!)], value, fault));
    const [, sign = "=", amount = ""] = COMPARED.exec(value.text) ?? [];
    const limit = one(amount);
    switch (sign) {
      case ">":
        return between(limit + SMALLEST_STEP, Infinity);
      case ">=":
        return between(limit, Infinity);
      case "<":
        return between(-Infinity, limit - SMALLEST_STEP);
      case "<=":
        return between(-Infinity, limit);
      default:
        return between(limit, limit);
    }
  };

const between = (from: number, to: number): Test => ({
  matches: (field) => typeof field === "number" && field >= from && field <= to,
  between: [from, to],
});

/** A falling range can match nothing, for example 23:50..00:10, which are both times of today. */
const rising = (
  [from, to]: readonly [number, number],
  value: Value,
  fault: ParseContext["fault"],
): readonly [number, number] => {
  if (from > to) throw fault(value, "this range ends before it begins");
  return [from, to];
};

const MILLISECONDS = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const number = ranged({
  pattern: /^(\d{1,9})$/,
  read: ([, amount]) => Number(amount),
  expected: "a number, as in 12, >=12 or 1..12",
});
export const duration = ranged({
  pattern: /^(\d{1,9}(?:\.\d{1,6})?)(us|ms|s|m|h|d)$/,
  read: ([, amount, unit]) => Number(amount) * MILLISECONDS[unit as keyof typeof MILLISECONDS],
  expected: "a time with its unit, as in >100ms, 1.5s or 1s..2s",
});

const plainStatus = ranged({
  pattern: /^([1-5]\d\d)$/,
  read: ([, amount]) => Number(amount),
  expected: "a status, as in 410, 4xx, >=400 or 400..499",
});

export const status = (value: Value, reading: ParseContext): Test => {
  const first = /^([1-5])xx$/i.exec(value.text)?.[1];
  return first === undefined ? plainStatus(value, reading) : between(Number(first) * 100, Number(first) * 100 + 99);
};

const TIME_HELP = "as in 12:00..12:10, 2026-11-22 or 2026-11-22T12:00:05, in UTC";

const spanOr = (value: Value, text: string, { now, fault }: ParseContext): readonly [number, number] => {
  const span = spanOf(text, now);
  if (!span) throw fault(value, "expected a time", TIME_HELP);
  return span;
};

/** A day, a minute or a second means the whole of it; ranges include both ends. */
export const time = (value: Value, reading: ParseContext): Test => {
  const range = RANGE.exec(value.text);
  return between(
    ...(range
      ? rising([spanOr(value, range[1]!, reading)[0], spanOr(value, range[2]!, reading)[1]], value, reading.fault)
      : spanOr(value, value.text, reading)),
  );
};

export const since = (value: Value, reading: ParseContext): Test =>
  between(spanOr(value, value.text, reading)[0], Infinity);
export const until = (value: Value, reading: ParseContext): Test =>
  between(-Infinity, spanOr(value, value.text, reading)[1]);
