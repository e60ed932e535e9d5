/** `ocsgw audit filters`: the filter language on one screen. */
import { keyHelp } from "../../journal/search/filter/keys.ts";

export const auditFilters = async (): Promise<number> => {
  const rows = keyHelp();
  const width = Math.max(...rows.map(([key]) => key.length));
  console.log(
    [
      "key:value key:value   both terms must match",
      "-key:value            the term must not match",
      "a OR b, ( … )         one of the two must match",
      "key:one,two           one of the values",
      'key:"with spaces"     a value with spaces',
      "key:begin*            any value that begins so",
      "",
    ].join("\n"),
  );
  for (const [key, help] of rows) console.log(`${key.padEnd(width)}  ${help}`);
  console.log(
    "\nA request id, a code, a record's URI may stand alone. Phone numbers and customer ids: --phone-stdin, " +
      "--customer-stdin.",
  );
  return 0;
};
