/** Texts with holes as plain strings: one private-use character stands for each hole. */
import { concat, HOLE, RECORD_URI, type Part } from "./calls.ts";

/** Stands for a hole; files that contain it are read with it replaced. */
export const MARK = "\uF8FE";
/** Stands for a hole that begins with the address in GSW_RECORD_URI. */
export const URI_MARK = "\uF8FF";

export const withMarks = (parts: readonly Part[]): string =>
  parts.map((part) => (typeof part === "string" ? part : part.recordUri ? URI_MARK : MARK)).join("");

export const isMarked = (text: string): boolean => text.includes(MARK) || text.includes(URI_MARK);

/** The text with its holes as parts again. */
export const fromMarks = (text: string): readonly Part[] => {
  const parts: Part[] = [];
  let plain = "";
  for (const character of text) {
    if (character !== MARK && character !== URI_MARK) {
      plain += character;
      continue;
    }
    parts.push(plain, character === MARK ? HOLE : RECORD_URI);
    plain = "";
  }
  return concat([...parts, plain]);
};

/** The file's text without the characters that stand for holes. */
export const withoutMarks = (text: string): string => text.replaceAll(/[\uF8FE\uF8FF]/g, "\uFFFD");
