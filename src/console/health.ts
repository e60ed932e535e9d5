/**
 * What an operator's probes and dashboards read: alive, ready and why not, the numbers, and for who has the token, what stands where.
 * Nothing here can send to OCS.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { events } from "../events.ts";
import { bytesOf, headerOf, type Arrival, type Handler, type HeaderLine, type Reply } from "../message.ts";
import type { Status } from "./status.ts";

export type HealthParts = {
  /** In words, what keeps the gateway from serving; empty when ready. */
  readonly notReady: () => readonly string[];
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  readonly status: () => Status;
  readonly token: string;
};

export const createHealth = (parts: HealthParts): Handler => async (arrival) => {
  if (arrival.fault) return json(400, { error: arrival.fault.detail }, [], true);
  if (arrival.method !== "GET") return json(405, { error: "GET only" }, [["Allow", "GET"]]);
  const page = PAGES.get(arrival.target.split("?", 1)[0]!);
  if (!page) return json(404, { error: "no such page" });
  try {
    return await page(parts, arrival);
  } catch (error) {
    events.defect(arrival.id, error);
    return json(500, { error: "a defect of the gateway; the log has it" });
  }
};

type Page = (parts: HealthParts, arrival: Arrival) => Promise<Reply> | Reply;

const PAGES: ReadonlyMap<string, Page> = new Map<string, Page>([
  ["/healthz", () => json(200, { status: "ok" })],
  ["/readyz", ({ notReady }) => {
    const reasons = notReady();
    return json(reasons.length === 0 ? 200 : 503, { status: reasons.length === 0 ? "ready" : "not ready", reasons });
  }],
  ["/metrics", async ({ metrics }) => text(200, "text/plain; version=0.0.4; charset=utf-8", await metrics())],
  ["/api/status", ({ status, token }, { headers }) =>
    isToken(headerOf(headers, "Authorization"), token) ? json(200, status()) : json(401, { error: "a bearer token is wanted" }, [["WWW-Authenticate", "Bearer"]])],
]);

const json = (status: number, value: unknown, headers: readonly HeaderLine[] = [], close = false): Reply =>
  ({ ...text(status, "application/json", `${JSON.stringify(value)}\n`, headers), ...(close && { close }) });

const text = (status: number, type: string, body: string, headers: readonly HeaderLine[] = []): Reply =>
  ({ status, headers: [["Content-Type", type], ["Cache-Control", "no-store"], ...headers], body: bytesOf(body) });

const isToken = (authorization: string | undefined, token: string): boolean => timingSafeEqual(digest(authorization ?? ""), digest(`Bearer ${token}`));

const digest = (value: string): Buffer => createHash("sha256").update(value).digest();
