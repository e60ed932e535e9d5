/**
 * The certificate of a time stamping authority (RFC 5280; RFC 3161, 2.3): whether it is for time stamping alone, and
 * whether a chain leads from it to a trusted certificate. Node verifies keys, signatures and names.
 */
import { broken, contentsOf, elementsOf, idOf, oidOf, only, untrusted, TAG, TimestampFault, within } from "./der.mjs";

const OID = {
  keyUsage: "551d0f",
  alternativeName: "551d11",
  constraints: "551d13",
  policies: "551d20",
  purposes: "551d25",
  anyPurpose: "551d2500",
  timeStamping: "2b06010505070308",
  pss: "2a864886f70d01010a",
  ed25519: "2b6570",
};

export const HASHES = {
  "608648016503040201": "sha256",
  "608648016503040202": "sha384",
  "608648016503040203": "sha512",
};
/** RSA and ECDSA with a hash. */
export const SIGNATURES = {
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
};

/** RFC 4055, 3.1: undefined for SHA-1, the default without parameters, and for unknown algorithms. */
export const pssHash = (algorithm) => {
  const [, parameters] = within(algorithm, TAG.sequence);
  const own = parameters && elementsOf(parameters.contents).find(({ tag }) => tag === TAG.zero);
  return own && HASHES[idOf(only(own.contents))];
};

export const certificateFields = (certificate) => {
  const fields = within(within(only(certificate.raw), TAG.sequence)[0], TAG.sequence);
  return fields[0]?.tag === TAG.zero ? fields.slice(1) : fields;
};

/** By object id: whether it is critical, and its value. */
export const extensionsOf = (certificate) => {
  const field = certificateFields(certificate).find(({ tag }) => tag === 0xa3);
  const found = new Map();
  for (const extension of field ? within(only(field.contents), TAG.sequence) : []) {
    const parts = within(extension, TAG.sequence);
    const id = oidOf(parts[0]);
    if (found.has(id)) broken("a certificate has an extension twice");
    found.set(id, {
      isCritical: parts[1]?.tag === TAG.boolean && parts[1].contents[0] !== 0,
      value: only(contentsOf(parts.at(-1), TAG.octets)),
    });
  }
  return found;
};

const purposesOf = (extension) => within(extension.value, TAG.sequence).map(oidOf);

/** RFC 3161, 2.3: the only purpose, and critical. */
export const requireTimeStamping = (certificate) => {
  const purposes = extensionsOf(certificate).get(OID.purposes);
  const own = purposes ? purposesOf(purposes) : [];
  if (!purposes?.isCritical || own.length !== 1 || own[0] !== OID.timeStamping)
    untrusted("its signer's certificate is not one for time stamping alone (extendedKeyUsage, critical)");
  requireMaySign(certificate);
};

/** RFC 5280, 4.2.1.3: the first two bits of keyUsage, digitalSignature and nonRepudiation. */
const requireMaySign = (certificate) => {
  const usage = extensionsOf(certificate).get(OID.keyUsage);
  if (usage && (contentsOf(usage.value, TAG.bits)[1] & 0xc0) === 0)
    untrusted("its signer's certificate is not one for signatures (keyUsage)");
};

const LONGEST_CHAIN = 8;
const KNOWN = new Set([OID.keyUsage, OID.alternativeName, OID.constraints, OID.policies, OID.purposes]);

/** At most this many certificates of a token are tried. */
const MOST_CERTIFICATES = 32;

/** From the signer to a trusted certificate; each was valid at that time and is signed by the next. */
export const requireChain = (signer, { certificates, authorities, time }) => {
  const candidates = [...authorities, ...certificates.slice(0, MOST_CERTIFICATES)];
  lead(signer, { authorities, candidates, time, tried: new Set([signer.fingerprint256]) }, 0);
};

/** `below`: how many certificates are between this one and the signer. An issuer may have several certificates. */
const lead = (current, among, below) => {
  requireInForce(current, among.time);
  requireKnownExtensions(current);
  if (among.authorities.some((each) => each.raw.equals(current.raw))) return;
  requireKnownHash(current);
  if (below + 1 === LONGEST_CHAIN) untrusted("the chain of its signer is too long");
  let fault;
  for (const next of among.candidates) {
    if (among.tried.has(next.fingerprint256) || !isIssuer(next, current, below)) continue;
    among.tried.add(next.fingerprint256);
    try {
      return lead(next, among, below + 1);
    } catch (error) {
      if (!(error instanceof TimestampFault)) throw error;
      fault ??= error;
    }
  }
  if (fault) throw fault;
  untrusted(
    `no chain leads from its signer to an authority that is trusted: the issuer of ${name(current)} is not among them`,
  );
};

/** A signature with SHA-1 or MD5 can be forged. */
const requireKnownHash = (certificate) => {
  const algorithm = within(only(certificate.raw), TAG.sequence)[1];
  const id = idOf(algorithm);
  if (id !== OID.ed25519 && SIGNATURES[id] === undefined && (id !== OID.pss || pssHash(algorithm) === undefined))
    untrusted(`the certificate ${name(certificate)} is signed by SHA-1, or by what is not known here`);
};

const name = (certificate) => JSON.stringify(certificate.subject.split("\n").join(", "));

const requireInForce = (certificate, time) => {
  // An unreadable date counts as not valid.
  if (!(time >= Date.parse(certificate.validFrom) && time <= Date.parse(certificate.validTo)))
    untrusted(`the certificate ${name(certificate)} was not in force at its time`);
};

const requireKnownExtensions = (certificate) => {
  for (const [id, { isCritical }] of extensionsOf(certificate)) {
    if (isCritical && !KNOWN.has(id))
      untrusted(`the certificate ${name(certificate)} has a critical extension that is not known here`);
  }
};

/** `below`: how many certificates of authorities are between it and the signer. */
const isIssuer = (issuer, certificate, below) => {
  if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) return false;
  const extensions = extensionsOf(issuer);
  const [isAuthority, most] = extensions.has(OID.constraints)
    ? within(extensions.get(OID.constraints).value, TAG.sequence)
    : [];
  const purposes = extensions.get(OID.purposes);
  const mayStamp = !purposes || purposesOf(purposes).some((id) => id === OID.timeStamping || id === OID.anyPurpose);
  const isDeepEnough = most === undefined || below <= Number.parseInt(most.contents.toString("hex"), 16);
  return isAuthority?.tag === TAG.boolean && isAuthority.contents[0] !== 0 && mayStamp && isDeepEnough;
};
