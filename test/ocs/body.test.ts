import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ATTRIBUTES, type AttributeName } from "../../src/ocs/attributes.ts";
import { readBody, writeBody, type Attributes } from "../../src/ocs/body.ts";
import { ACTIONS, CATALOG, type Action } from "../../src/ocs/catalog.ts";
import { caseOf, CASES, EXAMPLES } from "../../src/ocs/examples.ts";
import { corpus } from "./corpus.ts";
import { ruleBrokenBy, violation } from "./violated.ts";

const processed = CATALOG.records.actions.RecordProcessed!;
const reject = CATALOG.records.actions.RecordReject!;
const startDialing = CATALOG.campaigngroups.actions.StartDialing!;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (action: Action, text: string): Attributes => readBody(action, bytes(text));
const objectOf = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries([...attributes].map(([name, value]) => [name, value instanceof Map ? objectOf(value) : value]));
const title = ({ resource, name }: Action): string => `${resource} ${name}`;

/** The action's required attributes with sensible values, and this one on top. */
const bodyWith = (action: Action, name: string, json: string): string => {
  const base = Object.entries(JSON.parse(caseOf(action).body || "{}") as object).filter(([key]) => key !== name);
  const members = base.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{${[...members, `${JSON.stringify(name)}:${json}`].join(",")}}`;
};
const actionTaking = (name: AttributeName): Action =>
  ACTIONS.find(({ required, optional }) => required.includes(name) || optional.includes(name))!;

/** What stands in the body → what it means. */
type Values = { readonly good: readonly (readonly [json: string, value: unknown])[]; readonly bad: readonly string[] };

const NEVER_INTEGER = [
  "1.0",
  "1e0",
  "1.5",
  '"1.0"',
  '" 1"',
  '"1 "',
  '"+1"',
  '"01"',
  '"0x1"',
  '"1e0"',
  '""',
  '"-0"',
  '"１"',
  "true",
  "[1]",
  '{"a":1}',
  "99999999999999999999",
  '"99999999999999999999"',
  '"one"',
];
const integer = (min: number, max: number): Values => ({
  good: [
    [`${min}`, min],
    [`"${min}"`, min],
    [`${max}`, max],
    [`"${max}"`, max],
  ],
  bad: [`${min - 1}`, `"${min - 1}"`, `${max + 1}`, `"${max + 1}"`, ...NEVER_INTEGER],
});
const NEVER_TEXT = ['""', "1", "true", "[]", "{}", '["a"]'];
const text = (max: number): Values => ({
  good: [
    ['"Ä b"', "Ä b"],
    [`"${"x".repeat(max)}"`, "x".repeat(max)],
  ],
  bad: [`"${"x".repeat(max + 1)}"`, '"a\\nb"', '"a\\u007fb"', '"a\\tb"', '"a\\u001bb"', ...NEVER_TEXT],
});
const words = (...known: string[]): Values => ({
  good: known.map((word) => [`"${word}"`, word]),
  bad: [
    ...known.map((word) => `"${word.toLowerCase()}"`),
    ...known.map((word) => `"${word} "`),
    '"Other"',
    "0",
    ...NEVER_TEXT,
  ],
});
const DBID_MAX = 2_147_483_647;

const VALUES: Record<AttributeName, Values> = {
  GSW_TENANT_DBID: integer(1, DBID_MAX),
  GSW_TENANT_NAME: text(255),
  GSW_RECORD_HANDLE: integer(1, DBID_MAX),
  GSW_PHONE: {
    good: [
      ['"4155550100"', "4155550100"],
      ['"+4155550100"', "+4155550100"],
      ['"123"', "123"],
    ],
    bad: [
      '"12"',
      '"123456789012345678901"',
      '"415-555-0100"',
      '"%"',
      '"415*"',
      '"++1415"',
      '" 415"',
      '"415\\n"',
      ...NEVER_TEXT,
      "4155550100",
    ],
  },
  GSW_CUSTOMER_ID: {
    good: [
      ['"C-1001"', "C-1001"],
      ['"a.b@c:d"', "a.b@c:d"],
      [`"${"x".repeat(64)}"`, "x".repeat(64)],
      ['"CUST_0001"', "CUST_0001"],
      ['"a+b@crm"', "a+b@crm"],
      ['"a b"', "a b"],
      ['"Ä-1"', "Ä-1"],
      ['".x"', ".x"],
      ['"(7),8|9~"', "(7),8|9~"],
    ],
    bad: [
      `"${"x".repeat(65)}"`,
      '"a\'b"',
      '"a\\"b"',
      '"a;b"',
      '"a/b"',
      '"a\\\\b"',
      '"a?b"',
      '"a#b"',
      '"%"',
      '"*"',
      '"<x>"',
      '"."',
      '".."',
      '" a"',
      '"a "',
      '"a\\nb"',
      '"a\u200bb"',
      '"A\u0308"',
      ...NEVER_TEXT,
    ],
  },
  GSW_CALLING_LIST: text(255),
  GSW_CAMPAIGN_NAME: text(255),
  GSW_APPLICATION_ID: integer(0, DBID_MAX),
  GSW_AGENT_ID: text(32),
  GSW_ATTEMPTS: integer(0, 32_767),
  GSW_AUTO_COMPLETION: integer(0, 1),
  GSW_CALLBACK_TYPE: words("Personal", "Campaign"),
  GSW_CALL_RESULT: integer(0, 53),
  GSW_CALL_TIME: integer(0, DBID_MAX),
  GSW_CHAIN_ATTR: words("AllChain", "RecordOnly"),
  GSW_CHAIN_ID: integer(0, DBID_MAX),
  GSW_CHAIN_N: integer(0, DBID_MAX),
  GSW_CM_AttrDialMode: integer(1, 11),
  GSW_CM_AttrOptimizeBy: integer(0, 5),
  GSW_CM_AttrOptimizeGoal: integer(0, 86_400),
  GSW_CM_AttrProperties: {
    good: [
      ["{}", {}],
      ['{"GSW_AUTO_COMPLETION":1}', { GSW_AUTO_COMPLETION: 1 }],
      ['{"camp_group_data":{},"GSW_AUTO_COMPLETION":"0"}', { camp_group_data: {}, GSW_AUTO_COMPLETION: 0 }],
    ],
    bad: [
      '{"GSW_AUTO_COMPLETION":2}',
      '{"camp_group_data":{"a":1}}',
      '{"camp_group_data":[]}',
      '{"GSW_TENANT_DBID":102}',
      '{"x":1}',
      '{"GSW_AUTO_COMPLETION":0,"GSW_AUTO_COMPLETION":1}',
      "[]",
      "1",
      '"x"',
    ],
  },
  GSW_DATE_TIME: {
    good: [['"12/12/2009 13:00"', "12/12/2009 13:00"]],
    bad: ['"13/12/2009 13:00"', '"2009-12-12T13:00"', '"12/12/2009"', "1260000000", ...NEVER_TEXT],
  },
  GSW_FROM: integer(0, 86_400),
  GSW_UNTIL: integer(0, 86_400),
  GSW_PHONE_TYPE: integer(0, 11),
  GSW_RECORD_STATUS: integer(0, 10),
  GSW_RECORD_TYPE: integer(2, 7),
  GSW_TREATMENT: words("RecordTreatPersonal", "RecordTreatCampaign"),
  GSW_TZ_NAME: text(64),
};

describe.each(Object.keys(ATTRIBUTES) as AttributeName[])("%s", (name) => {
  const action = actionTaking(name);

  it.each(VALUES[name].good)("may be %s", (json, value) => {
    const found = objectOf(read(action, bodyWith(action, name, json)))[name];
    expect(found).toEqual(value);
    expect(Object.is(found, -0)).toBe(false);
  });

  it.each(VALUES[name].bad)("may not be %s", (json) => {
    const found = violation(() => read(action, bodyWith(action, name, json)));
    expect(found).toMatchObject({ rule: "attribute" });
    expect(found?.pointer).toMatch(new RegExp(`^/${name}(?:/|$)`));
  });
});

describe("readBody", () => {
  it.each(ACTIONS.map((action) => [title(action), action] as const))(
    "accepts for %s only the attributes of its row",
    (_, action) => {
      const whole = caseOf(action).body;
      expect(Object.keys(objectOf(read(action, whole)))).toEqual(Object.keys(JSON.parse(whole || "{}") as object));
      for (const name of [...action.required, ...action.requiredWhenPredictive]) {
        const without = JSON.stringify(
          Object.fromEntries(Object.entries(JSON.parse(whole) as object).filter(([key]) => key !== name)),
        );
        expect(violation(() => read(action, without))).toMatchObject({ rule: "attribute", pointer: `/${name}` });
      }
      for (const name of Object.keys(ATTRIBUTES) as AttributeName[]) {
        const taken = action.required.includes(name) || action.optional.includes(name);
        expect(
          ruleBrokenBy(() => read(action, bodyWith(action, name, VALUES[name].good[0]![0]))),
          name,
        ).toBe(taken ? "none" : "attribute");
      }
      expect(ruleBrokenBy(() => read(action, bodyWith(action, "CUSTOMER_CODE", "22")))).toBe(
        action.userFields ? "none" : "attribute",
      );
    },
  );

  it.each([2, 3, 4, 6, 7, 8, 9, 11])("requires no optimization pair outside predictive modes: %i", (mode) => {
    expect(objectOf(read(startDialing, `{"GSW_CM_AttrDialMode":${mode}}`))).toEqual({ GSW_CM_AttrDialMode: mode });
  });

  it.each([1, 5, 10])("requires the optimization pair in predictive mode %i", (mode) => {
    expect(
      violation(() => read(startDialing, `{"GSW_CM_AttrDialMode":"${mode}","GSW_CM_AttrOptimizeGoal":80}`))?.pointer,
    ).toBe("/GSW_CM_AttrOptimizeBy");
    expect(
      violation(() => read(startDialing, `{"GSW_CM_AttrDialMode":${mode},"GSW_CM_AttrOptimizeBy":1}`))?.pointer,
    ).toBe("/GSW_CM_AttrOptimizeGoal");
  });

  it.each(["GSW_RECORD_URI", "GSW_CM_AttrGroupID", "GSW_UNKNOWN", "gsw_call_result", "Gsw_Treatment", "GSW_"])(
    "refuses the unknown or misspelled name %s",
    (name) => {
      expect(ruleBrokenBy(() => read(processed, `{"${name}":1}`))).toBe("attribute");
    },
  );

  it.each([["[]"], ["1"], ['"{}"'], ["null"], ["{}{}"], ["{'a':1}"], ["\ufeff{}"], ["nonsense"]])(
    "requires one JSON object: %s",
    (body) => {
      expect(ruleBrokenBy(() => read(reject, body))).toBe("json");
    },
  );

  it("recognizes a body truncated at any position", () => {
    const body = bytes(EXAMPLES.addRescheduled.request.body);
    for (let cut = 1; cut < body.length; cut++)
      expect(
        ruleBrokenBy(() => readBody(CATALOG.lists.actions.AddRecord!, body.subarray(0, cut))),
        `cut at ${cut}`,
      ).toBe("truncated");
  });

  it("reads every valid case of the action table", () => {
    for (const { operation, body } of CASES)
      expect(objectOf(read(operation.action, body))).toEqual(JSON.parse(body || "{}"));
  });
});

describe("a key that decides scope", () => {
  const SCOPE = (Object.entries(ATTRIBUTES) as [AttributeName, { scope?: true }][])
    .filter(([, { scope }]) => scope)
    .map(([name]) => name);
  const escaped = (name: string): string => name.replace("_", "\\u005f");

  it.each([...SCOPE, "GSW_RECORD_URI", "GSW_CM_AttrGroupID", "GSW_CM_MessageType"])(
    "may occur only once, in any case, spelling and depth: %s",
    (name) => {
      const doubled = [
        `{"${name}":1,"${name}":1}`,
        `{"${name}":1,"${escaped(name)}":1}`,
        `{"${name}":1,"${name.toLowerCase()}":1}`,
        `{"${name.toUpperCase()}x":1,"${name}":1,"A":{"${name}":2}}`,
        `{"A":[{"${name}":1}],"${name}":1}`,
        `{"A":{"${name}":1,"B":{"${name.toLowerCase()}":1}}}`,
      ];
      for (const body of doubled)
        expect(
          ruleBrokenBy(() => read(processed, body)),
          body,
        ).toBe("duplicate-scope-key");
    },
  );

  it("may not have different values in the two spellings of the campaign", () => {
    expect(
      ruleBrokenBy(() => read(processed, '{"GSW_CAMPAIGN":"Alpha Campaign","GSW_CAMPAIGN_NAME":"Beta Campaign"}')),
    ).toBe("duplicate-scope-key");
  });

  it("is ignored inside another value", () => {
    expect(ruleBrokenBy(() => read(processed, '{"FIELD":{"GSW_TENANT_DBID":102}}'))).toBe("attribute");
  });

  it("is reported in the table's spelling, not the client's", () => {
    expect(violation(() => read(processed, '{"gsw_tenant_dbid":1,"GSW_TENANT_DBID":2}'))?.message).toContain(
      "GSW_TENANT_DBID",
    );
  });
});

describe("the value null", () => {
  it.each<[string, string, Action, string]>([
    ["an optional attribute", '{"GSW_TREATMENT":null,"GSW_CALL_RESULT":33}', processed, '{"GSW_CALL_RESULT":33}'],
    ["a user-defined field", '{"CUSTOMER_CODE":null,"First Name":null}', processed, ""],
    ["what decides scope", '{"GSW_TENANT_DBID":null,"GSW_TENANT_NAME":null,"GSW_RECORD_HANDLE":null}', processed, ""],
    ["an attribute of another action", '{"GSW_DATE_TIME":null}', processed, ""],
    ["a name that no table has", '{"GSW_UNKNOWN":null,"gsw_tenant_dbid":null}', processed, ""],
    [
      "a field in a request without fields",
      '{"note":null,"GSW_AUTO_COMPLETION":null}',
      CATALOG.campaigngroups.actions.Load!,
      "",
    ],
    [
      "a property",
      '{"GSW_CM_AttrProperties":{"GSW_AUTO_COMPLETION":null,"camp_group_data":null}}',
      CATALOG.campaigngroups.actions.Load!,
      '{"GSW_CM_AttrProperties":{}}',
    ],
    [
      "the first of two that decide nothing",
      '{"GSW_CALL_RESULT":null,"GSW_CALL_RESULT":33}',
      processed,
      '{"GSW_CALL_RESULT":33}',
    ],
  ])("means absent and is not sent: %s", (_, body, action, sent) => {
    expect(writeBody(read(action, body))).toBe(sent);
  });

  it.each(
    ACTIONS.flatMap((action) => action.required.map((name) => [`${title(action)}: ${name}`, action, name] as const)),
  )("does not satisfy a required attribute: %s", (_, action, name) => {
    expect(violation(() => read(action, bodyWith(action, name, "null")))).toMatchObject({
      rule: "attribute",
      pointer: `/${name}`,
    });
  });

  it("counts as an occurrence of a duplicate scope key", () => {
    for (const body of [
      '{"GSW_TENANT_DBID":null,"GSW_TENANT_DBID":101}',
      '{"GSW_TENANT_DBID":101,"gsw_tenant_dbid":null}',
      '{"A":null,"GSW_PHONE":null,"GSW_PHONE":null}',
    ]) {
      expect(
        ruleBrokenBy(() => read(processed, body)),
        body,
      ).toBe("duplicate-scope-key");
    }
  });
});

describe("GSW_PHONE", () => {
  const listAdd = CATALOG.lists.actions.AddRecord!;
  const add = (phone: string, type?: unknown, action = listAdd): string =>
    ruleBrokenBy(() =>
      read(
        action,
        JSON.stringify({
          GSW_CAMPAIGN_NAME: "C",
          GSW_TZ_NAME: "PST",
          GSW_PHONE: phone,
          ...(type !== undefined && { GSW_PHONE_TYPE: type }),
        }),
      ),
    );
  const ADDRESSES = ["a@b.example", "o'brien+x@crm.example", "Zoë.Müller@bücher.example", "first_last@x-y.example"];
  const NAMES = ["maria", "sip:4711", "user.7"];

  it.each(ADDRESSES)("may be the address %s for types 10 and 11 only", (address) => {
    for (const type of [10, "10", 11, "11"]) expect(add(address, type)).toBe("none");
    for (const type of [undefined, 0, 1, 4, 9]) expect(add(address, type)).toBe("attribute");
  });

  it.each(NAMES)("may be the messenger name %s for types 10 and 11 only", (name) => {
    expect([add(name, 11), add(name, 4), add(name)]).toEqual(["none", "attribute", "attribute"]);
  });

  it.each([
    "a b@c",
    "a@b@c",
    "@b",
    "a@",
    "a/b@c",
    "a%b@c",
    "a*@c",
    "a?@c",
    "a#@c",
    'a"@c',
    "a;b@c",
    "<a@b>",
    "a\\\\@b",
    "a\n@b",
    "a\u200b@b",
    `${"a".repeat(65)}@b`,
    `a@${"b".repeat(64)}`,
    "",
  ])("may not be %j with any type", (text) => {
    for (const type of [undefined, 4, 10, 11]) expect(add(text, type)).toBe("attribute");
  });

  it("may be an address without a type, except in AddRecord", () => {
    const { RequestRecordCancel, DoNotCall, UpdateCallCompletionStats, AddRecord } = CATALOG.records.actions;
    for (const action of [RequestRecordCancel!, DoNotCall!, UpdateCallCompletionStats!]) {
      expect(ruleBrokenBy(() => read(action, '{"GSW_PHONE":"a@b.example"}'))).toBe("none");
      expect(violation(() => read(action, '{"GSW_PHONE":"maria"}'))).toMatchObject({
        rule: "attribute",
        pointer: "/GSW_PHONE",
      });
    }
    expect(violation(() => read(AddRecord!, '{"GSW_PHONE":"a@b.example","GSW_TZ_NAME":"PST"}'))?.message).toContain(
      "GSW_PHONE_TYPE 10",
    );
  });

  it("may precede or follow its type", () => {
    expect(
      ruleBrokenBy(() =>
        read(CATALOG.records.actions.UpdateCallCompletionStats!, '{"GSW_PHONE":"maria","GSW_PHONE_TYPE":11}'),
      ),
    ).toBe("none");
    expect(
      ruleBrokenBy(() =>
        read(CATALOG.records.actions.UpdateCallCompletionStats!, '{"GSW_PHONE_TYPE":11,"GSW_PHONE":"maria"}'),
      ),
    ).toBe("none");
  });
});

describe("a user-defined field", () => {
  const field = (name: string, json: string): unknown =>
    objectOf(read(processed, `{${JSON.stringify(name)}:${json}}`))[name];

  it.each([
    ["CUSTOMER_CODE", "22", 22],
    ["_x", '"New"', "New"],
    ["a".repeat(64), '""', ""],
    ["N", "-9223372036854775809", -9223372036854775809n],
    ["N", "10000000000000000999", 10000000000000000999n],
    ["T", `"${"ä".repeat(4096)}"`, "ä".repeat(4096)],
    ["NOTES", '"one\\r\\n\\ttwo\\nthree"', "one\r\n\ttwo\nthree"],
  ])("%s may have the value %s", (name, json, value) => {
    expect(field(name, json)).toBe(value);
  });

  it.each([
    "1.5",
    "1e3",
    "true",
    "false",
    "[]",
    "{}",
    '"a\\u0000b"',
    '"a\\bb"',
    '"a\\fb"',
    '"a\\u001bb"',
    '"a\\u007fb"',
    '"a\\u0085b"',
    `"${"x".repeat(4097)}"`,
    "-0",
  ])("may not have the value %s", (json) => {
    expect(["attribute", "json"]).toContain(ruleBrokenBy(() => field("FIELD", json)));
  });

  it.each([
    "client-id",
    "First Name",
    "1-TIPO",
    "1a",
    "a.b",
    "a;DROP",
    "é",
    "e\u0301",
    "$x",
    "Straße",
    "名前",
    "a[b]",
    "x=1",
    "a/b~c",
    " padded ",
    "GSWX",
    "MY_GSW_FIELD",
    "4155550100",
    "😀".repeat(64),
  ])("may be named %j, and is sent to OCS unchanged", (name) => {
    expect(field(name, "1")).toBe(1);
    expect(JSON.parse(writeBody(read(processed, JSON.stringify({ [name]: "x" }))))).toEqual({ [name]: "x" });
    expect(violation(() => field(name, "[]"))?.pointer).toBe(`/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  });

  it.each([
    "",
    " ",
    "\u00a0",
    "a".repeat(65),
    "😀".repeat(65),
    "a\u200bb",
    "a\u00adb",
    "a\u202eb",
    "a\nb",
    "a\tb",
    "a\u007fb",
    "a\u0085b",
    "a\u2028b",
    "a\ue000b",
    'a"b',
    "a'b",
    "a`b",
    "a\u2019b",
    "a\uff02b",
    "a\uff07b",
    "x');--",
    "\ufeffa",
    "GSW_X",
    "gsw_x",
    " GSW_X",
    "GSW_X ",
    "\u3000GSW_X",
    "\uff27SW_TENANT_DBID",
    "\uff47\uff53\uff57\uff3fTENANT_DBID",
    "G\u017fW_TENANT_DBID",
    "GSW\uff3fX",
    "GSW\ufe4fX",
    "\u24bcSW_X",
  ])("may not be named %j", (name) => {
    expect(ruleBrokenBy(() => field(name, "1"))).toBe("attribute");
  });

  it("may not occur twice under names that differ only in their encoding", () => {
    for (const names of [
      ["é", "e\u0301"],
      ["First Name", " First Name"],
      ["\uff21", "A"],
    ]) {
      expect(
        violation(() => read(processed, JSON.stringify(Object.fromEntries(names.map((name) => [name, 1]))))),
        names.join(" "),
      ).toMatchObject({ rule: "attribute", message: "two fields have names that differ only in how they are encoded" });
    }
  });

  it.each(["__proto__", "constructor", "prototype"])("may not be named %s", (name) => {
    expect(ruleBrokenBy(() => field(name, "1"))).toBe("json");
  });

  it("never has its name or value in an error message", () => {
    for (const body of [
      '{"\'secret name":1}',
      '{"F":["secret"]}',
      '{"GSW_CALL_RESULT":"secret"}',
      '{"GSW_secret":1}',
      '{"GSW_CHAIN_ATTR":"secret"}',
    ])
      expect(violation(() => read(CATALOG.records.actions.DoNotCall!, body))?.message).not.toContain("secret");
  });
});

describe("writeBody", () => {
  it("writes nothing without attributes, and integers exactly", () => {
    expect(writeBody(new Map())).toBe("");
    expect(
      writeBody(read(processed, '{ "N": 10000000000000000999, "GSW_CALL_RESULT": "33", "S": "\\u00e4\\"" }')),
    ).toBe('{"N":10000000000000000999,"GSW_CALL_RESULT":33,"S":"ä\\""}');
  });

  it("writes a body that is read as the same attributes", () => {
    const name = fc
      .stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/)
      .filter((key) => !/^gsw_/i.test(key) && !["__proto__", "constructor", "prototype"].includes(key));
    const value = fc.oneof(fc.integer(), fc.bigInt(), fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }));
    let met = 0;
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 6 }), (fields) => {
        const body = `{${Object.entries(fields)
          .map(([key, each]) => `${JSON.stringify(key)}:${typeof each === "string" ? JSON.stringify(each) : each}`)
          .join(",")}}`;
        if (ruleBrokenBy(() => read(processed, body)) !== "none") return;
        met++;
        const attributes = read(processed, body);
        expect(new Map(attributes)).toEqual(
          new Map(
            Object.entries(fields).map(([key, each]) => [
              key,
              typeof each === "bigint" && Number.isSafeInteger(Number(each)) ? Number(each) : each,
            ]),
          ),
        );
        expect(read(processed, writeBody(attributes))).toEqual(attributes);
      }),
      { numRuns: 2000 },
    );
    expect(met).toBeGreaterThan(500);
  });
});

const transform = corpus("json-testsuite");

describe.skipIf(transform.absent)("JSONTestSuite's test_transform", () => {
  const verdictOf = (file: string): string => {
    const text = transform.bytes(`test_transform/${file}`);
    const opens = text.toString("latin1").trim().startsWith("[");
    const body = opens
      ? Buffer.concat([
          Buffer.from('{"F":'),
          text.subarray(text.indexOf("[") + 1, text.lastIndexOf("]")),
          Buffer.from("}"),
        ])
      : text;
    const found = violation(() => readBody(processed, body));
    return found ? "refused" : writeBody(readBody(processed, body));
  };

  it("is refused or sent with the same meaning, 22 of 22", () => {
    expect(
      Object.fromEntries(transform.files("test_transform").map((file) => [file.replace(".json", ""), verdictOf(file)])),
    ).toEqual({
      "number_-9223372036854775808": '{"F":-9223372036854775808}',
      "number_-9223372036854775809": '{"F":-9223372036854775809}',
      "number_1.0": "refused",
      "number_1.000000000000000005": "refused",
      number_1000000000000000: '{"F":1000000000000000}',
      number_10000000000000000999: '{"F":10000000000000000999}',
      "number_1e-999": "refused",
      number_1e6: "refused",
      number_9223372036854775807: '{"F":9223372036854775807}',
      number_9223372036854775808: '{"F":9223372036854775808}',
      object_key_nfc_nfd: "refused",
      object_key_nfd_nfc: "refused",
      object_same_key_different_values: "refused",
      object_same_key_same_value: '{"a":1}',
      object_same_key_unclear_values: "refused",
      string_1_escaped_invalid_codepoint: "refused",
      string_1_invalid_codepoint: "refused",
      string_2_escaped_invalid_codepoints: "refused",
      string_2_invalid_codepoints: "refused",
      string_3_escaped_invalid_codepoints: "refused",
      string_3_invalid_codepoints: "refused",
      string_with_escaped_NULL: "refused",
    });
  });
});

const blns = corpus("blns");

describe.skipIf(blns.absent)("the big list of naughty strings", () => {
  const strings = (): string[] => JSON.parse(blns.bytes("blns.json").toString("utf8")) as string[];
  // eslint-disable-next-line no-control-regex
  const unstorable = (text: string): boolean => /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text);

  it("round-trips in a user-defined field, unless it has control characters", () => {
    expect(strings().length).toBeGreaterThan(500);
    for (const text of strings()) {
      const body = JSON.stringify({ FIELD: text });
      if (unstorable(text)) expect(ruleBrokenBy(() => read(processed, body))).toMatch(/^(?:attribute|json)$/);
      else expect(JSON.parse(writeBody(read(processed, body)))).toEqual({ FIELD: text });
    }
  });

  it.each(["GSW_CAMPAIGN_NAME", "GSW_CALLING_LIST", "GSW_TENANT_NAME", "GSW_CUSTOMER_ID"] as const)(
    "round-trips or is refused as %s",
    (name) => {
      const action = CATALOG.records.actions.DoNotCall!;
      let kept = 0;
      for (const text of strings()) {
        const body = JSON.stringify({ [name]: text });
        const rule = ruleBrokenBy(() => read(action, body));
        if (rule !== "none") expect(rule).toMatch(/^(?:attribute|json)$/);
        else {
          kept++;
          expect(JSON.parse(writeBody(read(action, body)))).toEqual({ [name]: text });
        }
      }
      expect(kept).toBeGreaterThan(name === "GSW_CUSTOMER_ID" ? 50 : 400);
    },
  );

  it("is refused as a field name, or kept unchanged", () => {
    for (const text of strings()) {
      const body = JSON.stringify({ [text]: 1 });
      const rule = ruleBrokenBy(() => read(processed, body));
      if (rule === "none") expect(JSON.parse(writeBody(read(processed, body)))).toEqual({ [text]: 1 });
      else expect(rule).toMatch(/^(?:attribute|json)$/);
    }
  });
});
