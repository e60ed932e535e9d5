/**
 * Checks the raw request before Express sees it: one unambiguous HTTP/1.1 request of bounded size that is addressed to
 * this gateway, or a fault. Reads `rawHeaders`, because Node's merged headers hide a second Host or Authorization.
 */
import type { Fault, HeaderLine } from "../common/message.ts";

export type Head = {
  readonly version: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
};

export type GuardRules = {
  /** Bytes. */
  readonly maxBody: number;
  /** True for a host[:port] of this listener, or an alias of an upstream. */
  readonly isOurs: (authority: string) => boolean;
  /** Which requests may use HTTP/1.0, in which Host may be missing; default: none. */
  readonly allowsHttp10?: ((head: Pick<Head, "method" | "target">) => boolean) | undefined;
};

const MAX_TARGET = 2048;
const MAX_LINES = 64;
/**
 * Headers that may occur only once, because software differs on which line to use. Those that a check reads are first.
 */
const SINGLE = [
  "host",
  "content-length",
  "transfer-encoding",
  "content-encoding",
  "expect",
  "upgrade",
  "content-type",
  "authorization",
  "x-api-key",
  "ocsgw-tenant",
  "if-none-match",
] as const;
const NONE = -1;
/**
 * The index in `SINGLE` by header name, in lower case and as most clients spell it. Names that most requests have, and
 * that may repeat, are listed too, so that one look-up suffices.
 */
const PLACES: ReadonlyMap<string, number> = new Map(
  [...SINGLE, "user-agent", "accept", "accept-encoding", "connection"].flatMap((name, place) =>
    [name, name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())].map((spelling) => [
      spelling,
      place < SINGLE.length ? place : NONE,
    ]),
  ),
);
const PLAIN_NAME = /^[A-Za-z0-9-]+$/;
/** RFC 9110, 5.1: a field's name is a token. */
const NAME = /^[!#$%&'*+.^_`|~A-Za-z0-9-]+$/;
const NO_VALUE = /[^\t\x20-\x7e]/;
/** Neither visible ASCII, blank and tab nor obs-text (RFC 9110, 5.5). */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;
// A length inside another header's value targets software that ends lines at other places.
const HIDDEN = /(?:content-length|transfer-encoding)[\t ]*:/i;
const LENGTH = /^(?:0|[1-9][0-9]{0,9})$/;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/** Values by index in `SINGLE`: one pass over the headers finds them for every check. */
type Found = (string | undefined)[];

export const guard = (head: Head, rules: GuardRules): Fault | undefined => {
  const found: Found = [];
  return (
    faultInSize(head, rules) ??
    faultInLines(head.headers, found) ??
    faultInFraming(head.method, found, rules.maxBody) ??
    faultInAuthority(head, found, rules)
  );
};

const ambiguous = (detail: string): Fault => ({ kind: "ambiguous", detail });

const HTTP_1_0 = "1.0";

const faultInSize = ({ version, method, target, headers }: Head, { allowsHttp10 }: GuardRules): Fault | undefined => {
  const isAccepted = version === "1.1" || (version === HTTP_1_0 && allowsHttp10?.({ method, target }));
  if (!isAccepted) return ambiguous("only HTTP/1.1 is accepted");
  if (target.length > MAX_TARGET)
    return { kind: "head-too-large", detail: `the request target is longer than ${MAX_TARGET} bytes` };
  if (headers.length > MAX_LINES) return { kind: "head-too-large", detail: `more than ${MAX_LINES} header lines` };
  return undefined;
};

const LONGEST_SHOWN = 64;
/** A header's name for a message; the refusal masks possible phone numbers. */
export const shownName = (name: string): string =>
  NAME.test(name) && name.length <= LONGEST_SHOWN ? name : "(invalid name)";

/**
 * The gateway sends no client header to OCS, so names with _ or . and values that are not ASCII are accepted. A name is
 * refused if software that reads _ as - would see a framing header or one of `SINGLE` in it.
 */
const faultInName = (name: string): Fault | undefined => {
  if (!NAME.test(name)) return ambiguous("a header name has a character that HTTP does not allow");
  const read = name.replaceAll(/[^A-Za-z0-9-]/g, "-").toLowerCase();
  if ((PLACES.get(read) ?? NONE) === NONE) return undefined;
  return ambiguous(`the header ${shownName(name)} could be read as ${read}; remove it`);
};

const faultInValue = (name: string, value: string, place: number): Fault | undefined => {
  if (CONTROL.test(value)) return ambiguous(`the value of the header ${shownName(name)} has a control character`);
  return place === NONE
    ? undefined
    : ambiguous(`the value of the header ${SINGLE[place]} has a character other than visible ASCII`);
};

const faultInLines = (headers: readonly HeaderLine[], found: Found): Fault | undefined => {
  for (const [name, value] of headers) {
    const known = PLACES.get(name);
    if (known === undefined && !PLAIN_NAME.test(name)) {
      const fault = faultInName(name);
      if (fault) return fault;
    }
    const place = known ?? PLACES.get(name.toLowerCase()) ?? NONE;
    if (NO_VALUE.test(value)) {
      const fault = faultInValue(name, value, place);
      if (fault) return fault;
    }
    if (value.includes(":") && HIDDEN.test(value))
      return ambiguous(`the value of the header ${shownName(name)} has another header in it`);
    if (place === NONE) continue;
    if (found[place] !== undefined) return ambiguous(`the header ${SINGLE[place]} is sent twice`);
    found[place] = value;
  }
  return undefined;
};

const faultInFraming = (
  method: string,
  [, length, coding, encoding, expect, upgrade]: Found,
  maxBody: number,
): Fault | undefined => {
  if (length !== undefined && coding !== undefined)
    return ambiguous("the request has both Content-Length and Transfer-Encoding");
  if (coding !== undefined && coding.toLowerCase() !== "chunked") return ambiguous("Transfer-Encoding is not chunked");
  if (encoding !== undefined && /chunked/i.test(encoding)) return ambiguous("chunked is not a Content-Encoding");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") return ambiguous("Expect is not 100-continue");
  // Java's HTTP client offers h2c with every request in clear text. The offer is ignored; any other protocol is
  // refused.
  if (upgrade !== undefined && upgrade.toLowerCase() !== "h2c")
    return ambiguous("Upgrade names a protocol that is not supported");
  if (length !== undefined && !LENGTH.test(length))
    return { kind: "wrong-length", detail: "Content-Length is not a whole number" };
  if (Number(length ?? 0) > maxBody)
    return { kind: "body-too-large", detail: `the body is larger than ${maxBody} bytes` };
  if (method === "GET" && (coding !== undefined || Number(length ?? 0) > 0))
    return { kind: "wrong-length", detail: "a GET request must not have a body" };
  return undefined;
};

/** An absolute-form target takes precedence over Host (RFC 9112, 3.2.2); both must name this gateway. */
const faultInAuthority = ({ version, target }: Head, [host]: Found, { isOurs }: GuardRules): Fault | undefined => {
  if (host === undefined) return version === HTTP_1_0 ? undefined : ambiguous("Host is missing");
  const authority = ABSOLUTE.exec(target)?.[1];
  if (authority !== undefined && !isOurs(authority))
    return { kind: "foreign-authority", detail: "the host name in the request target is not configured here" };
  return isOurs(host)
    ? undefined
    : { kind: "foreign-authority", detail: "the host name in Host is not configured here" };
};
