/** Words in filters: patterns, likeness, and what may not stand there. */
import { wildcard } from "../../wildcard.ts";

/** 7 to 20 digits with the signs that people put between them. */
export const looksLikePhone = (text: string): boolean =>
  /^\+?[\d\s().-]+$/.test(text) && /^\d{7,20}$/.test(text.replaceAll(/\D/g, ""));

/** `*` stands for any characters; upper and lower case are one. */
export const likeText = (glob: string): ((text: string) => boolean) => {
  const takes = wildcard(folded(glob));
  return (text) => takes(folded(text));
};

/** Two letters become ASCII in lower case, which SQLite, where the index asks the same, does not know: they stay. */
const folded = (text: string): string =>
  KEPT.test(text) ? text.replaceAll(/[^\u0130\u212a]+/g, (part) => part.toLowerCase()) : text.toLowerCase();
const KEPT = /[\u0130\u212a]/;

/** Telling how near a word is takes time for each of them, and traffic waits for it. */
const MOST_COMPARED = 1000;
const SHORTEST_BEGINNING = 3;

/** "did you mean `x`?" for the nearest of the words, when one is near, or for one that begins so. */
export const nearestOf = (
  word: string,
  words: readonly string[],
  shown: (word: string) => string = (each) => each,
): string | undefined => {
  const wanted = word.slice(0, 40).toLowerCase();
  const room = (each: string): number => Math.max(1, Math.floor(Math.max(wanted.length, each.length) / 3));
  const alike = words.filter((each) => Math.abs(each.length - wanted.length) <= room(each));
  const compared =
    alike.length <= MOST_COMPARED
      ? alike
      : alike.filter((each) => each[0]?.toLowerCase() === wanted[0]).slice(0, MOST_COMPARED);
  const [best] = compared
    .map((each) => ({ each, distance: distance(wanted, each.toLowerCase()) }))
    .toSorted((one, other) => one.distance - other.distance);
  const near = best && best.distance <= room(best.each) ? best.each : undefined;
  const found =
    near ??
    (wanted.length < SHORTEST_BEGINNING ? undefined : words.find((each) => each.toLowerCase().startsWith(wanted)));
  return found === undefined ? undefined : `did you mean ${shown(found)}?`;
};

/** Levenshtein's. */
const distance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let line = 0; line < from.length; line++) {
    const above = row;
    row = [line + 1];
    for (let at = 1; at <= to.length; at++)
      row.push(Math.min(row[at - 1]! + 1, above[at]! + 1, above[at - 1]! + (to[at - 1] === from[line] ? 0 : 1)));
  }
  return row.at(-1)!;
};
