/** One OCS address, how a connection to it is made, and what really goes and comes on one. */
import { createHash, X509Certificate } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, type PeerCertificate, type TLSSocket } from "node:tls";

/** PEM; `pins` are "sha256:" and the base64 of a public key's (SPKI) SHA-256. */
export type EndpointTls = {
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

const KEEP_ALIVE_MS = 30_000;
/** An error after the outcome is the engine's to tell; without any listener it would end the process. */
const ignore = (): void => undefined;

/** Settles once the connection can carry a request: not one byte of one has left before that. */
export const connectTo = (endpoint: Endpoint, done: (error: Error | null, socket: Socket | null) => void): void => {
  const { protocol, hostname, port } = new URL(endpoint.origin);
  const host = hostname.replace(/^\[|\]$/g, "");
  const socket = protocol === "https:" ? overTls(endpoint, host, Number(port || 443)) : connectTcp({ host, port: Number(port || 80), noDelay: true });
  const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${endpoint.connectTimeout} ms`)), endpoint.connectTimeout);
  const settle = (error: Error | null): void => {
    clearTimeout(timer);
    socket.off("error", settle).off("close", end).off(ready, succeed).on("error", ignore);
    done(error, error ? null : socket);
  };
  const succeed = (): void => settle(null);
  const end = (): void => settle(new Error("the connection ended before it could carry a request"));
  const ready = protocol === "https:" ? "secureConnect" : "connect";
  socket.setKeepAlive(true, KEEP_ALIVE_MS).once("error", settle).once("close", end).once(ready, succeed);
};

const overTls = ({ tls }: Endpoint, host: string, port: number): TLSSocket => {
  const options: ConnectionOptions = {
    host,
    port,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.crl !== undefined && { crl: eachList(tls.crl) }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    servername: tls.serverName ?? (/^[\d.]+$|:/.test(host) ? "" : host),
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    checkServerIdentity: (_name, certificate) => identityFault(tls.serverName ?? host, certificate) ?? pinFault(certificate, tls.pins),
  };
  return connectTls(options).setNoDelay(true);
};

/** Of a text with several lists Node would read the first alone. */
const eachList = (pem: string): string[] => pem.match(/-----BEGIN X509 CRL-----[\s\S]+?-----END X509 CRL-----/g) ?? [pem];

/** A name counts only as a subject alternative name: the common name is no fallback. */
const identityFault = (host: string, certificate: PeerCertificate): Error | undefined =>
  certificate.subjectaltname ? checkServerIdentity(host, certificate) : new Error("OCS's certificate has no subject alternative name");

/** Of the certificate's own key: whoever can mint another under the same authority has another key. */
const pinFault = ({ raw }: PeerCertificate, pins: readonly string[] | undefined): Error | undefined => {
  if (!pins) return undefined;
  const key = new X509Certificate(raw).publicKey.export({ type: "spki", format: "der" });
  return pins.includes(`sha256:${createHash("sha256").update(key).digest("base64")}`) ? undefined : new Error("OCS's certificate has none of the pinned keys");
};

const MAX_HEAD = 16_384;
const VERSION_LENGTH = "HTTP/1.1 ".length;
const NOTHING = Buffer.alloc(0);

/**
 * The bytes of one connection, seen before any HTTP engine sees them. Engines forgive what nobody may who knows an answer only by its
 * place: a blank line between two answers, bytes that come while nothing was asked, another protocol's version, a bare CR.
 */
export class Wire {
  /** Bytes that came since `ask`. */
  received = 0;
  readonly #socket: Socket;
  readonly #stray: (chunk: Buffer) => void;
  #asked = false;
  /** What came of the header block, and its length once it is whole. */
  #start: Buffer = NOTHING;
  #head = 0;
  #persistent = false;

  /** `stray` is called with what comes while nothing was asked. Nobody else sees it. */
  constructor(socket: Socket, stray: (chunk: Buffer) => void) {
    this.#socket = socket;
    this.#stray = stray;
    sendOnlyWhatOcsReads(socket);
    const push = socket.push.bind(socket);
    socket.push = (chunk: Buffer | null) => (chunk === null || this.#takes(chunk)) && push(chunk);
  }

  /** From here on, what comes is the answer. */
  ask(): void {
    this.#asked = true;
    this.received = this.#head = 0;
    this.#start = NOTHING;
  }

  /** The answer is over. True when nothing came but one answer with this many bytes of body, framed by its length, and after a request that had left whole. */
  settle(length: number): boolean {
    this.#asked = false;
    return this.#persistent && this.received === this.#head + length && this.#socket.writableLength === 0;
  }

  #takes(chunk: Buffer): boolean {
    if (!this.#asked) this.#stray(chunk);
    this.received += chunk.length;
    if (this.#asked && this.#head === 0) this.#readHead(chunk);
    return this.#asked && !this.#socket.destroyed;
  }

  #readHead(chunk: Buffer): void {
    const start = (this.#start = this.#start.length === 0 ? chunk : Buffer.concat([this.#start, chunk]));
    const { end, malformed } = scanHead(start);
    if (start.length >= VERSION_LENGTH || end >= 0) this.#readVersion(start.toString("latin1", 0, VERSION_LENGTH));
    if (this.received > MAX_HEAD && (end < 0 || end > MAX_HEAD)) this.#refuse();
    if (end < 0) return;
    this.#head = end + 4;
    if (malformed) this.#refuse();
  }

  #readVersion(version: string): void {
    this.#persistent = version === "HTTP/1.1 ";
    if (!this.#persistent && version !== "HTTP/1.0 ") this.#refuse();
  }

  #refuse(): void {
    this.#socket.destroy(new Error("what came is no answer of OCS"));
  }
}

const NUL = 0x00;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;

/**
 * Where the blank line behind the header block begins, -1 while it is not there. Malformed before that: a carriage return or line feed that
 * stands alone, a folded line, NUL.
 */
const scanHead = (bytes: Buffer): { readonly end: number; readonly malformed: boolean } => {
  let malformed = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte > CR) continue;
    if (byte === CR && bytes[at + 1] === LF) {
      const next = bytes[at + 2];
      if (next === CR && bytes[at + 3] === LF) return { end: at, malformed };
      malformed ||= next === BLANK || next === TAB;
      at++;
    } else malformed ||= byte === CR || byte === LF || byte === NUL;
  }
  return { end: -1, malformed };
};

/**
 * Engines add a Connection header of their own. OCS reads four headers, and those are what it gets. Head and body, which the engine hands over
 * corked one after the other, leave as one.
 */
const sendOnlyWhatOcsReads = (socket: Socket): void => {
  const write = socket.write.bind(socket) as (chunk: unknown, encoding?: unknown) => boolean;
  let head = "";
  socket.write = ((chunk: string | Buffer, encoding?: unknown) => {
    if (typeof chunk !== "string") {
      const whole = head + chunk.toString("latin1");
      head = "";
      return write(whole, "latin1");
    }
    const lines = chunk.replace("\r\nconnection: keep-alive\r\n", "\r\n");
    if (socket.writableCorked === 0) return write(lines, encoding);
    head = lines;
    return true;
  }) as Socket["write"];
};
