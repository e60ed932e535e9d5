/** The results as aligned text, or as one JSON object for a program. */
import type { Result } from "./run.ts";

const COLUMNS = ["row", "request", "expected", "got"] as const;

export const isConformant = (results: readonly Result[]): boolean => results.every(({ verdict }) => verdict !== "FAIL");

export const asTable = (results: readonly Result[]): string => {
  const head = { row: "row", request: "request", expected: "expected", got: "got", verdict: "", reason: "" };
  const lines = [head, ...results];
  const widths = COLUMNS.map((column) => Math.max(...lines.map((line) => line[column].length)));
  const text = lines.map((line) =>
    [
      ...COLUMNS.map((column, index) => line[column].padEnd(widths[index]!)),
      [line.verdict, line.reason].filter(Boolean).join(": "),
    ]
      .join("  ")
      .trimEnd(),
  );
  return [...text, closing(results)].join("\n");
};

const closing = (results: readonly Result[]): string => {
  const count = (verdict: Result["verdict"]): number => results.filter((result) => result.verdict === verdict).length;
  return (
    `${results.length} rows: ${count("ok")} ok, ${count("FAIL")} FAIL, ${count("skip")} skip: ` +
    `${isConformant(results) ? "conformant" : "not conformant"}`
  );
};

export const asJson = (url: string, results: readonly Result[]): string =>
  JSON.stringify({ url, conformant: isConformant(results), rows: results }, undefined, 2);
