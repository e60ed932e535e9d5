/** TLS to an OCS: its context, its ciphers, and whether a certificate is the OCS's. */
import { createHash, X509Certificate } from "node:crypto";
import {
  checkServerIdentity,
  createSecureContext,
  DEFAULT_CIPHERS,
  type PeerCertificate,
  type SecureContext,
} from "node:tls";
import { certificatesPem, listPems, privateKeyPem } from "../../common/x509/pem.ts";

/**
 * PEM. `pins`: "sha256:" and the base64 SHA-256 of a public key (SPKI); they replace the name check without a
 * `serverName`.
 */
export type EndpointTls = {
  /** Default: 1.2. */
  readonly minVersion?: "1.0" | "1.1" | "1.2" | "1.3";
  /** An OpenSSL cipher list. */
  readonly ciphers?: string;
  readonly ca?: string;
  readonly crl?: string;
  readonly pins?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
};

const contexts = new WeakMap<EndpointTls, SecureContext>();

/** Caches contexts, so that certificates and keys are parsed once per settings, not per connection. */
export const contextOf = (tls: EndpointTls): SecureContext => {
  const { ca, crl, cert, key, minVersion = "1.2" } = tls;
  const ciphers = ciphersOf(tls);
  const context =
    contexts.get(tls) ??
    createSecureContext({
      ...(ca !== undefined && { ca: certificatesPem(ca) }),
      ...(crl !== undefined && { crl: listPems(crl) }),
      ...(cert !== undefined && { cert: certificatesPem(cert) }),
      ...(key !== undefined && { key: privateKeyPem(key) }),
      ...(ciphers !== undefined && { ciphers }),
      minVersion: minVersion === "1.0" ? "TLSv1" : `TLSv${minVersion}`,
    });
  contexts.set(tls, context);
  return context;
};

/** OpenSSL 3 allows TLS 1.0 and 1.1 at security level 0 only, because they sign with SHA-1. */
const ciphersOf = ({
  minVersion = "1.2",
  ciphers,
}: Pick<EndpointTls, "minVersion" | "ciphers">): string | undefined => {
  const isOld = minVersion === "1.0" || minVersion === "1.1";
  return isOld && ciphers?.includes("@SECLEVEL=") !== true ? `${ciphers ?? DEFAULT_CIPHERS}:@SECLEVEL=0` : ciphers;
};

/** A pinned key replaces the check of the name, because it identifies OCS even with another name or none. */
export const identityOf = (
  { pins, serverName }: EndpointTls,
  host: string,
  certificate: PeerCertificate,
): Error | undefined =>
  (pins && serverName === undefined ? undefined : identityFault(serverName ?? host, certificate)) ??
  pinFault(certificate, pins);

/**
 * Accepts subject alternative names only. Removes the common name, which Node would use if none of these is a DNS
 * name.
 */
const identityFault = (host: string, certificate: PeerCertificate): Error | undefined =>
  certificate.subjectaltname
    ? checkServerIdentity(host, { ...certificate, subject: { ...certificate.subject, CN: "" } })
    : new Error("OCS's certificate has no subject alternative name; pin its key in tls.pins instead");

/** Compares the key of OCS's own certificate, not of its CA, with the pins. */
const pinFault = ({ raw }: PeerCertificate, pins: readonly string[] | undefined): Error | undefined => {
  if (!pins) return undefined;
  const key = new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" });
  return pins.includes(`sha256:${createHash("sha256").update(key).digest("base64")}`)
    ? undefined
    : new Error("the key of OCS's certificate matches none of the pinned keys (tls.pins)");
};
