/** GSW_DATE_TIME: `MM/dd/yyyy HH:mm`, 24 hours, in the record's time zone (the manual's AddRecord example). */
const FORM = /^(\d{2})\/(\d{2})\/(\d{4}) (\d{2}):(\d{2})$/;

/** For JSON Schema; it also has days that do not exist. */
export const DATE_TIME_PATTERN = FORM.source;

export type DateTime = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
};

/** The parts of a date; undefined if it is malformed or not in the calendar. Month is 1 to 12. */
export const readDateTime = (text: string): DateTime | undefined => {
  const parts = FORM.exec(text);
  if (!parts) return undefined;
  const [month, day, year, hour, minute] = parts.slice(1).map(Number) as [number, number, number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute));
  const exists =
    year >= 1970 &&
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute;
  return exists ? { year, month, day, hour, minute } : undefined;
};

export const isDateTime = (text: string): boolean => readDateTime(text) !== undefined;
