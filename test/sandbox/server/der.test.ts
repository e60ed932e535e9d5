import { describe, expect, it } from "vitest";
import {
  bitString,
  boolean,
  integer,
  octetString,
  oid,
  sequence,
  time,
  utf8String,
} from "../../../src/sandbox/server/der.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("DER", () => {
  it.each([
    ["0", [0], "020100"],
    ["127", [0x7f], "02017f"],
    ["128, with a zero in front to stay positive", [0x80], "02020080"],
    ["256", [1, 0], "02020100"],
    ["leading zeros", [0, 0, 5], "020105"],
  ])("writes the integer %s", (_, bytes, expected) => {
    expect(hex(integer(Buffer.from(bytes)))).toBe(expected);
  });

  it.each([
    ["1.2.840.10045.4.3.2", "06082a8648ce3d040302"],
    ["2.5.29.17", "0603551d11"],
    ["1.2.840.113549", "06062a864886f70d"],
  ])("writes the object identifier %s", (dotted, expected) => {
    expect(hex(oid(dotted))).toBe(expected);
  });

  it.each([
    [127, "047f"],
    [128, "048180"],
    [255, "0481ff"],
    [256, "04820100"],
    [65_536, "0483010000"],
  ])("writes the length %i", (length, expected) => {
    expect(hex(octetString(Buffer.alloc(length))).slice(0, expected.length)).toBe(expected);
  });

  it.each([
    ["2049-12-31T23:59:59Z", "UTC", "170d3439313233313233353935395a"],
    ["2050-01-01T00:00:00Z", "generalized", "180f32303530303130313030303030305a"],
  ])("writes %s as %s time", (text, _, expected) => {
    expect(hex(time(new Date(text)))).toBe(expected);
  });

  it("writes the other types as X.690 defines them", () => {
    expect(hex(sequence(boolean(true), utf8String("ü"), bitString(Buffer.from([0x06]), 1)))).toBe(
      "300b0101ff0c02c3bc03020106",
    );
  });
});
