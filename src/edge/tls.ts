/** The TLS side of a listener: 1.2 or later, HTTP/1.1 only (HTTP/2 belongs to a proxy in front), and which names its certificate has. */
import { X509Certificate } from "node:crypto";
import type { ServerOptions } from "node:https";
import { createSecureContext } from "node:tls";

export type TlsSettings = {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly minVersion: "1.2" | "1.3";
  readonly clientCa: string | undefined;
  readonly clientCertificates: "none" | "request" | "require";
};

const CIPHERS = [
  "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
].join(":");
const HANDSHAKE_MS = 5000;

export const tlsOptions = ({ cert, key, minVersion, clientCa, clientCertificates }: TlsSettings): ServerOptions => ({
  cert,
  key,
  minVersion: `TLSv${minVersion}`,
  ciphers: CIPHERS,
  honorCipherOrder: true,
  ALPNProtocols: ["http/1.1"],
  handshakeTimeout: HANDSHAKE_MS,
  requestCert: clientCertificates !== "none",
  rejectUnauthorized: clientCertificates === "require",
  ...(clientCa !== undefined && { ca: clientCa }),
});

/** The same settings. Throws when OpenSSL would not take them. */
export const requireUsable = (settings: TlsSettings): TlsSettings => {
  createSecureContext(tlsOptions(settings));
  return settings;
};

/** DNS names and addresses of the certificate's subject alternative names. */
export const namesOf = (certPem: string): readonly string[] =>
  (new X509Certificate(certPem).subjectAltName ?? "").split(", ").flatMap((entry) => {
    const [kind, value] = [entry.slice(0, entry.indexOf(":")), entry.slice(entry.indexOf(":") + 1)];
    return kind === "DNS" || kind === "IP Address" ? [value.toLowerCase()] : [];
  });
