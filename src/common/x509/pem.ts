/**
 * Reads PEM (RFC 7468) leniently: blocks may be joined without a line break, on one line, indented, with CRLF or a BOM,
 * with text between them. All certificates, revocation lists and keys are read here, and OpenSSL gets them in standard
 * form, so that `check`, the handshake and the status agree.
 */

export type PemBlock = {
  readonly label: string;
  /** The text between the BEGIN and END lines. */
  readonly body: string;
  /** The number of its BEGIN line, from 1. */
  readonly line: number;
};

/** The text is not PEM, or a block is damaged. The message is for operators: it has the line, but no contents. */
export class PemFault extends Error {}

const BEGIN = /-----BEGIN ([A-Z0-9. ]{1,40})-----/g;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** With the older labels of RFC 7468, 5.1. */
const CERTIFICATE = new Set(["CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE"]);
const LIST = new Set(["X509 CRL", "CRL"]);
const LINE = 64;
/** The command of openssl that reads it. */
type Command = "x509" | "crl" | "pkey";

/** What the text is instead; empty if unknown. */
const insteadOf = (text: string, command: Command): string => {
  if (text.trim() === "") return " (it is empty)";
  if (isDer(text)) return ` (it looks like DER: openssl ${command} -inform der -in FILE writes PEM)`;
  const labels = new Set(readPem(text).map(({ label }) => label));
  return labels.size === 0 ? "" : ` (it contains only ${[...labels].join(", ")})`;
};

/** All blocks of the text, with any label. Throws PemFault for a block without an END line. */
export const readPem = (text: string): readonly PemBlock[] => {
  const blocks: PemBlock[] = [];
  let [line, counted] = [1, 0];
  for (const { 0: begin, 1: label = "", index } of text.matchAll(BEGIN)) {
    line += text.slice(counted, index).split(/\r\n|\r|\n/).length - 1;
    counted = index;
    const from = index + begin.length;
    const to = text.indexOf(`-----END ${label}-----`, from);
    const next = text.indexOf("-----BEGIN ", from);
    if (to < 0 || (next >= 0 && next < to)) throw new PemFault(`the ${label} in line ${line} has no END line`);
    blocks.push({ label, body: text.slice(from, to), line });
  }
  return blocks;
};

const derOf = ({ label, body, line }: PemBlock): Buffer => {
  const base64 = body.replaceAll(/\s/g, "");
  const der = Buffer.from(base64, "base64");
  const hint = body.includes(String.raw`\n`) ? String.raw` (its line breaks are written as \n)` : "";
  if (!BASE64.test(base64) || der.length === 0)
    throw new PemFault(`the ${label} in line ${line} is not valid base64${hint}`);
  return der;
};

/** The DER of every certificate, in order; empty when the text has none. Throws PemFault. */
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

/** All certificates of the text as standard PEM. Throws PemFault, also if the text has no certificate. */
export const certificatesPem = (text: string): string => {
  const found = certificatesOf(text);
  if (found.length === 0) throw new PemFault(`it contains no PEM certificate${insteadOf(text, "x509")}`);
  return found.map((der) => pem("CERTIFICATE", der)).join("");
};

/** Each revocation list as its own PEM text, because Node uses only the first. Throws PemFault, also without any. */
export const listPems = (text: string): string[] => {
  const found = listsOf(text);
  if (found.length === 0) throw new PemFault(`it contains no PEM revocation list (CRL)${insteadOf(text, "crl")}`);
  return found.map((der) => pem("X509 CRL", der));
};

/** The first private key of the text as standard PEM. Throws PemFault, also if it has no key or an encrypted one. */
export const privateKeyPem = (text: string): string => {
  const key = readPem(text).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (!key) throw new PemFault(`it contains no PEM private key${insteadOf(text, "pkey")}`);
  if (key.label.startsWith("ENCRYPTED") || key.body.includes("4,ENCRYPTED")) {
    throw new PemFault("its private key is encrypted; store the key without a passphrase");
  }
  return pem(key.label, derOf(key));
};

/** DER decoded as UTF-8: the tag of a SEQUENCE, then the byte of a length. */
const isDer = (text: string): boolean => /^0(?:\ufffd|[\u0080-\u00ff])/.test(text);
