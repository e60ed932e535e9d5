/** What happens now: the gateway, its tenants, and its connections to OCS. */
import { z } from "zod";
import { headerOf, nowOf } from "../now/now.ts";
import type { NowSources } from "../now/sources.ts";
import { findTenant, tenantOf, tenantsOf } from "../now/tenants.ts";
import { upstreamsOf } from "../now/upstreams.ts";
import { json } from "../replies.ts";
import { route, type Route } from "../route.ts";
import { Header, Now, Tenant, Tenants, Upstreams } from "./now-schema.ts";
import { text } from "./parameters.ts";

type Deps = { readonly now: NowSources };

const LIMIT = 100;
const MOST = 1000;
const LIMITS = `expected a number from 1 to ${MOST} for one page`;
const STEPS = "expected 10, 60, 300 or 600";

const step = () =>
  z
    .enum(["10", "60", "300", "600"], STEPS)
    .transform(Number)
    .describe("The shortest step of the series, in seconds")
    .default(10);

export const NOW_ROUTES: readonly Route<Deps>[] = [
  route({
    method: "GET",
    path: "/api/header",
    summary: "Modes of the tenants and the state of each OCS, for the top of every page of the console",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    reply: Header,
    answer: ({ now }: Deps, { viewer }) => json(200, headerOf(viewer, now) satisfies Header),
  }),
  route({
    method: "GET",
    path: "/api/now",
    summary: "What happens now: rates, the last 60 minutes, lanes, waiting requests, and what needs a look",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    reply: Now,
    answer: ({ now }: Deps, { viewer }) => json(200, nowOf(viewer, now) satisfies Now),
  }),
  route({
    method: "GET",
    path: "/api/tenants",
    summary: "Tenants by name, with what each does now",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    query: z.strictObject({
      search: text().describe("A part of a name, or a DBID").default(""),
      after: z.coerce
        .number("expected the value of next")
        .int("expected the value of next")
        .min(0, "expected the value of next")
        .describe("The value of next from an earlier page")
        .default(0),
      limit: z.coerce.number(LIMITS).int(LIMITS).min(1, LIMITS).max(MOST, LIMITS).default(LIMIT),
    }),
    reply: Tenants,
    answer: ({ now }: Deps, { viewer, query }) => json(200, tenantsOf(viewer, now, query) satisfies Tenants),
  }),
  route({
    method: "GET",
    path: "/api/tenants/{dbid}",
    summary: "One tenant: limits, lanes, and the last 60 minutes",
    roles: ["viewer", "operator", "auditor"],
    scope: "by-tenant",
    query: z.strictObject({
      upstream: text().describe("Needed where tenants of several OCS have the same DBID").optional(),
      step: step(),
    }),
    reply: Tenant,
    others: { 404: "there is no tenant with this DBID, or it may not be seen" },
    answer: ({ now }: Deps, { viewer, params, query }) => {
      const found = findTenant(viewer, now, params.dbid, query.upstream);
      if (!found) return json(404, { error: "there is no tenant with this DBID" });
      if ("upstreams" in found)
        return json(400, { error: `upstream: expected one of ${found.upstreams.join(", ")}: each has this DBID` });
      return json(200, tenantOf(viewer, now, found.tenant, query.step) satisfies Tenant);
    },
  }),
  route({
    method: "GET",
    path: "/api/upstreams",
    summary: "Each OCS: roles, lanes, waiting requests, switchovers and certificates",
    roles: ["operator"],
    scope: "by-tenant",
    query: z.strictObject({ step: step() }),
    reply: Upstreams,
    answer: ({ now }: Deps, { viewer, query }) => json(200, upstreamsOf(viewer, now, query.step) satisfies Upstreams),
  }),
];
