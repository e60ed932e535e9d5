/**
 * The end marker, `end: true` as the last key of a file. While a program writes a file in place, its first part may
 * already be valid YAML; with the marker the gateway notices that the file is incomplete.
 */
import { z } from "zod";
import type { Finding, Problem } from "../problems/problem.ts";

const PROBLEMS = {
  notLast: {
    code: "OCSGW-6350",
    message: "`end: true` must be the last key of the file, but other keys follow it",
    help: "move it to the end of the file",
  },
  missing: {
    code: "OCSGW-6351",
    message: {
      hadBefore: "the file is incomplete: it ended with `end: true` when it was last loaded, and now it does not",
      configured: "the file is incomplete: config.end_marker requires `end: true` as its last key",
    },
    help: {
      hadBefore:
        "write the complete file, with `end: true` as its last key; if it is complete and shall lack the marker from " +
        "now on, restart the gateway",
      configured:
        "write the complete file, with `end: true` as its last key; to stop using the marker, set config.end_marker " +
        "to false",
    },
  },
} as const;

const EXPECTED = { error: "expected true, as the last key of the file" };

export const endMarker = z.literal(true, EXPECTED);

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** True if the last key is `end: true`. `value`: the parsed file. */
export const hasEnd = (value: unknown): boolean =>
  isMap(value) && Object.keys(value).at(-1) === "end" && value["end"] === true;

/** Reports a marker that is not the last key. */
export const endFindings = (value: unknown): readonly Finding[] =>
  !isMap(value) || !Object.hasOwn(value, "end") || Object.keys(value).at(-1) === "end"
    ? []
    : [
        {
          ...PROBLEMS.notLast,
          path: ["end"],
          atKey: true,
        },
      ];

/** The problem of a file without the marker. `why`: it had one when last loaded, or the config requires one. */
export const endMissing = (file: string, why: keyof (typeof PROBLEMS)["missing"]["message"]): Problem => ({
  severity: "error",
  code: PROBLEMS.missing.code,
  file,
  line: 1,
  column: 1,
  path: "",
  message: PROBLEMS.missing.message[why],
  help: PROBLEMS.missing.help[why],
});
