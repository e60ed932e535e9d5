/** `ocsgw audit filters`: the filter language on one screen. */
import { keyHelp } from "../../journal/search/filter/keys.ts";

export const FILTER_FORMS: readonly (readonly [form: string, meaning: string])[] = [
  ["key:value key:value", "both terms must match"],
  ["-key:value", "the term must not match"],
  ["a OR b, ( … )", "one of the two must match"],
  ["key:one,two", "one of the values"],
  ['key:"with spaces"', "a value with spaces"],
  ["key:begin*", "any value that begins so"],
];

export const FILTER_NOTE =
  "A request id, a code, a record's URI may stand alone. Phone numbers and customer ids: --phone-stdin, " +
  "--customer-stdin.";

const FORM_WIDTH = 22;

export const auditFilters = async (): Promise<number> => {
  const rows = keyHelp();
  const width = Math.max(...rows.map(([key]) => key.length));
  for (const [form, meaning] of FILTER_FORMS) console.log(`${form.padEnd(FORM_WIDTH)}${meaning}`);
  console.log("");
  for (const [key, help] of rows) console.log(`${key.padEnd(width)}  ${help}`);
  console.log(`\n${FILTER_NOTE}`);
  return 0;
};
