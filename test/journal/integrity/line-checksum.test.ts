import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { hasValidChecksum, appendChecksum, CHECKSUM_BYTES } from "../../../src/journal/integrity/line-checksum.ts";

const sealed = (line: string): string => {
  const bytes = Buffer.alloc(2 + Buffer.byteLength(line) + CHECKSUM_BYTES);
  const end = appendChecksum(bytes, 2, 2 + bytes.write(line, 2));
  return bytes.toString("utf8", 2, end);
};
const isGood = (line: string): boolean => hasValidChecksum(Buffer.from(line), 0, Buffer.byteLength(line));

describe("a line's checksum", () => {
  it("is the CRC-32 of the bytes before it, in the line's last member", () => {
    let shortest = 10;
    for (let number = 0; number < 20_000; number++) {
      const line = `{"index":${number},"text":"ä"}`;
      const whole = sealed(line);
      const sum = crc32(line.slice(0, -1));
      shortest = Math.min(shortest, String(sum).length);
      expect(whole).toBe(`${line.slice(0, -1)},"crc":${sum}}`);
      expect(isGood(whole)).toBe(true);
    }
    expect(shortest).toBeLessThan(8);
  });

  it("matches the published test vector", () => {
    expect(sealed("123456789}")).toBe(`123456789,"crc":${0xcbf43926}}`);
  });

  it("detects every changed byte, and its own removal", () => {
    const whole = sealed('{"index":7,"time":"2026-11-22T12:04:31.218123Z","kind":"stop","reason":"x"}');
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      for (let bit = 0; bit < 8; bit++) {
        bytes[at]! ^= 1 << bit;
        expect(hasValidChecksum(bytes, 0, bytes.length), `bit ${bit} of byte ${at}`).toBe(false);
        bytes[at]! ^= 1 << bit;
      }
    }
    for (const other of ["{}", "", '{"index":7}', '{"crc":5}', `${whole} `, whole.slice(0, -1)])
      expect(isGood(other)).toBe(false);
  });
});
