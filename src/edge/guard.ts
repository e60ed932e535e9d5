/**
 * The raw request, before Express and before anyone decides: one unambiguous HTTP/1.1 request of bounded size, addressed to us, or a fault.
 * It reads `rawHeaders`, because Node's merged view hides a second Host, a second Authorization, a second Content-Type.
 */
import { headerOf, type Fault, type HeaderLine } from "../message.ts";

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
};

const MAX_TARGET = 2048;
const MAX_LINES = 64;
/** Names of which a second line would leave the choice to whoever reads next. */
const SINGLE = new Map([
  "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "authorization", "x-api-key", "ocsgw-tenant", "expect", "if-none-match", "upgrade",
].map((name, place) => [name, 1 << place]));
const NAME = /^[A-Za-z0-9-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;
// A length inside another header's value is there for a reader that ends lines elsewhere.
const HIDDEN = /(?:content-length|transfer-encoding)[\t ]*:/i;
const LENGTH = /^(?:0|[1-9][0-9]{0,9})$/;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

export const guard = (head: Head, rules: GuardRules): Fault | undefined =>
  faultInHead(head) ?? faultInFraming(head, rules.maxBody) ?? faultInAuthority(head, rules);

const ambiguous = (detail: string): Fault => ({ kind: "ambiguous", detail });

const faultInHead = ({ version, target, headers }: Head): Fault | undefined => {
  if (version !== "1.1") return ambiguous("HTTP/1.1 is spoken here and no other version");
  if (target.length > MAX_TARGET) return { kind: "head-too-large", detail: `the request target is longer than ${MAX_TARGET} bytes` };
  if (headers.length > MAX_LINES) return { kind: "head-too-large", detail: `more than ${MAX_LINES} header lines` };
  let seen = 0;
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const single = SINGLE.get(lower) ?? 0;
    if (!NAME.test(name)) return ambiguous("a header name with a character other than letters, digits and -");
    if (!VALUE.test(value)) return ambiguous(`the value of ${singleName(lower)} has a character other than visible ASCII`);
    if (value.includes(":") && HIDDEN.test(value)) return ambiguous("a header whose value has another header in it");
    if ((seen & single) !== 0) return ambiguous(`${singleName(lower)} stands twice`);
    seen |= single;
  }
  return undefined;
};

/** Only names of our own list are repeated in a message. */
const singleName = (lower: string): string => (SINGLE.has(lower) ? lower : "a header");

const faultInFraming = ({ method, headers }: Head, maxBody: number): Fault | undefined => {
  const length = headerOf(headers, "content-length");
  const coding = headerOf(headers, "transfer-encoding");
  const expect = headerOf(headers, "expect");
  const upgrade = headerOf(headers, "upgrade");
  if (length !== undefined && coding !== undefined) return ambiguous("Content-Length and Transfer-Encoding together");
  if (coding !== undefined && coding.toLowerCase() !== "chunked") return ambiguous("a Transfer-Encoding other than chunked");
  if (/chunked/i.test(headerOf(headers, "content-encoding") ?? "")) return ambiguous("chunked as a Content-Encoding");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") return ambiguous("an Expect other than 100-continue");
  // Java's client offers h2c with every request in clear text; no other protocol is expected here, and none is taken up.
  if (upgrade !== undefined && upgrade.toLowerCase() !== "h2c") return ambiguous("an Upgrade to another protocol");
  if (length !== undefined && !LENGTH.test(length)) return { kind: "wrong-length", detail: "Content-Length is not a whole number" };
  if (Number(length ?? 0) > maxBody) return { kind: "body-too-large", detail: `the body is larger than ${maxBody} bytes` };
  if (method === "GET" && (coding !== undefined || Number(length ?? 0) > 0)) return { kind: "wrong-length", detail: "a GET has no body here" };
  return undefined;
};

/** The authority of an absolute-form target comes before Host (RFC 9112, 3.2.2); both must be ours. */
const faultInAuthority = ({ target, headers }: Head, { isOurs }: GuardRules): Fault | undefined => {
  const host = headerOf(headers, "host");
  if (host === undefined) return ambiguous("Host is missing");
  const authority = ABSOLUTE.exec(target)?.[1];
  if (authority !== undefined && !isOurs(authority)) return { kind: "foreign-authority", detail: "the target's authority is not this gateway" };
  return isOurs(host) ? undefined : { kind: "foreign-authority", detail: "Host is not this gateway" };
};
