/** `GET /openapi.json` and `GET /openapi/clients.json`: the admin API, and the clients' API, described for programs. */
import { z } from "zod";
import { clientsApi, type PathsBy } from "../../contract/openapi/clients-api.ts";
import { text } from "../replies.ts";
import { route, type GuardedRoute, type Route } from "../route.ts";
import { openApiOf } from "./document.ts";

type Deps = { readonly version: string };

/**
 * The document has all routes and no data, so whoever may use some of them may read it. `routes` is called on the first
 * request. One gateway has one version.
 */
export const openApiRoute = (routes: () => readonly Route<never>[]): GuardedRoute<Deps> => {
  let made: Promise<string> | undefined;
  return route({
    method: "GET",
    path: "/openapi.json",
    summary: "This description of the admin API, OpenAPI 3.1",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    reply: z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
    answer: async ({ version }: Deps) => text(200, "application/json", await (made ??= documentOf(routes(), version))),
  });
};

/** Of the clients' listeners. One gateway has one version and one action table, so each document is made once. */
export const clientsApiRoute = (): GuardedRoute<Deps> => {
  const made = new Map<PathsBy, string>();
  const textOf = (by: PathsBy, version: string): string => {
    const before = made.get(by);
    if (before !== undefined) return before;
    const document = `${JSON.stringify(clientsApi(version, by), null, 2)}\n`;
    made.set(by, document);
    return document;
  };
  return route({
    method: "GET",
    path: "/openapi/clients.json",
    summary: "What clients may send and what they get, OpenAPI 3.1",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    query: z.strictObject({
      paths: z
        .enum(["resource", "action"])
        .default("resource")
        .describe("resource: one operation for all actions of a path; action: a path with ?req= for each action"),
    }),
    reply: z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
    answer: ({ version }: Deps, { query }) => text(200, "application/json", textOf(query.paths, version)),
  });
};

const documentOf = async (routes: readonly Route<never>[], version: string): Promise<string> =>
  `${JSON.stringify(await openApiOf(routes, version), null, 2)}\n`;
