/** A filter as a shell hands it over: words, of which quotes are gone, and options that mean terms. */

const UNQUOTED = /^(-?[A-Za-z._-]+:)([^":()]*\s[^":()]*)$/;

/** What is no part of a name, but a term by itself or between two. */
const BY_ITSELF = [/\sOR(?=\s|$)/, /\s(?:OCSGW-\d{4}|(?=\d*[A-Z])[0-7][0-9A-HJKMNP-TV-Z]{9,25})(?=\s|$)/i];

/** `tenant:"Alpha Tenant"` comes as one word without its quotes: they are put back. */
export const expressionOf = (
  words: readonly string[],
  { since, until }: { readonly since?: string; readonly until?: string } = {},
): string => {
  const given = words
    .map((word) =>
      word.replace(UNQUOTED, (all, key: string, value: string) =>
        BY_ITSELF.some((pattern) => pattern.test(value)) ? all : `${key}"${value}"`,
      ),
    )
    .join(" ");
  const times = [
    since === undefined ? "" : `since:${quoted(since)}`,
    until === undefined ? "" : `until:${quoted(until)}`,
  ]
    .filter(Boolean)
    .join(" ");
  return times === "" ? given : [/\bOR\b/.test(given) ? `(${given})` : given, times].filter(Boolean).join(" ");
};

const quoted = (time: string): string => (/^[\w:.-]+$/.test(time) ? time : JSON.stringify(time));
