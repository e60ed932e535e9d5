/** A filter as a shell passes it: words without their quotes, and options that stand for terms. */

const UNQUOTED = /^(-?[A-Za-z._-]+:)([^":()]*\s[^":()]*)$/;

/** Text that belongs to no name: a term of its own, or OR between two terms. */
const BY_ITSELF = [/\sOR(?=\s|$)/, /\s(?:OCSGW-\d{4}|(?=\d*[A-Z])[0-7][0-9A-HJKMNP-TV-Z]{9,25})(?=\s|$)/i];

/** Adds the quotes again: a shell passes `tenant:"Alpha Tenant"` as one word without them. */
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
