/** PEM files as an operator may get them wrong: what a certificate file and a key file must hold, and whether they belong together. Pure. */
import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import { soonFrom } from "../x509/life.ts";
import { certificatesOf, certificatesPem, PemFault, privateKeyPem } from "../x509/pem.ts";

/** A PEM file's certificates, in order; or in words why there are none. */
export const certificatesIn = (pem: string): readonly X509Certificate[] | string => {
  try {
    certificatesPem(pem);
    return certificatesOf(pem).map((der) => new X509Certificate(der));
  } catch (error) {
    return error instanceof PemFault ? error.message : "one of its certificates cannot be read";
  }
};

export const keyIn = (pem: string): KeyObject | string => {
  try {
    return createPrivateKey(privateKeyPem(pem));
  } catch (error) {
    return error instanceof PemFault ? error.message : "the key in it cannot be read";
  }
};

/** Why OpenSSL would not take the pair, though each is well formed: too short a key, too weak a signature. */
export const whyNotTaken = (cert: string, key: string): string | undefined => {
  try {
    createSecureContext({ cert: certificatesPem(cert), key: privateKeyPem(key) });
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "for a reason that it does not give";
  }
};

/** An OpenSSL cipher list of which it knows at least one suite. */
export const areCiphersKnown = (ciphers: string): boolean => {
  try {
    createSecureContext({ ciphers });
    return true;
  } catch {
    return false;
  }
};

export type Life = {
  readonly state: "not yet" | "ended" | "ends soon" | "fine";
  readonly from: Date;
  readonly to: Date;
};

export const lifeOf = ({ validFromDate: from, validToDate: to }: X509Certificate, now: number): Life => {
  const state =
    now < from.getTime()
      ? "not yet"
      : now >= to.getTime()
        ? "ended"
        : now >= soonFrom(from.getTime(), to.getTime())
          ? "ends soon"
          : "fine";
  return { state, from, to };
};
