/** One OCS address, and how a connection to it is made. */
import { createHash, X509Certificate } from "node:crypto";
import type { OnReadOpts, Socket } from "node:net";
import {
  checkServerIdentity,
  createSecureContext,
  DEFAULT_CIPHERS,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { certificatesPem, listPems, privateKeyPem } from "../x509/pem.ts";
import { network } from "./network.ts";
import { inWords } from "./tls-failure.ts";
import { TlsSessions } from "./tls-sessions.ts";
import { faultInWords } from "../system-error.ts";

/** PEM; `pins` are "sha256:" and the base64 of a public key's (SPKI) SHA-256. They stand in place of a name, unless one is given. */
export type EndpointTls = {
  /** 1.2 when left out. */
  readonly minVersion?: "1.0" | "1.1" | "1.2" | "1.3";
  /** OpenSSL's cipher list. */
  readonly ciphers?: string;
  readonly ca?: string;
  readonly crl?: string;
  readonly pins?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
};

export type Endpoint = {
  /** scheme://host:port */
  readonly origin: string;
  readonly tls: EndpointTls;
  /** Milliseconds for TCP and TLS together. */
  readonly connectTimeout: number;
};

/**
 * How a connection failed to be made. `local`: this host could not try, for want of file descriptors, ports or memory, which says nothing about
 * OCS. `invalid`: TLS failed, by its certificate or otherwise. `closed`: OCS accepted and ended it before TLS was through.
 */
export class ConnectFailed extends Error {
  readonly how: "local" | "refused" | "closed" | "silent" | "invalid";
  readonly code: string | undefined;
  constructor(how: ConnectFailed["how"], error: Error) {
    super(how === "invalid" ? inWords(error) : faultInWords(error), { cause: error });
    this.name = "ConnectFailed";
    this.how = how;
    // Of TLS the words say more.
    this.code = how === "invalid" ? undefined : (error as NodeJS.ErrnoException).code;
  }
}

const LOCAL = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EAGAIN", "EADDRNOTAVAIL", "EADDRINUSE"]);
const REFUSED = new Set(["ECONNREFUSED", "ECONNRESET"]);
const CLOSED = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED"]);

/** `reached`: TCP was connected. */
const howFailed = (error: Error, reached: boolean): ConnectFailed["how"] => {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (LOCAL.has(code)) return "local";
  if (code === "ETIMEDOUT") return "silent";
  if (reached) return CLOSED.has(code) ? "closed" : "invalid";
  return REFUSED.has(code) ? "refused" : "silent";
};

const KEEP_ALIVE_MS = 30_000;
/** An error after the outcome is the engine's to tell; without any listener it would end the process. */
const ignore = (): void => undefined;

/** Bytes are read into one place for all connections: whoever is given them copies what it keeps. */
const arriving = Buffer.alloc(65_536);

type Reading = { readonly onread?: OnReadOpts };
type Target = { readonly host: string; readonly port: number } & Reading;

const readingTo = (take: (bytes: Buffer) => void): Reading => ({
  onread: {
    buffer: arriving,
    callback: (length) => {
      take(arriving.subarray(0, length));
      return true;
    },
  },
});

/**
 * Settles once the connection can carry a request: not one byte of one has left before that. `take` is given what comes as it comes, and no
 * stream then holds any of it; the bytes are only lent.
 */
export const connectTo = (
  endpoint: Endpoint,
  done: (error: Error | null, socket: Socket | null) => void,
  take?: (bytes: Buffer) => void,
): void => {
  const { protocol, hostname, port } = new URL(endpoint.origin);
  const host = hostname.replace(/^\[|\]$/g, "");
  const target: Target = {
    host,
    port: Number(port || (protocol === "https:" ? 443 : 80)),
    ...(take && readingTo(take)),
  };
  const socket = protocol === "https:" ? overTls(endpoint, target) : network.connectTcp({ ...target, noDelay: true });
  const late = (): void =>
    void socket.destroy(new ConnectFailed("silent", new Error(`no connection within ${endpoint.connectTimeout} ms`)));
  const timer = setTimeout(late, endpoint.connectTimeout);
  let reached = false;
  const settle = (error: Error | null): void => {
    clearTimeout(timer);
    socket.off("error", settle).off("close", end).off(ready, succeed).on("error", ignore);
    done(
      error && (error instanceof ConnectFailed ? error : new ConnectFailed(howFailed(error, reached), error)),
      error ? null : socket,
    );
  };
  const succeed = (): void => settle(null);
  const end = (): void =>
    settle(
      new ConnectFailed(
        reached ? "closed" : "refused",
        new Error("the connection ended before it could carry a request"),
      ),
    );
  const ready = protocol === "https:" ? "secureConnect" : "connect";
  socket.once("connect", () => {
    reached = true;
  });
  socket.setKeepAlive(true, KEEP_ALIVE_MS).once("error", settle).once("close", end).once(ready, succeed);
};

const overTls = ({ tls, origin }: Endpoint, target: Target): TLSSocket => {
  const { host } = target;
  const sessions = sessionsOf(tls, origin);
  const offered = sessions.offer();
  const options: ConnectionOptions & Reading = {
    ...target,
    ...(offered && { session: offered.bytes }),
    secureContext: contextOf(tls),
    servername: tls.serverName ?? (/^[\d.]+$|:/.test(host) ? "" : host),
    rejectUnauthorized: true,
    ALPNProtocols: ["http/1.1"],
    checkServerIdentity: (_name, certificate) => identityOf(tls, host, certificate),
  };
  const socket = network.connectTls(options).setNoDelay(true);
  sessions.follow(socket, offered);
  return socket;
};

/** By the settings that a certificate was verified with, and by origin. */
const allSessions = new WeakMap<EndpointTls, Map<string, TlsSessions>>();

const sessionsOf = (tls: EndpointTls, origin: string): TlsSessions => {
  const byOrigin = allSessions.get(tls) ?? new Map<string, TlsSessions>();
  allSessions.set(tls, byOrigin);
  const sessions = byOrigin.get(origin) ?? new TlsSessions();
  byOrigin.set(origin, sessions);
  return sessions;
};

const contexts = new WeakMap<EndpointTls, SecureContext>();

/** Certificates and keys are parsed once, not for each connection. */
const contextOf = (tls: EndpointTls): SecureContext => {
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

/** OpenSSL 3 speaks TLS 1.0 and 1.1 at its lowest security level only, because they sign with SHA-1. */
export const ciphersOf = ({
  minVersion = "1.2",
  ciphers,
}: Pick<EndpointTls, "minVersion" | "ciphers">): string | undefined => {
  const isOld = minVersion === "1.0" || minVersion === "1.1";
  return isOld && ciphers?.includes("@SECLEVEL=") !== true ? `${ciphers ?? DEFAULT_CIPHERS}:@SECLEVEL=0` : ciphers;
};

/** A pinned key is more than a name: who has a certificate with no name at all, or another one, is known by it. */
const identityOf = ({ pins, serverName }: EndpointTls, host: string, certificate: PeerCertificate): Error | undefined =>
  (pins && serverName === undefined ? undefined : identityFault(serverName ?? host, certificate)) ??
  pinFault(certificate, pins);

/** A name counts only as a subject alternative name. Node falls back to the common name where none of those is a DNS name, so it is not shown any. */
const identityFault = (host: string, certificate: PeerCertificate): Error | undefined =>
  certificate.subjectaltname
    ? checkServerIdentity(host, { ...certificate, subject: { ...certificate.subject, CN: "" } })
    : new Error("OCS's certificate has no subject alternative name; tls.pins name its key in place of a name");

/** Of the certificate's own key: whoever can mint another under the same authority has another key. */
const pinFault = ({ raw }: PeerCertificate, pins: readonly string[] | undefined): Error | undefined => {
  if (!pins) return undefined;
  const key = new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" });
  return pins.includes(`sha256:${createHash("sha256").update(key).digest("base64")}`)
    ? undefined
    : new Error("OCS's certificate has none of the pinned keys");
};
