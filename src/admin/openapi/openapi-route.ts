/** `GET /openapi.json`: the admin API described for programs. */
import { z } from "zod";
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

const documentOf = async (routes: readonly Route<never>[], version: string): Promise<string> =>
  `${JSON.stringify(await openApiOf(routes, version), null, 2)}\n`;
