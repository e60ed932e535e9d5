/** What a case found: a table for people, its numbers for machines, and each goal beside what was measured. */

export type Goal = {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly atMost: boolean;
  readonly met: boolean;
};

export const atMost = (what: string, value: number, limit: number): Goal => ({
  what,
  value,
  limit,
  atMost: true,
  met: value <= limit,
});
export const atLeast = (what: string, value: number, limit: number): Goal => ({
  what,
  value,
  limit,
  atMost: false,
  met: value >= limit,
});

export type Cell = string | number;

export type Section = {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** How it was measured, and what was left out. */
  readonly notes: readonly string[];
  readonly goals: readonly Goal[];
};

const DIGITS = 3;

/** Three digits that count, and no more. */
const written = (cell: Cell): string => {
  if (typeof cell === "string") return cell;
  if (!Number.isFinite(cell)) return "–";
  return Math.abs(cell) >= 10 ** (DIGITS - 1) ? cell.toFixed(0) : cell.toPrecision(DIGITS);
};

export const print = ({ title, columns, rows, notes, goals }: Section): string => {
  const table = [columns, ...rows.map((row) => row.map(written))];
  const widths = columns.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  "),
  );
  return [
    "",
    title,
    "",
    ...lines.map((line) => `  ${line}`),
    "",
    ...goals.map(
      ({ what, value, limit, atMost: most, met }) =>
        `  ${met ? "met    " : "NOT MET"}  ${what}: ${value.toFixed(DIGITS)} ` +
        `(${most ? "at most" : "at least"} ${limit})`,
    ),
    ...notes.map((note) => `  ${note}`),
  ].join("\n");
};
