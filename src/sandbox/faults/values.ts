/** The grammar of the values that faults take. */

export type ValueRule = {
  /** Completes the sentence "expected …". */
  readonly expected: string;
  readonly optional: boolean;
  /** Milliseconds, bytes or a status; undefined when invalid. */
  readonly read: (value: unknown) => number | undefined;
};

const PERIODS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const UNITS = { B: 1, KiB: 1024 } as const;
/** The longest timer of Node, in milliseconds. */
const LONGEST = 2_147_483_647;

/** Milliseconds of a text such as `250ms`, `2s`, `5m` or `1h`; undefined when invalid. */
export const readDuration = (value: unknown): number | undefined => {
  const [, amount, unit] = typeof value === "string" ? (/^(\d{1,9})(ms|s|m|h)$/.exec(value) ?? []) : [];
  const ms = amount === undefined ? Number.NaN : Number(amount) * PERIODS[unit as keyof typeof PERIODS];
  return ms <= LONGEST ? ms : undefined;
};

export const DURATION_EXPECTED = "a duration of at most 24 days, as in 250ms, 2s or 5m";

const readBytes = (value: unknown): number | undefined => {
  const [, amount, unit = "B"] = /^(\d{1,6})(B|KiB)?$/.exec(asText(value)) ?? [];
  return amount === undefined ? undefined : Number(amount) * UNITS[unit as keyof typeof UNITS];
};

const asText = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

/** The negative statuses of the manual's tables. */
export const NEGATIVE = [400, 404, 409, 410, 500] as const;
export type NegativeStatus = (typeof NEGATIVE)[number];

const readStatus = (value: unknown): number | undefined => NEGATIVE.find((status) => String(status) === asText(value));

export const duration: ValueRule = { expected: DURATION_EXPECTED, optional: false, read: readDuration };
export const bytes: ValueRule = { expected: "a number of bytes, as in 20B or 1KiB", optional: false, read: readBytes };
export const status: ValueRule = {
  expected: `a negative status of OCS's tables, one of ${NEGATIVE.join(", ")}`,
  optional: false,
  read: readStatus,
};

export const optional = (rule: ValueRule): ValueRule => ({ ...rule, optional: true });
