/** What must not be shown of settings: secrets, and the parts of web addresses that may hold a credential. */

/** Stands for a value that is not shown. */
export const HIDDEN = "•••";

const STAND_IN_AT_END = new RegExp(`${HIDDEN}[0-9a-f]{16}$`);

/**
 * A web address without user, password, query and fragment. A snapshot of a config keeps a stand-in behind what is
 * shown (`snapshot.ts`).
 */
export const shownUrl = (text: string): string => {
  if (text.includes(HIDDEN)) return text.replace(STAND_IN_AT_END, "");
  if (!URL.canParse(text)) return HIDDEN;
  const { protocol, username, password, host, pathname, search, hash } = new URL(text);
  if (username + password + search + hash === "") return text;
  return (
    `${protocol}//${username + password === "" ? "" : `${HIDDEN}@`}${host}${pathname}` +
    `${search === "" ? "" : `?${HIDDEN}`}${hash === "" ? "" : `#${HIDDEN}`}`
  );
};

/** Shorter values are ordinary words and numbers, which sentences need. */
const SHORTEST = 6;

const PEM = /-----BEGIN [^]*?(?:-----END [^-]*-----|$)/g;
const USER = /(?<=:\/\/)[^\s/"'<>]+@/g;
const QUERY = /(:\/\/[^\s?#"'<>]+)[?#][^\s"'<>)]+/g;

/**
 * A barrier for sentences that may quote a value in a wrong place. `secrets`: values that may occur nowhere. Also hides
 * PEM blocks, and of addresses users, passwords and queries.
 */
export const scrubber = (secrets: Iterable<string>): ((text: string) => string) => {
  const known = [...new Set(secrets)]
    .filter((secret) => secret.length >= SHORTEST)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .toSorted((one, other) => other.length - one.length);
  return (text) =>
    known
      .reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text)
      .replaceAll(PEM, HIDDEN)
      .replaceAll(USER, `${HIDDEN}@`)
      .replaceAll(QUERY, `$1?${HIDDEN}`);
};

/** For any text: hides what is a credential wherever it stands. */
export const withoutCredentials = scrubber([]);
