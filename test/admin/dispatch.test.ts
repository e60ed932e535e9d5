/** What the dispatcher checks before a row answers: path, method, viewer, role, scope, parameters and body. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { dispatch } from "../../src/admin/routes.ts";
import { openRoute, route, type Question, type Route } from "../../src/admin/route.ts";
import { RouteTable } from "../../src/admin/route-table.ts";
import { json } from "../../src/admin/replies.ts";
import { TOKEN_HOLDER, type Authenticate, type Role, type Viewer } from "../../src/admin/viewer.ts";
import { bytesOf } from "../../src/common/message.ts";
import { anArrival, text } from "../kit/line.ts";

type Deps = { readonly whoAsks: Authenticate; readonly heard: Partial<Question>[] };

const heard = {
  reply: z.unknown(),
  answer: ({ heard }: Deps, asked: Partial<Question>) => (heard.push(asked), json(200, {})),
};
const any = ["viewer", "operator", "auditor"] as const;

const ROWS: readonly Route<Deps>[] = [
  openRoute({ method: "GET", path: "/open", summary: "", roles: "anyone", ...heard }),
  openRoute({
    method: "POST",
    path: "/login",
    summary: "",
    roles: "anyone",
    body: z.strictObject({ name: z.string() }),
    ...heard,
  }),
  route({
    method: "GET",
    path: "/things/{id}",
    summary: "",
    roles: ["auditor"],
    scope: "by-tenant",
    query: z.strictObject({ filter: z.string().optional(), limit: z.coerce.number("expected a number").optional() }),
    ...heard,
  }),
  route({ method: "DELETE", path: "/things/{id}", summary: "", roles: ["operator"], scope: "whole-gateway", ...heard }),
  route({ method: "GET", path: "/things/open", summary: "", roles: [...any], scope: "by-tenant", ...heard }),
  route({
    method: "GET",
    path: "/things/{id}/parts/{part}",
    summary: "",
    roles: [...any],
    scope: "by-tenant",
    ...heard,
  }),
  route({
    method: "POST",
    path: "/things",
    summary: "",
    roles: [...any],
    scope: "by-tenant",
    body: z.strictObject({
      kind: z.enum(["one", "other"]),
      name: z.string().max(5).optional(),
      inner: z.strictObject({ on: z.boolean() }).optional(),
      any: z.unknown(),
    }),
    ...heard,
  }),
  {
    ...route({ method: "GET", path: "/unsaid", summary: "", roles: [...any], scope: "by-tenant", ...heard }),
    scope: undefined as never,
  },
];

const person = (roles: readonly Role[], tenants: Viewer["tenants"] = "all"): Viewer => ({
  name: "maria",
  roles,
  tenants,
  via: "session",
});

const ask = async (
  target: string,
  { method = "GET", body = "" as string | Uint8Array, viewer = TOKEN_HOLDER as ReturnType<Authenticate> } = {},
) => {
  const heard: Partial<Question>[] = [];
  let isAsked = false;
  const whoAsks: Authenticate = () => ((isAsked = true), viewer);
  const handler = dispatch(new RouteTable(ROWS), { whoAsks, heard });
  const reply = await handler(anArrival({ method, target, body: typeof body === "string" ? bytesOf(body) : body }));
  const { error } = JSON.parse(text(reply)) as { readonly error?: string };
  return { status: reply.status, error, headers: reply.headers, heard, isAsked };
};

describe("a route's roles and scope", () => {
  it("let anyone ask an open route, without asking for a credential, whatever the parameters", async () => {
    expect(await ask("/open?x=1&x=2&__proto__=3")).toMatchObject({ status: 200, isAsked: false });
  });

  it("reject an unknown sender with the reply of whoever looked for one", async () => {
    const viewer = { rejected: json(401, { error: "sign in" }, [["WWW-Authenticate", "Bearer"]]) };
    expect(await ask("/things/7", { viewer })).toMatchObject({ status: 401, error: "sign in", heard: [] });
  });

  it.each<[string, string, Viewer, number, string?]>([
    ["one of the roles", "/things/7", person(["viewer", "auditor"]), 200],
    [
      "another role",
      "/things/7",
      person(["viewer", "operator"]),
      403,
      "this needs the role auditor; maria has viewer, operator",
    ],
    [
      "no role",
      "/things/open",
      person([]),
      403,
      "this needs the role viewer or operator or auditor; maria has no role",
    ],
    ["single tenants, on a route by tenant", "/things/open", person(["viewer"], [101]), 200],
    ["no tenant at all, on a route by tenant", "/things/open", person(["viewer"], []), 200],
    ["single tenants, on a row that says nothing", "/unsaid", person([...any], [101]), 403, "whole gateway"],
    ["all tenants, on a row that says nothing", "/unsaid", person(["viewer"]), 200],
  ])("give a viewer with %s at %s", async (_what, target, viewer, status, error) => {
    const reply = await ask(target, { viewer });
    expect([reply.status, reply.heard.length]).toEqual([status, status === 200 ? 1 : 0]);
    if (error !== undefined) expect(reply.error).toContain(error);
  });

  it("tell a row when the viewer's session ends, as if the client had disconnected", async () => {
    const ending = new AbortController();
    const { heard } = await ask("/things/open", { viewer: { ...person(["viewer"]), ended: ending.signal } });
    const { heard: ofToken } = await ask("/things/open");
    expect([heard[0]!.gone!.aborted, ofToken[0]!.gone!.aborted]).toEqual([false, false]);
    ending.abort();
    expect([heard[0]!.gone!.aborted, ofToken[0]!.gone!.aborted]).toEqual([true, false]);
  });

  it("refuse a whole-gateway route to people with single tenants", async () => {
    const at = (tenants: Viewer["tenants"]) =>
      ask("/things/7", { method: "DELETE", viewer: person(["operator"], tenants) });
    expect([(await at("all")).status, (await at([101])).status, (await at([])).status]).toEqual([200, 403, 403]);
  });

  it("check the role before they read parameters and body", async () => {
    const viewer = person([]);
    expect((await ask("/things/7?nonsense", { viewer })).status).toBe(403);
    expect((await ask("/things", { method: "POST", body: "{", viewer })).status).toBe(403);
  });

  it("reply 500 when the sender cannot be looked up, and call no route", async () => {
    expect(await ask("/things/7", { viewer: Promise.reject(new Error("no file")) })).toMatchObject({
      status: 500,
      heard: [],
    });
  });
});

describe("a route's path", () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    ["/things/7", { id: "7" }],
    ["/things/01KAPQ7Z8M3VABCDEFGHJKMNPQ?limit=1", { id: "01KAPQ7Z8M3VABCDEFGHJKMNPQ" }],
    ["/things/open", {}],
    ["/things/constructor", { id: "constructor" }],
    ["/things/__proto__", { id: "__proto__" }],
    ["/things/a-b.c_d~e", { id: "a-b.c_d~e" }],
    ["/things/1/parts/2", { id: "1", part: "2" }],
  ])("%s has the parameters %j, and a fixed path comes first", async (target, params) => {
    const { status, heard } = await ask(target);
    expect([status, { ...heard[0]?.params }]).toEqual([200, params]);
  });

  it.each([
    "/things/",
    "/things//",
    "/things/7/",
    "/things/%37",
    "/things/a%2f..%2fb",
    "/things/7%00",
    "/things/a b",
    "/things/7;x=1",
    "/Things/7",
    "//things/7",
    "/things/{id}",
    "/things/1/parts/",
    "/things/ä",
    "http://gateway/things/7",
    "*",
    "",
    `/things/${"x/".repeat(5000)}`,
  ])("%s is unknown", async (target) => {
    expect(await ask(target)).toMatchObject({ status: 404, error: "unknown path", isAsked: false });
  });

  it.each([
    ["HEAD", "/things/7", "GET, DELETE"],
    ["OPTIONS", "/things/7", "GET, DELETE"],
    ["get", "/things/7", "GET, DELETE"],
    ["PUT", "/things", "POST"],
    ["TRACE", "/open", "GET"],
  ])("%s %s gets 405 with Allow: %s", async (method, target, allow) => {
    const { status, headers, isAsked } = await ask(target, { method });
    expect([status, headers.at(-1), isAsked]).toEqual([405, ["Allow", allow], false]);
  });

  it("may not be in the table twice with one method", () => {
    expect(() => new RouteTable([...ROWS, ROWS[0]!])).toThrow("GET, GET /open");
  });
});

describe("a route's parameters", () => {
  it("are decoded and coerced", async () => {
    const { heard } = await ask("/things/7?limit=5&filter=a+b%20%C3%A4%26c");
    expect(heard[0]?.query).toEqual({ limit: 5, filter: "a b ä&c" });
  });

  it.each([
    ["/things/7?limt=5", '"limt" is unknown here; did you mean limit? known are filter, limit'],
    ["/things/7?x=5", '"x" is unknown here; known are filter, limit'],
    ["/things/7?__proto__=5", '"__proto__" is unknown here'],
    ["/things/7?constructor=5", '"constructor" is unknown here'],
    ["/things/7?LIMIT=5", '"LIMIT" is unknown here; did you mean limit?'],
    ["/things/7?filter[]=a", '"filter[]" is unknown here; did you mean filter?'],
    ["/things/7?limit=5&limit=5", "limit: given twice"],
    ["/things/7?filter=a&limit=1&fil%74er=b", "filter: given twice"],
    ["/things/7?limit=five", "limit: expected a number"],
    ["/things/7?filter=%ff", "filter: expected percent-encoded UTF-8"],
    ["/things/7?limit=1?limit=2", "limit: expected a number"],
    ["/things/open?a=1", '"a" is unknown here; no parameters are expected'],
    [`/things/7?${"x".repeat(100_000)}=1`, `"${"x".repeat(40)}" is unknown here`],
    [`/things/7?${"limit=1&".repeat(50_000)}`, "limit: given twice"],
  ])("are rejected by name: %#", async (target, error) => {
    const reply = await ask(target);
    expect([reply.status, reply.error, reply.heard]).toEqual([400, expect.stringContaining(error), []]);
    expect(reply.error!.length).toBeLessThan(200);
  });

  it("may have the character that stands for invalid bytes, if the client wrote it", async () => {
    expect((await ask("/things/7?filter=%EF%BF%BD")).heard[0]?.query).toEqual({ filter: "\ufffd" });
  });
});

describe("a route's body", () => {
  const post = (body: string | Uint8Array) => ask("/things", { method: "POST", body });

  it("is passed on when it fits", async () => {
    expect((await post(' {"kind":"one","any":{"a":[1]}}\n')).heard[0]?.body).toEqual({ kind: "one", any: { a: [1] } });
    const nested = { kind: "one", any: [{ a: '"kind":', b: { a: "{" } }, { a: "]" }, "kind"], inner: { on: true } };
    expect((await post(JSON.stringify(nested))).heard[0]?.body).toEqual(nested);
  });

  it("is read for an open route too", async () => {
    expect(await ask("/login", { method: "POST", body: '{"nam":"x"}' })).toMatchObject({
      status: 400,
      error: '"nam" is unknown here; did you mean name? known are name',
    });
    expect(await ask("/login", { method: "POST", body: '{"name":"x"}' })).toMatchObject({
      status: 200,
      isAsked: false,
    });
  });

  it.each<[string | Uint8Array, string]>([
    ["", "expected a JSON object"],
    ["{", "expected a JSON object"],
    ["[]", "expected a JSON object"],
    ["null", "expected a JSON object"],
    ['"text"', "expected a JSON object"],
    ["kind=one", "expected a JSON object"],
    [Buffer.from('{"kind":"one","any":"\xff"}', "latin1"), "expected a JSON object"],
    ["[".repeat(60_000), "expected a JSON object"],
    ['{"__proto__":{"kind":"one"}}', '"__proto__" is unknown here'],
    ['{"kind":"one","\\u005f_proto__":1}', '"__proto__" is unknown here'],
    ['{"kind":"one","inner":{"on":true,"__proto__":{}}}', '"__proto__" is unknown here'],
    ['{"kind":"one","any":[{"__proto__":{}}]}', '"__proto__" is unknown here'],
    ['{"kind":"one","any":1,"kind":"other"}', "kind: given twice"],
    ['{"kind":"one","any":1, "k\\u0069nd" : "one"}', "kind: given twice"],
    ['{"kind":"one","any":[{"a":1,"b":{"a":1},"a":2}]}', "a: given twice"],
    [`{"any":"${"\\\\".repeat(1000)}","any":1,"kind":"one"}`, "any: given twice"],
    ['{"kind":"one","constructor":1}', '"constructor" is unknown here'],
    ['{"kind":"one","nam":1}', '"nam" is unknown here; did you mean name?'],
    ['{"kind":"one","inner":{"on":true,"off":1}}', 'inner: "off" is unknown here'],
    ['{"kind":"one","inner":{"on":1}}', "inner.on: expected true or false"],
    ['{"kind":"4155550100"}', "kind: expected one of one, other"],
    ["{}", "kind: expected one of one, other"],
    ['{"kind":"one"}', "any: expected a value"],
    ['{"kind":"one","name":"4155550100"}', "name: expected at most 5 characters"],
    ['{"kind":"one","name":4155550100}', "name: expected a text"],
  ])("is rejected, and no value is repeated: %#", async (body, error) => {
    const reply = await post(body);
    expect([reply.status, reply.error, reply.heard]).toEqual([400, expect.stringContaining(error), []]);
    expect(reply.error).not.toContain("4155550100");
    expect(Object.prototype).not.toHaveProperty("kind");
  });

  it("of a GET is not read", async () => {
    expect((await ask("/things/7", { body: "{" })).status).toBe(200);
  });
});
