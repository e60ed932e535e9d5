/**
 * Compares the output that a page shows with the output of a run. Ids, keys, times and durations differ from run to
 * run, so they only must be at the same place. `…` stands for anything in its line; on a line of its own, for lines.
 */

/** In the order in which they are looked for. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b01[0-9A-HJKMNP-TV-Z]{24}\b/g, "<id>"],
  [/\bsk_(?!sandbox)[\w-]{12,}/g, "<key>"],
  [/\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{20,}/g, "<verifier>"],
  [/#k=[\w-]+/g, "<link>"],
  [/\b\d{4}-\d\d-\d\d(?:T| )\d\d:\d\d:\d\d(?:\.\d+)?Z?/g, "<time>"],
  [/\b\d{4}-\d\d-\d\d\b/g, "<date>"],
  [/\b\d\d:\d\d:\d\d(?:\.\d+)?Z?/g, "<time>"],
  [/\b[0-9a-f]{12,}\b/g, "<hash>"],
  [/\b\d+(?:\.\d+)? ?(?:µs|ms|s)\b/g, "<duration>"],
  [/\b\d+\.\d+(?![.\d])/g, "<number>"],
];

/** Names of a run that later commands of the page use again. */
const NAMED = /\b01[0-9A-HJKMNP-TV-Z]{24}\b|\bsk_(?!sandbox)[\w-]{12,}|\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{20,}/g;

export type Compared = {
  /** The first shown line that the run did not print in this order. */
  readonly missing: string | undefined;
  /** What the page calls something, and what it is called in this run. */
  readonly names: readonly (readonly [shown: string, actual: string])[];
};

export const compare = (shown: readonly string[], output: string): Compared => {
  const actual = output.split("\n").map((line) => ({ line, plain: plainOf(line) }));
  const names: (readonly [string, string])[] = [];
  let from = 0;
  for (const line of shown) {
    if (/^\s*…?\s*$/.test(line)) continue;
    const pattern = patternOf(line);
    const at = actual.findIndex(({ plain }, index) => index >= from && pattern.test(plain));
    if (at < 0) return { missing: line, names };
    names.push(...pairs(line, actual[at]!.line));
    from = at + 1;
  }
  return { missing: undefined, names };
};

const plainOf = (line: string): string =>
  VARYING.reduce((text, [what, name]) => text.replaceAll(what, name), line)
    .replaceAll(/\s+/g, " ")
    .trim();

const patternOf = (line: string): RegExp =>
  new RegExp(
    `^${plainOf(line)
      .split("…")
      .map((part) => RegExp.escape(part))
      .join(".*")}$`,
  );

const pairs = (shown: string, actual: string): readonly (readonly [string, string])[] => {
  const [before, after] = [shown.match(NAMED) ?? [], actual.match(NAMED) ?? []];
  return before.length === after.length ? before.map((name, at) => [name, after[at]!] as const) : [];
};
