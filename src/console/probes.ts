/**
 * What load balancers, orchestrators and scrapers read on `admin.probes`, a plain listener that is open to more machines than the admin listener.
 * So `/readyz` says in general words what is wrong, and names no tenant, upstream or address.
 */
import { events } from "../events.ts";
import type { Arrival, Handler, Reply } from "../message.ts";
import { json, text } from "./reply.ts";

export type Ready =
  | { readonly status: "ready" | "standby" }
  /** In general words, why not. */
  | { readonly status: "not ready"; readonly reasons: readonly string[] };

export type ProbeParts = {
  readonly ready: () => Ready;
  /** In Prometheus' text format; undefined while the gateway does not lead and has no numbers. */
  readonly metrics: (() => Promise<string>) | undefined;
};

/** `parts` is asked with each probe: a standby's are not those of the gateway that it becomes. */
export const createProbes = (parts: () => ProbeParts): Handler => async (arrival) => {
  if (arrival.fault) return json(400, { error: arrival.fault.detail }, [], true);
  const show = pageAt(parts(), arrival.target.split("?", 1)[0]!);
  if (!show) return json(404, { error: "no such page" });
  if (arrival.method !== "GET") return json(405, { error: "GET only" }, [["Allow", "GET"]]);
  return shown(show, arrival);
};

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
    case "/healthz": return () => json(200, { status: "ok" });
    case "/readyz": return () => readiness(ready());
    case "/metrics": return metrics && (async () => text(200, "text/plain; version=0.0.4; charset=utf-8", await metrics()));
    default: return undefined;
  }
};

/** A standby is alive and takes no requests: 503 keeps a load balancer from sending any. */
const readiness = (ready: Ready): Reply => json(ready.status === "ready" ? 200 : 503, ready);
