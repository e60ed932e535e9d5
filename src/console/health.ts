/** What an operator's probes read: alive, ready and why not, and for who has the token, what stands where. Nothing here can send to OCS. */
import { createHash, timingSafeEqual } from "node:crypto";
import { bytesOf, headerOf, type Handler, type HeaderLine, type Reply } from "../message.ts";

export type HealthParts = {
  /** In words, what keeps the gateway from serving; empty when ready. */
  readonly notReady: () => readonly string[];
  readonly status: () => unknown;
  /** Without one there is no API. */
  readonly token: string | undefined;
};

export const createHealth = ({ notReady, status, token }: HealthParts): Handler => async ({ method, target, headers, fault }) => {
  if (fault) return json(400, { error: fault.detail }, [], true);
  if (method !== "GET") return json(405, { error: "GET only" }, [["Allow", "GET"]]);
  if (target === "/healthz") return json(200, { status: "ok" });
  if (target === "/readyz") {
    const reasons = notReady();
    return json(reasons.length === 0 ? 200 : 503, { status: reasons.length === 0 ? "ready" : "not ready", reasons });
  }
  if (target === "/api/status" && token !== undefined) {
    return isToken(headerOf(headers, "Authorization"), token) ? json(200, status()) : json(401, { error: "a bearer token is wanted" }, [["WWW-Authenticate", "Bearer"]]);
  }
  return json(404, { error: "no such page" });
};

const json = (status: number, value: unknown, headers: readonly HeaderLine[] = [], close = false): Reply => ({
  status,
  headers: [["Content-Type", "application/json"], ["Cache-Control", "no-store"], ...headers],
  body: bytesOf(`${JSON.stringify(value)}\n`),
  ...(close && { close }),
});

const isToken = (authorization: string | undefined, token: string): boolean => timingSafeEqual(digest(authorization ?? ""), digest(`Bearer ${token}`));

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
