/** Reads the credentials of a request from Authorization and the configured headers; never from the URI or a cookie. */
import { decodeCanonicalBase64 } from "./base64.ts";
import { CredentialSettingsError } from "./types.ts";

export type PresentedCredential =
  | { readonly kind: "jwt"; readonly text: string }
  | { readonly kind: "key"; readonly key: string; /** The client that Basic names. */ readonly user?: string };

export type HeaderLines = readonly (readonly [name: string, value: string])[];

export type CredentialSources = {
  /** All credentials of the request, or a sentence if one is malformed or duplicate. */
  readonly read: (headers: HeaderLines) => readonly PresentedCredential[] | string;
  /** For WWW-Authenticate (RFC 9110, section 11.6.1). */
  readonly challenge: string;
};

type Options = {
  readonly bearer: boolean;
  /** "basic", or "header:" and a header's name. */
  readonly keys: readonly string[];
};
type Source = {
  /** The header's name in lower case. */
  readonly name: string;
  /** Returns a text that says why the value is malformed. */
  readonly read: (value: string) => PresentedCredential | string;
};

const REALM = 'realm="ocsgw"';
const HEADER = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws CredentialSettingsError for an unknown carrier of keys. */
export const createCredentialSources = ({ bearer, keys }: Options): CredentialSources => {
  const basic = keys.includes("basic");
  const sources: Source[] = [{ name: "authorization", read: (value) => readAuthorization(value, { bearer, basic }) }];
  for (const carrier of keys.filter((name) => name !== "basic")) {
    const name = HEADER.exec(carrier)?.[1]?.toLowerCase();
    const isTaken = sources.some((other) => other.name === name);
    if (name === undefined || isTaken)
      throw new CredentialSettingsError(`carrier "${carrier}": expected basic, or header: and another header's name`);
    sources.push({ name, read: (key) => ({ kind: "key", key }) });
  }
  return { read: (headers) => readLines(headers, sources), challenge: challengeOf({ bearer, basic }) };
};

const readLines = (headers: HeaderLines, sources: readonly Source[]): readonly PresentedCredential[] | string => {
  const found: PresentedCredential[] = [];
  const seen: Source[] = [];
  for (const [name, value] of headers) {
    const source = sourceOf(name, sources);
    if (!source) continue;
    const presented = source.read(value);
    // A proxy in front of the gateway may have used the other of two lines.
    if (seen.includes(source)) return `duplicate header ${source.name}`;
    if (typeof presented === "string") return `malformed header ${source.name}: ${presented}`;
    seen.push(source);
    found.push(presented);
  }
  return found;
};

/** Compares lengths first: most headers of a request are no credentials. */
const sourceOf = (name: string, sources: readonly Source[]): Source | undefined => {
  for (const source of sources)
    if (source.name.length === name.length && source.name === name.toLowerCase()) return source;
  return undefined;
};

const readAuthorization = (
  value: string,
  accepts: { readonly bearer: boolean; readonly basic: boolean },
): PresentedCredential | string => {
  const blank = value.indexOf(" ");
  if (blank < 0) return "expected a scheme and a credential";
  const scheme = value.slice(0, blank).toLowerCase();
  // RFC 9110, 11.4: one blank or more. Neither a token nor base64 contains a blank.
  const rest = value.slice(blank + 1).replace(/^ +/, "");
  if (scheme === "bearer")
    return accepts.bearer ? { kind: "jwt", text: rest } : "tokens are not accepted: identity.jwt has no issuer";
  if (scheme !== "basic") return "the scheme is neither Bearer nor Basic";
  return accepts.basic ? readBasic(rest) : "Basic is not accepted: identity.keys.carriers does not list it";
};

const NOT_BASIC = "Basic needs base64 of <client>:<key> in UTF-8";

/** RFC 7617 in UTF-8: the first colon ends the user. */
const readBasic = (encoded: string): PresentedCredential | string => {
  const bytes = decodeCanonicalBase64(encoded);
  if (!bytes) return NOT_BASIC;
  try {
    const text = strictUtf8.decode(bytes);
    const colon = text.indexOf(":");
    return colon >= 0 ? { kind: "key", user: text.slice(0, colon), key: text.slice(colon + 1) } : NOT_BASIC;
  } catch {
    return NOT_BASIC;
  }
};

/** A 401 must name a scheme. No registered scheme describes a key in its own header, so Bearer stands for it. */
const challengeOf = ({ bearer, basic }: { readonly bearer: boolean; readonly basic: boolean }): string => {
  const schemes = [
    ...(bearer || !basic ? [`Bearer ${REALM}`] : []),
    ...(basic ? [`Basic ${REALM}, charset="UTF-8"`] : []),
  ];
  return schemes.join(", ");
};
