/** Expiry of certificates and revocation lists. */
import { X509Certificate } from "node:crypto";
import { readRevocationList } from "../common/x509/certificate.ts";
import { soonFrom } from "../common/x509/life.ts";
import { certificatesOf, listsOf } from "../common/x509/pem.ts";

export type Certificate = {
  /** Where the config names it, for example listeners.clients or upstreams.ocs-main. */
  readonly of: string;
  readonly what: "cert" | "ca" | "client_ca" | "crl" | "client_crl";
} & End;

/** Milliseconds since 1970. */
export type End = {
  readonly notAfter: number;
  /** From this time on, a warning reports the coming expiry. */
  readonly warnFrom: number;
};

/** The earliest expiry among the file's certificates and revocation lists; undefined if none can be read. */
export const firstEnd = (pem: string): End | undefined =>
  [...derIn(certificatesOf, pem).map(endOf), ...derIn(listsOf, pem).map(endOfList)]
    .filter((end) => end !== undefined)
    .toSorted((one, other) => one.notAfter - other.notAfter)[0];

const DAY = 86_400_000;

/** A damaged file is reported where the gateway reads it for use. */
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

const LIST_ADVICE = "replace it: an expired list rejects every certificate of its authority";

/** Warnings: revocation lists that expire within a day, certificates that expire soon (as in `check`), expired ones. */
export const endings = (all: readonly Certificate[], now: number = Date.now()): readonly string[] =>
  all.flatMap(({ of, what, notAfter, warnFrom }) => {
    if (now < warnFrom) return [];
    const [isList, has] = [what === "crl" || what === "client_crl", notAfter <= now];
    const on = new Date(notAfter).toISOString();
    if (isList) return `${of}.${what}: a revocation list ${has ? "expired" : "expires"} on ${on}; ${LIST_ADVICE}`;
    return `${of}.${what}: a certificate ${has ? "expired" : "expires"} on ${on}; replace it`;
  });
