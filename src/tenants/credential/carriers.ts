/** Where a request may carry credentials, and what stands there. Nowhere else is looked at: not the URI, not a cookie. */
import { decodeCanonicalBase64 } from "./base64.ts";
import { CredentialFault } from "./types.ts";

export type Presented =
  | { readonly kind: "jwt"; readonly text: string }
  | { readonly kind: "key"; readonly key: string; /** The client that Basic names. */ readonly user?: string };

export type HeaderLines = readonly (readonly [name: string, value: string])[];

export type Carriers = {
  /** Every credential of the request, none among them; a sentence when there is one that cannot be read. */
  readonly read: (headers: HeaderLines) => readonly Presented[] | string;
  /** For WWW-Authenticate (RFC 9110, section 11.6.1). */
  readonly challenge: string;
};

type Options = {
  readonly bearer: boolean;
  /** "basic", and "header:" with a header's name. */ readonly keys: readonly string[];
};
type Carrier = {
  /** The header's name in small letters. */ readonly name: string;
  /** A text says why it cannot be read. */ readonly read: (value: string) => Presented | string;
};

const REALM = 'realm="ocsgw"';
const HEADER = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws CredentialFault for a carrier that there is not. */
export const createCarriers = ({ bearer, keys }: Options): Carriers => {
  const basic = keys.includes("basic");
  const carriers: Carrier[] = [{ name: "authorization", read: (value) => readAuthorization(value, { bearer, basic }) }];
  for (const carrier of keys.filter((name) => name !== "basic")) {
    const name = HEADER.exec(carrier)?.[1]?.toLowerCase();
    const isTaken = carriers.some((other) => other.name === name);
    if (name === undefined || isTaken)
      throw new CredentialFault(`carrier "${carrier}": expected basic, or header: and another header's name`);
    carriers.push({ name, read: (key) => ({ kind: "key", key }) });
  }
  return { read: (headers) => readLines(headers, carriers), challenge: challengeOf({ bearer, basic }) };
};

const readLines = (headers: HeaderLines, carriers: readonly Carrier[]): readonly Presented[] | string => {
  const found: Presented[] = [];
  const seen: Carrier[] = [];
  for (const [name, value] of headers) {
    const carrier = carrierOf(name, carriers);
    if (!carrier) continue;
    const presented = carrier.read(value);
    // A line that stands twice has no one meaning: whoever came before us may have looked at the other.
    if (seen.includes(carrier)) return `the header ${carrier.name} stands twice`;
    if (typeof presented === "string") return `the header ${carrier.name} cannot be read: ${presented}`;
    seen.push(carrier);
    found.push(presented);
  }
  return found;
};

/** Most lines are none of ours, and their length says so. */
const carrierOf = (name: string, carriers: readonly Carrier[]): Carrier | undefined => {
  for (const carrier of carriers)
    if (carrier.name.length === name.length && carrier.name === name.toLowerCase()) return carrier;
  return undefined;
};

const readAuthorization = (
  value: string,
  taken: { readonly bearer: boolean; readonly basic: boolean },
): Presented | string => {
  const blank = value.indexOf(" ");
  if (blank < 0) return "it has no scheme and a credential behind it";
  const scheme = value.slice(0, blank).toLowerCase();
  // RFC 9110, 11.4: one blank or more; no token and no base64 has one.
  const rest = value.slice(blank + 1).replace(/^ +/, "");
  if (scheme === "bearer")
    return taken.bearer ? { kind: "jwt", text: rest } : "tokens are not accepted: identity.jwt names no issuer";
  if (scheme !== "basic") return "its scheme is neither Bearer nor Basic";
  return taken.basic ? readBasic(rest) : "Basic is not accepted: identity.keys.carriers does not name it";
};

const NO_BASIC = "behind Basic stands no base64 of <client>:<key> in UTF-8";

/** RFC 7617 in UTF-8: the first colon ends the user. */
const readBasic = (encoded: string): Presented | string => {
  const bytes = decodeCanonicalBase64(encoded);
  if (!bytes) return NO_BASIC;
  try {
    const text = strictUtf8.decode(bytes);
    const colon = text.indexOf(":");
    return colon >= 0 ? { kind: "key", user: text.slice(0, colon), key: text.slice(colon + 1) } : NO_BASIC;
  } catch {
    return NO_BASIC;
  }
};

/** A 401 must name a scheme. A key in a header of its own belongs to none of the registered ones, so Bearer stands for it. */
const challengeOf = ({ bearer, basic }: { readonly bearer: boolean; readonly basic: boolean }): string => {
  const schemes = [
    ...(bearer || !basic ? [`Bearer ${REALM}`] : []),
    ...(basic ? [`Basic ${REALM}, charset="UTF-8"`] : []),
  ];
  return schemes.join(", ");
};
