/** Decodes the types of DER (X.690) that certificates and revocation lists need. Truncated input throws RangeError. */

export type Element = {
  readonly tag: number;
  readonly contents: Buffer;
  /** Tag, length and contents; equal for equal values. */
  readonly whole: Buffer;
};

export const TAG = {
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** The sequence of elements in these bytes. */
export const elementsOf = (bytes: Buffer): readonly Element[] => {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const { start, end } = extent(bytes, at);
    found.push({ tag: bytes[at]!, contents: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return found;
};

/** The first element; throws when there is none. */
export const elementOf = (bytes: Buffer): Element => elementsOf(bytes)[0] ?? broken();

const extent = (bytes: Buffer, at: number): { readonly start: number; readonly end: number } => {
  const first = bytes[at + 1] ?? broken();
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || more > 4 || at + 2 + more > bytes.length) broken();
  const start = at + 2 + more;
  const end = start + (more === 0 ? first : bytes.readUIntBE(at + 2, more));
  return end <= bytes.length ? { start, end } : broken();
};

/** A UTCTime or GeneralizedTime in the form of RFC 5280 (4.1.2.5: Z, with seconds), in milliseconds since 1970. */
export const momentOf = ({ tag, contents }: Element): number => {
  const digits = contents.toString("latin1");
  const full = tag === TAG.utcTime ? `${Number(digits.slice(0, 2)) < 50 ? "20" : "19"}${digits}` : digits;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? broken();
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
};

export const broken = (): never => {
  throw new RangeError("not DER");
};
