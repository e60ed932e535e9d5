/** Texts from files and peers, for a terminal. */

/** Replaces what moves the cursor of a terminal, or shows a text in another order, by �. Keeps tabs and line feeds. */
export const visible = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) => (found === "\t" || found === "\n" ? found : "\uFFFD"));
