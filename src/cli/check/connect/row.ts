/** What `check --connect` found, a row for each thing that it tried, and how rows look. */

/** note: worth knowing. warn: works, and wants looking after. fail: cannot be reached, or does not work. */
export type State = "ok" | "note" | "warn" | "fail";

export type Row = {
  readonly name: string;
  readonly state: State;
  /** The first beside the name, the others below it. */
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

/** The last line: what to look at. */
export const summary = (rows: readonly Row[]): string => {
  const of = (state: State): number => rows.filter((row) => row.state === state).length;
  const parts = [...counted(of("fail"), "failure"), ...counted(of("warn"), "warning"), ...counted(of("note"), "note")];
  return parts.length === 0 ? "everything answers" : parts.join(", ");
};
