/** One OCS address, and how a connection to it is made. */
import { connect as connectTcp, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, type PeerCertificate, type TLSSocket } from "node:tls";

export type Endpoint = {
  /** scheme://host:port */
  readonly origin: string;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly serverName?: string };
  /** Milliseconds for TCP and TLS together. */
  readonly connectTimeout: number;
};

const KEEP_ALIVE_MS = 30_000;

/** Settles once the connection can carry a request: not one byte of one has left before that. */
export const connectTo = (endpoint: Endpoint, done: (error: Error | null, socket: Socket | null) => void): void => {
  const { protocol, hostname, port } = new URL(endpoint.origin);
  const host = hostname.replace(/^\[|\]$/g, "");
  const socket = protocol === "https:" ? overTls(endpoint, host, Number(port || 443)) : connectTcp({ host, port: Number(port || 80), noDelay: true });
  const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${endpoint.connectTimeout} ms`)), endpoint.connectTimeout);
  const settle = (error: Error | null): void => {
    clearTimeout(timer);
    socket.off("error", settle).off(ready, succeed);
    done(error, error ? null : socket);
  };
  const succeed = (): void => settle(null);
  const ready = protocol === "https:" ? "secureConnect" : "connect";
  socket.setKeepAlive(true, KEEP_ALIVE_MS).once("error", settle).once(ready, succeed);
};

const overTls = ({ tls }: Endpoint, host: string, port: number): TLSSocket => {
  const options: ConnectionOptions = {
    host,
    port,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    servername: tls.serverName ?? (/^[\d.]+$|:/.test(host) ? "" : host),
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    checkServerIdentity: (_name, certificate) => identityFault(tls.serverName ?? host, certificate),
  };
  return connectTls(options).setNoDelay(true);
};

/** A name counts only as a subject alternative name: the common name is no fallback. */
const identityFault = (host: string, certificate: PeerCertificate): Error | undefined =>
  certificate.subjectaltname ? checkServerIdentity(host, certificate) : new Error("OCS's certificate has no subject alternative name");
