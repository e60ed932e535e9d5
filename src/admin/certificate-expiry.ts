/** Until when certificates and revocation lists are valid. */
import { X509Certificate } from "node:crypto";
import { readRevocationList } from "../x509/certificate.ts";
import { soonFrom } from "../x509/life.ts";
import { certificatesOf, listsOf } from "../x509/pem.ts";

export type Certificate = {
  /** Where in the config it is named, as in listeners.clients or upstreams.ocs-main. */
  readonly of: string;
  readonly what: "cert" | "ca" | "client_ca" | "crl" | "client_crl";
} & End;

/** Milliseconds since 1970. */
export type End = {
  readonly notAfter: number;
  /** From then on a warning says that it ends. */
  readonly warnFrom: number;
};

/** The certificate or revocation list of the file that ends first: undefined when it holds nothing that can be read. */
export const firstEnd = (pem: string): End | undefined =>
  [...derIn(certificatesOf, pem).map(endOf), ...derIn(listsOf, pem).map(endOfList)]
    .filter((end) => end !== undefined)
    .toSorted((one, other) => one.notAfter - other.notAfter)[0];

const DAY = 86_400_000;

/** A damaged file is told of where it is read for use. */
const derIn = (read: (pem: string) => readonly Buffer[], pem: string): readonly Buffer[] => {
  try {
    return read(pem);
  } catch {
    return [];
  }
};

const endOf = (block: Buffer): End | undefined => {
  try {
    const { validFromDate, validToDate } = new X509Certificate(block);
    const notAfter = validToDate.getTime();
    return { notAfter, warnFrom: soonFrom(validFromDate.getTime(), notAfter) };
  } catch {
    return undefined;
  }
};

const endOfList = (der: Buffer): End | undefined => {
  try {
    const { nextUpdate } = readRevocationList(der);
    return nextUpdate === undefined ? undefined : { notAfter: nextUpdate, warnFrom: nextUpdate - DAY };
  } catch {
    return undefined;
  }
};

/** In words: revocation lists that end within a day, certificates that end soon (as `check` has it), and what has expired. */
export const endings = (all: readonly Certificate[], now: number = Date.now()): readonly string[] =>
  all.flatMap(({ of, what, notAfter, warnFrom }) => {
    if (now < warnFrom) return [];
    const [isList, has] = [what === "crl" || what === "client_crl", notAfter <= now];
    const on = new Date(notAfter).toISOString();
    if (isList)
      return `${of}.${what}: a revocation list ${has ? "has ended" : "ends"} on ${on}; without another one no certificate counts that it is about`;
    return has
      ? `${of}.${what}: a certificate has expired on ${on}; put a new one in its place`
      : `${of}.${what}: a certificate expires on ${on}; put a new one in its place`;
  });
