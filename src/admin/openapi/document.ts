/** The OpenAPI document of the admin API, from the rows of its routes. */
import { setImmediate } from "node:timers/promises";
import type { z } from "zod";
import type { Media, Route } from "../route.ts";
import { ROLES } from "../viewer.ts";
import { Components, type JsonSchema } from "./components.ts";
import { documentedReplies, type DocumentedReply } from "./documented-replies.ts";

type Row = Route<never>;

const DESCRIPTION = [
  "The API of the admin listener. Nothing in it can send to OCS, and phone numbers are as the journal keeps them: " +
    "masked, or a token.",
  "`x-roles` says which roles may use a route: anyone, or people with one of the roles. The bearer token has every " +
    "role. `peer`: another node of the same `shared` may ask it for a user of its own who has one of the roles. " +
    "`x-scope` says what people get who may see single tenants only: `by-tenant`: what concerns those tenants; " +
    "`whole-gateway`: 403.",
  "A path that is not here gets 404. An unknown or repeated parameter, and an unknown member of a body, gets 400 " +
    "with its name; probes and metrics ignore parameters. Path parameters are never percent-decoded. Later versions " +
    "may add members to replies, values to texts with a fixed set, and events to streams: ignore what you do not know.",
].join("\n\n");

/** Takes about 100 ms in all, so other requests are served after each route. */
export const openApiOf = async (routes: readonly Row[], version: string) => {
  const components = new Components();
  const paths: Record<string, Record<string, object>> = {};
  for (const row of routes) {
    const at = (paths[row.path] ??= {});
    at[row.method.toLowerCase()] = operationOf(row, components);
    if (row.roles === "anyone" && row.head) at["head"] = headOf(row);
    await setImmediate();
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Admin API of ocs-gateway",
      version,
      description: DESCRIPTION,
      license: { name: "Apache 2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: { schemas: components.all(), securitySchemes: SECURITY_SCHEMES },
  };
};

const SECURITY_SCHEMES = {
  token: {
    type: "http",
    scheme: "bearer",
    description: "The token in audit.dir/admin.token. It names nobody and has every role",
  },
  session: {
    type: "apiKey",
    in: "cookie",
    name: "ocsgw-PORT",
    description:
      "A session of the console. PORT is the listener's; over TLS the name begins with __Host-. " +
      "Only where the config has people",
  },
  csrf: {
    type: "apiKey",
    in: "header",
    name: "Ocsgw-Csrf",
    description: "With a session, every request that is not a GET needs it",
  },
} as const;

const operationOf = (row: Row, components: Components): object => {
  const parameters = parametersOf(row, components);
  return {
    operationId: nameOf(row),
    summary: row.summary,
    tags: [areaOf(row)],
    ...(parameters.length > 0 && { parameters }),
    ...(row.body && { requestBody: requestBody(row.body, components) }),
    responses: Object.fromEntries(
      [...documentedReplies(row)].map(([status, reply]) => [String(status), responseOf(reply, components)]),
    ),
    security: securityOf(row),
    "x-roles": rolesOf(row),
    ...(row.roles !== "anyone" && { "x-scope": row.scope }),
  };
};

const rolesOf = (row: Row): readonly string[] => {
  if (row.roles === "anyone") return ["anyone"];
  const own = row.peers === "only" ? [] : ROLES.filter((role) => row.roles.includes(role));
  return [...own, ...(row.peers ? ["peer"] : [])];
};

const headOf = (row: Row): object => ({
  operationId: nameOf({ ...row, method: "HEAD" }),
  summary: `${row.summary}, without a body`,
  tags: [areaOf(row)],
  responses: Object.fromEntries(
    [...documentedReplies(row)].map(([status, { when }]) => [String(status), { description: when }]),
  ),
  security: securityOf(row),
  "x-roles": ["anyone"],
});

/** Each alternative suffices; an empty one means that no credential is needed. */
const securityOf = ({ roles, method }: Row): object[] =>
  roles === "anyone" ? [{}] : [{ token: [] }, { session: [], ...(method !== "GET" && { csrf: [] }) }];

/** `getFlowsById` for GET /api/flows/{id}. */
const nameOf = ({ method, path }: { readonly method: string; readonly path: string }): string =>
  method.toLowerCase() +
  partsOf(path)
    .map((part) =>
      part.startsWith("{") ? `By${capitalized(part.slice(1, -1))}` : part.split(/\W+/).map(capitalized).join(""),
    )
    .join("");

const areaOf = ({ path }: Row): string => (path.startsWith("/api/") ? partsOf(path)[0]! : "probes");
const partsOf = (path: string): string[] =>
  path
    .replace(/^\/api/, "")
    .split("/")
    .filter(Boolean);
const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const parametersOf = ({ path, query, headers = {} }: Row, components: Components): object[] => {
  const { properties = {}, required = [] } = (query ? components.schemaOf(query, "request") : {}) as {
    readonly properties?: Readonly<Record<string, JsonSchema>>;
    readonly required?: readonly string[];
  };
  return [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string", pattern: "^[A-Za-z0-9._~-]+$" },
    })),
    ...Object.entries(properties).map(([name, { description, ...schema }]) => ({
      name,
      in: "query",
      required: required.includes(name),
      ...(description !== undefined && { description }),
      schema,
    })),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: "header",
      required: false,
      description,
      schema: { type: "string" },
    })),
  ];
};

const requestBody = (body: z.ZodType, components: Components): object => ({
  required: !body.safeParse(undefined).success,
  content: { "application/json": { schema: components.schemaOf(body, "request") } },
});

const responseOf = ({ when, body, headers }: DocumentedReply, components: Components): object => ({
  description: when,
  ...(headers && {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: "string" } }]),
    ),
  }),
  ...(body !== "nothing" && { content: contentOf(body, components) }),
});

const contentOf = (body: z.ZodType | Media, components: Components): object => {
  if (!("media" in body)) return { "application/json": { schema: components.schemaOf(body, "reply") } };
  const events = Object.entries(body.events ?? {}).map(([name, data]) => [name, components.schemaOf(data, "reply")]);
  return {
    [body.media]: {
      schema: { type: "string", description: body.is },
      ...(events.length > 0 && { "x-events": Object.fromEntries(events) as object }),
    },
    ...(body.or && { [body.or.media]: { schema: { type: "string", description: body.or.is } } }),
  };
};
