/**
 * What an operator's probes and dashboards read: alive, ready and why not, the numbers, and for who has the token, what stands where.
 * Nothing here can send to OCS.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { events } from "../events.ts";
import { BodyFault, headerOf, type Arrival, type Handler, type Reply } from "../message.ts";
import { AUDIT_PAGES, type AuditParts } from "./audit.ts";
import { pathOf, PROBE_METHODS } from "./probes.ts";
import { faulty, json, text } from "./reply.ts";
import { confirmClockReply, type RetentionParts } from "./retention.ts";
import { revocationReply, type Decide } from "./revocations.ts";
import { withUnits, type Status } from "./status.ts";

export type HealthParts = {
  /** In words, what keeps the gateway from serving; empty when ready. */
  readonly notReady: () => readonly string[];
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** In words, what wants looking after although the gateway serves. */
  readonly warnings: () => readonly string[];
  readonly status: () => Status;
  /** Reads the config file again: what has changed, or why it was refused. */
  readonly reload: (options: { readonly dryRun?: boolean }) => Promise<{ readonly outcome: string }>;
  readonly audit: AuditParts;
  readonly revoke: Decide;
  readonly retention: RetentionParts;
  readonly token: string;
  /** Where the journal is, and the token beside it. */
  readonly auditDir: string;
};

/** The digest tells a command that looks for the token whether it looks beside this gateway's journal. */
const unauthorized = ({ auditDir }: HealthParts): Reply =>
  json(401, { error: "a bearer token is wanted", journal: digest(auditDir).toString("hex") }, [
    ["WWW-Authenticate", "Bearer"],
  ]);

export const createHealth =
  (parts: HealthParts): Handler =>
  async (arrival) => {
    if (arrival.fault) return faulty(arrival.fault);
    const path = pathOf(arrival);
    const page = pageAt(path);
    if (!page) return json(404, { error: "no such page" });
    const methods = page.isProbe ? PROBE_METHODS : [page.method];
    if (!methods.includes(arrival.method)) {
      return json(405, { error: `${methods.join(" and ")} only` }, [["Allow", methods.join(", ")]]);
    }
    if (page.guarded && !isToken(headerOf(arrival.headers, "Authorization"), parts.token)) return unauthorized(parts);
    try {
      return await page.show(parts, arrival);
    } catch (error) {
      if (error instanceof BodyFault) return json(400, { error: error.message }, [], true);
      events.defect(arrival.id, error);
      return json(500, { error: "a defect of the gateway; the log has it" });
    }
  };

/** `guarded`: for who has the token. `isProbe`: also for HEAD. */
type Page = {
  readonly method: "GET" | "POST";
  readonly guarded?: true;
  readonly isProbe?: true;
  readonly show: (parts: HealthParts, arrival: Arrival) => Promise<Reply> | Reply;
};

const PAGES: ReadonlyMap<string, Page> = new Map<string, Page>([
  ["/healthz", { method: "GET", isProbe: true, show: () => json(200, { status: "ok" }) }],
  ["/readyz", { method: "GET", isProbe: true, show: ({ notReady, warnings }) => ready(notReady(), warnings()) }],
  [
    "/metrics",
    {
      method: "GET",
      isProbe: true,
      show: async ({ metrics }) => text(200, "text/plain; version=0.0.4; charset=utf-8", await metrics()),
    },
  ],
  ["/api/status", { method: "GET", guarded: true, show: ({ status }) => json(200, withUnits(status())) }],
  ["/api/reload", { method: "POST", guarded: true, show: (parts, arrival) => reloadReply(parts, arrival) }],
  [
    "/api/revocations",
    { method: "POST", guarded: true, show: ({ revoke }, arrival) => revocationReply(revoke, arrival) },
  ],
  ["/api/retention", { method: "GET", guarded: true, show: ({ retention }) => json(200, retention.state()) }],
  [
    "/api/retention/confirm-clock",
    { method: "POST", guarded: true, show: ({ retention }, arrival) => confirmClockReply(retention, arrival) },
  ],
  ...AUDIT_PAGES.map(([path, page]): [string, Page] => [
    path,
    { ...page, guarded: true, show: ({ audit }, arrival) => page.show(audit, arrival) },
  ]),
]);

/** A path that ends with / stands for all below it. */
const pageAt = (path: string): Page | undefined =>
  PAGES.get(path) ?? PAGES.get(path.slice(0, path.lastIndexOf("/") + 1));

const ready = (reasons: readonly string[], warnings: readonly string[]): Reply =>
  json(reasons.length === 0 ? 200 : 503, {
    status: reasons.length === 0 ? "ready" : "not ready",
    reasons,
    ...(warnings.length > 0 && { warnings }),
  });

/** A body may say `{"dry_run": true}`. */
const reloadReply = async ({ reload }: HealthParts, arrival: Arrival): Promise<Reply> => {
  const said = Buffer.from(await arrival.body())
    .toString("utf8")
    .trim();
  const dryRun = said === "" ? false : dryRunIn(said);
  if (dryRun === undefined) return json(400, { error: 'expected no body, or {"dry_run": true}' });
  const told = await reload(dryRun ? { dryRun } : {});
  return json(told.outcome === "refused" ? 422 : 200, told);
};

const dryRunIn = (text: string): boolean | undefined => {
  try {
    const { dry_run: isDry = false, ...others } = JSON.parse(text) as { readonly dry_run?: unknown };
    return typeof isDry === "boolean" && Object.keys(others).length === 0 ? isDry : undefined;
  } catch {
    return undefined;
  }
};

const isToken = (authorization: string | undefined, token: string): boolean =>
  timingSafeEqual(digest(authorization ?? ""), digest(`Bearer ${token}`));

const digest = (value: string): Buffer => createHash("sha256").update(value).digest();
