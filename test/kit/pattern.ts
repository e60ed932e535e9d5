/** One pattern from parts that match one after another, with the flags of all of them, so that no line is too long. */
export const patternOf = (...parts: readonly RegExp[]): RegExp =>
  new RegExp(
    parts.map(({ source }) => source).join(""),
    [...new Set(parts.flatMap(({ flags }) => flags.split("")))].join(""),
  );
