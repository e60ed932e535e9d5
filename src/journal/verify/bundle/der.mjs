/** Reads DER (X.690) for RFC 3161 timestamps and certificates. It needs only Node (20 or later): bundles contain it. */

/** `broken`: not a valid token for the text. `untrusted`: no chain leads to a given authority. */
export class TimestampFault extends Error {
  name = "TimestampFault";

  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

export const broken = (message) => {
  throw new TimestampFault("broken", message);
};
export const untrusted = (message) => {
  throw new TimestampFault("untrusted", message);
};

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  zero: 0xa0,
  one: 0xa1,
  keyId: 0x80,
};
export const NOT_DER = "it is not DER, or not of the form that RFC 3161 has";

/** The elements in these bytes, in order. */
export const elementsOf = (bytes) => {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at + 1] ?? broken(NOT_DER);
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || more > 4 || at + 2 + more > bytes.length) broken(NOT_DER);
    const start = at + 2 + more;
    const end = start + (more === 0 ? first : bytes.readUIntBE(at + 2, more));
    if (end > bytes.length) broken(NOT_DER);
    found.push({ tag: bytes[at], contents: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return found;
};

/** The elements inside an element with this tag. */
export const within = (element, tag) => (element?.tag === tag ? elementsOf(element.contents) : broken(NOT_DER));
export const only = (bytes) => {
  const found = elementsOf(bytes);
  return found.length === 1 ? found[0] : broken(NOT_DER);
};
export const contentsOf = (element, tag) => (element?.tag === tag ? element.contents : broken(NOT_DER));
export const oidOf = (element) => contentsOf(element, TAG.oid).toString("hex");
export const idOf = (algorithm) => oidOf(within(algorithm, TAG.sequence)[0]);

export const encode = (tag, ...parts) => {
  const contents = Buffer.concat(parts);
  return Buffer.concat([
    contents.length < 0x80
      ? Buffer.of(tag, contents.length)
      : Buffer.of(tag, 0x82, contents.length >> 8, contents.length & 0xff),
    contents,
  ]);
};
