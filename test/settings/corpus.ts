/**
 * The mistakes of mutations/: each file holds cases, each case a title, lines that are taken out of the sample (-|),
 * lines that stand there instead (+|), and what `check` prints.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type Mistake = {
  readonly title: string;
  readonly taken: string;
  readonly put: string;
  readonly printed: string;
};

export const FOLDER = fileURLToPath(new URL("mutations/", import.meta.url));

const mistakesIn = (text: string): readonly Mistake[] =>
  text
    .split(/^== /m)
    .slice(1)
    .map((part) => {
      const [title = "", ...lines] = part.split("\n");
      const marked = (mark: string): string =>
        lines
          .filter((line) => line.startsWith(mark))
          .map((line) => line.slice(mark.length))
          .join("\n");
      return {
        title,
        taken: marked("-|"),
        put: marked("+|"),
        printed: lines
          .filter((line) => !/^[-+]\|/.test(line))
          .join("\n")
          .trim(),
      };
    });

const marked = (mark: string, text: string): string =>
  text === "" && mark === "-|"
    ? ""
    : text
        .split("\n")
        .map((line) => `${mark}${line}\n`)
        .join("");

export const written = ({ title, taken, put, printed }: Mistake): string =>
  `== ${title}\n${marked("-|", taken)}${marked("+|", put)}${printed}\n`;

export const CORPUS: readonly { readonly name: string; readonly mistakes: readonly Mistake[] }[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".txt"))
  .map((name) => ({ name, mistakes: mistakesIn(readFileSync(join(FOLDER, name), "utf8")) }));
