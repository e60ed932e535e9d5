/**
 * Pages for load balancers, orchestrators and scrapers on `admin.probes`, a plain listener that more machines can reach
 * than the admin listener. So `/readyz` gives general reasons and names no tenant, upstream or address.
 */
import { events } from "../common/log/events.ts";
import type { Arrival, Fault, Handler, Reply } from "../common/message.ts";
import { metricsReply, type WriteMetrics } from "./metrics/metrics-reply.ts";
import { faulty, json } from "./replies.ts";

export type Ready =
  | { readonly status: "ready" | "standby" }
  /** `reasons`: general, without names or addresses. */
  | { readonly status: "not ready"; readonly reasons: readonly string[] };

export type ProbeDeps = {
  readonly ready: () => Ready;
  readonly metrics: WriteMetrics;
};

export const PROBE_METHODS: readonly string[] = ["GET", "HEAD"];
const PATHS: readonly string[] = ["/healthz", "/readyz", "/metrics"];

export const pathOf = ({ target }: Pick<Arrival, "target">): string => target.split("?", 1)[0]!;

/** Load balancers and scrapers may be old, so HTTP/1.0 clients get these pages too. */
export const isProbe = (asked: Pick<Arrival, "method" | "target">): boolean =>
  PROBE_METHODS.includes(asked.method) && PATHS.includes(pathOf(asked));

/** `parts` is called for each request, because a standby's parts are replaced when it becomes the gateway. */
export const createProbes =
  (parts: () => ProbeDeps): Handler =>
  async (arrival) => {
    const path = pathOf(arrival);
    if (arrival.fault && !isOpen(arrival.fault, path)) return faulty(arrival.fault);
    const show = pageAt(parts(), path, arrival);
    if (!show) return json(404, { error: "unknown path" });
    if (!PROBE_METHODS.includes(arrival.method))
      return json(405, { error: "GET and HEAD only" }, [["Allow", "GET, HEAD"]]);
    return replyOf(show, arrival);
  };

/** A load balancer may use any name of this machine, and the two probe pages contain nothing confidential. */
const isOpen = ({ kind }: Fault, path: string): boolean => kind === "foreign-authority" && path !== "/metrics";

type Show = () => Promise<Reply> | Reply;

const replyOf = async (show: Show, { id }: Arrival): Promise<Reply> => {
  try {
    return await show();
  } catch (error) {
    events.internalError({ id, error });
    return json(500, { error: "internal error; see the gateway's log" });
  }
};

const pageAt = ({ ready, metrics }: ProbeDeps, path: string, arrival: Arrival): Show | undefined => {
  switch (path) {
    case "/healthz":
      return () => json(200, { status: "ok" });
    case "/readyz":
      return () => readiness(ready());
    case "/metrics":
      return () => metricsReply(arrival, metrics);
    default:
      return undefined;
  }
};

/** A standby is alive and takes no requests: 503 keeps a load balancer from sending any. */
const readiness = (ready: Ready): Reply => json(ready.status === "ready" ? 200 : 503, ready);
