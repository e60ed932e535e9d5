import { Validator } from "@seriousme/openapi-schema-validator";
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Components } from "../../../src/admin/openapi/components.ts";
import { documentedReplies } from "../../../src/admin/openapi/documented-replies.ts";
import { openApiOf } from "../../../src/admin/openapi/document.ts";
import { ADMIN_API_PAGE, adminApiPage } from "../../../src/admin/openapi/write-admin-api.ts";
import { route } from "../../../src/admin/route.ts";
import { SANDBOX_ROUTES } from "../../../src/admin/api/sandbox.ts";
import { createAdminRoutes, ROUTES, type AdminDeps } from "../../../src/admin/routes.ts";
import { TOKEN_HOLDER, type Viewer } from "../../../src/admin/viewer.ts";
import { anArrival, text } from "../../kit/line.ts";

type Operation = {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
  readonly security: readonly object[];
  readonly requestBody?: { readonly required: boolean; readonly content: object };
  readonly "x-roles": readonly string[];
  readonly "x-scope"?: string;
};
type Document = Awaited<ReturnType<typeof openApiOf>> & {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

const served = async (viewer: Viewer = TOKEN_HOLDER) => {
  const deps = { version: "1.2.3", whoAsks: () => viewer } as unknown as AdminDeps;
  return createAdminRoutes(deps)(anArrival({ method: "GET", target: "/openapi.json" }));
};
const document = JSON.parse(text(await served())) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
const operationOf = (method: string, path: string): Operation => document.paths[path]![method]!;

const refsIn = (node: unknown): string[] =>
  typeof node !== "object" || node === null
    ? []
    : Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
        key === "$ref" ? [String(value)] : refsIn(value),
      );

describe("/openapi.json", () => {
  it("is valid OpenAPI 3.1, and its references lead somewhere", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document));
    expect([valid, errors]).toEqual([true, undefined]);
    expect([validator.version, document.openapi]).toEqual(["3.1", "3.1.1"]);
    const names = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    const used = new Set(refsIn(document));
    expect([...used].filter((ref) => !names.includes(ref))).toEqual([]);
    expect(names.filter((name) => !used.has(name))).toEqual([]);
  });

  it("would not pass the validator with a fault", async () => {
    const broken = structuredClone(document) as unknown as { paths: Record<string, { get: { responses?: object } }> };
    delete broken.paths["/api/status"]!.get.responses;
    broken.paths["/api/status"]!.get = { ...broken.paths["/api/status"]!.get, parameters: [{ name: "x" }] } as never;
    expect((await new Validator().validate(broken)).valid).toBe(false);
  });

  it("has every route, and HEAD where a route answers it", () => {
    const rows = ROUTES.flatMap((row) => [
      `${row.method.toLowerCase()} ${row.path}`,
      ...(row.roles === "anyone" && row.head ? [`head ${row.path}`] : []),
    ]);
    expect(operations.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(rows.toSorted());
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain("getFlowsById");
  });

  it("says for each route who may use it, with which credential", () => {
    expect(operationOf("get", "/healthz")).toMatchObject({ "x-roles": ["anyone"], security: [{}] });
    expect(operationOf("get", "/api/status")).toMatchObject({
      "x-roles": ["viewer", "operator", "auditor"],
      "x-scope": "whole-gateway",
      security: [{ token: [] }, { session: [] }],
    });
    expect(operationOf("post", "/api/reload").security).toEqual([{ token: [] }, { session: [], csrf: [] }]);
    expect(document.components.securitySchemes).toMatchObject({
      token: { type: "http", scheme: "bearer" },
      session: { type: "apiKey", in: "cookie" },
      csrf: { type: "apiKey", in: "header", name: "Ocsgw-Csrf" },
    });
  });

  it("has the replies of the dispatcher and of the row, each with a schema", () => {
    expect(Object.keys(operationOf("get", "/api/flows/{id}").responses)).toEqual([
      "200",
      "400",
      "401",
      "403",
      "404",
      "405",
      "421",
      "500",
      "503",
    ]);
    expect(Object.keys(operationOf("post", "/api/reload").responses)).toContain("422");
    expect(Object.keys(operationOf("get", "/healthz").responses)).toEqual(["200", "400", "403", "405", "421", "500"]);
    for (const { method, operation } of operations.filter((each) => each.method !== "head"))
      for (const [status, { content }] of Object.entries(operation.responses)) {
        expect(Object.keys(content ?? {})).not.toEqual([]);
        expect([method, operation.operationId, status, ...Object.values(content ?? {})]).toEqual([
          method,
          operation.operationId,
          status,
          // The metrics have two formats.
          ...Object.keys(content ?? {}).map(() => expect.objectContaining({ schema: expect.any(Object) as object })),
        ]);
      }
  });

  it("names the two formats of the metrics", () => {
    const { content } = operationOf("get", "/metrics").responses["200"]!;
    expect(Object.keys(content ?? {})).toEqual(["text/plain", "application/openmetrics-text"]);
  });

  it("describes parameters as clients send them", () => {
    const { parameters = [] } = operationOf("get", "/api/flows");
    expect(parameters.map((each) => [each.in, each.name])).toEqual([
      ["query", "filter"],
      ["query", "cursor"],
      ["query", "limit"],
      ["query", "purpose"],
      ["query", "row_cursors"],
    ]);
    expect(parameters[2]!.schema).toEqual({ type: "integer", minimum: 1, maximum: 1000 });
    expect(operationOf("get", "/api/flows/stream").parameters!.map(({ name }) => name)).toContain("Last-Event-ID");
    expect(operationOf("get", "/api/flows/{id}").parameters).toMatchObject([
      { in: "path", name: "id", required: true },
    ]);
    expect(operationOf("post", "/api/reload").requestBody!.required).toBe(false);
    expect(operationOf("post", "/api/audit/look-up").requestBody!.required).toBe(true);
  });

  it("rejects unknown members in requests, and lets replies grow", () => {
    const { content } = operationOf("post", "/api/dnc/{id}/note").requestBody!;
    expect(content).toMatchObject({ "application/json": { schema: { additionalProperties: false } } });
    expect(document.components.schemas["Flow"]).not.toHaveProperty("additionalProperties");
    expect(document.components.schemas["RevocationRequest"]).toMatchObject({ additionalProperties: false });
  });

  it("describes the stream as text/event-stream with the data of each event", () => {
    const { content } = operationOf("get", "/api/flows/stream").responses["200"]!;
    expect(content).toMatchObject({
      "text/event-stream": { "x-events": { flow: { $ref: "#/components/schemas/Flow" } } },
    });
    const events = (content as Record<string, { "x-events": object }>)["text/event-stream"]!["x-events"];
    expect(Object.keys(events)).toEqual(["begin", "flow", "missing", "heartbeat", "end"]);
  });

  it("is served to every role, also to people of single tenants, and to nobody without a role", async () => {
    const person = (viewer: Partial<Viewer>) => served({ ...TOKEN_HOLDER, via: "session", ...viewer });
    for (const role of TOKEN_HOLDER.roles) expect((await person({ roles: [role], tenants: [101] })).status).toBe(200);
    expect((await person({ roles: [] })).status).toBe(403);
  });

  it("is made once, also for requests at the same time, and lets other requests pass meanwhile", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const [one, other] = await Promise.all([openApiOf(ROUTES as never, "1"), openApiOf(ROUTES as never, "1")]);
    clearInterval(timer);
    expect(one).toEqual(other);
    expect(turns).toBeGreaterThan(3);
    expect(text(await served())).toBe(text(await served()));
  });

  it("names one schema by each name", () => {
    const components = new Components();
    const named = (schema: z.ZodType) => z.strictObject({ inner: schema });
    components.schemaOf(named(z.strictObject({ a: z.string() }).meta({ id: "TestOne" })), "reply");
    expect(() =>
      components.schemaOf(named(z.strictObject({ a: z.string() }).meta({ id: "TestOne" })), "request"),
    ).toThrow("TestOne");
  });
});

describe("documented replies", () => {
  const row = { method: "POST", path: "/x", summary: "", roles: ["viewer"], scope: "by-tenant" } as const;
  const answer = () => Promise.reject(new Error("not asked here"));

  it.each([
    ["the usual reply", {}, [200, 400, 401, 403, 405, 421, 500]],
    ["another status", { status: 204 as const }, [204, 400, 401, 403, 405, 421, 500]],
    ["a body that gets 422", { invalidBody: 422 as const }, [200, 400, 401, 403, 405, 421, 422, 500]],
    ["the row's own", { others: { 409: "taken", 403: "not yours" } }, [200, 400, 401, 403, 405, 409, 421, 500]],
  ])("have %s", (_what, more, statuses) => {
    const replies = documentedReplies(route({ ...row, ...more, reply: "nothing", answer }));
    expect([...replies.keys()]).toEqual(statuses);
  });
});

describe("src/docs/reference/admin-api.md", () => {
  it("matches the rows of the routes; after a change: node src/admin/openapi/write-admin-api.ts", async () => {
    expect(await readFile(ADMIN_API_PAGE, "utf8")).toBe(adminApiPage());
  });

  it("has a line for each route", () => {
    const lines = [...adminApiPage().matchAll(/^\| `([A-Z]+ [^`]+)` \|/gm)].map(([, name]) => name);
    expect(lines).toEqual([...ROUTES, ...SANDBOX_ROUTES].map(({ method, path }) => `${method} ${path}`));
  });
});

describe("the rows", () => {
  /** What each role may use decides the owner of the gateway, so a change here is a decision. */
  it("give viewers reading, operators the commands, and auditors the look-ups", () => {
    const usable = (role: string) =>
      ROUTES.filter(({ roles }) => roles !== "anyone" && (roles as readonly string[]).includes(role)).map(
        ({ method, path }) => `${method} ${path}`,
      );
    expect(usable("viewer").filter((name) => !name.startsWith("GET "))).toEqual(["DELETE /api/session"]);
    expect(usable("viewer")).not.toContain("GET /api/dnc/open");
    expect(usable("operator")).toEqual(expect.arrayContaining(["POST /api/reload", "POST /api/revocations"]));
    expect(usable("operator")).not.toContain("POST /api/audit/look-up");
    expect(usable("auditor")).toContain("POST /api/audit/look-up");
    expect(usable("auditor")).not.toContain("POST /api/reload");
  });

  it("have a summary of one sentence, and a scope", () => {
    expect(ROUTES.filter(({ summary }) => summary === "" || summary.endsWith("."))).toEqual([]);
    expect(ROUTES.filter((row) => row.roles !== "anyone" && !row.scope)).toEqual([]);
  });
});
