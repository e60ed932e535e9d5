/** Texts in filters: patterns, similar words, and what looks like a phone number. */
import { wildcard } from "../../../common/wildcard.ts";

/** 7 to 20 digits with usual punctuation. */
export const looksLikePhone = (text: string): boolean =>
  /^\+?[\d\s().-]+$/.test(text) && /^\d{7,20}$/.test(text.replaceAll(/\D/g, ""));

/** `*` matches any characters. Ignores case. */
export const matchesPattern = (glob: string): ((text: string) => boolean) => {
  const takes = wildcard(folded(glob));
  return (text) => takes(folded(text));
};

/** Lower case, except for two letters whose lower case is ASCII: SQLite, which the index uses, does not know that. */
const folded = (text: string): string =>
  KEPT.test(text) ? text.replaceAll(/[^\u0130\u212a]+/g, (part) => part.toLowerCase()) : text.toLowerCase();
const KEPT = /[\u0130\u212a]/;

/** The comparison runs on the thread that serves requests, so it is limited. */
const MOST_COMPARED = 1000;
const SHORTEST_BEGINNING = 3;

/** "did you mean `x`?" for a similar word, or one with the same beginning; undefined if there is none. */
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

/** The Levenshtein distance. */
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
