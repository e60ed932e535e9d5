/**
 * Status line and header block of OCS's answer (RFC 9112, sections 4 to 6). Only its position identifies the request of
 * an answer, so everything that could shift the start of the next answer is rejected: a leading blank line, a second
 * length, a folded line, a bare line feed, an invalid character.
 */
import type { HeaderLine } from "../../common/message.ts";
import { FIELD, MalformedResponse } from "./grammar.ts";

export type AnswerHead = {
  /** 200, or 400 to 599. */
  readonly status: number;
  /** Names in lower case; the values of repeated names are joined by commas. */
  readonly headers: readonly HeaderLine[];
  /** Where the body ends: after this many bytes, after the last chunk, or at the end of the connection. */
  readonly framing: number | "chunks" | "end";
  /** True for the form in OCS's manual: HTTP/1.1 without chunks. */
  readonly isDocumented: boolean;
  /** Milliseconds for which OCS keeps the connection; 0: it closes it now; undefined (as in the manual): unknown. */
  readonly keepAliveMs: number | undefined;
};

const MAX_BYTES = 16_384;
const VERSION = /^HTTP\/1\.[01] /;
const VERSION_LENGTH = "HTTP/1.1 ".length;
const STATUS_LINE = /^HTTP\/1\.([01]) ([0-9]{3})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** A bare line feed or carriage return, or NUL. */
const MALFORMED = /(?<!\r)\n|\r(?!\n|$)|\0/g;
const LENGTH = /^[0-9]{1,10}$/;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const TIMEOUT = /(?:^|,)[\t ]*timeout=([0-9]{1,6})[\t ]*(?:,|$)/i;

/** A cache of the last header block, because OCS usually sends the same one again. */
let lastParsed: { readonly text: string; readonly head: AnswerHead } | undefined;

/** `text`: everything before the blank line, one character per byte. Throws MalformedResponse. */
export const readHead = (text: string): AnswerHead => {
  if (lastParsed?.text !== text) lastParsed = { text, head: parse(text) };
  return lastParsed.head;
};

/**
 * Throws MalformedResponse if an incomplete header block is already malformed, because its end may never arrive.
 * `before`: number of characters that were checked earlier.
 */
export const rejectPartialHead = (text: string, before: number): void => {
  if (text.length >= VERSION_LENGTH && !VERSION.test(text)) throw new MalformedResponse("OCS's answer is not HTTP/1.1");
  MALFORMED.lastIndex = Math.max(0, before - 1);
  if (MALFORMED.test(text)) throw new MalformedResponse("OCS's answer has a malformed header line");
};

export const rejectLongHead = (bytes: number): void => {
  if (bytes > MAX_BYTES) throw new MalformedResponse(`OCS's header block is larger than ${MAX_BYTES} bytes`);
};

const parse = (text: string): AnswerHead => {
  const [first, ...lines] = text.split("\r\n");
  const [, minor, status] = STATUS_LINE.exec(first!) ?? [];
  if (status === undefined) throw new MalformedResponse("OCS's answer does not begin with a status line");
  const named = new Map<string, string>();
  for (const line of lines) readField(line, named);
  const framing = framingOf(named.get("content-length"), named.get("transfer-encoding"));
  return {
    status: finalStatus(Number(status)),
    headers: [...named],
    framing,
    isDocumented: minor === "1" && framing !== "chunks",
    keepAliveMs: keepAliveOf(named),
  };
};

const readField = (line: string, named: Map<string, string>): void => {
  const [, name, value] = FIELD.exec(line) ?? [];
  if (name === undefined) throw new MalformedResponse("OCS's answer has a malformed header line");
  const lower = name.toLowerCase();
  const before = named.get(lower);
  named.set(lower, before === undefined ? value!.trimEnd() : `${before}, ${value!.trimEnd()}`);
};

const framingOf = (length: string | undefined, coding: string | undefined): AnswerHead["framing"] => {
  if (length !== undefined && coding !== undefined)
    throw new MalformedResponse("OCS's answer has both Content-Length and Transfer-Encoding");
  if (coding !== undefined && coding.toLowerCase() !== "chunked")
    throw new MalformedResponse("OCS's answer has a transfer coding other than chunked");
  if (length !== undefined && !LENGTH.test(length))
    throw new MalformedResponse("the Content-Length of OCS's answer is not a whole number");
  if (coding !== undefined) return "chunks";
  return length === undefined ? "end" : Number(length);
};

const finalStatus = (status: number): number => {
  if (status >= 100 && status < 200)
    throw new MalformedResponse("OCS sent an interim answer (1xx) that was not requested");
  if (status !== 200 && (status < 400 || status > 599))
    throw new MalformedResponse(`OCS answered with the unexpected status ${status}`);
  return status;
};

const keepAliveOf = (named: ReadonlyMap<string, string>): number | undefined => {
  if (CLOSE.test(named.get("connection") ?? "")) return 0;
  const seconds = TIMEOUT.exec(named.get("keep-alive") ?? "")?.[1];
  return seconds === undefined ? undefined : 1000 * Number(seconds);
};
