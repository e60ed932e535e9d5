/**
 * What a listener holds client certificates against: authorities and revocation lists, as one generation after the other. A connection keeps
 * the certificate it was opened with, and TLS never asks again; so each request asks here, and what was revoked since is told at once.
 *
 * OpenSSL verifies the whole chain at the handshake. The path is found again here, among the listener's own authorities, because Node does not
 * tell which one was taken: an authority that a client brings along and the listener does not know makes no path.
 */
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Peer } from "../message.ts";
import {
  CLIENT_AUTH,
  readCertificate,
  readRevocationList,
  type Certificate,
  type RevocationList,
} from "../x509/certificate.ts";
import { certificatesOf, listsOf } from "../x509/pem.ts";

export type TrustSettings = {
  /** PEM: roots, and every authority between them and the clients. Undefined when no certificate is asked for. */
  readonly clientCa: string | undefined;
  /** PEM: one list of every authority in a path. */
  readonly clientCrl?: string | undefined;
};

/** The certificate that a connection was opened with, and what it was worth when that was last looked at. */
export type Shown = {
  readonly own: Certificate & Readable;
  /** Why it counted for nothing at the handshake. */ readonly fault: string | undefined;
  readonly path: string;
  verdict: Verdict;
};

type Readable = { readonly x509: X509Certificate };
type Verdict = {
  readonly generation: number;
  readonly peer: Peer;
  /** Milliseconds since 1970: from then on it counts for nothing. */ readonly until: number;
};

/** A certificate and what it takes to reach a root. */
const MAX_PATH = 8;
const DNS_NAME = /^(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/;

export class Trust {
  #generation = 0;
  #settings: TrustSettings;
  #authorities!: readonly (Certificate & Readable)[];
  #lists!: ReadonlyMap<string, RevocationList> | undefined;
  readonly #now: () => number;

  /** Throws when authorities or lists cannot be read. */
  constructor(settings: TrustSettings, now: () => number = Date.now) {
    this.#now = now;
    this.#settings = settings;
    this.#take(settings);
  }

  /** A new generation, unless nothing has changed. Throws when authorities or lists cannot be read; then the old ones stay. */
  renew(settings: TrustSettings): void {
    if (settings.clientCa === this.#settings.clientCa && settings.clientCrl === this.#settings.clientCrl) return;
    this.#take(settings);
    this.#settings = settings;
    this.#generation++;
  }

  /** What the handshake brought; undefined without a certificate. */
  greet(socket: TLSSocket): Shown | undefined {
    const x509 = socket.getPeerX509Certificate();
    if (!x509) return undefined;
    const own = read(x509.raw);
    if (!own)
      return {
        own: { ...UNREADABLE, x509 },
        fault: "it cannot be read",
        path: "",
        verdict: this.#refuse(UNREADABLE, "it cannot be read"),
      };
    const path = this.#pathOf(own);
    const shown = {
      own,
      path: keyOf(path),
      fault: socket.authorized ? faultIn(own) : String(socket.authorizationError),
    };
    return { ...shown, verdict: this.#judge(shown) };
  }

  /** What the certificate is worth now. */
  ask(shown: Shown): Peer {
    if (shown.verdict.generation !== this.#generation) shown.verdict = this.#judge(shown);
    return this.#now() < shown.verdict.until
      ? shown.verdict.peer
      : peerOf([shown.own], "it, or a revocation list for it, has expired");
  }

  #take({ clientCa, clientCrl }: TrustSettings): void {
    const lists = clientCrl === undefined ? undefined : listsByIssuer(listsOf(clientCrl).map(readRevocationList));
    if (lists?.size === 0) throw new Error("the file of revocation lists holds none");
    this.#authorities = certificatesOf(clientCa ?? "").map((der) => ({
      ...readCertificate(der),
      x509: new X509Certificate(der),
    }));
    this.#lists = lists;
  }

  /** What can have changed since the handshake. Another path may have limits that nobody has looked at yet: only a new handshake does. */
  #judge({ own, fault, path: before }: Omit<Shown, "verdict">): Verdict {
    if (fault !== undefined) return this.#refuse(own, fault);
    const path = this.#pathOf(own);
    if (!path) return this.#refuse(own, "the authorities of the listener make no path to a root of theirs");
    if (keyOf(path) !== before) return this.#refuse(own, "its path is another than at the handshake");
    let until = Math.min(...path.map(({ notAfter }) => notAfter));
    for (const { issuer, serial } of this.#lists ? path : []) {
      const list = this.#lists!.get(issuer);
      if (!list) return this.#refuse(own, "there is no revocation list of its authority");
      if (list.revoked.has(serial)) return this.#refuse(own, "it was revoked");
      until = Math.min(until, list.nextUpdate);
    }
    return { generation: this.#generation, peer: peerOf(path), until };
  }

  #refuse(own: Certificate, fault: string): Verdict {
    return { generation: this.#generation, peer: peerOf([own], fault), until: Infinity };
  }

  /** From the certificate to a root of the listener's, by the first that are in force, as OpenSSL goes; undefined when there is no such path. */
  #pathOf(own: Certificate & Readable, length = 1): readonly (Certificate & Readable)[] | undefined {
    if (length > 1 && own.x509.checkIssued(own.x509)) return [own];
    if (length >= MAX_PATH) return undefined;
    for (const above of this.#authorities) {
      if (!isInForce(above, this.#now()) || !own.x509.checkIssued(above.x509) || !own.x509.verify(above.x509.publicKey))
        continue;
      const rest = this.#pathOf(above, length + 1);
      if (rest) return [own, ...rest];
    }
    return undefined;
  }
}

/** Of two lists of one authority all that either revokes is revoked, and the later end counts. */
const listsByIssuer = (lists: readonly RevocationList[]): ReadonlyMap<string, RevocationList> => {
  const byIssuer = new Map<string, RevocationList>();
  for (const list of lists) {
    const other = byIssuer.get(list.issuer);
    byIssuer.set(
      list.issuer,
      other
        ? {
            ...list,
            revoked: other.revoked.union(list.revoked),
            nextUpdate: Math.max(list.nextUpdate, other.nextUpdate),
          }
        : list,
    );
  }
  return byIssuer;
};

const read = (der: Buffer): (Certificate & Readable) | undefined => {
  try {
    return { ...readCertificate(der), x509: new X509Certificate(der) };
  } catch {
    return undefined;
  }
};

const isInForce = ({ notBefore, notAfter }: Certificate, now: number): boolean => now >= notBefore && now < notAfter;

const UNREADABLE: Certificate = {
  digest: Buffer.alloc(0),
  serial: "",
  issuer: "",
  notBefore: 0,
  notAfter: 0,
  isAuthority: false,
  maySignCertificates: false,
  purposes: undefined,
  dnsNames: [],
};

const keyOf = (path: readonly Certificate[] = []): string => path.map(({ digest }) => digest.toString("hex")).join(" ");

const peerOf = ([own, ...above]: readonly Certificate[], fault?: string): Peer => ({
  names: fault === undefined ? own!.dnsNames.map((name) => name.toLowerCase()) : [],
  thumbprint: own!.digest.toString("base64url"),
  authorities: above.map(({ digest }) => digest.toString("hex")),
  ...(fault !== undefined && { fault }),
});

/** What OpenSSL lets pass and a client's certificate must not be. */
const faultIn = ({ isAuthority, maySignCertificates, purposes, dnsNames }: Certificate): string | undefined => {
  if (isAuthority || maySignCertificates) return "it is an authority's own";
  if (!purposes?.includes(CLIENT_AUTH)) return "its extended key usage is not clientAuth";
  // A wildcard names nobody, and what no DNS name can be was written to be misread.
  return dnsNames.every((name) => DNS_NAME.test(name.toLowerCase())) ? undefined : "a name in it is no DNS name";
};
