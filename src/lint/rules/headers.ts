/** The headers that a file sets by hand: Content-length, Content-type and credentials. */
import { Buffer } from "node:buffer";
import { knownText, type Call, type Header, type Secret, type Value } from "../calls.ts";
import type { LintFinding } from "./table.ts";

const named = (call: Call, name: string): readonly Header[] =>
  call.headers.filter((header) => header.name.toLowerCase() === name);

/** `written`: the body as the file has it, if the file tells all of it. */
export const judgeHeaders = (call: Call, written: string | undefined, hasBody: boolean): readonly LintFinding[] => [
  ...named(call, "content-length").map((header) => judgeLength(header, written)),
  ...(hasBody ? judgeType(call) : []),
];

const judgeLength = ({ at, value }: Header, written: string | undefined): LintFinding => {
  const length = knownText(value);
  const isWrong = written !== undefined && length !== undefined && Number(length) !== Buffer.byteLength(written);
  return isWrong
    ? {
        rule: "wrongLength",
        at,
        detail: `Content-length is not the length of the body, ${Buffer.byteLength(written)} bytes`,
      }
    : { rule: "handWrittenLength", at };
};

const judgeType = (call: Call): readonly LintFinding[] => {
  const [type] = named(call, "content-type");
  const written = type && knownText(type.value);
  if (call.form && written === undefined)
    return [{ rule: "wrongContentType", at: call.at, detail: "the body is sent as a form, not as application/json" }];
  return type && written !== undefined && !/^application\/json\s*(?:;|$)/i.test(written)
    ? [{ rule: "wrongContentType", at: type.at }]
    : [];
};

const CARRIES_SECRET = /^(?:authorization|proxy-authorization|x-api-key|api-key|x-auth-token|cookie)$/i;

/** Headers whose value is a credential that the file tells wholly. */
export const secretHeaders = (call: Call, text: string): readonly Secret[] =>
  call.headers
    .filter(({ name, value }) => CARRIES_SECRET.test(name) && isSecretText(knownText(value)))
    .map(({ name, value }) => ({
      at: value.at,
      end: endOf(value, text),
      what: `a credential in the header ${name.toLowerCase()}`,
    }));

/** `Add("Authorization", "Bearer …")`, and the like, on an object that no call of the file shows. */
const SET = [
  /["']((?:proxy-)?authorization|(?:x-)?api-key|x-auth-token|cookie)["']\s?,\s{0,9}["'`]([^"'`\r\n$<{]{1,999})["'`]/dgi,
  /\bAuthentication(Header)Value\(\s{0,4}"(?:Basic|Bearer)"\s{0,4},\s{0,40}"([^"\r\n<{]{1,4000})"/dg,
];

/** Lists of names of headers look alike. */
const isNoName = (value: string): boolean => /^(?:Basic|Bearer) |\d/i.test(value);

/** Credentials that a program sets for all requests. */
export const setCredentials = (text: string): readonly Secret[] =>
  SET.flatMap((form) => [...text.matchAll(form)])
    .filter(({ 1: name, 2: value = "" }) => isSecretText(value) && (name === "Header" || isNoName(value)))
    .map(({ 1: name = "", indices }) => {
      const [at, end] = indices!.at(-1)!;
      const header = name === "Header" ? "authorization" : name.toLowerCase();
      return { at, end, what: `a credential in the header ${header}` };
    });

/** Longer than a credential, as it is written. */
const LONGEST = 100_000;

/** Where the secret ends: behind its text, which begins near the place of the value; else at the end of the line. */
const endOf = (value: Value, text: string): number => {
  const written = knownText(value) ?? "";
  const start = text.slice(value.at, value.at + 100 + written.length).indexOf(written);
  if (start >= 0) return value.at + start + written.length;
  const line = text.slice(value.at, value.at + LONGEST);
  const end = line.indexOf("\n");
  return value.at + (end < 0 ? line.length : end);
};

/** A scheme alone, and an obvious placeholder, are no secrets. */
const isSecretText = (text: string | undefined): boolean =>
  text !== undefined &&
  text.trim() !== "" &&
  !/^(?:basic|bearer)?\s*$/i.test(text) &&
  !/^(?:(?:basic|bearer)\s+)?(?:<[^>]*>|\.\.\.|…|x+|\*+)$/i.test(text.trim());
