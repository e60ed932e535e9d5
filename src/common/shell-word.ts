/** Commands that are printed, so that they can be copied and run. */

/** Quotes a text as one word of a POSIX shell. */
export const inShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** In texts that name a command, where the reader's config file belongs. */
const PLACEHOLDER = /-c FILE\b/g;

/** The text with the path of the config file in its commands; unchanged while the file is unknown. */
export const withConfig = (text: string, file: string | undefined): string =>
  file === undefined ? text : text.replaceAll(PLACEHOLDER, () => `-c ${inShell(file)}`);
