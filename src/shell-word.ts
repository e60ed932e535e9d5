/** One word of a POSIX shell: in a command that is printed, a path with blanks or quotes stays one word. */
export const inShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
