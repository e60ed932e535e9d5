/**
 * Status line and header block of OCS's answer (RFC 9112, sections 4 to 6). An answer is known only by its place, so nothing is forgiven that could
 * move the place where the next one begins: a blank line in front, a second length, a folded line, a line end or a character that does not belong.
 */
import type { HeaderLine } from "../message.ts";
import { FIELD, Garbled } from "./grammar.ts";

export type AnswerHead = {
  /** 200, or 400 to 599. */
  readonly status: number;
  /** Names in small letters; the values of a name that stands several times are joined by commas. */
  readonly headers: readonly HeaderLine[];
  /** Where the body ends: after so many bytes, with the last of its chunks, or with the connection. */
  readonly framing: number | "chunks" | "end";
  /** In the protocol that OCS speaks: HTTP/1.1, and no chunks. */
  readonly documented: boolean;
  /** Milliseconds for which OCS says that it keeps the connection, 0 when it ends it now. The manual's OCS says nothing of the kind. */
  readonly keptFor: number | undefined;
};

const MAX_BYTES = 16_384;
const VERSION = /^HTTP\/1\.[01] /;
const VERSION_LENGTH = "HTTP/1.1 ".length;
const STATUS_LINE = /^HTTP\/1\.([01]) ([0-9]{3})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** A line end that is none, or a character that no header block has. */
const MALFORMED = /(?<!\r)\n|\r(?!\n|$)|\0/g;
const LENGTH = /^[0-9]{1,10}$/;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const TIMEOUT = /(?:^|,)[\t ]*timeout=([0-9]{1,6})[\t ]*(?:,|$)/i;

/** OCS says the same over and over, and what was read once is known. */
let last: { readonly text: string; readonly head: AnswerHead } | undefined;

/** Of the text in front of the blank line, each byte a character. Throws Garbled. */
export const readHead = (text: string): AnswerHead => {
  if (last?.text !== text) last = { text, head: parse(text) };
  return last.head;
};

/** Of a block that is not whole yet: what can be told before its end, which may never come. `before`: so many characters were looked at earlier. */
export const refuseBegun = (text: string, before: number): void => {
  if (text.length >= VERSION_LENGTH && !VERSION.test(text))
    throw new Garbled("what came back from OCS is not HTTP/1.1");
  MALFORMED.lastIndex = Math.max(0, before - 1);
  if (MALFORMED.test(text)) throw new Garbled("a line of OCS's header block is none");
};

export const refuseLongHead = (bytes: number): void => {
  if (bytes > MAX_BYTES) throw new Garbled("OCS's header block is larger than any that it documents");
};

const parse = (text: string): AnswerHead => {
  const [first, ...lines] = text.split("\r\n");
  const [, minor, status] = STATUS_LINE.exec(first!) ?? [];
  if (status === undefined) throw new Garbled("what came back from OCS does not begin with a status line");
  const named = new Map<string, string>();
  for (const line of lines) readField(line, named);
  const framing = framingOf(named.get("content-length"), named.get("transfer-encoding"));
  return {
    status: final(Number(status)),
    headers: [...named],
    framing,
    documented: minor === "1" && framing !== "chunks",
    keptFor: keptFor(named),
  };
};

const readField = (line: string, named: Map<string, string>): void => {
  const [, name, value] = FIELD.exec(line) ?? [];
  if (name === undefined) throw new Garbled("a line of OCS's header block is none");
  const lower = name.toLowerCase();
  const before = named.get(lower);
  named.set(lower, before === undefined ? value!.trimEnd() : `${before}, ${value!.trimEnd()}`);
};

const framingOf = (length: string | undefined, coding: string | undefined): AnswerHead["framing"] => {
  if (length !== undefined && coding !== undefined) throw new Garbled("OCS's answer has a length and chunks");
  if (coding !== undefined && coding.toLowerCase() !== "chunked")
    throw new Garbled("OCS's answer has a transfer coding other than chunked");
  if (length !== undefined && !LENGTH.test(length))
    throw new Garbled("the length of OCS's answer is not one whole number");
  if (coding !== undefined) return "chunks";
  return length === undefined ? "end" : Number(length);
};

const final = (status: number): number => {
  if (status >= 100 && status < 200) throw new Garbled("OCS sent an interim answer that nobody asked for");
  if (status !== 200 && (status < 400 || status > 599)) throw new Garbled(`OCS does not answer with status ${status}`);
  return status;
};

const keptFor = (named: ReadonlyMap<string, string>): number | undefined => {
  if (CLOSE.test(named.get("connection") ?? "")) return 0;
  const seconds = TIMEOUT.exec(named.get("keep-alive") ?? "")?.[1];
  return seconds === undefined ? undefined : 1000 * Number(seconds);
};
