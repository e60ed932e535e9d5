/** TLS of a listener: version 1.2 or later, and HTTP/1.1 only (a proxy in front may speak HTTP/2). */
import { constants, randomBytes, X509Certificate } from "node:crypto";
import type { ServerOptions } from "node:https";
import type { Server } from "node:net";
import { createSecureContext, Server as TlsServer } from "node:tls";
import { certificatesPem, listPems, privateKeyPem } from "../common/x509/pem.ts";
import { ClientTrust, type TrustSettings } from "./client-trust.ts";

export type TlsSettings = TrustSettings & {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly minVersion: "1.2" | "1.3";
  readonly clientCertificates: "none" | "request" | "require";
};

const CIPHERS = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":");
const HANDSHAKE_MS = 5000;

/**
 * Sessions are not resumed across listeners or reloads, because each call creates its own context. With client
 * certificates no session is resumed at all: resumption would not verify the certificate again.
 */
export const tlsOptions = ({
  cert,
  key,
  minVersion,
  clientCa,
  clientCrl,
  clientCertificates,
}: TlsSettings): ServerOptions => ({
  cert: certificatesPem(cert),
  key: privateKeyPem(key),
  minVersion: `TLSv${minVersion}`,
  ciphers: CIPHERS,
  honorCipherOrder: true,
  ALPNProtocols: ["http/1.1"],
  handshakeTimeout: HANDSHAKE_MS,
  requestCert: clientCertificates !== "none",
  rejectUnauthorized: clientCertificates === "require",
  sessionIdContext: randomBytes(16).toString("hex"),
  ...(clientCertificates !== "none" && { secureOptions: constants.SSL_OP_NO_TICKET }),
  ...(clientCa !== undefined && { ca: certificatesPem(clientCa) }),
  ...(clientCrl !== undefined && { crl: listPems(clientCrl) }),
});

/**
 * Certificate reload: later handshakes use these settings. Throws if the certificate cannot be used; then nothing
 * changes. Does nothing for a server without TLS.
 */
export const renewTls = (server: Server, tls: TlsSettings): void => {
  if (!(server instanceof TlsServer)) return;
  const { requestCert, rejectUnauthorized, ...context } = tlsOptions(tls);
  server.setSecureContext(context);
  // Node reads these two for each connection that it accepts.
  Object.assign(server, { requestCert, rejectUnauthorized });
};

/** Returns the settings. Throws when OpenSSL does not accept them or a CA or CRL cannot be parsed. */
export const requireUsable = (settings: TlsSettings): TlsSettings => {
  createSecureContext(tlsOptions(settings));
  new ClientTrust(settings);
  return settings;
};

/** The DNS names and IP addresses among the certificate's subject alternative names. */
export const namesOf = (certPem: string): readonly string[] =>
  (new X509Certificate(certificatesPem(certPem)).subjectAltName ?? "").split(", ").flatMap((entry) => {
    const [kind, value] = [entry.slice(0, entry.indexOf(":")), entry.slice(entry.indexOf(":") + 1)];
    return kind === "DNS" || kind === "IP Address" ? [value.toLowerCase()] : [];
  });
