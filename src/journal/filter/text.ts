/** Words in filters: patterns, likeness, and what may not stand there. */

/** 7 to 20 digits with the signs that people put between them. */
export const looksLikePhone = (text: string): boolean => /^\+?[\d\s().-]+$/.test(text) && /^\d{7,20}$/.test(text.replaceAll(/\D/g, ""));

/** `*` stands for any characters; upper and lower case are one. */
export const patternOf = (glob: string): RegExp => new RegExp(`^${glob.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`, "isu");

/** "did you mean `x`?" for the nearest of the words, when one is near. */
export const nearestOf = (word: string, words: readonly string[], shown: (word: string) => string = (each) => each): string | undefined => {
  const wanted = word.slice(0, 40).toLowerCase();
  const [best] = words.map((each) => ({ each, distance: distance(wanted, each.toLowerCase()) })).toSorted((one, other) => one.distance - other.distance);
  return best && best.distance <= Math.max(1, Math.floor(Math.max(wanted.length, best.each.length) / 3)) ? `did you mean ${shown(best.each)}?` : undefined;
};

/** Levenshtein's. */
const distance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let line = 0; line < from.length; line++) {
    const above = row;
    row = [line + 1];
    for (let at = 1; at <= to.length; at++) row.push(Math.min(row[at - 1]! + 1, above[at]! + 1, above[at - 1]! + (to[at - 1] === from[line] ? 0 : 1)));
  }
  return row.at(-1)!;
};
