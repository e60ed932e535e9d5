import { describe, expect, it } from "vitest";
import { hasPhoneNumber, maskNumbers, maskWarning } from "../../src/common/mask.ts";

describe("maskNumbers", () => {
  it.each([
    ["4155550100", "······0100"],
    ["+1 415 555-0100", "······0100"],
    ["(415) 555 0100", "······0100"],
    ["tel:4155550100", "tel:······0100"],
    ["x4155550100", "x······0100"],
    ["415.555.0100 ext 5", "······0100 ext 5"],
    ["4155550100 and 4155550101", "······0100 and ······0101"],
    ["/A/415/555/0100/B", "/A/······0100/B"],
    ["415_555_0100", "······0100"],
    ["415,555,0100", "······0100"],
    ["415:555:0100", "······0100"],
    ["415;555|0100", "······0100"],
    ["415*555#0100", "······0100"],
    ["415&555=0100", "······0100"],
    ["415\\555~0100", "······0100"],
    ["4 1 5 5 5 5 0 1 0 0", "······ 0 0"],
    ["415 ––– 555 0100", "······0100"],
    ["415\u00a0555\u20110100", "······0100"],
    ["415\u200b555\u20600100", "······0100"],
    ["415\u202e555\u202c0100", "······0100"],
    ["415😀5550100", "······0100"],
    ["４１５５５５０１００", "······０１００"],
    ["٤١٥٥٥٥٠١٠٠", "······٠١٠٠"],
    ["①②③④⑤⑥⑦", "······④⑤⑥⑦"],
    ["5550100", "······0100"],
    ["12147483647", "······3647"],
  ])("changes %s to %s", (text, masked) => expect(maskNumbers(text)).toBe(masked));

  it.each([
    "",
    "Alpha List",
    "List 2026",
    "2026-11",
    "records 101, campaign 106, group 107",
    "from 0 to 2147483647",
    "OCSGW-2103",
    "112",
  ])("does not change a text without phone numbers: %s", (text) => expect(maskNumbers(text)).toBe(text));

  it("takes linear time", () => {
    const texts = [
      "1     ".repeat(50_000),
      "1,".repeat(100_000),
      `${"1 ".repeat(5)}x`.repeat(20_000),
      "(".repeat(200_000),
      "1".repeat(200_000),
    ];
    const ms = (text: string): number => {
      const began = performance.now();
      for (let time = 0; time < 5; time++) maskNumbers(text);
      return performance.now() - began;
    };
    for (const text of texts) expect(ms(text)).toBeLessThan(40 * ms(text.slice(0, text.length / 8)) + 200);
  });
});

describe("hasPhoneNumber", () => {
  it.each([
    ["4155550100", true],
    ["call back +1 (415) 555-0100", true],
    ["415 555 010", true],
    ["41555501", false],
    ["K4155550100", false],
    ["case 2026-114", false],
  ])("decides whether a typed text may contain a phone number: %s, %s", (text, has) =>
    expect(hasPhoneNumber(text)).toBe(has),
  );
});

describe("maskWarning", () => {
  it.each([
    ["112", "112"],
    ["415555010", "415555010"],
    ["4155550100", "······0100"],
    ["112 x 4155550100", "112 x ······0100"],
  ])("changes OCS's Warning %s to %s", (warning, masked) => expect(maskWarning(warning)).toBe(masked));
});
