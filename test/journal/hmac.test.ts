import { createHmac } from "node:crypto";
import { assert, property, string, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { hmacWith } from "../../src/journal/hmac.ts";

const ofThePlatform = (key: Uint8Array, text: string): string => createHmac("sha256", key).update(text).digest("hex");

describe("hmacWith", () => {
  it("equals the platform's HMAC for any key and any sequence of texts", () => {
    assert(
      property(
        uint8Array({ minLength: 1, maxLength: 200 }),
        string({ unit: "binary", maxLength: 2000 }),
        string({ unit: "grapheme", maxLength: 50 }),
        (key, first, second) => {
          const hmac = hmacWith(key);
          for (const text of [first, second, first]) expect(hmac(text)).toBe(ofThePlatform(key, text));
        },
      ),
    );
  });

  it.each([0, 1, 63, 64, 65, 128])("accepts a key of %i bytes, shorter or longer than a block", (length) => {
    const key = Buffer.alloc(length, 0xaa);
    expect(hmacWith(key)("phone\u00004155550100")).toBe(ofThePlatform(key, "phone\u00004155550100"));
  });

  it("accepts a text larger than its buffer, and short ones after it", () => {
    const key = Buffer.from("a key of sixteen");
    const hmac = hmacWith(key);
    for (const text of ["", "ä".repeat(100_000), "x", "💶".repeat(400)])
      expect(hmac(text)).toBe(ofThePlatform(key, text));
  });
});
