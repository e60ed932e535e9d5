/** Files that are broken, huge or made to exhaust a reader: each is judged in seconds, and never called clean. */
import { describe, expect, it } from "vitest";
import { KINDS, kindNamed } from "../../src/lint/kinds.ts";
import { lintText, type FileJudged } from "../../src/lint/lint.ts";

const judge = (kind: string, text: string): FileJudged => lintText(text, kindNamed(kind)!, { ocs: new Set() });
const rulesOf = ({ problems }: FileJudged): readonly string[] => [...new Set(problems.map(({ rule }) => rule))];

const bomb = `<?xml version="1.0"?>
<!DOCTYPE scxml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<scxml><state id="&c;&c;&c;"/></scxml>`;

describe("a file that cannot be read", () => {
  it.each<[string, string, string, number]>([
    ["scxml", "an element that is not closed", "<scxml>\n<state>\n</scxml>", 3],
    ["scxml", "entities that would multiply", bomb, 3],
    ["scxml", "an external entity", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<a>&x;</a>', 2],
    ["scxml", "a script with an error", "<scxml>\n<script>\nvar x = ;</script></scxml>", 3],
    ["scxml", "elements nested 1,000 deep", "<a>".repeat(1000), 1],
    ["vxml", "no XML", "POST /records/15", 1],
    ["workflow", "nothing", "", 1],
    ["har", "text that is cut off", '{"log": {"entries": [\n{"request": {"url": "http', 2],
    ["har", "JSON that is no HAR", '{"entries": []}', 1],
    ["har", "values nested 100,000 deep", "[".repeat(100_000), 1],
    ["http", "no request", "hello\nworld", 1],
    ["shell", "a quote that is not closed", "echo ok\ncurl 'http://a", 2],
    ["shell", "a here-document without its end", "curl -d @- http://a <<END\n{}", 1],
    ["javascript", "an unexpected token", "const a = 1;\nconst b = ;", 2],
    ["javascript", "expressions nested 100,000 deep", "[".repeat(100_000), 1],
    ["typescript", "an unexpected token", "let a: = 1", 1],
    ["java", "a text that is not closed", 'class A {\n String s = "abc;\n}', 2],
    ["java", "a brace that is not closed", "class A { void f() {", 1],
    ["java", "a brace too many", "class A { }\n}", 2],
    ["java", "braces nested 100,000 deep", "{".repeat(100_000), 1],
    ["csharp", "parentheses nested 100,000 deep", `class A { int a = ${"(".repeat(100_000)} }`, 1],
    ["csharp", "a comment that is not closed", "class A {}\n/* abc", 2],
  ])("%s with %s is a finding with its line", (kind, _, text, line) => {
    const { problems } = judge(kind, text);
    expect(problems.map(({ rule, severity }) => [rule, severity])).toContainEqual(["unreadable", "error"]);
    expect(problems.find(({ rule }) => rule === "unreadable")?.line).toBe(line);
  });
});

const TEN_MEGABYTES = 10_000_000;
const URL_TEXT = '"http://ocs/records/" + h + "?req=RecordReject"';

describe("a file of one long line", () => {
  it.each<[string, string]>([
    ["scxml", `<scxml><a b="${"x".repeat(TEN_MEGABYTES / 4)}"/></scxml>`],
    ["scxml", `<scxml>${"<a/>".repeat(100_000)}</scxml>`],
    ["scxml", `<scxml>${"&amp;<b>x</b>".repeat(30_000)}</scxml>`],
    ["har", `{"log":{"entries":[],"x":[${"0,".repeat(500_000)}0]}}`],
    ["har", `{"log":{"entries":[{"response":"${"\\n".repeat(500_000)}","request":{"url":"a","method":"GET"}}]}}`],
    ["http", `POST http://a/${"a ".repeat(TEN_MEGABYTES / 2)}`],
    ["http", `POST http://a/\n\n${"{{a".repeat(1_000_000)}`],
    ["http", "POST http://a/records/15?req=AddRecord\n###\n".repeat(50_000)],
    ["shell", "curl $A/lists/A?req=AddRecord || curl $A/lists/A?req=AddRecord\n".repeat(10_000)],
    ["http", `POST http://a/lists/A?req=AddRecord\n\n{"GSW_A":1}\n${"GSW_PHONES ".repeat(200_000)}`],
    ["java", `class A {} // ${Array.from({ length: 100_000 }, (_, at) => `GSW_A${at}`).join(" ")}`],
    ["javascript", `f("${"sk_4fJq0aPz71Lw ".repeat(100_000)}")`],
    ["shell", `${"$(".repeat(20_000)}curl a${")".repeat(20_000)}`],
    ["shell", `curl ${"a ".repeat(1_000_000)}`],
    ["shell", `curl "${"$a".repeat(500_000)}"`],
    ["shell", `A=1;${"A=$A$A;".repeat(20_000)} curl "$A"`],
    ["javascript", `var a = "${"sk_".repeat(500_000)}";`],
    ["javascript", `f(${"GSW_PHONES ".repeat(20_000).split(" ").join('"x",')}1)`],
    ["javascript", `${"a = a + a;".repeat(20_000)} fetch(a)`],
    ["java", `class A { String a = ${'"a" + '.repeat(20_000)} "b"; }`],
    ["java", `class A { void f() { ${`g(${URL_TEXT});`.repeat(2_000)} } }`],
    ["csharp", `class A { object a = ${"b < c > d, ".repeat(20_000)} 1; }`],
  ])("of kind %s is judged in time (%#)", { timeout: 20_000 }, (kind, text) => {
    const started = performance.now();
    const { problems } = judge(kind, text);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(problems.length).toBeLessThanOrEqual(1_001);
  });

  it("says how many findings it leaves out", () => {
    const { problems } = judge(
      "http",
      'POST http://a/records/15?req=AddRecord\n\n{"GSW_PHONES": 1}\n###\n'.repeat(600),
    );
    expect(problems).toHaveLength(1_001);
    expect(problems.at(-1)!.message).toMatch(/^\d+ more findings in this file are left out$/);
  });
});

describe("values that only look harmless", () => {
  it.each<[string, string, string]>([
    ["javascript", 'fetch("http://a/records/15?req=RecordReject", { method: "POST", body: "\uF8FE" })', "wrongBody"],
    ["http", 'POST http://a/records/15?req=RecordReject\n\n{"__proto__": 1}', "wrongAttribute"],
    ["http", 'POST http://a/records/15?req=RecordReject\n\n{"GSW_RECORD_HANDLE": 16}', "uriDisagrees"],
    ["http", 'POST http://a/records/15?req=RecordReject\n\n{"gsw_tenant_dbid": 1}', "wrongAttribute"],
    ["http", "POST http://a/records/15/16?req=RecordReject", "wrongTarget"],
    ["http", "POST http://a/ocs/records/15?req=RecordReject", "wrongTarget"],
    ["http", "POST http://a/records/%zz?req=RecordReject", "wrongTarget"],
  ])("%s: %s is judged", (kind, text, rule) => {
    expect(rulesOf(judge(kind, text))).toContain(rule);
  });

  it.each(KINDS.map(({ name }) => name))("of any text, a file of kind %s is judged without an exception", (kind) => {
    const texts = [
      "",
      "\0",
      "\uFEFF",
      "\uD800",
      "{",
      "<",
      "'",
      '"""',
      "${",
      "@",
      "\\",
      "$(",
      "/*",
      "`${",
      "<a b='",
      "[[",
      "<<A",
    ];
    for (const text of texts) for (const more of texts) expect(() => judge(kind, text + more)).not.toThrow();
  });
});
