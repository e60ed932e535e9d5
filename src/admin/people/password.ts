/** Rules for passwords: long and not easily guessed, and none about kinds of characters (NIST SP 800-63B, OWASP). */

export const SHORTEST_PASSWORD = 12;
/** Bytes of UTF-8. */
export const LONGEST_PASSWORD = 512;

/** The form that is hashed: keyboards write the same character in several ways (RFC 8265, OpaqueString). */
export const preparePassword = (password: string): string => password.replaceAll(/\p{Zs}/gu, " ").normalize("NFC");

export const isTooLong = (prepared: string): boolean => Buffer.byteLength(prepared) > LONGEST_PASSWORD;

/** Why this may not become the password of this user; undefined if it may. */
export const passwordFault = (password: string, name: string): string | undefined => {
  const prepared = preparePassword(password);
  const length = Array.from(prepared).length;
  if (/\p{Cc}/u.test(prepared)) return "it contains a control character, for example a tab or a line break";
  if (length < SHORTEST_PASSWORD) return `it has ${length} characters, and ${SHORTEST_PASSWORD} are the minimum`;
  if (isTooLong(prepared)) return `it is longer than ${LONGEST_PASSWORD} bytes`;
  const texts = [bare(prepared), bare(withoutSubstitutes(prepared))];
  if (new Set(prepared.toLowerCase()).size < FEWEST_CHARACTERS) return "it repeats very few characters";
  const words = wordsIn(name);
  if (texts.some((text) => isLittleMore(text, words))) return "it is little more than the user's name";
  if (texts.some((text) => isLittleMore(text, [...words, ...COMMON])))
    return "it is little more than a common password";
  return undefined;
};

const FEWEST_CHARACTERS = 5;
/** What people add to a word, such as a year. */
const LITTLE = 5;

const bare = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

const SUBSTITUTES: Readonly<Record<string, string>> = {
  "@": "a",
  "4": "a",
  "0": "o",
  $: "s",
  "5": "s",
  "3": "e",
  "1": "i",
};
const withoutSubstitutes = (text: string): string => text.replaceAll(/[@405$31]/g, (each) => SUBSTITUTES[each]!);

/** The name, and its parts if they are not very short. */
const wordsIn = (name: string): readonly string[] =>
  [name, ...name.split(/[^\p{L}\p{N}]/u)].map(bare).filter((word) => word.length >= 4);

const isLittleMore = (text: string, words: readonly string[]): boolean =>
  words.some((word) => text.includes(word)) &&
  words.toSorted((a, b) => b.length - a.length).reduce((rest, word) => rest.replaceAll(word, ""), text).length <=
    LITTLE;

/** Most common passwords are shorter than the minimum; people lengthen these. */
const COMMON = [
  "password passwort passwd motdepasse contrasena wachtwoord administrator admin root default secret",
  "welcome willkommen letmein changeme changeit iloveyou trustnoone princess sunshine football baseball monkey dragon",
  "qwertyuiop qwertzuiop azertyuiop asdfghjkl zxcvbnm yxcvbnm qwerty qwertz azerty asdfgh",
  "abcdefghijklmnopqrstuvwxyz abcdefghijkl abcdefgh abcdef abc123",
  "1234567890 123456789 12345678 1234567 123456 0987654321 987654321 87654321 654321 0123456789",
  "1q2w3e4r5t6y 1q2w3e4r 1qaz2wsx 1qaz2wsx3edc zaq12wsx q1w2e3r4",
  "correcthorsebatterystaple genesys outbound gateway console ocsgateway ocsgw",
].flatMap((line) => line.split(" "));
