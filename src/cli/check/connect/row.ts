/** The results of `check --connect`, one row for each test, and their layout. */

/** note: information. warn: works, but needs attention. fail: unreachable, or does not work. */
export type State = "ok" | "note" | "warn" | "fail";

export type Row = {
  readonly name: string;
  readonly state: State;
  /** The first line beside the name, the others below it. */
  readonly says: readonly string[];
};

const WORDS: Readonly<Record<State, string>> = { ok: "ok", note: "note", warn: "WARN", fail: "FAIL" };

export const renderRows = (rows: readonly Row[]): string => {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .flatMap(({ name, state, says }) =>
      says.map((line, at) =>
        `  ${(at === 0 ? name : "").padEnd(width)}  ${(at === 0 ? WORDS[state] : "").padEnd(4)}  ${line}`.trimEnd(),
      ),
    )
    .join("\n");
};

const counted = (count: number, noun: string): string[] =>
  count === 0 ? [] : [`${count} ${noun}${count === 1 ? "" : "s"}`];

/** The last line: the number of failures, warnings and notes. */
export const summary = (rows: readonly Row[]): string => {
  const of = (state: State): number => rows.filter((row) => row.state === state).length;
  const parts = [...counted(of("fail"), "failure"), ...counted(of("warn"), "warning"), ...counted(of("note"), "note")];
  return parts.length === 0 ? "all tests passed" : parts.join(", ");
};
