/** Checks the content of PEM files: certificates, private keys, whether the two match. Does not access files. */
import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import { soonFrom } from "../../common/x509/life.ts";
import { certificatesOf, certificatesPem, PemFault, privateKeyPem } from "../../common/x509/pem.ts";

/** The certificates of a PEM text in order, or a sentence that says what is wrong. */
export const certificatesIn = (pem: string): readonly X509Certificate[] | string => {
  try {
    certificatesPem(pem);
    return certificatesOf(pem).map((der) => new X509Certificate(der));
  } catch (error) {
    return error instanceof PemFault ? error.message : "one of its certificates is malformed";
  }
};

export const keyIn = (pem: string): KeyObject | string => {
  try {
    return createPrivateKey(privateKeyPem(pem));
  } catch (error) {
    return error instanceof PemFault ? error.message : "its private key is malformed";
  }
};

/** By OpenSSL's code. */
const REJECTIONS: readonly (readonly [code: RegExp, reason: string])[] = [
  [/KEY_TOO_SMALL/, "the key is too short"],
  [/MD_TOO_WEAK/, "a certificate of the chain is signed with a hash that is too weak, such as SHA-1"],
  [/UNKNOWN_(?:CERTIFICATE|KEY)_TYPE|NO_CERTIFICATE_TYPE/, "TLS cannot use keys of this type"],
];

/** Why OpenSSL rejects a pair of well-formed files (short key, weak signature); undefined when it accepts it. */
export const whyRejected = (cert: string, key: string): string | undefined => {
  try {
    createSecureContext({ cert: certificatesPem(cert), key: privateKeyPem(key) });
    return undefined;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    return (
      REJECTIONS.find(([known]) => known.test(code))?.[1] ??
      (code === "" ? "it gives no reason" : `its code is ${code}`)
    );
  }
};

/** True when OpenSSL knows at least one suite of the cipher list. */
export const areCiphersKnown = (ciphers: string): boolean => {
  try {
    createSecureContext({ ciphers });
    return true;
  } catch {
    return false;
  }
};

export type Life = {
  readonly state: "not yet valid" | "expired" | "expires soon" | "valid";
  readonly from: Date;
  readonly to: Date;
};

export const lifeOf = ({ validFromDate: from, validToDate: to }: X509Certificate, now: number): Life => {
  const state =
    now < from.getTime()
      ? "not yet valid"
      : now >= to.getTime()
        ? "expired"
        : now >= soonFrom(from.getTime(), to.getTime())
          ? "expires soon"
          : "valid";
  return { state, from, to };
};
