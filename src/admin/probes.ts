/**
 * What load balancers, orchestrators and scrapers read on `admin.probes`, a plain listener that is open to more machines than the admin listener.
 * So `/readyz` says in general words what is wrong, and names no tenant, upstream or address.
 */
import { events } from "../events.ts";
import type { Arrival, Fault, Handler, Reply } from "../message.ts";
import { faulty, json, text } from "./reply.ts";

export type Ready =
  | { readonly status: "ready" | "standby" }
  /** In general words, why not. */
  | { readonly status: "not ready"; readonly reasons: readonly string[] };

export type ProbeParts = {
  readonly ready: () => Ready;
  /** In Prometheus' text format; undefined while the gateway does not lead and has no numbers. */
  readonly metrics: (() => Promise<string>) | undefined;
};

export const PROBE_METHODS: readonly string[] = ["GET", "HEAD"];
const PATHS: readonly string[] = ["/healthz", "/readyz", "/metrics"];

export const pathOf = ({ target }: Pick<Arrival, "target">): string => target.split("?", 1)[0]!;

/** Load balancers and scrapers may be old: these pages are shown to HTTP/1.0 too. */
export const isProbe = (asked: Pick<Arrival, "method" | "target">): boolean =>
  PROBE_METHODS.includes(asked.method) && PATHS.includes(pathOf(asked));

/** `parts` is asked with each probe: a standby's are not those of the gateway that it becomes. */
export const createProbes =
  (parts: () => ProbeParts): Handler =>
  async (arrival) => {
    const path = pathOf(arrival);
    if (arrival.fault && !isOpen(arrival.fault, path)) return faulty(arrival.fault);
    const show = pageAt(parts(), path);
    if (!show) return json(404, { error: "no such page" });
    if (!PROBE_METHODS.includes(arrival.method))
      return json(405, { error: "GET and HEAD only" }, [["Allow", "GET, HEAD"]]);
    return shown(show, arrival);
  };

/** A load balancer may ask under any name of this machine: what stands on these two pages, every host may know. */
const isOpen = ({ kind }: Fault, path: string): boolean => kind === "foreign-authority" && path !== "/metrics";

type Show = () => Promise<Reply> | Reply;

const shown = async (show: Show, { id }: Arrival): Promise<Reply> => {
  try {
    return await show();
  } catch (error) {
    events.defect(id, error);
    return json(500, { error: "a defect of the gateway; the log has it" });
  }
};

const pageAt = ({ ready, metrics }: ProbeParts, path: string): Show | undefined => {
  switch (path) {
    case "/healthz":
      return () => json(200, { status: "ok" });
    case "/readyz":
      return () => readiness(ready());
    case "/metrics":
      return metrics && (async () => text(200, "text/plain; version=0.0.4; charset=utf-8", await metrics()));
    default:
      return undefined;
  }
};

/** A standby is alive and takes no requests: 503 keeps a load balancer from sending any. */
const readiness = (ready: Ready): Reply => json(ready.status === "ready" ? 200 : 503, ready);
