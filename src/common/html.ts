/** Escapes text for the content of an HTML element. Do not use it in attributes: quotes are not escaped. */
export const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
