/**
 * The certificate of a time stamping authority (RFC 5280; RFC 3161, 2.3): is it one for time stamping alone, and does
 * a chain lead from it to a certificate that is trusted? Keys, signatures and names are Node's.
 */
import { contentsOf, oidOf, only, broken, stranger, TAG, within } from "./der.mjs";

const OID = {
  keyUsage: "551d0f",
  alternativeName: "551d11",
  constraints: "551d13",
  policies: "551d20",
  purposes: "551d25",
  anyPurpose: "551d2500",
  timeStamping: "2b06010505070308",
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
    stranger("its signer's certificate is not one for time stamping alone (extendedKeyUsage, critical)");
};

const LONGEST_CHAIN = 8;
const KNOWN = new Set([OID.keyUsage, OID.alternativeName, OID.constraints, OID.policies, OID.purposes]);

/** From the signer to a certificate that is trusted; each was in force at that time and is signed by the next. */
export const requireChain = (signer, { certificates, authorities, time }) => {
  let current = signer;
  for (let below = 0; below < LONGEST_CHAIN; below++) {
    requireInForce(current, time);
    requireKnownExtensions(current);
    if (authorities.some((each) => each.raw.equals(current.raw))) return;
    const next = [...authorities, ...certificates].find(
      (each) => !each.raw.equals(current.raw) && isIssuer(each, current, below),
    );
    if (!next)
      stranger(
        `no chain leads from its signer to an authority that is trusted: ` +
        `the issuer of ${name(current)} is not among them`,
      );
    current = next;
  }
  stranger("the chain of its signer is too long");
};

const name = (certificate) => JSON.stringify(certificate.subject.split("\n").join(", "));

const requireInForce = (certificate, time) => {
  if (time < Date.parse(certificate.validFrom) || time > Date.parse(certificate.validTo))
    stranger(`the certificate ${name(certificate)} was not in force at its time`);
};

const requireKnownExtensions = (certificate) => {
  for (const [id, { isCritical }] of extensionsOf(certificate)) {
    if (isCritical && !KNOWN.has(id))
      stranger(`the certificate ${name(certificate)} has a critical extension that is not known here`);
  }
};

/** `below`: how many certificates of authorities lie between it and the signer. */
const isIssuer = (issuer, certificate, below) => {
  const extensions = extensionsOf(issuer);
  const [isAuthority, most] = extensions.has(OID.constraints)
    ? within(extensions.get(OID.constraints).value, TAG.sequence)
    : [];
  const purposes = extensions.get(OID.purposes);
  const mayStamp = !purposes || purposesOf(purposes).some((id) => id === OID.timeStamping || id === OID.anyPurpose);
  const isDeepEnough = most === undefined || below <= Number.parseInt(most.contents.toString("hex"), 16);
  return (
    isAuthority?.tag === TAG.boolean &&
    isAuthority.contents[0] !== 0 &&
    mayStamp &&
    isDeepEnough &&
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey)
  );
};
