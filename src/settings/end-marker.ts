/**
 * `end: true` as the last key of a file: whoever writes a file in place, with a pause, may have written the first part
 * only, and that part may be well-formed. With the marker a reader can tell.
 */
import { z } from "zod";
import type { Finding, Problem } from "./problem.ts";

const EXPECTED = { error: "expected true, as the last key of the file" };

export const endMarker = z.literal(true, EXPECTED);

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `value`: the whole file. */
export const hasEnd = (value: unknown): boolean =>
  isMap(value) && Object.keys(value).at(-1) === "end" && value["end"] === true;

/** The marker with something behind it. */
export const endFindings = (value: unknown): readonly Finding[] =>
  !isMap(value) || !Object.hasOwn(value, "end") || Object.keys(value).at(-1) === "end"
    ? []
    : [
        {
          code: "OCSGW-6350",
          path: ["end"],
          atKey: true,
          message: "`end: true` marks the end of the file, and other keys follow it",
          help: "move it to the end of the file",
        },
      ];

/** The marker is not there, and was there when the file was last in force, or is demanded. */
export const endMissing = (file: string, why: string): Problem => ({
  severity: "error",
  code: "OCSGW-6351",
  file,
  line: 1,
  column: 1,
  path: "",
  message: `the file is incomplete: \`end: true\` is not its last key, and ${why}`,
  help: "write the rest of the file, with `end: true` as its last key; to do without it, restart the gateway",
});
