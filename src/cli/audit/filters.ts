/** `ocsgw audit filters`: the filter language on one screen. */
import { keyHelp } from "../../journal/filter/keys.ts";

export const auditFilters = async (): Promise<number> => {
  const rows = keyHelp();
  const width = Math.max(...rows.map(([key]) => key.length));
  console.log(
    [
      "key:value, side by side: all must hold",
      "-key:value      must not hold",
      "a OR b, ( … )   either",
      "key:one,two     one of them",
      'key:"with blanks", key:begin*',
      "",
    ].join("\n"),
  );
  for (const [key, says] of rows) console.log(`${key.padEnd(width)}  ${says}`);
  console.log(
    "\nA request id, a code, a record's URI may stand alone. Phone numbers and customer ids: --phone-stdin, --customer-stdin.",
  );
  return 0;
};
