import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { comment, doubleQuoted, python, singleQuoted, xml } from "../../../src/contract/snippets/quote.ts";
import { inShell } from "../../../src/common/shell-word.ts";
import { describeWith } from "../../kit/machine.ts";

const run = promisify(execFile);

/** Names of campaigns and fields as sites have them, and what could end or change a literal. */
const TEXTS = [
  "Alpha Campaign",
  `Quotes "double", 'single' and \`back\``,
  "R&D <Sales> & more",
  String.raw`C:\temp\new\u0041\\`,
  "ends with a backslash \\",
  "$HOME ${x} $(id) `id` !history",
  "100% %s {0} #{x} {{y}}",
  "Zürich – 東京 – 😀",
  "line\nbreak\r\n\ttab",
  "*/ // -- --> ]]> <!--",
  "\u2028\u2029\u00a0",
  "",
];

describe("literals of ECMAScript", () => {
  it.each(TEXTS)("keep %j", (text) => {
    expect(runInNewContext(doubleQuoted(text))).toBe(text);
    expect(runInNewContext(singleQuoted(text))).toBe(text);
  });
});

describeWith(["sh"], "words of a POSIX shell", (sh) => {
  it.each(TEXTS)("keep %j", async (text) => {
    const { stdout } = await run(sh!, ["-c", `printf %s ${inShell(text)}`]);
    expect(stdout).toBe(text);
  });
});

describeWith(["python3"], "literals of Python and XML", (program) => {
  it("keep every text in Python", async () => {
    const source = `import json\nprint(json.dumps([${TEXTS.map(python).join(", ")}]))`;
    const { stdout } = await run(program!, ["-c", source]);
    expect(JSON.parse(stdout)).toEqual(TEXTS);
  });

  it("keep every text in an attribute of XML", async () => {
    const document = `<a>${TEXTS.map((text) => `<b c="${xml(text)}"/>`).join("")}</a>`;
    const source =
      "import json, sys, xml.etree.ElementTree as tree\n" +
      "print(json.dumps([b.get('c') for b in tree.fromstring(sys.argv[1])]))";
    const { stdout } = await run(program!, ["-c", source, document]);
    expect(JSON.parse(stdout)).toEqual(TEXTS);
  });

  it("keep a comment of XML closed until its end", async () => {
    const document = `<a>${TEXTS.map((text) => `<!-- ${xml(comment(text))} -->`).join("")}<b/></a>`;
    const source = "import sys, xml.etree.ElementTree as tree\nprint(len(tree.fromstring(sys.argv[1])))";
    expect((await run(program!, ["-c", source, document])).stdout).toBe("1\n");
  });
});

describeWith(["java", "javac"], "literals of Java", (java) => {
  it("keep every text, whatever the encoding of the file", async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-quote-"));
    try {
      const list = TEXTS.map(doubleQuoted).join(", ");
      const body = `for (var text : new String[] {${list}}) System.out.println(hex(text));`;
      const hex =
        "static String hex(String text) { return java.util.HexFormat.of().formatHex(text.getBytes(" +
        "java.nio.charset.StandardCharsets.UTF_8)); }";
      const file = join(dir, "Echo.java");
      await writeFile(file, `class Echo { public static void main(String[] args) { ${body} } ${hex} }`);
      const { stdout } = await run(java!, ["-Dfile.encoding=US-ASCII", file]);
      expect(
        stdout
          .trimEnd()
          .split("\n")
          .concat("")
          .slice(0, TEXTS.length)
          .map((line) => Buffer.from(line, "hex").toString("utf8")),
      ).toEqual(TEXTS);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
