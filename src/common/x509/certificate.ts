/** Reads the fields of X.509 certificates and revocation lists (RFC 5280) that access decisions need, unverified. */
import { createHash } from "node:crypto";
import { broken, elementOf, elementsOf, momentOf, TAG, type Element } from "./asn1.ts";

export type Certificate = {
  /** SHA-256 of the whole certificate. */
  readonly digest: Buffer;
  /** Serial number and the issuer's name, hexadecimal: together they identify the certificate in a revocation list. */
  readonly serial: string;
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isAuthority: boolean;
  readonly maySignCertificates: boolean;
  /** Extended key usages, as the hexadecimal contents of their object identifiers; undefined without the extension. */
  readonly purposes: readonly string[] | undefined;
  /** dNSName entries of the subject alternative name, byte by byte. */
  readonly dnsNames: readonly string[];
};

export type RevocationList = {
  /** The issuer's name, hexadecimal. */
  readonly issuer: string;
  /** Serial numbers, hexadecimal. */
  readonly revoked: ReadonlySet<string>;
  /** Milliseconds since 1970: the list expires at this time. */
  readonly nextUpdate: number;
};

/** Object identifiers as the hexadecimal contents of their DER: id-kp-clientAuth, and the extensions that are read. */
export const CLIENT_AUTH = "2b06010505070302";
const EXTENSION = {
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  extKeyUsage: "551d25",
} as const;

const DNS_NAME = 0x82;
const EXTENSIONS = 0xa3;
const VERSION = 0xa0;
/** keyCertSign: bit 5 of the first octet. */
const KEY_CERT_SIGN = 0b0000_0100;

/** Throws RangeError when `der` is not a certificate. */
export const readCertificate = (der: Buffer): Certificate => {
  const fields = signedFields(der);
  const [serial, , issuer, validity] = fields[0]?.tag === VERSION ? fields.slice(1) : fields;
  if (!serial || !issuer || !validity) return broken();
  const [from, to] = elementsOf(validity.contents);
  const extensions = extensionsOf(fields.find(({ tag }) => tag === EXTENSIONS));
  const constraints = extensions.get(EXTENSION.basicConstraints);
  const usage = extensions.get(EXTENSION.keyUsage);
  const purposes = extensions.get(EXTENSION.extKeyUsage);
  const names = extensions.get(EXTENSION.subjectAltName);
  return {
    digest: createHash("sha256").update(der).digest(),
    serial: serial.contents.toString("hex"),
    issuer: issuer.whole.toString("hex"),
    notBefore: momentOf(from ?? broken()),
    notAfter: momentOf(to ?? broken()),
    isAuthority: constraints !== undefined && isTrue(elementsOf(constraints.contents)[0]),
    maySignCertificates: usage !== undefined && ((usage.contents[1] ?? 0) & KEY_CERT_SIGN) !== 0,
    purposes: purposes && elementsOf(purposes.contents).map(({ contents }) => contents.toString("hex")),
    dnsNames: names
      ? elementsOf(names.contents)
          .filter(({ tag }) => tag === DNS_NAME)
          .map(({ contents }) => contents.toString("latin1"))
      : [],
  };
};

/** The signed part, which precedes the algorithm and the signature. */
const signedFields = (der: Buffer): readonly Element[] => elementsOf(elementOf(elementOf(der).contents).contents);

/** The value of each extension, by its object identifier. */
const extensionsOf = (field: Element | undefined): ReadonlyMap<string, Element> => {
  const found = new Map<string, Element>();
  for (const { contents } of field ? elementsOf(elementOf(field.contents).contents) : []) {
    const [id, ...rest] = elementsOf(contents);
    const name = (id ?? broken()).contents.toString("hex");
    const value = rest.at(-1) ?? broken();
    // RFC 5280, 4.2: an extension must not occur twice.
    if (found.has(name) || value.tag !== TAG.octetString) broken();
    found.set(name, elementOf(value.contents));
  }
  return found;
};

const isTrue = (element: Element | undefined): boolean => element?.tag === 0x01 && element.contents[0] !== 0;

/** Throws RangeError when `der` is not a revocation list or has no nextUpdate. */
export const readRevocationList = (der: Buffer): RevocationList => {
  const fields = signedFields(der);
  // The version, an INTEGER, is optional; without it the algorithm, a SEQUENCE, is first.
  const [, issuer, , nextUpdate, revoked] = fields[0]?.tag === TAG.sequence ? fields : fields.slice(1);
  if (!issuer || !nextUpdate) return broken();
  return {
    issuer: issuer.whole.toString("hex"),
    revoked: new Set(
      revoked?.tag === TAG.sequence
        ? elementsOf(revoked.contents).map(({ contents }) => elementOf(contents).contents.toString("hex"))
        : [],
    ),
    nextUpdate: momentOf(nextUpdate),
  };
};
