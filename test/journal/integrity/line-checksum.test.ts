import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isSealed, sealLine, SEAL_BYTES } from "../../src/journal/seal.ts";

const sealed = (line: string): string => {
  const bytes = Buffer.alloc(2 + Buffer.byteLength(line) + SEAL_BYTES);
  const end = sealLine(bytes, 2, 2 + bytes.write(line, 2));
  return bytes.toString("utf8", 2, end);
};
const isGood = (line: string): boolean => isSealed(Buffer.from(line), 0, Buffer.byteLength(line));

describe("a line's seal", () => {
  it("is the CRC-32 of what stands before it, in the line's last member", () => {
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

  it("is of the published test vector", () => {
    expect(sealed("123456789}")).toBe(`123456789,"crc":${0xcbf43926}}`);
  });

  it("shows every byte that was altered, and is not missed when it is gone", () => {
    const whole = sealed('{"index":7,"time":"2026-11-22T12:04:31.218123Z","kind":"stop","reason":"x"}');
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      for (let bit = 0; bit < 8; bit++) {
        bytes[at]! ^= 1 << bit;
        expect(isSealed(bytes, 0, bytes.length), `bit ${bit} of byte ${at}`).toBe(false);
        bytes[at]! ^= 1 << bit;
      }
    }
    for (const other of ["{}", "", '{"index":7}', '{"crc":5}', `${whole} `, whole.slice(0, -1)])
      expect(isGood(other)).toBe(false);
  });
});
