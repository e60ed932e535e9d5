/** Encodes the types of DER (X.690) that certificates need. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag, length, contents. */
export const encode = (tag: number, ...contents: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
};

const lengthOf = (length: number): Buffer => {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = minimal(length);
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
};

/** Big-endian, without leading zero bytes. */
const minimal = (value: number): Buffer =>
  Buffer.from(value.toString(16).padStart(value > 0xff ? 4 + (value > 0xffff ? 2 : 0) : 2, "0"), "hex");

export const sequence = (...items: readonly Uint8Array[]): Buffer => encode(TAG.sequence, ...items);
export const set = (...items: readonly Uint8Array[]): Buffer => encode(TAG.set, ...items);
export const boolean = (value: boolean): Buffer => encode(TAG.boolean, Buffer.from([value ? 0xff : 0]));
export const octetString = (bytes: Uint8Array): Buffer => encode(TAG.octetString, bytes);
export const utf8String = (text: string): Buffer => encode(TAG.utf8, Buffer.from(text, "utf8"));

/** An unsigned integer from its big-endian bytes. */
export const integer = (bytes: Uint8Array): Buffer => {
  const start = bytes.findIndex((byte) => byte !== 0);
  const significant = start === -1 ? Buffer.from([0]) : Buffer.from(bytes.subarray(start));
  return encode(TAG.integer, significant[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), significant]) : significant);
};

/** `unused`: number of unused bits in the last byte. */
export const bitString = (bytes: Uint8Array, unused = 0): Buffer => encode(TAG.bitString, Buffer.from([unused]), bytes);

/** Encodes an object identifier in dotted form, such as 2.5.29.15. */
export const oid = (dotted: string): Buffer => {
  const [first, second, ...rest] = dotted.split(".").map(Number) as [number, number, ...number[]];
  return encode(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
};

const base128 = (value: number): number[] => {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f));
  return digits;
};

/** UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5), in whole seconds. */
export const time = (date: Date): Buffer => {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/[-T:]/g, "")}Z`;
  return date.getUTCFullYear() < 2050
    ? encode(TAG.utcTime, Buffer.from(digits.slice(2)))
    : encode(TAG.generalizedTime, Buffer.from(digits));
};

/** Context tag [n], for a constructed value. */
export const tagged = (number: number, ...contents: readonly Uint8Array[]): Buffer =>
  encode(0xa0 | number, ...contents);
/** Context tag [n] IMPLICIT, for a primitive value. */
export const implicit = (number: number, bytes: Uint8Array): Buffer => encode(0x80 | number, bytes);
