/** Until when certificates and revocation lists are valid. */
import { X509Certificate } from "node:crypto";
import { readRevocationList } from "../x509/certificate.ts";
import { certificatesOf, listsOf } from "../x509/pem.ts";

export type Certificate = {
  /** Where in the config it is named, as in listeners.clients or upstreams.ocs-main. */
  readonly of: string;
  readonly what: "cert" | "ca" | "client_ca" | "crl" | "client_crl";
  /** Milliseconds since 1970. */
  readonly notAfter: number;
};

/** The first moment at which a certificate or revocation list of the file ends, in milliseconds since 1970: undefined when it holds nothing that can be read. */
export const firstEnd = (pem: string): number | undefined => {
  const ends = [...derIn(certificatesOf, pem).map(endOf), ...derIn(listsOf, pem).map(endOfList)].filter((end) => end !== undefined);
  return ends.length === 0 ? undefined : Math.min(...ends);
};

/** A damaged file is told of where it is read for use. */
const derIn = (read: (pem: string) => readonly Buffer[], pem: string): readonly Buffer[] => {
  try {
    return read(pem);
  } catch {
    return [];
  }
};

const endOf = (block: Buffer): number | undefined => {
  try {
    return new X509Certificate(block).validToDate.getTime();
  } catch {
    return undefined;
  }
};

const endOfList = (der: Buffer): number | undefined => {
  try {
    return readRevocationList(der).nextUpdate;
  } catch {
    return undefined;
  }
};

const DAY = 86_400_000;

/** In words: revocation lists that end within a day, or have ended, and certificates that have ended. Then nothing counts that they are about. */
export const endings = (all: readonly Certificate[], now: number = Date.now()): readonly string[] =>
  all.flatMap(({ of, what, notAfter }) => {
    const [isList, has] = [what === "crl" || what === "client_crl", notAfter <= now];
    const on = new Date(notAfter).toISOString();
    if (isList) return notAfter - now < DAY ? `${of}.${what}: a revocation list ${has ? "has ended" : "ends"} on ${on}; without another one no certificate counts that it is about` : [];
    return has ? `${of}.${what}: a certificate has ended on ${on}` : [];
  });
