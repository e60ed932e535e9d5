/** Findings as workflow commands of GitHub Actions, which shows them beside the lines of a change. */
import type { Result } from "./formats.ts";

const COMMANDS = { error: "error", warning: "warning", unsure: "notice" } as const;

/** One line each. */
export const toGithub = (results: readonly Result[]): string =>
  results
    .map(({ level, code, file, line, column, message, help }) => {
      const where = `file=${property(file)},line=${line},col=${column},title=${property(code)}`;
      return `::${COMMANDS[level]} ${where}::${data(help === undefined ? message : `${message}\n${help}`)}\n`;
    })
    .join("");

const data = (text: string): string => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
