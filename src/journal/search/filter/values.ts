/** How the values of a filter's keys are read: texts with *, numbers and waits with ranges, words of a list, tokens. */
import type { Kind, Tenant } from "../entry.ts";
import { KINDS, wordsOf } from "../entry-line.ts";
import type { FilterError } from "./error.ts";
import type { Reading } from "./keys.ts";
import type { Value } from "./scan.ts";
import { looksLikePhone, likeText, nearestOf } from "./text.ts";
import { spanOf } from "./times.ts";

/** Asked of a fact that is there. */
export type Test = {
  readonly holds: (fact: unknown) => boolean;
  readonly like?: string | undefined;
  readonly exactly?: string | undefined;
  readonly between?: readonly [from: number, to: number] | undefined;
};

const LOOK_UP =
  "--phone-stdin takes a number from standard input and looks for its token; --customer-stdin takes a customer id";

const phoneFault = (value: Value, fault: Reading["fault"]): FilterError =>
  fault(value, "this looks like a phone number, and is not searched in the open", LOOK_UP);

export const text = (value: Value, { fault }: Reading): Test => {
  if (looksLikePhone(value.text)) throw phoneFault(value, fault);
  const isLike = likeText(value.text);
  return { holds: (fact) => isLike(String(fact)), like: value.text };
};

export const tenant = (value: Value, reading: Reading): Test => {
  if (/^\d{1,10}$/.test(value.text) && !value.quoted)
    return { holds: (fact) => (fact as Tenant).dbid === Number(value.text) };
  const named = text(value, reading);
  return { holds: (fact) => named.holds((fact as Tenant).name) };
};

const unknownWord = (value: Value, known: readonly string[], fault: Reading["fault"]): FilterError =>
  looksLikePhone(value.text)
    ? phoneFault(value, fault)
    : fault(
        value,
        `unknown word ${JSON.stringify(value.text.slice(0, 40))}`,
        nearestOf(value.text, known) ?? `known here: ${known.join(", ")}`,
      );

/** Also by format 1's words, which mean the same as those of today. */
export const kind = (value: Value, { fault }: Reading): Test => {
  const isLike = likeText(value.text);
  const kinds = new Set(KINDS.filter((each) => wordsOf(each).some(isLike)));
  if (kinds.size === 0) throw unknownWord(value, KINDS, fault);
  return { holds: (fact) => (fact as readonly Kind[]).some((each) => kinds.has(each)) };
};

/** As `words`, of a fact that is a list of them. */
export const oneAmong =
  (known: readonly string[]) =>
  (value: Value, reading: Reading): Test => {
    const { holds } = words(known)(value, reading);
    return { holds: (fact) => (fact as readonly string[]).some(holds) };
  };

export const words =
  (known: readonly string[]) =>
  (value: Value, { fault }: Reading): Test => {
    const wanted = value.text.toLowerCase();
    if (!known.includes(wanted)) throw unknownWord(value, known, fault);
    return { holds: (fact) => fact === wanted };
  };

export const code = (value: Value, { fault }: Reading): Test => {
  const number = /^(?:OCSGW-)?(\d{4})$/i.exec(value.text)?.[1];
  if (number === undefined) throw fault(value, "expected a code of the gateway", "as in OCSGW-2103");
  return { holds: (fact) => fact === `OCSGW-${number}` };
};

/** A ULID, or enough of its beginning to tell it from others. */
export const id = (value: Value, { fault }: Reading): Test => {
  const wanted = value.text.toUpperCase();
  if (!/^[0-9A-Z-]{6,64}$/.test(wanted))
    throw fault(
      value,
      "expected a request id, or six or more of its first characters",
      "the reply has it in Ocsgw-Request-Id",
    );
  return { holds: (fact) => String(fact).toUpperCase().startsWith(wanted), exactly: wanted };
};

const digits =
  (expected: string, help: string) =>
  (value: Value, { fault }: Reading): Test => {
    if (!/^\d{1,10}$/.test(value.text)) throw fault(value, `expected ${expected}`, help);
    return { holds: (fact) => fact === value.text, exactly: value.text };
  };
export const whole = digits("a record handle", "as in record:15");
export const group = digits("a campaign group's DBID", 'as in group:106; campaign:"…" asks for a campaign by name');

const TOKEN = /^t\d{1,4}:[0-9a-f]{12,64}$/;

/** The open text of a phone or a customer id would stand in histories and logs. */
export const token = (value: Value, { fault }: Reading): Test => {
  const wanted = value.text.toLowerCase();
  if (!TOKEN.test(wanted))
    throw Object.assign(fault(value, "expected a token: t1: and 12 or more of its hex digits", LOOK_UP), {
      hidden: true,
    });
  return { holds: (fact) => String(fact).startsWith(wanted), exactly: wanted };
};

type Scale = { readonly pattern: RegExp; readonly read: (match: RegExpExecArray) => number; readonly expected: string };

const RANGE = /^(.+?)\.\.(.+)$/;
const COMPARED = /^(>=|<=|>|<|=)?(.+)$/;
/** Below what a clock of the journal can tell apart. */
const LITTLE = 1e-9;

const ranged =
  ({ pattern, read, expected }: Scale) =>
  (value: Value, { fault }: Reading): Test => {
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
        return between(limit + LITTLE, Infinity);
      case ">=":
        return between(limit, Infinity);
      case "<":
        return between(-Infinity, limit - LITTLE);
      case "<=":
        return between(-Infinity, limit);
      default:
        return between(limit, limit);
    }
  };

const between = (from: number, to: number): Test => ({
  holds: (fact) => typeof fact === "number" && fact >= from && fact <= to,
  between: [from, to],
});

/** Otherwise nothing could ever fit, as of 23:50..00:10, which are both times of today. */
const rising = (
  [from, to]: readonly [number, number],
  value: Value,
  fault: Reading["fault"],
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

export const status = (value: Value, reading: Reading): Test => {
  const first = /^([1-5])xx$/i.exec(value.text)?.[1];
  return first === undefined ? plainStatus(value, reading) : between(Number(first) * 100, Number(first) * 100 + 99);
};

const TIME_HELP = "as in 12:00..12:10, 2026-11-22 or 2026-11-22T12:00:05, in UTC";

const spanOr = (value: Value, text: string, { now, fault }: Reading): readonly [number, number] => {
  const span = spanOf(text, now);
  if (!span) throw fault(value, "expected a time", TIME_HELP);
  return span;
};

/** A day, a minute or a second is all of it; both ends of a range are in it. */
export const time = (value: Value, reading: Reading): Test => {
  const range = RANGE.exec(value.text);
  return between(
    ...(range
      ? rising([spanOr(value, range[1]!, reading)[0], spanOr(value, range[2]!, reading)[1]], value, reading.fault)
      : spanOr(value, value.text, reading)),
  );
};

export const since = (value: Value, reading: Reading): Test => between(spanOr(value, value.text, reading)[0], Infinity);
export const until = (value: Value, reading: Reading): Test =>
  between(-Infinity, spanOr(value, value.text, reading)[1]);
