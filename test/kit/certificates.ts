/**
 * Certificates and revocation lists with whatever is wrong with them that a test wants: X.509 (RFC 5280) put together
 * piece by piece.
 */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  boolean,
  implicit,
  integer,
  octetString,
  oid,
  sequence,
  set,
  tagged,
  time,
  utf8String,
} from "../../src/sandbox/server/der.ts";

export type Usage = "serverAuth" | "clientAuth";
type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
type Digest = "sha256" | "sha1" | "md5";

export type Wanted = {
  readonly cn?: string;
  /** DNS names, as bytes of latin1, and IPv4 addresses; no extension at all when empty. */
  readonly names?: readonly string[];
  /** undefined for no such extension. */
  readonly usage?: Usage | undefined;
  readonly keys?: Keys;
  /** Milliseconds from now. */
  readonly from?: number;
  readonly to?: number;
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  readonly signsCertificates?: boolean;
  /** DNS names that certificates below may have. */
  readonly permitted?: readonly string[];
  readonly digest?: Digest;
  readonly version1?: boolean;
};

/** `certPem` alone, `chainPem` with what stands between it and the root. */
export type Made = {
  readonly certPem: string;
  readonly chainPem: string;
  readonly keyPem: string;
  readonly serial: Buffer;
  readonly thumbprint: string;
};
export type TestAuthority = Made & {
  readonly issue: (wanted: Wanted) => Made;
  /** An authority below this one. */
  readonly below: (wanted?: Wanted) => TestAuthority;
  readonly crl: (list?: {
    readonly revoked?: readonly Made[];
    /** Milliseconds from now. */ readonly to?: number;
  }) => string;
};

export const ecKeys = (): Keys => generateKeyPairSync("ec", { namedCurve: "P-256" });
export const rsaKeys = (modulusLength: number): Keys => generateKeyPairSync("rsa", { modulusLength });

const DAY = 86_400_000;
const OIDS = {
  cn: "2.5.4.3",
  keyUsage: "2.5.29.15",
  names: "2.5.29.17",
  constraints: "2.5.29.19",
  crlNumber: "2.5.29.20",
  permitted: "2.5.29.30",
  purposes: "2.5.29.37",
} as const;
const PURPOSES: Readonly<Record<Usage, string>> = { serverAuth: "1.3.6.1.5.5.7.3.1", clientAuth: "1.3.6.1.5.5.7.3.2" };
const SIGNATURES: Readonly<Record<string, string>> = {
  "ec sha256": "1.2.840.10045.4.3.2",
  "ec sha1": "1.2.840.10045.4.1",
  "rsa sha256": "1.2.840.113549.1.1.11",
  "rsa sha1": "1.2.840.113549.1.1.5",
  "rsa md5": "1.2.840.113549.1.1.4",
};

type Issuer = { readonly cn: string; readonly keys: Keys; readonly between: string };

export const testAuthority = (cn: string, wanted: Wanted = {}): TestAuthority => {
  const keys = wanted.keys ?? ecKeys();
  return authorityOf(make({ cn, keys, between: "" }, { isAuthority: true, ...wanted, cn, keys }), {
    cn,
    keys,
    between: "",
  });
};

/** Signs itself, and is nobody's. */
export const selfSigned = (wanted: Wanted): Made => {
  const keys = wanted.keys ?? ecKeys();
  return make({ cn: wanted.cn ?? "self", keys, between: "" }, { cn: "self", ...wanted, keys });
};

const authorityOf = (made: Made, issuer: Issuer): TestAuthority => ({
  ...made,
  issue: (wanted) => make(issuer, wanted),
  below: (wanted = {}) => {
    const keys = wanted.keys ?? ecKeys();
    const cn = wanted.cn ?? `below ${issuer.cn}`;
    const lower = make(issuer, { isAuthority: true, ...wanted, cn, keys });
    return authorityOf(lower, { cn, keys, between: lower.chainPem });
  },
  crl: ({ revoked = [], to = 7 * DAY } = {}) => {
    const now = Date.now();
    const entries = revoked.map(({ serial }) => sequence(integer(serial), time(new Date(now - 1000))));
    const algorithm = sequence(oid(SIGNATURES[`${issuer.keys.privateKey.asymmetricKeyType} sha256`]!));
    const body = sequence(
      integer(Buffer.from([1])),
      algorithm,
      nameOf(issuer.cn),
      time(new Date(now - 30 * DAY)),
      time(new Date(now + to)),
      ...(entries.length > 0 ? [sequence(...entries)] : []),
      tagged(0, sequence(extension(OIDS.crlNumber, integer(Buffer.from([1]))))),
    );
    return pem("X509 CRL", sequence(body, algorithm, bitString(sign("sha256", body, issuer.keys.privateKey))));
  },
});

const make = (issuer: Issuer, wanted: Wanted): Made => {
  const {
    cn = wanted.names?.[0] ?? "someone",
    keys = ecKeys(),
    from = -DAY,
    to = 30 * DAY,
    digest = "sha256",
    version1 = false,
  } = wanted;
  const serial = Buffer.concat([Buffer.from([0x40]), randomBytes(15)]);
  const algorithm = sequence(oid(SIGNATURES[`${issuer.keys.privateKey.asymmetricKeyType} ${digest}`]!));
  const body = sequence(
    ...(version1 ? [] : [tagged(0, integer(Buffer.from([2])))]),
    integer(serial),
    algorithm,
    nameOf(issuer.cn),
    sequence(time(new Date(Date.now() + from)), time(new Date(Date.now() + to))),
    nameOf(cn),
    keys.publicKey.export({ type: "spki", format: "der" }),
    ...(version1 ? [] : [tagged(3, sequence(...extensionsOf(wanted)))]),
  );
  const der = sequence(body, algorithm, bitString(sign(digest, body, issuer.keys.privateKey)));
  const certPem = pem("CERTIFICATE", der);
  return {
    certPem,
    chainPem: certPem + issuer.between,
    serial,
    thumbprint: createHash("sha256").update(der).digest("base64url"),
    keyPem: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
};

const extensionsOf = ({
  names = [],
  usage,
  isAuthority = false,
  pathLength,
  signsCertificates = isAuthority,
  permitted,
}: Wanted): Buffer[] => [
  extension(
    OIDS.constraints,
    sequence(
      ...(isAuthority ? [boolean(true)] : []),
      ...(pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))]),
    ),
    true,
  ),
  // keyCertSign and cRLSign, or digitalSignature, or both.
  extension(
    OIDS.keyUsage,
    signsCertificates
      ? bitString(Buffer.from([isAuthority ? 0b0000_0110 : 0b1000_0100]), isAuthority ? 1 : 2)
      : bitString(Buffer.from([0b1000_0000]), 7),
    true,
  ),
  ...(usage ? [extension(OIDS.purposes, sequence(oid(PURPOSES[usage])))] : []),
  ...(names.length > 0 ? [extension(OIDS.names, sequence(...names.map(alternative)))] : []),
  ...(permitted
    ? [
        extension(
          OIDS.permitted,
          sequence(tagged(0, ...permitted.map((name) => sequence(implicit(2, Buffer.from(name, "latin1")))))),
          true,
        ),
      ]
    : []),
];

const alternative = (name: string): Buffer =>
  isIP(name) === 4 ? implicit(7, Buffer.from(name.split(".").map(Number))) : implicit(2, Buffer.from(name, "latin1"));
const extension = (id: string, value: Uint8Array, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
const nameOf = (cn: string): Buffer => sequence(set(sequence(oid(OIDS.cn), utf8String(cn))));
const pem = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString("base64").replaceAll(/.{1,64}/g, "$&\n")}-----END ${label}-----\n`;
