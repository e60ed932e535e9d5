import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { requestOf, sampleOf } from "../../../src/contract/snippets/request.ts";
import { SNIPPET_LANGUAGES, snippetsOf } from "../../../src/contract/snippets/snippets.ts";
import { ACTIONS, CATALOG } from "../../../src/ocs/catalog.ts";
import { Violation } from "../../../src/ocs/violation.ts";
import { describeWith } from "../../kit/machine.ts";

const run = promisify(execFile);
const rows = ACTIONS.map((action) => [`${action.resource}: ${action.name}`, action] as const);
const addRecord = CATALOG.lists.actions.AddRecord!;
const processed = CATALOG.records.actions.RecordProcessed!;
const textOf = (language: string, ...of: Parameters<typeof snippetsOf>): string =>
  snippetsOf(...of).find((each) => each.language === language)!.text;

describe("the snippets", () => {
  it.each(rows)("of %s are one for each language, and name the action", (_, action) => {
    const snippets = snippetsOf(action);
    expect(snippets.map(({ language }) => language)).toEqual(
      SNIPPET_LANGUAGES.filter((language) => language !== "gvp" || action.method === "POST"),
    );
    const { target } = sampleOf(action);
    for (const { language, text } of snippets) {
      expect(text.endsWith("\n") && !text.endsWith("\n\n")).toBe(true);
      if (language !== "typescript") expect(text).toContain(target);
      for (const name of action.required) expect(text).toContain(name);
    }
  });

  it("say which languages the tests of this package execute", () => {
    expect(
      snippetsOf(addRecord)
        .filter(({ tried }) => tried)
        .map(({ language }) => language),
    ).toEqual(["curl", "java", "python", "typescript"]);
  });

  it.each(rows)("of %s contain no credential", (_, action) => {
    for (const { text } of snippetsOf(action)) expect(text).not.toMatch(/sk_|Bearer |Basic |Authorization|:.*@/);
  });

  it("of an AddRecord say that it must not be sent again after no answer", () => {
    expect(textOf("ors", addRecord)).toContain("do not send the same request again");
  });

  it("put user-defined fields of the list where the typed client takes them", () => {
    const request = requestOf(processed, "/records/15", '{"GSW_CALL_RESULT":33,"First Name":"O\'Neil \\"x\\"","N":7}');
    expect(textOf("typescript", processed, request)).toContain(`.records("15").recordProcessed({
  GSW_CALL_RESULT: 33,
  fields: {
    "First Name": "O'Neil \\"x\\"",
    N: 7,
  },
});`);
  });

  it("keep an integer that is too large for a double", () => {
    const request = requestOf(processed, "/records/15", '{"BIG":9007199254740993}');
    expect(textOf("typescript", processed, request)).toContain("BIG: 9007199254740993n");
    expect(textOf("python", processed, request)).toContain('"BIG": 9007199254740993');
  });

  it("of VoiceXML say what a namelist cannot contain", () => {
    const request = requestOf(processed, "/records/15", '{"GSW_CALL_RESULT":33,"First Name":"x","class":"y"}');
    const text = textOf("gvp", processed, request);
    expect(text).toContain("cannot contain: First Name, class");
    expect(text).toContain('namelist="GSW_CALL_RESULT"');
  });

  it("of VoiceXML send to the gateway, whatever the names of the fields are", () => {
    const request = requestOf(processed, "/records/15", '{"gateway":"https://other","document":"x"}');
    const text = textOf("gvp", processed, request);
    expect(text).toContain(`<data srcexpr="document.gateway + '/records/15?req=RecordProcessed'"`);
    expect(text).toContain('namelist="gateway"');
    expect(text).toContain("cannot contain: document");
  });

  it.each([
    ["another resource", "/phones/4155550100", "{}"],
    ["an identifier that is not of its kind", "/records/one", "{}"],
    ["a body that OCS does not accept", "/records/15", '{"GSW_CALL_RESULT":99}'],
  ])("are not made for %s", (_, path, body) => {
    expect(() => requestOf(processed, path, body)).toThrow(Violation);
  });
});

describeWith(["python3"], "the snippets in XML", (python) => {
  it("are well-formed, for every row and for values with markup", async () => {
    const odd = requestOf(
      addRecord,
      "/lists/R&D%20'A'",
      JSON.stringify({
        GSW_CAMPAIGN_NAME: String.raw`R&D "<A>" 'B' C:\x ]]> -->, }`,
        GSW_PHONE: "4155550100",
        GSW_TZ_NAME: "PST",
        "a--b>": 1,
      }),
    );
    const documents = [...ACTIONS.map((action) => snippetsOf(action)), snippetsOf(addRecord, odd)]
      .flat()
      .filter(({ fence }) => fence === "xml")
      .map(({ text }) => text);
    const source =
      "import json, sys, xml.etree.ElementTree as tree\n" +
      "for text in json.load(sys.stdin): tree.fromstring(text.encode())\nprint('well-formed')";
    const child = run(python!, ["-c", source]);
    child.child.stdin!.end(JSON.stringify(documents));
    expect((await child).stdout).toBe("well-formed\n");
    expect(documents).toHaveLength(ACTIONS.length * 2 - 1 + 2);
  });
});
