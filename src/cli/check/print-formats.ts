/** The problems of a config for other programs: JSON, SARIF, and workflow commands of GitHub. */
import type { Problem } from "../../settings/problems/problem.ts";
import type { Format, Result } from "../formats/formats.ts";
import { toGithub } from "../formats/github.ts";
import { toSarif } from "../formats/sarif.ts";
import type { Row } from "./connect/row.ts";

type Checked = {
  readonly config: string;
  readonly problems: readonly Problem[];
  readonly rows: readonly Row[] | undefined;
};

/** A test of `--connect` that failed or needs attention. It has no line of its own in the config. */
const CONNECT = "OCSGW-6448";

/** `rows`: the results of `--connect`; undefined without it. */
export const inFormat = (format: Exclude<Format, "text">, checked: Checked): string => {
  const { problems, rows } = checked;
  if (format === "json") return `${JSON.stringify(rows ? { problems, connect: rows } : problems, null, 2)}\n`;
  const results = resultsOf(checked);
  return format === "github" ? toGithub(results) : toSarif(results, []);
};

const resultsOf = ({ config, problems, rows = [] }: Checked): readonly Result[] => [
  ...problems.map(({ severity, code, file, line, column, message, help }) => ({
    level: severity,
    code,
    file,
    line,
    column,
    message,
    ...(help !== undefined && { help }),
  })),
  ...rows
    .filter(({ state }) => state === "fail" || state === "warn")
    .map(({ name, state, says }) => ({
      level: state === "fail" ? ("error" as const) : ("warning" as const),
      code: CONNECT,
      file: config,
      line: 1,
      column: 1,
      message: `${name}: ${says.join("; ")}`,
    })),
];
