/** Converts findings to problems: finds the line and column of each path. */
import { inOrder, pathText, type Finding, type Path, type Problem } from "./problem.ts";
import type { Read } from "../yaml.ts";

type Places = Pick<Read, "broken" | "locate"> & {
  /** A path as text; `pathText` by default. */ readonly formatPath?: (path: Path) => string;
};

export const problemsOf = (
  file: string,
  { broken, locate, formatPath = pathText }: Places,
  findings: readonly Finding[],
): readonly Problem[] =>
  inOrder([
    ...broken.map((each): Problem => ({ severity: "error", file, path: "", ...each })),
    ...findings.map(({ code, severity = "error", path, atKey, message, help, also }): Problem => {
      const [at, other] = [locate(path, atKey), also && locate(also.path)];
      return {
        severity,
        code,
        file,
        ...at,
        path: formatPath(path),
        message,
        ...(help !== undefined && { help }),
        ...(also &&
          other && {
            also: { ...other, ...(other.file !== at.file && { file: other.file ?? file }), message: also.message },
          }),
      };
    }),
  ]);

/** The problem of an unreadable file. */
export const unreadable = (file: string, why: string, help: string): Problem => ({
  severity: "error",
  code: "OCSGW-6001",
  file,
  line: 1,
  column: 1,
  path: "",
  message: `cannot read ${file}: ${why}`,
  help,
});
