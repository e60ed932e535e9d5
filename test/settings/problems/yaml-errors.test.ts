/** Mistakes in YAML, and what `check` says about each: the place to look at, and words that are not the parser's. */
import { describe, expect, it } from "vitest";
import { parseYaml } from "../../../src/settings/yaml.ts";

/** `also`: the further place, as line:column. */
type Case = [mistake: string, text: string, place: string, message: RegExp, help: RegExp, also?: string];

const CASES: readonly Case[] = [
  ["a tab", "a:\n\tb: 1\n", "2:1", /a tab is used for indentation/, /spaces only/],
  ["a tab after a dash", "- a\n-\tb: 1\n\tc: 2\n", "2:2", /a tab is used/, /spaces only/],
  [
    "a list that is not closed",
    "a: [b\nc: 1\n",
    "1:4",
    /the list that begins with \[ is not closed/,
    /add \] at its end/,
  ],
  [
    "a list that is not closed at the end",
    "a: [b",
    "1:4",
    /before the end of the file, which may be cut off/,
    /add \]/,
  ],
  ["a map that is not closed", "a: { b: 1\nc: 2\n", "1:4", /the map that begins with \{ is not closed/, /add \}/],
  ["the inner list that is not closed", 'a: [[b], "]", [c\nd: 1\n', "1:15", /the list/, /add \]/],
  ["a list whose lines are not indented", "a:\n  b: [\n1\n]\n", "2:6", /the list/, /indent that line more/],
  ["a quote that is not closed", 'a: "b\nc: 1\n', "1:4", /no closing quote/, /add the closing quote/],
  ["a quote that is not closed before another", "x:\n  a: 'b\n  c: 'd'\n", "2:6", /no closing quote/, /add/],
  [
    "a line that is indented less",
    "a:\n  b: 1\n c: 2\n",
    "3:2",
    /not indented like the other keys/,
    /line above may be/,
  ],
  ["such a line with CRLF", "a:\r\n  b: 1\r\n c: 2\r\n", "3:2", /not indented like the other keys/, /line above/],
  ["a line that is indented more", "a:\n  b: 1\n   c: 2\n", "3:4", /indented more than the line above/, /alike/, "2:6"],
  ["the same below an empty line", "a:\n  b: 1\n\n   c: 2\n", "4:4", /indented more/, /alike/, "2:6"],
  [
    "a key of a list item that is indented less",
    "a:\n  - b: 1\n   c: 2\n",
    "3:4",
    /neither a list item/,
    /begin it with -/,
  ],
  ["an item that is indented less", "a:\n    - b\n  - c\n", "3:3", /a list item where a key/, /indented differently/],
  ["an item after a key", "a: 1\n- b\n", "2:1", /a list item where a key/, /may lack its -/],
  ["a key below an item", "a:\n  - b: 1\n  c: 2\n", "3:3", /not indented like the other keys/, /or its - does not/],
  ["a key after a list", "- a\nb: 1\n", "2:1", /a key follows a list/, /begin the line with -/],
  ["no space after a colon", "a:1\nb: 2\n", "1:1", /expected a space after the colon/, /name: value/],
  ["no space after a later colon", "b: 2\na:1\nc: 3\n", "2:1", /expected a space after the colon/, /name: value/],
  ["no colon", "x:\n  a: 1\n  b\n  c: 2\n", "3:3", /expected a colon and a value/, /name: value/],
  ["no colon at the end", "a: 1\nb", "2:1", /expected a colon and a value/, /name: value/],
  ["no space after a dash", "a:\n  - b\n  -c\n", "3:3", /expected a space after -/, /- value/],
  ["no space after the first dash", "a:\n  -b\n  -c: 1\n", "2:3", /expected a space after -/, /- value/],
  ["a second colon", "a: b: c\n", "1:4", /a second colon/, /quote the value/],
  ["an item in the line of its key", "a: - b\n", "1:4", /cannot begin in the line of its key/, /a line of its own/],
  ["a value with @", "a: @b\n", "1:4", /begins with @ must be quoted/, /quote the value/],
  ["a value with a backtick", "a: `b`\n", "1:4", /begins with ` must be quoted/, /quote the value/],
  ["a single *", "a: *\n", "1:4", /begins with \* must be quoted/, /quote the value/],
  ["two commas", "a: [b,,c]\n", "1:7", /no value before this comma/, /remove the comma/],
  ["no comma between keys", "a: {b: 1 c: 2}\n", "1:8", /expected a comma/, /with commas/],
  ["no comma between texts", 'a: ["b" "c"]\n', "1:9", /expected a comma/, /with commas/],
  ["dashes inside brackets", "a: [\n - b\n]\n", "2:2", /inside \[ \] has no -/, /with commas/],
  ["a variable inside braces", "a: {${X}: 1}\n", "1:5", /with \{ or \} must be quoted/, /"\$\{VAR\}"/],
  ["one ] too many", "a: [b]]\n", "1:7", /\] closes nothing: there is no open \[/, /remove it/],
  ["one } too many", "a: }\n", "1:4", /\} closes nothing: there is no open \{/, /remove it/],
  ["text after a quote", 'a: "b" c\n', "1:8", /unexpected text after the end/, /quote the whole value/],
  ["an unknown escape", 'a: "\\d+"\n', "1:5", /\\d is not one/, /single quotes/],
  ["no space before a comment", 'a: "b"#c\n', "1:7", /a space before #/, /write a space/],
  ["text behind |", "a: | x\n", "1:6", /must begin in the next line/, /quote the value/],
  ["a merge conflict", "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n", "1:1", /merge conflict/, /remove the markers/],
  ["a directive without ---", "%YAML 1.2\na: 1\n", "1:1", /directive of YAML/, /remove the line/],
  ["a very long key", `${"a".repeat(1100)}: 1\n`, "1:1", /longer than 1024/, /missing quote/],
  ["a placeholder of a template", "a: {{ name }}\n", "1:5", /found a map in \{ \}/, /the template was not filled in/],
];

const ENGLISH_OF_THE_PARSER = /implicit|flow|mapping|sequence|indicator|scalar|node|token|\[object|undefined/i;

describe("a mistake in YAML", () => {
  it.each<Case>([...CASES])("is explained where it is: %s", (_, text, place, message, help, also) => {
    const [first] = parseYaml(text).broken;
    expect(first).toBeDefined();
    expect(`${first!.line}:${first!.column}`).toBe(place);
    expect(first!.message).toMatch(message);
    expect(first!.message).not.toMatch(ENGLISH_OF_THE_PARSER);
    expect(first!.help).toMatch(help);
    expect(first!.also && `${first!.also.line}:${first!.also.column}`).toBe(also);
  });

  it("that the table does not have keeps the parser's words, marked as such", () => {
    const [first] = parseYaml("a: !!str !!int 1\n").broken;
    expect(first).toMatchObject({ line: 1, column: 10 });
    expect(first!.message).toBe(
      "not YAML: this line or the one above is malformed (parser: A node can have at most one tag)",
    );
  });
});
