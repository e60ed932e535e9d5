/**
 * The raw request, before Express and before anyone decides: one unambiguous HTTP/1.1 request of bounded size, addressed to us, or a fault.
 * It reads `rawHeaders`, because Node's merged view hides a second Host, a second Authorization, a second Content-Type.
 */
import type { Fault, HeaderLine } from "../message.ts";

export type Head = {
  readonly version: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
};

export type GuardRules = {
  /** Bytes. */
  readonly maxBody: number;
  /** True for a host[:port] that this listener answers to, or that an upstream is known by. */
  readonly isOurs: (authority: string) => boolean;
  /** True for what may also be asked in HTTP/1.0, in which a Host may be missing; nothing when left out. */
  readonly answersOld?: ((head: Pick<Head, "method" | "target">) => boolean) | undefined;
};

const MAX_TARGET = 2048;
const MAX_LINES = 64;
/** Names of which a second line would leave the choice to whoever reads next; those that are asked for below come first. */
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
/** Its place among those, by a name in small letters and as most clients spell it; the other names that most requests have are none of them. */
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
// A length inside another header's value is there for a reader that ends lines elsewhere.
const HIDDEN = /(?:content-length|transfer-encoding)[\t ]*:/i;
const LENGTH = /^(?:0|[1-9][0-9]{0,9})$/;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/** Values by the place of their name; one pass finds them for every rule. */
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

const OLD = "1.0";

const faultInSize = ({ version, method, target, headers }: Head, { answersOld }: GuardRules): Fault | undefined => {
  const isTaken = version === "1.1" || (version === OLD && answersOld?.({ method, target }));
  if (!isTaken) return ambiguous("HTTP/1.1 is spoken here and no other version");
  if (target.length > MAX_TARGET)
    return { kind: "head-too-large", detail: `the request target is longer than ${MAX_TARGET} bytes` };
  if (headers.length > MAX_LINES) return { kind: "head-too-large", detail: `more than ${MAX_LINES} header lines` };
  return undefined;
};

const LONGEST_SHOWN = 64;
/** For a message. A refusal hides what may be a phone number in it. */
export const shownName = (name: string): string =>
  NAME.test(name) && name.length <= LONGEST_SHOWN ? name : "(a name that cannot be shown)";

/**
 * None of these lines goes to OCS, so names with _ or . and values that are not ASCII are accepted. What a reader that
 * takes _ for - would read as framing, or as a header of which there is one only, is refused.
 */
const faultInName = (name: string): Fault | undefined => {
  if (!NAME.test(name)) return ambiguous("a header name with a character that HTTP does not allow in names");
  const read = name.replaceAll(/[^A-Za-z0-9-]/g, "-").toLowerCase();
  if ((PLACES.get(read) ?? NONE) === NONE) return undefined;
  return ambiguous(`the header ${shownName(name)} could be read as ${read}; leave it out`);
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
    if (found[place] !== undefined) return ambiguous(`${SINGLE[place]} stands twice`);
    found[place] = value;
  }
  return undefined;
};

const faultInFraming = (
  method: string,
  [, length, coding, encoding, expect, upgrade]: Found,
  maxBody: number,
): Fault | undefined => {
  if (length !== undefined && coding !== undefined) return ambiguous("Content-Length and Transfer-Encoding together");
  if (coding !== undefined && coding.toLowerCase() !== "chunked")
    return ambiguous("a Transfer-Encoding other than chunked");
  if (encoding !== undefined && /chunked/i.test(encoding)) return ambiguous("chunked as a Content-Encoding");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue")
    return ambiguous("an Expect other than 100-continue");
  // Java's client offers h2c with every request in clear text; no other protocol is expected here, and none is taken up.
  if (upgrade !== undefined && upgrade.toLowerCase() !== "h2c") return ambiguous("an Upgrade to another protocol");
  if (length !== undefined && !LENGTH.test(length))
    return { kind: "wrong-length", detail: "Content-Length is not a whole number" };
  if (Number(length ?? 0) > maxBody)
    return { kind: "body-too-large", detail: `the body is larger than ${maxBody} bytes` };
  if (method === "GET" && (coding !== undefined || Number(length ?? 0) > 0))
    return { kind: "wrong-length", detail: "a GET has no body here" };
  return undefined;
};

/** The authority of an absolute-form target comes before Host (RFC 9112, 3.2.2); both must be ours. */
const faultInAuthority = ({ version, target }: Head, [host]: Found, { isOurs }: GuardRules): Fault | undefined => {
  if (host === undefined) return version === OLD ? undefined : ambiguous("Host is missing");
  const authority = ABSOLUTE.exec(target)?.[1];
  if (authority !== undefined && !isOurs(authority))
    return { kind: "foreign-authority", detail: "the target's authority is not this gateway" };
  return isOurs(host) ? undefined : { kind: "foreign-authority", detail: "Host is not this gateway" };
};
