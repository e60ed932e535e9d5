/** The commands of a shell script, as far as the script tells them. */
import type { Part } from "../../calls.ts";
import { MARK } from "../../holes.ts";

export type Word = {
  readonly parts: readonly Part[];
  readonly at: number;
  readonly end: number;
  /** The offset of its first character inside quotes, if the word is written as it is read. */
  readonly exactAt: number | undefined;
};

export type Command = {
  readonly words: readonly Word[];
  /** The operator before the command: "", ";", "&&", "||", "|", "&". */
  readonly before: string;
  /** A here-document or here-string on standard input. */
  readonly input: Word | undefined;
  /** The commands of `$(…)` and of backticks in its words. */
  readonly inside: readonly Command[];
};

export class ShellError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = "ShellError";
    this.at = at;
  }
}

/** The word as one text, with holes marked. */
export const plain = ({ parts }: Word): string =>
  parts.map((part) => (typeof part === "string" ? part : MARK)).join("");

/** Moves the commands of a part of a script to where the part begins. */
export const placed = (commands: readonly Command[], by: number): readonly Command[] => {
  const moved = (word: Word): Word => ({
    ...word,
    at: word.at + by,
    end: word.end + by,
    exactAt: word.exactAt === undefined ? undefined : word.exactAt + by,
  });
  return commands.map(({ words, before, input, inside }) => ({
    words: words.map(moved),
    before,
    input: input && moved(input),
    inside: placed(inside, by),
  }));
};
