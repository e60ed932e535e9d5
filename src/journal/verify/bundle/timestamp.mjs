/**
 * RFC 3161 timestamps: the request, and what a response proves. The structures are DER (X.690), CMS (RFC 5652) and
 * certificates (RFC 5280); Node verifies keys, signatures and certificates. It needs only Node (20 or later), because
 * bundles contain it. A token is valid for a text if its imprint is the text's SHA-256, the signer signed it, the
 * signer's certificate is for time stamping alone and, if certificates of an authority are given, a chain leads to one
 * of them that was valid at the token's time.
 */
import { constants, createHash, verify, X509Certificate } from "node:crypto";
import {
  certificateFields,
  extensionsOf,
  HASHES,
  pssHash,
  requireChain,
  requireTimeStamping,
  SIGNATURES,
} from "./certificate-chain.mjs";
import {
  broken,
  contentsOf,
  elementsOf,
  encode,
  idOf,
  NOT_DER,
  oidOf,
  only,
  TAG,
  TimestampFault,
  within,
} from "./der.mjs";

export { TimestampFault } from "./der.mjs";

/** Object ids, by the hexadecimal contents of their DER. */
const OID = {
  signedData: "2a864886f70d010702",
  tstInfo: "2a864886f70d0109100104",
  contentType: "2a864886f70d010903",
  messageDigest: "2a864886f70d010904",
  signingCertificate: "2a864886f70d010910020c",
  signingCertificateV2: "2a864886f70d010910022f",
  rsa: "2a864886f70d010101",
  pss: "2a864886f70d01010a",
  ed25519: "2b6570",
};

export const imprintOf = (text) => createHash("sha256").update(text).digest();

/** A TimeStampReq for a SHA-256 that also requests the certificates. `nonce`: 8 bytes, the first of 1 to 127. */
export const timestampRequest = (imprint, nonce) => {
  const algorithm = encode(TAG.sequence, encode(TAG.oid, Buffer.from("608648016503040201", "hex")), Buffer.of(0x05, 0));
  return encode(
    TAG.sequence,
    encode(TAG.integer, Buffer.of(1)),
    encode(TAG.sequence, algorithm, encode(TAG.octets, imprint)),
    encode(TAG.integer, nonce),
    encode(TAG.boolean, Buffer.of(0xff)),
  );
};

/** The certificates in a PEM text. Throws when there is none, or one cannot be read. */
export const authoritiesIn = (pem) => {
  const found = (pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? []).map(
    (block) => new X509Certificate(block),
  );
  if (found.length === 0) throw new Error("expected certificates in PEM, found none");
  return found;
};

/**
 * What a TimeStampResp proves about a text. `imprint`: SHA-256 of the text; `nonce`: that of the request, if known;
 * `authorities`: trusted certificates, if given. Throws TimestampFault. `time`: milliseconds since 1970; `isTrusted`: a
 * chain leads to an authority.
 */
export const readTimestamp = (der, expected) => {
  try {
    return read(der, expected);
  } catch (error) {
    // Node's own errors report invalid certificates and keys.
    throw error instanceof TimestampFault ? error : new TimestampFault("broken", NOT_DER);
  }
};

const read = (der, { imprint, nonce, authorities }) => {
  const [status, token, ...more] = within(only(der), TAG.sequence);
  requireGranted(within(status, TAG.sequence));
  if (!token || more.length > 0) broken("the authority answered without a token");
  const { info, certificates, signer } = readSignedData(token);
  const stated = readInfo(info);
  if (!stated.imprint.equals(imprint)) broken("its imprint is of another text");
  if (nonce !== undefined && stated.nonce?.equals(nonce) !== true)
    broken("its nonce is not the one that was asked with, so it may be an older answer");
  const certificate = checkSigner(signer, info, certificates);
  requireTimeStamping(certificate);
  const isTrusted = authorities !== undefined;
  if (isTrusted) requireChain(certificate, { certificates, authorities, time: stated.time });
  return { time: stated.time, serial: stated.serial, signer: certificate.subject.split("\n").join(", "), isTrusted };
};

const requireGranted = ([status, ...more]) => {
  const number = contentsOf(status, TAG.integer).toString("hex");
  if (number === "00" || number === "01") return;
  const words = more.find(({ tag }) => tag === TAG.sequence);
  const text = words
    ? elementsOf(words.contents)
        .map(({ contents }) => contents.toString("utf8"))
        .join("; ")
        .slice(0, 200)
    : "";
  broken(
    `the authority did not grant it: status ${Number.parseInt(number, 16)}` +
      (text === "" ? "" : `, ${JSON.stringify(text)}`),
  );
};

/** RFC 5652, 5.1: one signer, and a TSTInfo (RFC 3161) as content. */
const readSignedData = (token) => {
  const [type, wrapped] = within(token, TAG.sequence);
  if (oidOf(type) !== OID.signedData) broken("its token is not CMS SignedData");
  const [, , content, ...rest] = within(only(contentsOf(wrapped, TAG.zero)), TAG.sequence);
  const [contentType, held] = within(content, TAG.sequence);
  if (oidOf(contentType) !== OID.tstInfo) broken("its content is not TSTInfo");
  const info = contentsOf(only(contentsOf(held, TAG.zero)), TAG.octets);
  const embedded = rest.find(({ tag }) => tag === TAG.zero);
  const signers = within(rest.at(-1), TAG.set);
  if (signers.length !== 1) broken("it has not exactly one signer");
  const certificates = (embedded ? elementsOf(embedded.contents) : []).flatMap(({ tag, whole }) =>
    tag === TAG.sequence ? certificateOf(whole) : [],
  );
  return { info, certificates, signer: within(signers[0], TAG.sequence) };
};

const certificateOf = (der) => {
  try {
    return [new X509Certificate(der)];
  } catch {
    return [];
  }
};

const readInfo = (bytes) => {
  const [version, , imprint, serial, time, ...more] = within(only(bytes), TAG.sequence);
  if (contentsOf(version, TAG.integer).toString("hex") !== "01") broken("its TSTInfo is not of version 1");
  const [algorithm, hash] = within(imprint, TAG.sequence);
  if (HASHES[idOf(algorithm)] !== "sha256") broken("its imprint is not SHA-256");
  const nonce = more.find(({ tag }) => tag === TAG.integer)?.contents;
  return {
    imprint: contentsOf(hash, TAG.octets),
    serial: contentsOf(serial, TAG.integer).toString("hex"),
    time: momentOf(contentsOf(time, TAG.time)),
    nonce,
  };
};

/** GeneralizedTime in UTC (Z), with seconds and optionally a fraction. */
const momentOf = (bytes) => {
  const [, year, month, day, hour, minute, second, fraction = "0"] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?Z$/.exec(bytes.toString("latin1")) ?? broken(NOT_DER);
  const whole = Date.UTC(year, month - 1, day, hour, minute, second);
  // A 31st of February or a 25th hour would become another time.
  if (new Date(whole).toISOString() !== `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`) broken(NOT_DER);
  return whole + Math.floor(Number(`0.${fraction}`) * 1000);
};

/** RFC 5652, 5.4 and 5.6; RFC 5816. Returns the certificate that signed. */
const checkSigner = ([, sid, digest, attributes, algorithm, signature], info, certificates) => {
  if (attributes?.tag !== TAG.zero) broken("its signer signed no attributes");
  const certificate =
    certificates.find((each) => isMeant(each, sid)) ?? broken("it does not bring the certificate of its signer");
  const hash = HASHES[idOf(digest)] ?? broken("its digest is none of SHA-256, SHA-384 and SHA-512");
  const values = valuesOf(attributes);
  if (values.get(OID.contentType)?.contents.toString("hex") !== OID.tstInfo)
    broken("its signer did not sign a TSTInfo");
  if (values.get(OID.messageDigest)?.contents.equals(createHash(hash).update(info).digest()) !== true)
    broken("its content was changed after signing");
  requireSigningCertificate(values, certificate);
  // Signed as a SET, but written with another tag.
  const signed = Buffer.concat([Buffer.of(TAG.set), attributes.whole.subarray(1)]);
  if (!isSigned(signed, { certificate, algorithm, hash, bytes: contentsOf(signature, TAG.octets) }))
    broken("its signature is not that of its certificate");
  return certificate;
};

/** The only value of each attribute. */
const valuesOf = (attributes) => {
  const values = new Map();
  for (const attribute of elementsOf(attributes.contents)) {
    const [type, set] = within(attribute, TAG.sequence);
    const id = oidOf(type);
    if (values.has(id)) broken("it has an attribute twice");
    values.set(id, within(set, TAG.set)[0] ?? broken(NOT_DER));
  }
  return values;
};

/** Whether the signer id means this certificate: by issuer and serial number, or by the key's id. */
const isMeant = (certificate, sid) => {
  const [serial, , issuer] = certificateFields(certificate);
  if (sid?.tag === TAG.keyId)
    return extensionsOf(certificate).get("551d0e")?.value.contents.equals(sid.contents) === true;
  const [name, number] = within(sid, TAG.sequence);
  return (
    issuer.whole.equals(name?.whole ?? Buffer.alloc(0)) && serial.contents.equals(number?.contents ?? Buffer.alloc(0))
  );
};

/** RFC 3161, 2.4.1, and RFC 5816: the attribute names the certificate that signed. */
const requireSigningCertificate = (values, certificate) => {
  const [old, current] = [values.get(OID.signingCertificate), values.get(OID.signingCertificateV2)];
  const first = within(
    within(current ?? old ?? broken("it does not say by which certificate it is signed"), TAG.sequence)[0],
    TAG.sequence,
  )[0];
  const [head, ...more] = within(first, TAG.sequence);
  const named = current && head?.tag === TAG.sequence ? HASHES[idOf(head)] : current ? "sha256" : "sha1";
  const hash = current && head?.tag === TAG.sequence ? more[0] : head;
  if (named === undefined || !contentsOf(hash, TAG.octets).equals(createHash(named).update(certificate.raw).digest()))
    broken("it names another certificate as its signer");
};

const isSigned = (signed, { certificate, algorithm, hash, bytes }) => {
  const id = idOf(algorithm);
  const key = certificate.publicKey;
  try {
    if (id === OID.ed25519) return verify(null, signed, key, bytes);
    if (id === OID.pss)
      return verify(
        pssHash(algorithm) ?? broken("its signature is by SHA-1 or an unknown hash"),
        signed,
        { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO },
        bytes,
      );
    const by = id === OID.rsa ? hash : SIGNATURES[id];
    return by !== undefined && verify(by, signed, key, bytes);
  } catch (error) {
    if (error instanceof TimestampFault) throw error;
    return false;
  }
};
