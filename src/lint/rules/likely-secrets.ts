/**
 * What may be a credential: it is no finding, and is never shown. The lines of other findings may have more secrets
 * than the rules are sure of.
 */
import { knownText, type Call, type Secret } from "../calls.ts";

const NAMES =
  "(?:passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[-_]?key|bearer|credentials?|cookie|" +
  "authorization|session[-_]?id)";
const REST = String.raw`[\w.-]{0,40}`;

/** The last group is what is not shown. Each part has a largest length. */
const FORMS: readonly RegExp[] = [
  // name: "value", "name" = 'value', add("name", "value")
  new RegExp(String.raw`${NAMES}${REST}["'\x60]?\]?\s{0,4}(?:[:,(]|=>?)\s{0,4}["'\x60]([^"'\x60\r\n]{1,4000})`, "dgi"),
  // name=value of an option, of a variable, of a query
  new RegExp(String.raw`${NAMES}${REST}\s{0,4}=\s{0,4}([^\s"'\x60=&;,<>(){}]{1,4000})`, "dgi"),
  // --name value
  new RegExp(String.raw`--[\w-]{0,20}${NAMES}[\w-]{0,20}\s{1,4}["']?([^\s"'-][^\s"']{0,4000})`, "dgi"),
  /\b(?:Bearer|Basic)\s{1,4}([^\s"'`<>]{1,4000})/dgi,
];

/** A variable in place of the value. */
const isFilledIn = (value: string): boolean => /^[$<{%]/.test(value);

/** The line, or a part of it, with a dot for each character of what may be a credential. */
export const withoutLikelySecrets = (line: string): string =>
  FORMS.reduce((shown, form) => {
    for (const { indices } of line.matchAll(form)) {
      const [at, end] = indices!.at(-1)!;
      if (!isFilledIn(line.slice(at, end)))
        shown = shown.slice(0, at) + dotted(shown.slice(at, end)) + shown.slice(end);
    }
    return shown;
  }, line);

/** As many dots as characters; ends of lines stay. */
export const dotted = (secret: string): string => secret.replaceAll(/[^\r\n]/g, "\u2022");

/** Different credentials, and uses of each, that are looked for. */
const MOST = { credentials: 100, uses: 1_000 } as const;

/** Where else the credentials of calls stand: a program may keep them under any name. */
export const usesOfCredentials = (text: string, calls: readonly Call[]): readonly Secret[] => {
  const credentials = new Set(
    calls.flatMap(({ headers }) => headers.flatMap(({ value }) => credentialIn(knownText(value) ?? ""))),
  );
  return [...credentials].slice(0, MOST.credentials).flatMap((credential) => usesOf(credential, text));
};

/** `Bearer X` and `Basic X`: X. */
const credentialIn = (written: string): readonly string[] => {
  const [, credential] = /^(?:Bearer|Basic)\s+(\S{6,})\s*$/i.exec(written) ?? [];
  return credential === undefined ? [] : [credential];
};

const usesOf = (credential: string, text: string): readonly Secret[] => {
  const uses: Secret[] = [];
  for (let at = text.indexOf(credential); at >= 0 && uses.length < MOST.uses; at = text.indexOf(credential, at + 1))
    uses.push({ at, end: at + credential.length, what: "a credential" });
  return uses;
};
