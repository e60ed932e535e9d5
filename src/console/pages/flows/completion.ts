/** What can follow at the cursor of a filter: keys, or the known values of a key. */
import type { FilterLanguageReply } from "../../../admin/api/filter.ts";
import { quoted } from "../../filter-text.ts";

export type Language = FilterLanguageReply["keys"];

export type Choice = {
  /** What is shown. */
  readonly says: string;
  readonly help: string;
  /** The filter with the choice in it, and where the cursor is then. */
  readonly text: string;
  readonly cursor: number;
};

const MOST = 8;
/** The beginning of a term before the cursor: a sign, a key, values that are complete, the value that is typed. */
const TERM = /(?:^|[\s(])(-?)([\w.-]*)(?:(:)((?:"[^"]*"|[^\s,"()]*),)*("[^"]*|[^\s,"()]*))?$/;

export const choicesAt = (text: string, cursor: number, language: Language): readonly Choice[] => {
  const before = text.slice(0, cursor);
  const found = TERM.exec(before);
  if (!found) return [];
  const [, , key = "", colon, , typed = ""] = found;
  const after = text.slice(cursor);
  const replace = (written: string, typedLength: number, gap: string): Pick<Choice, "text" | "cursor"> => {
    const start = before.slice(0, before.length - typedLength) + written;
    return {
      text: `${start}${gap === "" || after.startsWith(" ") ? "" : gap}${after}`,
      cursor: start.length + gap.length,
    };
  };
  if (colon === undefined) {
    if (key === "") return [];
    return ranked(language, key, (each) => each.key).map(({ key: name, help }) => ({
      says: `${name}:`,
      help,
      ...replace(`${name}:`, key.length, ""),
    }));
  }
  const row = language.find((each) => each.key === key.toLowerCase());
  if (!row) return [];
  const start = typed.replace(/^"/, "");
  const values = ranked(row.values, start, (each) => each).filter((value) => value !== start);
  if (values.length === 0 && typed === "") return [{ says: "", help: row.help, text, cursor }];
  return values.map((value) => ({ says: value, help: "", ...replace(quoted(value), typed.length, " ") }));
};

/** Those that begin with the text first, then those that contain it. */
const ranked = <Value>(all: readonly Value[], text: string, nameOf: (value: Value) => string): readonly Value[] => {
  const wanted = text.toLowerCase();
  const named = all.map((value) => ({ value, at: nameOf(value).toLowerCase().indexOf(wanted) }));
  return [...named.filter(({ at }) => at === 0), ...named.filter(({ at }) => at > 0)]
    .slice(0, MOST)
    .map(({ value }) => value);
};
