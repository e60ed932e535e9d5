/**
 * A temporary certificate authority for sandboxes and tests: ECDSA P-256, X.509 v3 (RFC 5280), valid from one hour ago
 * for 30 days. It is kept in memory only. Do not trust it outside the process that made it.
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
} from "./der.ts";

export type Usage = "serverAuth" | "clientAuth";
export type Issued = { readonly certPem: string; readonly keyPem: string };
export type Authority = {
  readonly certPem: string;
  /** Issues a certificate for DNS names and IP addresses; the first one is also its common name. */
  readonly issue: (leaf: { readonly names: readonly string[]; readonly usage: Usage }) => Issued;
};

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyId: "2.5.29.35",
  extKeyUsage: "2.5.29.37",
  usage: { serverAuth: "1.3.6.1.5.5.7.3.1", clientAuth: "1.3.6.1.5.5.7.3.2" },
} as const;
const HOUR = 3_600_000;
const VALID = 30 * 24 * HOUR;

type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

export const createAuthority = (name: string): Authority => {
  const keys = newKeys();
  const issuer = { name, keys };
  const certPem = certificate(issuer, { name, key: keys.publicKey, extensions: authorityExtensions(keys.publicKey) });
  return {
    certPem,
    issue: ({ names, usage }) => {
      if (names.length === 0) throw new RangeError("a certificate needs at least one name");
      const leaf = newKeys();
      const extensions = leafExtensions({ key: leaf.publicKey, issuer: keys.publicKey, names, usage });
      return {
        certPem: certificate(issuer, { name: names[0]!, key: leaf.publicKey, extensions }),
        keyPem: leaf.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
};

const newKeys = (): Keys => generateKeyPairSync("ec", { namedCurve: "P-256" });

type Subject = { readonly name: string; readonly key: KeyObject; readonly extensions: readonly Uint8Array[] };

const certificate = (issuer: { readonly name: string; readonly keys: Keys }, subject: Subject): string => {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const now = Math.floor(Date.now() / 1000) * 1000;
  const body = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    algorithm,
    distinguishedName(issuer.name),
    sequence(time(new Date(now - HOUR)), time(new Date(now - HOUR + VALID))),
    distinguishedName(subject.name),
    publicKeyInfo(subject.key),
    tagged(3, sequence(...subject.extensions)),
  );
  const der = sequence(body, algorithm, bitString(sign("sha256", body, issuer.keys.privateKey)));
  return (
    `-----BEGIN CERTIFICATE-----\n${der.toString("base64").replaceAll(/.{1,64}/g, "$&\n")}-----END ` +
    `CERTIFICATE-----\n`
  );
};

const distinguishedName = (name: string): Buffer => sequence(set(sequence(oid(OID.commonName), utf8String(name))));
const publicKeyInfo = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

const extension = (id: string, value: Uint8Array, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));

/** RFC 7093, 2: the first 160 bits of the SHA-256 of the key. */
const keyId = (key: KeyObject): Buffer => createHash("sha256").update(publicKeyInfo(key)).digest().subarray(0, 20);

const authorityExtensions = (key: KeyObject): Buffer[] => [
  extension(OID.basicConstraints, sequence(boolean(true), integer(Buffer.from([0]))), true),
  // keyCertSign and cRLSign: bits 5 and 6.
  extension(OID.keyUsage, bitString(Buffer.from([0b0000_0110]), 1), true),
  extension(OID.subjectKeyId, octetString(keyId(key))),
];

const leafExtensions = ({
  key,
  issuer,
  names,
  usage,
}: {
  key: KeyObject;
  issuer: KeyObject;
  names: readonly string[];
  usage: Usage;
}): Buffer[] => [
  extension(OID.basicConstraints, sequence(), true),
  // digitalSignature: bit 0.
  extension(OID.keyUsage, bitString(Buffer.from([0b1000_0000]), 7), true),
  extension(OID.extKeyUsage, sequence(oid(OID.usage[usage]))),
  extension(OID.subjectAltName, sequence(...names.map(alternativeName))),
  extension(OID.subjectKeyId, octetString(keyId(key))),
  extension(OID.authorityKeyId, sequence(implicit(0, keyId(issuer)))),
];

/** iPAddress [7] or dNSName [2]. */
const alternativeName = (name: string): Buffer =>
  isIP(name) === 0 ? implicit(2, Buffer.from(name, "ascii")) : implicit(7, addressBytes(name));

const addressBytes = (address: string): Buffer => {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head, tail] = canonical.split("::") as [string, string | undefined];
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(""), "hex");
};
