import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refusalsOf } from "../../../src/contract/openapi/refusals-of.ts";
import { REFUSALS } from "../../../src/gateway/refusals.ts";
import { ATTRIBUTES, type Shape } from "../../../src/ocs/attributes.ts";
import { readBody } from "../../../src/ocs/body.ts";
import { ACTIONS, CATALOG, type Action } from "../../../src/ocs/catalog.ts";
import { CASES } from "../../../src/ocs/examples.ts";
import { at, createChecker, documentBy, type Operation } from "../../kit/clients-api.ts";

const POSTS = ACTIONS.filter(({ method }) => method === "POST");
const utf8 = new TextEncoder();
const documents = { resource: documentBy("resource"), action: documentBy("action") } as const;
const operationsIn = (by: "resource" | "action"): (readonly [string, Operation])[] =>
  Object.entries(documents[by].paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  );
const refsIn = (node: unknown): string[] =>
  typeof node !== "object" || node === null
    ? []
    : Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
        key === "$ref" ? [String(value)] : refsIn(value),
      );
const { faultIn } = createChecker(documents.resource, "gateway");
const schemaFor = ({ resource, name }: Action) => ({ $ref: `#/components/schemas/${resource}.${name}` });
const isAccepted = (action: Action, body: object): boolean => {
  try {
    readBody(action, utf8.encode(JSON.stringify(body)));
    return true;
  } catch {
    return false;
  }
};

describe.each(["resource", "action"] as const)("/openapi/clients.json with paths by %s", (by) => {
  it("is valid OpenAPI 3.1, and its references lead somewhere", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(documents[by]));
    expect([valid, errors]).toEqual([true, undefined]);
    expect([validator.version, documents[by].openapi]).toEqual(["3.1", "3.1.1"]);
    const names = Object.entries(documents[by].components)
      .filter(([kind]) => kind !== "securitySchemes")
      .flatMap(([kind, all]) => Object.keys(all!).map((name) => `#/components/${kind}/${name}`));
    const used = new Set(refsIn(documents[by]));
    expect([...used].filter((ref) => !names.includes(ref))).toEqual([]);
    expect(names.filter((name) => !used.has(name))).toEqual([]);
  });

  it("names each operation once", () => {
    const pages = Object.values(documents[by].components.pathItems ?? {}).flatMap((item) => Object.values(item));
    const ids = [...operationsIn(by).map(([, operation]) => operation), ...pages].map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("/openapi/clients.json", () => {
  it("would not pass the validator with a fault", async () => {
    const broken = structuredClone(documents.resource) as unknown as {
      paths: Record<string, { post: { parameters: object[] } }>;
    };
    broken.paths["/phones/{phone}"]!.post.parameters = [{ name: "x" }];
    expect((await new Validator().validate(broken)).valid).toBe(false);
  });

  it("has req as the closed list of the actions of a path", () => {
    const lists = operationsIn("resource").flatMap(([path, { parameters }]) =>
      parameters.flatMap((each) => ("name" in each ? [[path, (each.schema as { enum: string[] }).enum] as const] : [])),
    );
    expect(lists).toEqual(
      Object.values(CATALOG).map(({ name, actions }) => [
        expect.stringContaining(`post /${name}/{`),
        Object.values(actions)
          .filter(({ method }) => method === "POST")
          .map((action) => action.name),
      ]),
    );
  });

  it.each(ACTIONS.map((action) => [`${action.resource}.${action.name}`, action] as const))(
    "has a page of %s with its repeat advice, all statuses and codes, and an example that fits",
    (id, action) => {
      const page = Object.values(documents.resource.components.pathItems![id]!)[0]!;
      expect(page["x-repeat"]).toBe(action.repeat);
      const path = action.method === "GET" ? "" : `?req=${action.name}`;
      const own = operationsIn("action").find(
        ([name]) =>
          name.startsWith(`${action.method.toLowerCase()} /${action.resource}/{`) && name.endsWith(`}${path}`),
      )![1];
      const answersOf = (by: "resource" | "action", { responses }: Operation): object =>
        Object.fromEntries(Object.entries(responses).map(([status, { $ref }]) => [status, at(documents[by], $ref)]));
      const answers = answersOf("resource", page) as Readonly<Record<string, object>>;
      expect(answersOf("action", own)).toEqual(answers);
      for (const { code, status } of refusalsOf(action)) expect(JSON.stringify(answers[status])).toContain(`"${code}"`);
      const { schema, examples } = page.requestBody?.content["application/json"] ?? {};
      if (schema) expect(faultIn(schema, examples![action.name]!.value)).toBeUndefined();
    },
  );

  it("names every code that a client can get on some page, and no code of registrars", () => {
    const codes = new Set(ACTIONS.flatMap(refusalsOf).map(({ code }) => code));
    const all = new Set(Object.values(REFUSALS).map(({ code }): string => code));
    // The path GET /ocsgw/requests/<id> is not OCS's: its two codes are on no page of an action.
    expect(all.difference(codes)).toEqual(new Set(["OCSGW-1012", "OCSGW-2107", "OCSGW-5105"]));
    for (const { advice } of ACTIONS.flatMap(refusalsOf)) expect(advice).toMatch(/^[A-Z"a-z].*\.$/);
  });

  it("says no after an AddRecord that got no answer", () => {
    const lost = refusalsOf(CATALOG.lists.actions.AddRecord!).find(({ code }) => code === "OCSGW-4102")!;
    expect([lost.delivery, lost.repeat]).toEqual(["sent-no-answer", "no"]);
  });
});

describe("the check of exchanges", () => {
  const { requestFaults, answerFaults } = createChecker(documents.resource, "gateway");
  const GATEWAY = [
    ["Ocsgw-Request-Id", "01M8ZZZZZZZZZZZZZZZZZZZZZZ"],
    ["Ocsgw-Origin", "gateway"],
    ["Ocsgw-Delivery", "not-sent"],
    ["Server-Timing", "policy;dur=0.1"],
    ["Ocsgw-Code", "OCSGW-2103"],
    ["Content-Type", "application/problem+json"],
  ] as const;
  const problem = {
    type: "urn:x",
    title: "t",
    status: 403,
    detail: "d",
    instance: "urn:y",
    code: "OCSGW-2103",
    origin: "gateway",
    delivery: "not-sent",
    request_id: "01M8ZZZZZZZZZZZZZZZZZZZZZZ",
  };
  const exchange = (change: object = {}, answer: object = {}) => ({
    method: "POST",
    target: "/phones/4155550100?req=DoNotCall",
    body: "",
    answer: { status: 403, headers: GATEWAY, body: JSON.stringify(problem), ...answer },
    ...change,
  });

  it("is content with an exchange that is as the document says", () => {
    expect([...requestFaults(exchange()), ...answerFaults(exchange())]).toEqual([]);
  });

  it.each<[string, object, object]>([
    ["another path", { target: "/phone/4155550100?req=DoNotCall" }, {}],
    ["another identifier", { target: "/phones/a%20b?req=DoNotCall" }, {}],
    ["an action of another resource", { target: "/phones/4155550100?req=Load" }, {}],
    ["a body of another action", { body: '{"GSW_CALL_RESULT":33}' }, {}],
    ["another status", {}, { status: 402 }],
    ["a missing header", {}, { headers: GATEWAY.slice(1) }],
    ["a header that is not described", {}, { headers: [...GATEWAY, ["X-Powered-By", "x"]] }],
    ["a header with another value", {}, { headers: [...GATEWAY.slice(1), ["Ocsgw-Request-Id", "42"]] }],
    ["a code of another status", {}, { body: JSON.stringify({ ...problem, code: "OCSGW-3001" }) }],
    ["a problem without a member", {}, { body: JSON.stringify({ ...problem, request_id: undefined }) }],
    ["another content type", {}, { headers: [...GATEWAY.slice(0, 5), ["Content-Type", "text/xml"]] }],
  ])("notices %s", (_, change, answer) => {
    const odd = exchange(change, answer);
    expect([...requestFaults(odd), ...answerFaults(odd)]).not.toEqual([]);
  });
});

describe("the schemas of bodies", () => {
  it.each(CASES.filter(({ body }) => body !== "").map((each) => [each.target, each] as const))(
    "accept the sample of %s",
    (_, { operation, body }) => {
      expect(faultIn(schemaFor(operation.action), JSON.parse(body))).toBeUndefined();
    },
  );

  const { AddRecord } = CATALOG.lists.actions;
  const { RecordProcessed } = CATALOG.records.actions;
  const { StartDialing } = CATALOG.campaigngroups.actions;
  const added = { GSW_CAMPAIGN_NAME: "C", GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST" };
  it.each<[string, Action, object]>([
    ["a required attribute is missing", AddRecord!, { GSW_CAMPAIGN_NAME: "C", GSW_PHONE: "4155550100" }],
    ["an attribute is of another action", RecordProcessed!, { GSW_CM_AttrDialMode: 1 }],
    ["a name of OCS is misspelt", RecordProcessed!, { GSW_CALL_RESLT: 33 }],
    ["a name begins with gsw_ in lower case", RecordProcessed!, { gsw_x: 33 }],
    ["a name normalizes to GSW_", RecordProcessed!, { ＧＳＷ_X: 33 }],
    ["a field has a fraction", RecordProcessed!, { RATE: 1.5 }],
    ["a field has an object", RecordProcessed!, { RATE: {} }],
    ["a field is empty by name", RecordProcessed!, { "": 1 }],
    ["a result is unknown", RecordProcessed!, { GSW_CALL_RESULT: 54 }],
    ["a treatment is unknown", RecordProcessed!, { GSW_TREATMENT: "Personal" }],
    ["a text has a control character", AddRecord!, { ...added, GSW_TZ_NAME: "P\u0000" }],
    ["a phone number has letters", AddRecord!, { ...added, GSW_PHONE: "nobody" }],
    ["an address has the type of a phone", AddRecord!, { ...added, GSW_PHONE: "a@b.example", GSW_PHONE_TYPE: 1 }],
    ["a predictive mode lacks what it optimizes", StartDialing!, { GSW_CM_AttrDialMode: 1 }],
    ["dialing lacks the mode", StartDialing!, {}],
    ["a field is of a campaign group", StartDialing!, { GSW_CM_AttrDialMode: 3, CODE: 1 }],
  ])("refuse what the gateway refuses: %s", (_, action, body) => {
    expect([faultIn(schemaFor(action), body) === undefined, isAccepted(action, body)]).toEqual([false, false]);
  });

  it.each<[string, Action, object]>([
    ["an address with its type", AddRecord!, { ...added, GSW_PHONE: "a@b.example", GSW_PHONE_TYPE: 10 }],
    ["fields of the list", RecordProcessed!, { "First Name": "O'Neil\n", "client-id": 7, "1-TIPO": "x" }],
    ["a mode that is not predictive", StartDialing!, { GSW_CM_AttrDialMode: 3 }],
  ])("accept %s", (_, action, body) => {
    expect([faultIn(schemaFor(action), body), isAccepted(action, body)]).toEqual([undefined, true]);
  });

  it("accept nothing that the gateway refuses", () => {
    fc.assert(
      fc.property(fc.constantFrom(...POSTS), fc.infiniteStream(fc.nat()), (action, numbers) => {
        const body = someBody(action, numbers);
        fc.pre(faultIn(schemaFor(action), body) === undefined);
        expect([action.name, body, isAccepted(action, body)]).toEqual([action.name, body, true]);
      }),
      { numRuns: 400 },
    );
  });
});

/** A body of the action's attributes, right and wrong, and of fields. */
const someBody = (action: Action, numbers: Iterator<number>): Record<string, unknown> => {
  const next = (below: number): number => (numbers.next().value as number) % below;
  const names = [...new Set([...action.required, ...action.optional])];
  const taken = names.filter((name) => action.required.includes(name) || next(3) === 0);
  const fields = Array.from({ length: next(3) }, () => FIELD_NAMES[next(FIELD_NAMES.length)]!);
  return Object.fromEntries([
    ...taken.map((name) => [name, someValue(ATTRIBUTES[name].shape, next)] as const),
    ...(action.userFields ? fields.map((name) => [name, ["x", 7, "a\nb"][next(3)]] as const) : []),
  ]);
};

const FIELD_NAMES = [
  "CODE",
  "client-id",
  "First Name",
  "1-TIPO",
  " x",
  'a"b',
  "Größe",
  "gsw_y",
  "東京",
  "x ",
  "\u200bz",
];

const someValue = (shape: Shape, next: (below: number) => number): unknown => {
  switch (shape.kind) {
    case "integer":
      return [shape.min, shape.max, shape.max + 1, 7][next(4)];
    case "enumeration":
      return [...shape.accepts, -1][next(shape.accepts.size + 1)];
    case "word":
      return [...shape.words, "x"][next(shape.words.length + 1)];
    case "text":
      return ["4155550100", "12/12/2035 13:00", "a@b.example", "Alpha", "x".repeat(65), "+415", "a/b"][next(7)];
    case "properties":
      return [{}, { GSW_AUTO_COMPLETION: 1 }, { x: 1 }, { camp_group_data: {} }][next(4)];
  }
};
