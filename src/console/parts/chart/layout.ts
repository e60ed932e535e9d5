/** Where labels stand beside the lines that they name. */

/** CSS pixels from one label to the next. */
export const APART = 17;

/** The place of each label: that of its line, pushed apart where lines are close, and never below the chart. */
export const apart = (wanted: readonly number[], room: number): number[] => {
  const order = wanted.map((_, index) => index).toSorted((one, other) => wanted[one]! - wanted[other]!);
  const tops = [...wanted];
  let next = -Infinity;
  for (const index of order) next = (tops[index] = Math.max(wanted[index]!, next)) + APART;
  let most = room - APART;
  for (const index of order.toReversed()) most = (tops[index] = Math.min(tops[index]!, most)) - APART;
  return tops.map((top) => Math.max(0, Math.round(top)));
};

/** Room for a glyph, both ways. CSS pixels. */
export const GLYPH_PX = 13;
/** Glyphs below each other at most; more start again at the top. */
const LEVELS = 6;

/** For each place in CSS pixels, from left to right, how many glyphs its own is below the top: none covers another. */
export const levelsOf = (places: readonly number[]): number[] => {
  const last: number[] = [];
  return places.map((x) => {
    const free = Array.from({ length: LEVELS }, (_, level) => level).find(
      (level) => x - (last[level] ?? -GLYPH_PX) >= GLYPH_PX,
    );
    const level = free ?? 0;
    last[level] = x;
    return level;
  });
};
