/**
 * PEM (RFC 7468) as people and programs write it: blocks joined without a line break, on one line, indented, with CRLF or a
 * BOM, with text between them. Everything here that needs a certificate, a list or a key takes it from this reader, and
 * OpenSSL is given what this reader wrote anew: so `check`, the handshake and the status see the same.
 */

export type PemBlock = {
  readonly label: string;
  /** What stands between its two lines. */
  readonly body: string;
  /** The line that it begins in, from 1. */
  readonly line: number;
};

/** The text is no PEM, or one of its blocks is damaged. In words for an operator, with the line, and without contents. */
export class PemFault extends Error {}

const BEGIN = /-----BEGIN ([A-Z0-9. ]{1,40})-----/g;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** RFC 7468, 5.1: older labels of the same. */
const CERTIFICATE = new Set(["CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE"]);
const LIST = new Set(["X509 CRL", "CRL"]);
const LINE = 64;
const DER_HINT = " (it looks like DER: openssl x509 -inform der -in FILE writes PEM)";

/** Every block of the text, whatever its label. Throws PemFault for one that does not end. */
export const readPem = (text: string): readonly PemBlock[] => {
  const blocks: PemBlock[] = [];
  let [line, counted] = [1, 0];
  for (const { 0: begin, 1: label = "", index } of text.matchAll(BEGIN)) {
    line += text.slice(counted, index).split(/\r\n|\r|\n/).length - 1;
    counted = index;
    const from = index + begin.length;
    const to = text.indexOf(`-----END ${label}-----`, from);
    const next = text.indexOf("-----BEGIN ", from);
    if (to < 0 || (next >= 0 && next < to)) throw new PemFault(`the ${label} that begins in line ${line} has no end`);
    blocks.push({ label, body: text.slice(from, to), line });
  }
  return blocks;
};

const derOf = ({ label, body, line }: PemBlock): Buffer => {
  const base64 = body.replaceAll(/\s/g, "");
  const der = Buffer.from(base64, "base64");
  if (!BASE64.test(base64) || der.length === 0)
    throw new PemFault(`the ${label} that begins in line ${line} is not base64`);
  return der;
};

/** The DER of every certificate, in order; none where the text has none. Throws PemFault. */
export const certificatesOf = (text: string): readonly Buffer[] =>
  readPem(text)
    .filter(({ label }) => CERTIFICATE.has(label))
    .map(derOf);

/** The DER of every revocation list. Throws PemFault. */
export const listsOf = (text: string): readonly Buffer[] =>
  readPem(text)
    .filter(({ label }) => LIST.has(label))
    .map(derOf);

const pem = (label: string, der: Buffer): string => {
  const lines = der.toString("base64").match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
};

/** All certificates of the text as OpenSSL reads them. Throws PemFault, also where there is none. */
export const certificatesPem = (text: string): string => {
  const found = certificatesOf(text);
  if (found.length === 0) throw new PemFault(`it holds no certificate in PEM${isDer(text) ? DER_HINT : ""}`);
  return found.map((der) => pem("CERTIFICATE", der)).join("");
};

/** Each list alone: of several in one text Node would take the first. Throws PemFault, also where there is none. */
export const listPems = (text: string): string[] => {
  const found = listsOf(text);
  if (found.length === 0) throw new PemFault("it holds no revocation list in PEM");
  return found.map((der) => pem("X509 CRL", der));
};

/** The first private key of the text as OpenSSL reads it. Throws PemFault, also where there is none and where it is encrypted. */
export const privateKeyPem = (text: string): string => {
  const key = readPem(text).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (!key) throw new PemFault("it holds no private key in PEM");
  if (key.label.startsWith("ENCRYPTED") || key.body.includes("4,ENCRYPTED")) {
    throw new PemFault("the key in it is encrypted, and nothing here knows its passphrase");
  }
  return pem(key.label, derOf(key));
};

/** Read as UTF-8, DER begins with a sequence's tag and what no character is. */
const isDer = (text: string): boolean => /^0(?:\ufffd|[\u0080-\u00ff])/.test(text);
