/** A table as text: in columns where they fit, else row by row with the names of its columns. */
import { cut, wrapped } from "./wrap.ts";

const GAP = 2;
/** A narrower column of sentences is hard to read. */
const NARROWEST = 16;

export const tableLines = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly string[] => {
  const widths = columnWidths([head, ...rows], width);
  return widths ? inColumns(head, rows, widths) : byRow(head, rows, width);
};

/** Undefined if a column would be too narrow. The widest columns give way. */
const columnWidths = (rows: readonly (readonly string[])[], width: number): readonly number[] | undefined => {
  const natural = rows[0]!.map((_, at) => Math.max(1, ...rows.map((row) => (row[at] ?? "").length)));
  const room = width - GAP * (natural.length - 1);
  for (let most = Math.max(NARROWEST, ...natural); most >= NARROWEST; most--) {
    const widths = natural.map((each) => Math.min(each, most));
    if (widths.reduce((sum, each) => sum + each, 0) <= room) return widths;
  }
  return undefined;
};

const inColumns = (
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
): readonly string[] => {
  const lines = (row: readonly string[]): readonly string[] => {
    const cells = widths.map((width, at) => cut(row[at] ?? "", width));
    const height = Math.max(...cells.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) =>
      cells
        .map((cell, at) => (cell[line] ?? "").padEnd(widths[at]!))
        .join(" ".repeat(GAP))
        .trimEnd(),
    );
  };
  const rule = widths.map((width) => "-".repeat(width)).join(" ".repeat(GAP));
  // Rows of several lines need air between them.
  const body = rows.map(lines);
  const isTall = body.some(({ length }) => length > 1);
  return [...lines(head), rule, ...body.flatMap((row, at) => (isTall && at > 0 ? ["", ...row] : row))];
};

const byRow = (head: readonly string[], rows: readonly (readonly string[])[], width: number): readonly string[] =>
  rows.flatMap((row, at) => [
    ...(at === 0 ? [] : [""]),
    ...wrapped(row[0] ?? "", width),
    ...row
      .slice(1)
      .flatMap((cell, column) =>
        cell === "" ? [] : wrapped(`${head[column + 1] ?? ""}: ${cell}`, width - 4).map((line) => `    ${line}`),
      ),
  ]);
