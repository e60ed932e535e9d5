/** Liveness, readiness with reasons, metrics, and the status. */
import { metricsReply, type WriteMetrics } from "../metrics/metrics-reply.ts";
import { json } from "../replies.ts";
import type { Ready } from "../probes.ts";
import { openRoute, route, type Route } from "../route.ts";
import { Unauthorized } from "../schemas/basics.ts";
import { Alive, Readiness, Status } from "../schemas/status.ts";
import { withUnits, type Status as StatusNow } from "../status.ts";
import type { Reply } from "../../common/message.ts";
import type { Authenticate, Rejected, Viewer } from "../viewer.ts";

type Deps = {
  /** Why the gateway cannot serve, one phrase per reason; empty when it is ready. */
  readonly notReady: () => readonly string[];
  /** The same without names, addresses and paths. */
  readonly publicReadiness: () => Ready;
  readonly metrics: WriteMetrics;
  /** Warnings for the operator: problems that do not stop the gateway from serving. */
  readonly warnings: () => readonly string[];
  readonly status: () => StatusNow;
  /** Whether only users and holders of the admin token may read what names tenants and upstreams. */
  readonly isGuarded: () => boolean;
  readonly whoAsks: Authenticate;
};

export const STATUS_ROUTES: readonly Route<Deps>[] = [
  openRoute({
    method: "GET",
    path: "/healthz",
    summary: "Whether the process is alive",
    roles: "anyone",
    head: true,
    reply: Alive,
    answer: () => json(200, { status: "ok" }),
  }),
  openRoute({
    method: "GET",
    path: "/readyz",
    summary:
      "Whether the gateway can serve, and every reason why not; once the config has users of the console, only " +
      "people who see all tenants get names and warnings",
    roles: "anyone",
    head: true,
    reply: Readiness,
    others: { 503: { when: "the gateway cannot serve", body: Readiness } },
    answer: async ({ notReady, publicReadiness, warnings, isGuarded, whoAsks }: Deps, { arrival }) => {
      const viewer = isGuarded() ? await whoAsks(arrival) : undefined;
      if (!viewer || ("tenants" in viewer && viewer.tenants === "all")) return readiness(notReady(), warnings());
      const ready = publicReadiness();
      return readiness(ready.status === "not ready" ? ready.reasons : [], []);
    },
  }),
  openRoute({
    method: "GET",
    path: "/metrics",
    summary: "Metrics in Prometheus' text format, or as OpenMetrics with exemplars",
    roles: "anyone",
    head: true,
    headers: { Accept: "application/openmetrics-text for OpenMetrics" },
    reply: {
      media: "text/plain",
      is: "Prometheus' text format, version 0.0.4",
      or: { media: "application/openmetrics-text", is: "OpenMetrics 1.0, with request ids as exemplars" },
    },
    others: {
      401: {
        when: "the config has users of the console, so the admin token or a session is needed",
        body: Unauthorized,
      },
      403: "the metrics name every tenant, and this user may see single tenants only",
    },
    answer: async ({ metrics, isGuarded, whoAsks }: Deps, { arrival }) =>
      (isGuarded() ? metricsRefusal(await whoAsks(arrival)) : undefined) ?? metricsReply(arrival, metrics),
  }),
  route({
    method: "GET",
    path: "/api/status",
    summary: "The state of the gateway, its journal and each OCS, and counts since the start",
    roles: ["viewer", "operator", "auditor"],
    scope: "whole-gateway",
    reply: Status,
    answer: ({ status }: Deps) => json(200, withUnits(status())),
  }),
];

const metricsRefusal = (viewer: Viewer | Rejected): Reply | undefined => {
  if ("rejected" in viewer) return viewer.rejected;
  return viewer.tenants === "all"
    ? undefined
    : json(403, { error: "the metrics name every tenant, and this user may see single tenants only" });
};

const readiness = (reasons: readonly string[], warnings: readonly string[]) =>
  json(reasons.length === 0 ? 200 : 503, {
    status: reasons.length === 0 ? "ready" : "not ready",
    reasons,
    ...(warnings.length > 0 && { warnings }),
  });
