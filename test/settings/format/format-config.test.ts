import fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Document, isMap, isScalar, parse, parseDocument, visit } from "yaml";
import { formatConfig, NotFormattable } from "../../../src/settings/format/format-config.ts";

const SAMPLE = readFileSync(new URL("../../../config/ocsgw.yaml", import.meta.url), "utf8");
const formatted = (text: string, isTenants = false): string => formatConfig(text, { isTenants });
const lines = (...of: readonly string[]): string => `${of.join("\n")}\n`;

describe("the form of a config", () => {
  it("is that of the sample", () => expect(formatted(SAMPLE)).toBe(SAMPLE));

  it("has keys in the order of the schema, each with the comments above it", () => {
    const text = lines(
      "version: 1",
      "drain:",
      "  # why",
      "  delay: 5s",
      "# who asks",
      "listeners:",
      "- tls: none",
      "  name: a",
    );
    expect(formatted(text)).toBe(
      lines(
        "version: 1",
        "",
        "# who asks",
        "listeners:",
        "  - name: a",
        "    tls: none",
        "",
        "drain:",
        "  # why",
        "  delay: 5s",
      ),
    );
  });

  it.each([
    [
      "the comment about the file on top",
      lines("# the file", "", "tenants: []", "version: 1"),
      /^# the file\nversion: 1\n/,
    ],
    [
      "a comment at the end of a section there",
      lines("audit:", "  dir: a", "  # more of audit", "version: 1"),
      /dir: a\n {2}# more of audit\n$/,
    ],
    ["a comment at the end of the file there", lines("audit: {}", "version: 1", "# the end"), /# the end\n$/],
    ["a comment behind a value there", lines("version: 1   # one"), /version: 1 {3}# one/],
    [
      "names of clients in their order",
      lines("tenants:", "  - clients:", "      b: {}", "      a: {}"),
      /b: {}\n {6}a: {}/,
    ],
    [
      "what stands in braces",
      lines("audit: {redact: {others: drop},   dir: x}"),
      /{redact: {others: drop}, {3}dir: x}/,
    ],
    [
      "the quotes of a value",
      lines("version: 1", "audit:", "  dir: 'it''s'", '  index_key: "\\x41"'),
      /'it''s'\n.*"\\x41"/,
    ],
    [
      "a text of several lines",
      lines("audit:", "    index_key: |", "        # text", "", "          x  "),
      /\|\n {6}# text\n\n {8}x {2}\n/,
    ],
    ["a quoted text over lines", lines("audit:", "      dir: 'a", "          b'"), /dir: 'a\n {6}b'/],
    ["a list on the line of another one", lines("tests:", "  - - a", "    - b"), /^tests:\n {2}- - a\n {4}- b\n$/],
    ["the mark of a document", lines("%YAML 1.2", "---", "tenants: []", "version: 1"), /^%YAML 1\.2\n---\nversion: 1/],
    ["line ends of Windows", "version:   1\r\ntenants: []\r\n", /^version: 1\r\ntenants: \[\]\r\n$/],
  ])("keeps %s", (_, text, expected) => {
    expect(formatted(text)).toMatch(expected);
    expect(formatted(formatted(text))).toBe(formatted(text));
  });

  it.each([
    [
      "indentation of any depth",
      lines("audit:", "      redact:", "            phone: drop"),
      lines("audit:", "  redact:", "    phone: drop"),
    ],
    [
      "lists at the column of their key",
      lines("tenants:", "- lists:", "  - a", "  -   b"),
      lines("tenants:", "  - lists:", "      - a", "      - b"),
    ],
    [
      "an item below its dash",
      lines("tenants:", "  -", "    # first", "    name: a"),
      lines("tenants:", "  # first", "  - name: a"),
    ],
    ["spaces after a colon and at the end of a line", "version:    1  \n", "version: 1\n"],
    ["several empty lines", "\n\nversion: 1\n\n\n\n# b\n\ntenants: []\n\n", "version: 1\n\n# b\n\ntenants: []\n"],
    ["a missing line end", "version: 1", "version: 1\n"],
  ])("evens out %s", (_, text, expected) => expect(formatted(text)).toBe(expected));

  it("is the same for a list of tenants.d", () => {
    expect(formatted(lines("- dbid: 101", "  name: Alpha"), true)).toBe(lines("- name: Alpha", "  dbid: 101"));
  });

  it.each([
    ["not YAML", "version: [1\n"],
    ["empty", ""],
    ["a single value", "version\n"],
    ["all in braces", "{ version: 1 }\n"],
    ["of duplicate keys", lines("version: 1", "version: 2")],
    ["with an alias", lines("admin: &a { bind: x }", "audit: *a")],
    ["with a merged alias", lines("admin: &a { bind: x }", "audit:", "  <<: *a")],
  ])("does not exist for a text that is %s", (_, text) => {
    expect(() => formatted(text)).toThrow(NotFormattable);
  });

  it("does not depend on the order of keys and the indentation in which a file was written", () => {
    const plain = withoutComments(SAMPLE);
    const expected = formatted(plain);
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 7 }), fc.boolean(), (seed, indent, indentSeq) => {
        const document = shuffled(plain, seed);
        expect(formatted(document.toString({ indent, indentSeq, lineWidth: 0 }))).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("never loses a comment or changes a value, wherever comments and empty lines stand", () => {
    const written = SAMPLE.split("\n");
    const insertion = fc.record({
      at: fc.nat(written.length),
      text: fc.constantFrom("", "# c", "  # c", "    # - c: 1", "          # far: right", "      "),
    });
    fc.assert(
      fc.property(fc.array(insertion, { maxLength: 12 }), (insertions) => {
        const text = insertions
          .toSorted((one, other) => other.at - one.at)
          .reduce((all, { at, text: added }) => all.toSpliced(at, 0, added), written)
          .join("\n");
        const result = formatted(text);
        expect(parse(result)).toEqual(parse(text));
        expect(result.match(/#.*/g)!.toSorted()).toEqual(text.match(/#.*/g)!.toSorted());
        expect(formatted(result)).toBe(result);
      }),
      { numRuns: 150 },
    );
  });
});

const withoutComments = (text: string): string => {
  const document = parseDocument(text);
  document.commentBefore = null;
  document.comment = null;
  visit(document, {
    Node: (_, node) => {
      node.commentBefore = null;
      node.comment = null;
      node.spaceBefore = false;
    },
  });
  return document.toString({ lineWidth: 0 });
};

/** The same values with the keys of each block in another order; names of clients and upstreams stay. */
const shuffled = (text: string, seed: number): Document => {
  const document = parseDocument(text);
  let state = seed;
  const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0);
  visit(document, {
    Map: (_, map, path) => {
      const parent = path.at(-1);
      const name = parent && "key" in parent && isScalar(parent.key) ? parent.key.value : undefined;
      if (map.flow !== true && name !== "clients" && name !== "upstreams" && isMap(map))
        map.items = map.items
          .map((pair) => ({ pair, order: next() }))
          .toSorted((one, other) => one.order - other.order)
          .map(({ pair }) => pair);
    },
  });
  return document;
};
