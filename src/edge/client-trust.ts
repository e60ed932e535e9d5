/**
 * The CAs and CRLs with which a listener verifies client certificates. A connection keeps the certificate of its
 * handshake, which TLS never verifies again; so every request is checked here, and a revocation takes effect at once.
 *
 * OpenSSL verifies the chain at the handshake, but Node does not provide it. It is built again here from the listener's
 * CAs alone, without intermediate CAs that only the client sends.
 */
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { Peer } from "../common/message.ts";
import {
  CLIENT_AUTH,
  readCertificate,
  readRevocationList,
  type Certificate,
  type RevocationList,
} from "../common/x509/certificate.ts";
import { certificatesOf, listsOf } from "../common/x509/pem.ts";

export type TrustSettings = {
  /** PEM: root and intermediate CAs. Undefined when no certificate is requested. */
  readonly clientCa: string | undefined;
  /** PEM: a CRL of every CA in a chain. */
  readonly clientCrl?: string | undefined;
};

/** The certificate that a connection was opened with, and the verdict of its last check. */
export type PresentedCertificate = {
  readonly own: ParsedCertificate;
  /** Why the certificate was invalid at the handshake. */
  readonly fault: string | undefined;
  /** The digests of its chain. */
  readonly chain: string;
  verdict: Verdict;
};

type ParsedCertificate = Certificate & { readonly x509: X509Certificate };
type Verdict = {
  readonly generation: number;
  readonly peer: Peer;
  /** Milliseconds since 1970: invalid from then on. */
  readonly until: number;
};

/** Maximum certificates in a chain, including the client's own and the root. */
const MAX_CHAIN = 8;
const DNS_NAME = /^(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/;

export class ClientTrust {
  #generation = 0;
  #settings: TrustSettings;
  #authorities!: readonly ParsedCertificate[];
  #lists!: ReadonlyMap<string, RevocationList> | undefined;
  readonly #now: () => number;

  /** Throws when a CA or CRL cannot be parsed. */
  constructor(settings: TrustSettings, now: () => number = Date.now) {
    this.#now = now;
    this.#settings = settings;
    this.#take(settings);
  }

  /** Replaces the CAs and CRLs. Throws if one cannot be parsed; then nothing changes. */
  update(settings: TrustSettings): void {
    if (settings.clientCa === this.#settings.clientCa && settings.clientCrl === this.#settings.clientCrl) return;
    this.#take(settings);
    this.#settings = settings;
    this.#generation++;
  }

  /** The certificate of the handshake; undefined without one. */
  inspect(socket: TLSSocket): PresentedCertificate | undefined {
    const x509 = socket.getPeerX509Certificate();
    if (!x509) return undefined;
    const own = read(x509.raw);
    if (!own)
      return {
        own: { ...UNREADABLE, x509 },
        fault: UNPARSABLE,
        chain: "",
        verdict: this.#reject(UNREADABLE, UNPARSABLE),
      };
    const presented = {
      own,
      chain: keyOf(this.#chainOf(own)),
      fault: socket.authorized ? faultIn(own) : String(socket.authorizationError),
    };
    return { ...presented, verdict: this.#verify(presented) };
  }

  /** The result of checking a certificate now. */
  peerOf(presented: PresentedCertificate): Peer {
    if (presented.verdict.generation !== this.#generation) presented.verdict = this.#verify(presented);
    return this.#now() < presented.verdict.until
      ? presented.verdict.peer
      : peerOf([presented.own], "it, or a CRL of its chain, has expired");
  }

  #take({ clientCa, clientCrl }: TrustSettings): void {
    const lists = clientCrl === undefined ? undefined : listsByIssuer(listsOf(clientCrl).map(readRevocationList));
    if (lists?.size === 0) throw new Error("the CRL file contains no CRL");
    this.#authorities = certificatesOf(clientCa ?? "").map((der) => ({
      ...readCertificate(der),
      x509: new X509Certificate(der),
    }));
    this.#lists = lists;
  }

  /**
   * Checks what can have changed since the handshake. A different chain may have constraints that only OpenSSL checks,
   * at a new handshake.
   */
  #verify({ own, fault, chain: before }: Omit<PresentedCertificate, "verdict">): Verdict {
    if (fault !== undefined) return this.#reject(own, fault);
    const chain = this.#chainOf(own);
    if (!chain) return this.#reject(own, "client_ca has no chain from it to a root");
    if (keyOf(chain) !== before) return this.#reject(own, "its chain differs from the one at the handshake");
    let until = Math.min(...chain.map(({ notAfter }) => notAfter));
    for (const { issuer, serial } of this.#lists ? chain : []) {
      const list = this.#lists!.get(issuer);
      if (!list) return this.#reject(own, "client_crl has no CRL of its issuer");
      if (list.revoked.has(serial)) return this.#reject(own, "it was revoked");
      until = Math.min(until, list.nextUpdate);
    }
    return { generation: this.#generation, peer: peerOf(chain), until };
  }

  #reject(own: Certificate, fault: string): Verdict {
    return { generation: this.#generation, peer: peerOf([own], fault), until: Infinity };
  }

  /**
   * From the certificate to one of the listener's roots, by the first valid issuer, as OpenSSL does; undefined without.
   */
  #chainOf(own: ParsedCertificate, length = 1): readonly ParsedCertificate[] | undefined {
    if (length > 1 && own.x509.checkIssued(own.x509)) return [own];
    if (length >= MAX_CHAIN) return undefined;
    for (const issuer of this.#authorities) {
      if (
        !isInForce(issuer, this.#now()) ||
        !own.x509.checkIssued(issuer.x509) ||
        !own.x509.verify(issuer.x509.publicKey)
      )
        continue;
      const rest = this.#chainOf(issuer, length + 1);
      if (rest) return [own, ...rest];
    }
    return undefined;
  }
}

/** Merges the CRLs of one issuer: each of them revokes, and the later `nextUpdate` applies. */
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

const read = (der: Buffer): ParsedCertificate | undefined => {
  try {
    return { ...readCertificate(der), x509: new X509Certificate(der) };
  } catch {
    return undefined;
  }
};

const isInForce = ({ notBefore, notAfter }: Certificate, now: number): boolean => now >= notBefore && now < notAfter;

const UNPARSABLE = "it cannot be parsed";
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

const keyOf = (chain: readonly Certificate[] = []): string =>
  chain.map(({ digest }) => digest.toString("hex")).join(" ");

const peerOf = ([own, ...above]: readonly Certificate[], fault?: string): Peer => ({
  names: fault === undefined ? own!.dnsNames.map((name) => name.toLowerCase()) : [],
  thumbprint: own!.digest.toString("base64url"),
  authorities: above.map(({ digest }) => digest.toString("hex")),
  ...(fault !== undefined && { fault }),
});

/** Faults of a client certificate that OpenSSL accepts. */
const faultIn = ({ isAuthority, maySignCertificates, purposes, dnsNames }: Certificate): string | undefined => {
  if (isAuthority || maySignCertificates) return "it is a CA certificate";
  if (!purposes?.includes(CLIENT_AUTH)) return "its extended key usage is not clientAuth";
  // Wildcards are refused too: a client certificate must name the client.
  return dnsNames.every((name) => DNS_NAME.test(name.toLowerCase()))
    ? undefined
    : "one of its names is not a valid DNS name";
};
