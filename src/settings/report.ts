/** From findings, which know paths, to problems, which know lines. */
import { inOrder, pathText, type Finding, type Problem } from "./problem.ts";
import type { Read } from "./yaml.ts";

export const problemsOf = (file: string, read: Read, findings: readonly Finding[]): readonly Problem[] =>
  inOrder([
    ...read.broken.map((broken): Problem => ({ severity: "error", file, path: "", ...broken })),
    ...findings.map(({ code, severity = "error", path, atKey, message, help, also }): Problem => ({
      severity, code, file, ...read.locate(path, atKey), path: pathText(path), message,
      ...(help !== undefined && { help }),
      ...(also && { also: { ...read.locate(also.path), message: also.message } }),
    })),
  ]);

/** A file that cannot be had at all. */
export const unreadable = (file: string, why: string): Problem => ({ severity: "error", code: "OCSGW-6001", file, line: 1, column: 1, path: "", message: `cannot read ${file}: ${why}` });
