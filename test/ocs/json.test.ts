import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scanJson, type JsonValue } from "../../src/ocs/json.ts";
import { JsonFault } from "../../src/ocs/json-fault.ts";
import { corpus } from "./corpus.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const scan = (text: string): JsonValue => scanJson(bytes(text));
const faultOf = (input: string | Uint8Array): JsonFault | undefined => {
  try {
    scanJson(typeof input === "string" ? bytes(input) : input);
    return undefined;
  } catch (error) {
    if (error instanceof JsonFault) return error;
    throw error;
  }
};

/** What JSON.parse would have made of it, last member winning; integers beyond 2^53 lose what JSON.parse loses. */
const asParsed = (value: JsonValue): unknown => {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (value.kind === "fraction") return value.value;
  if (value.kind === "array") return value.items.map(asParsed);
  return Object.fromEntries(value.members.map(({ key, value: member }) => [key, asParsed(member)]));
};

describe("scanJson", () => {
  it("keeps every member with its position, also duplicates", () => {
    expect(scan('{"b":1,"a":"x","b":null}')).toEqual({
      kind: "object",
      members: [
        { key: "b", value: 1 },
        { key: "a", value: "x" },
        { key: "b", value: null },
      ],
    });
  });

  it.each([
    '"GSW\\u005fPHONE"',
    '"\\u0047SW_PHONE"',
    '"GSW_PHONE"',
    '"\\u0047\\u0053\\u0057\\u005F\\u0050\\u0048\\u004f\\u004E\\u0045"',
  ])("decodes the key %s to the same key", (key) => {
    expect(scan(`{${key}:1}`)).toEqual({ kind: "object", members: [{ key: "GSW_PHONE", value: 1 }] });
  });

  it.each([
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", 9007199254740993n],
    ["-9223372036854775809", -9223372036854775809n],
    ["10000000000000000999", 10000000000000000999n],
    ["0", 0],
    ["-7", -7],
  ])("keeps %s exact", (text, value) => {
    expect(scan(text)).toBe(value);
  });

  it.each([
    ["1.0", 1],
    ["1e2", 100],
    ["1E+2", 100],
    ["0.5", 0.5],
    ["-2.5e-3", -0.0025],
  ])("marks %s as a fraction", (text, value) => {
    expect(scan(text)).toEqual({ kind: "fraction", value });
  });

  it.each([
    ["minus zero", "[-0]"],
    ["minus zero as a fraction", "[-0.0]"],
    ["infinity", "[1e999]"],
    ["a leading zero", "01"],
    ["a plus", "+1"],
    ["hexadecimal", "0x1"],
    ["NaN", "NaN"],
    ["a bare dot", ".5"],
    ["a BOM", "\ufeff{}"],
    ["U+0000 escaped", '"a\\u0000b"'],
    ["a raw line feed in a string", '"a\nb"'],
    ["a raw tab in a string", '"a\tb"'],
    ["a comment", "{}//"],
    ["a trailing comma", '{"a":1,}'],
    ["single quotes", "{'a':1}"],
    ["two values", "{}{}"],
    ["a form feed between", "[1,\f2]"],
    ["a no-break space between", "[1,\u00a02]"],
    ["\\x", '"\\x41"'],
    ["\\u with signs", '"\\u+041"'],
    ["\\u with blanks", '"\\u 041"'],
    ["True", "True"],
  ])("refuses %s", (_, text) => {
    expect(faultOf(text)).toMatchObject({ truncated: false });
  });

  it.each(["\\ud800", "\\udc00", "\\udc00\\ud800", "a\\ud83d", "\\ud83dx", "\\ud83d\\ud83d\\ude00"])(
    "refuses the lone surrogate in %s",
    (inside) => {
      expect(faultOf(`{"a":"${inside}"}`)?.message).toMatch(/^a lone surrogate/);
      expect(faultOf(`{"${inside}":1}`)?.message).toMatch(/^a lone surrogate/);
    },
  );

  it("reads a surrogate pair", () => {
    expect(scan('"\\ud83d\\ude00😀"')).toBe("😀😀");
  });

  it.each(["__proto__", "constructor", "prototype", "\\u005f_proto__", "__pro\\u0074o__"])(
    "refuses the key %s, at any depth",
    (key) => {
      expect(faultOf(`{"${key}":{"admin":true}}`)?.message).toMatch(/^a key that no request may carry/);
      expect(faultOf(`{"a":[{"${key}":1}]}`)?.message).toMatch(/^a key that no request may carry/);
    },
  );

  it("accepts a depth of at most 4", () => {
    expect(faultOf('{"a":{"b":{"c":{}}}}')).toBeUndefined();
    expect(faultOf("[[[[1]]]]")).toBeUndefined();
    expect(faultOf('{"a":{"b":{"c":{"d":{}}}}}')?.message).toMatch(/^nesting deeper than 4/);
    expect(faultOf("[[[[[1]]]]]")?.message).toMatch(/^nesting deeper than 4/);
  });

  it("accepts at most 128 members in total", () => {
    const object = (count: number): string =>
      `{${Array.from({ length: count }, (_, index) => `"k${index}":1`).join(",")}}`;
    expect(faultOf(object(128))).toBeUndefined();
    expect(faultOf(object(129))?.message).toMatch(/^more than 128 members/);
    expect(faultOf(`[${"1,".repeat(128)}1]`)?.message).toMatch(/^more than 128 members/);
    expect(faultOf(`[${object(64)},${object(63)}]`)?.message).toMatch(/^more than 128 members/);
  });

  it.each([
    ['{\n  "a": 1,\n  "b" 2\n}', 'expected ":" at line 3, column 7'],
    ['{"a":1 2}', 'expected "," or "}" at line 1, column 8'],
    ["[1 2]", 'expected "," or "]" at line 1, column 4'],
    ["[1,2", 'the text ends early: expected "," or "]" at line 1, column 5'],
    ['{"a":1,}', "expected a key in double quotes at line 1, column 8"],
    ['{"a":}', "expected a value at line 1, column 6"],
    ["[tru", "the text ends early: expected a value at line 1, column 2"],
    ["[1e", "the text ends early: expected a number at line 1, column 3"],
    ['{"a":"b', "the text ends early: expected the quotation mark at the end of a string at line 1, column 8"],
    ['{"a":"b\nc"}', "a control character inside a string at line 1, column 8"],
  ])("says of %j what it expected, with line and column", (body, message) => {
    expect(faultOf(body)?.message).toBe(message);
  });

  it.each([
    ["an overlong slash", [0x22, 0xc0, 0xaf, 0x22]],
    ["a surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["beyond U+10FFFF", [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ["0xFF at the end", [0x22, 0xff]],
    ["Latin-1", [0x22, 0xe4, 0x22]],
    ["a continuation byte without a start", [0x22, 0x80, 0x22]],
    ["an overlong start at the end", [0x22, 0xc0]],
    ["UTF-16", [0x22, 0x00, 0x41, 0x00, 0x22, 0xfe, 0xff]],
  ])("refuses bytes that are not UTF-8: %s", (_, octets) => {
    expect(faultOf(Uint8Array.from(octets))).toMatchObject({
      message: expect.stringMatching(/UTF-8/),
      truncated: false,
    });
  });

  it.each<[string, readonly number[], RegExp]>([
    [
      "Latin-1",
      [...Buffer.from('{\n  "N": "M'), 0xfc, ...Buffer.from('ller"}')],
      /^bytes that are not UTF-8: 0xFC \(it looks like Latin-1\); send UTF-8 at line 2, column 10$/,
    ],
    [
      "Latin-1 after characters of several bytes",
      [...Buffer.from('{"é😀":"'), 0xe9, 0x22, 0x7d],
      /0xE9 \(it looks like Latin-1\); send UTF-8 at line 1, column 9$/,
    ],
    ["Windows-1252", [0x22, 0x80, 0x22], /^bytes that are not UTF-8: 0x80; send UTF-8 at line 1, column 2$/],
    [
      "a character that is broken off",
      [0x22, 0xe2, 0x82, 0x41, 0x22],
      /^bytes that are not UTF-8: 0xE2; send UTF-8 at line 1, column 2$/,
    ],
    [
      "UTF-16, little end first",
      [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00],
      /^bytes that are not UTF-8 but UTF-16; send UTF-8 at line 1, column 1$/,
    ],
    ["UTF-16, big end first", [0xfe, 0xff, 0x00, 0x7b, 0x00, 0x7d], /but UTF-16/],
    [
      "a BOM",
      [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
      /^a byte order mark \(BOM\) in front of the text; send UTF-8 without one at line 1, column 1$/,
    ],
  ])("reports %s with its position", (_, octets, message) => {
    expect(faultOf(Uint8Array.from(octets))).toMatchObject({
      message: expect.stringMatching(message),
      truncated: false,
    });
  });

  it.each([
    ["opening brackets", "[".repeat(65_536)],
    ["opening objects", '{"a":'.repeat(13_107)],
    ["a long string", `"${"\\u0041".repeat(10_922)}`],
    ["a long number", "9".repeat(65_536)],
    ["blanks", " ".repeat(65_536)],
  ])("refuses 64 KiB of %s quickly", (_, text) => {
    // A scanner that looks at the text again and again would not be done within the test's time.
    for (let round = 0; round < 100; round++) expect(faultOf(text)).toBeDefined();
  });

  const sample =
    '{"GSW_PHONE":"4155550100","GSW_CALL_RESULT":-33,"Übung":"\\u00e4\\ud83d\\ude00😀ß\\n",' +
    '"N":[true,false,null,1.5e+10,-0.25],"P":{"camp_group_data":{}} }';

  it("recognizes a text truncated at any position", () => {
    const whole = bytes(sample);
    expect(faultOf(whole)).toBeUndefined();
    const unnoticed = Array.from(whole.keys()).filter((cut) => faultOf(whole.subarray(0, cut))?.truncated !== true);
    expect(unnoticed).toEqual([]);
  });

  it.each([
    "[1.",
    "[1e",
    "[1E+",
    "[1.5e-",
    "[-",
    '["\\',
    '["\\u',
    '["\\u00',
    "[tru",
    "[n",
    "{",
    '{"a"',
    '{"a":',
    "",
    "  ",
  ])("reports %j as truncated", (text) => {
    expect(faultOf(text)).toMatchObject({ truncated: true });
  });

  it.each(["[1.]", "[1e]", "[-]", "[1.e5", "[trux", '["\\x', '["\\u00zz', "}", "[1}", '{"a";'])(
    "reports %j as malformed, not truncated",
    (text) => {
      expect(faultOf(text)).toMatchObject({ truncated: false });
    },
  );
});

const suite = corpus("json-testsuite");

describe.skipIf(suite.absent)("JSONTestSuite", () => {
  const files = (letter: string): string[] =>
    suite.files("test_parsing").filter((file) => file.startsWith(`${letter}_`));
  const verdictOf = (file: string): string | undefined => faultOf(suite.bytes(`test_parsing/${file}`))?.message;

  // Refused by policy: numbers that do not survive, and U+0000, which ends strings in databases and logs.
  const BY_POLICY: Record<string, RegExp> = {
    "y_number_minus_zero.json": /^a number that cannot be kept exact/,
    "y_number_negative_zero.json": /^a number that cannot be kept exact/,
    "y_object_escaped_null_in_key.json": /^U\+0000/,
    "y_string_null_escape.json": /^U\+0000/,
  };

  it("accepts all but 4 of the 95 valid texts, and reads them like JSON.parse", () => {
    expect(files("y")).toHaveLength(95);
    for (const file of files("y")) {
      const policy = BY_POLICY[file];
      if (policy) expect(verdictOf(file), file).toMatch(policy);
      else
        expect(asParsed(scanJson(suite.bytes(`test_parsing/${file}`))), file).toEqual(
          JSON.parse(suite.bytes(`test_parsing/${file}`).toString("utf8")),
        );
    }
  });

  it("refuses all 188 invalid texts", () => {
    expect(files("n")).toHaveLength(188);
    expect(files("n").filter((file) => verdictOf(file) === undefined)).toEqual([]);
  });

  // Integers of any size are exact; a fraction is no attribute's value, so what it rounds to never leaves.
  it("accepts 5 of the 35 implementation-defined texts", () => {
    expect(files("i")).toHaveLength(35);
    expect(files("i").filter((file) => verdictOf(file) === undefined)).toEqual([
      "i_number_double_huge_neg_exp.json",
      "i_number_real_underflow.json",
      "i_number_too_big_neg_int.json",
      "i_number_too_big_pos_int.json",
      "i_number_very_big_negative_int.json",
    ]);
  });
});

describe("scanJson compared with JSON.parse", () => {
  const whatParseSays = (text: string): { value: unknown } | undefined => {
    try {
      return { value: JSON.parse(text) as unknown };
    } catch {
      return undefined;
    }
  };
  /**
   * Holds a text to the rule: what is accepted here is accepted there, and means the same. True when it was accepted.
   */
  const compare = (text: string): boolean => {
    if (faultOf(text)) return false;
    expect(whatParseSays(text)).toEqual({ value: asParsed(scan(text)) });
    return true;
  };

  it("reads everything that JSON.stringify writes, within the limits of depth and members", () => {
    const leaf = fc.oneof(
      fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
      fc.integer(),
      fc.double({ noDefaultInfinity: true, noNaN: true }).filter((number) => !Object.is(number, -0)),
      fc.boolean(),
      fc.constant(null),
    );
    const key = fc
      .string({ unit: "grapheme", maxLength: 8 })
      .filter((text) => !text.includes("\0") && !["__proto__", "constructor", "prototype"].includes(text));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(key, tie("tree"), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
        expect(compare(JSON.stringify(value, undefined, indent))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it("accepts no nearly valid text that JSON.parse refuses", () => {
    const scrap = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      '"a"',
      '"GSW_PHONE"',
      "1",
      "-",
      "0",
      ".",
      "e",
      "E+",
      "true",
      "fals",
      "null",
      " ",
      "\n",
      "\t",
      "\f",
      "\\",
      "\\u00",
      "41",
      "\\n",
      "/",
      "'",
      "é",
      "\u2028",
      '{"a":',
      '"x"}',
      "9007199254740993",
      "1.5",
      "1e5",
    );
    let met = 0;
    fc.assert(
      fc.property(
        fc.array(scrap, { maxLength: 9 }).map((scraps) => scraps.join("")),
        (text) => {
          if (compare(text)) met++;
        },
      ),
      { numRuns: 6000 },
    );
    expect(met).toBeGreaterThan(100);
  });

  it("accepts no text with one changed character that JSON.parse refuses", () => {
    const valid = '{"GSW_PHONE":"415\\u0035550100","N":[1,2.5e3,-4,true,null],"O":{"p":"\\"q\\\\"}}';
    fc.assert(
      fc.property(
        fc.nat(valid.length),
        fc.nat(1),
        fc.oneof(
          fc.constant(""),
          fc.string({ minLength: 1, maxLength: 1 }),
          fc.string({ unit: "binary", minLength: 1, maxLength: 1 }).filter((text) => text.isWellFormed()),
        ),
        (at, skip, put) => {
          compare(valid.slice(0, at) + put + valid.slice(at + skip));
        },
      ),
      { numRuns: 4000 },
    );
  });
});
