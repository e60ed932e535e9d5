/** Credentials that stand in a file, whatever its kind: found by their form, and never repeated. */
import { Buffer } from "node:buffer";
import type { Secret } from "../calls.ts";

/** API keys of the gateway; a user and a password in an address; Basic; a JWT. Each part has a largest length. */
const FORMS: readonly (readonly [RegExp, string, (found: RegExpMatchArray) => boolean])[] = [
  [/\bsk_[A-Za-z0-9_-]{6,200}/g, "an API key", ([key]) => isKey(key)],
  [
    /:\/\/([^\s/:@"'`<>{}$\\]{1,200}):([^\s/:@"'`<>{}$\\]{1,200})@/g,
    "a user and a password in an address",
    ([, , password]) => !/^(?:x+|\*+)$/i.test(password ?? ""),
  ],
  [
    /\bBasic\s{1,4}([A-Za-z0-9+/]{4,400}={0,2})/gi,
    "a user and a password",
    ([, encoded]) => isUserAndPassword(encoded!),
  ],
  [/\bBearer\s{1,4}[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{4,4000}\.[A-Za-z0-9_-]{0,4000}/gi, "a token", () => true],
];

/** A random text has digits; a name like sk_buff_head has none. */
const isKey = (text: string): boolean => /\d/.test(text) || text.startsWith("sk_sandbox_") || text.length >= 24;

const isUserAndPassword = (encoded: string): boolean =>
  /^[\x20-\x7e]+:[\x20-\x7e]+$/.test(Buffer.from(encoded, "base64").toString("latin1"));

export const secretsIn = (text: string): readonly Secret[] =>
  FORMS.flatMap(([form, what, isSecret]) =>
    [...text.matchAll(form)]
      .filter(isSecret)
      .map((found) => ({ at: found.index, end: found.index + found[0].length, what })),
  );
