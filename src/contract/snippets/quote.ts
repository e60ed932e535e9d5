/** Literals of the languages of the snippets. Each takes any text and returns a literal with exactly this value. */

// eslint-disable-next-line no-control-regex
const NOT_ASCII = /[\u0000-\u001f\u007f-\uffff]/g;

/** Java reads an escape such as \u000a before it reads the literal, so these have their short form. */
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
const unit = (character: string): string =>
  SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
const escaped = (text: string, quote: string): string => text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`);

/** For Java, C# and ECMAScript: ASCII only, so that the encoding of the source file does not matter. */
export const doubleQuoted = (text: string): string => `"${escaped(text, '"').replaceAll(NOT_ASCII, unit)}"`;

/** As above in single quotes, for ECMAScript within an attribute of XML. */
export const singleQuoted = (text: string): string => `'${escaped(text, "'").replaceAll(NOT_ASCII, unit)}'`;

/** Python takes a surrogate pair for two characters that cannot be encoded, so the whole character is escaped. */
export const python = (text: string): string =>
  `"${escaped(text, '"').replaceAll(/[^\u0020-\u007e]/gu, (character) => {
    const point = character.codePointAt(0)!;
    return point > 0xff_ff ? `\\U${point.toString(16).padStart(8, "0")}` : unit(character);
  })}"`;

/** Text of XML, or an attribute in double quotes. */
export const xml = (text: string): string =>
  text
    .replaceAll(/[&<>"]/g, (character) => NAMED[character]!)
    .replaceAll(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);

const NAMED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text within a comment of XML or of a programming language, on one line. */
export const comment = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ").replaceAll(/-(?=-)|-$/g, "- ");
