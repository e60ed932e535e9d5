/** What alerts and dashboards name is what a running gateway answers. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { METRICS } from "../../src/admin/metrics/metrics.ts";
import { ocsgw, root, startSandbox, type RunningSandbox } from "../kit/command.ts";
import { faultsOf, labelsByMetric, labelsOfScrape, metricsIn } from "./promql.ts";

/** What a sandbox has not, and why. Their rows are tested with the metrics themselves. */
const ABSENT: Readonly<Record<string, string>> = {
  ocsgw_would_refuse_total: "no tenant is in observe mode",
  ocsgw_limit_used_ratio: "no tenant has limits",
  ocsgw_disk_full_in_seconds: "unknown in the first minutes",
  ocsgw_journal_verified_entries: "nothing was verified yet",
  ocsgw_journal_damage: "nothing was verified yet",
  ocsgw_second_place_up: "no checkpoint sink",
  ocsgw_second_place_waiting: "no checkpoint sink",
  ocsgw_witness_cosigned_entries: "no witness",
  ocsgw_witness_age_seconds: "no witness",
  ocsgw_witness_quorum_met: "no witness",
  ocsgw_timestamp_age_seconds: "no authority",
  ocsgw_key_set_age_seconds: "no issuer",
  ocsgw_key_set_up: "no issuer",
  ocsgw_telemetry_items_total: "no collector",
  ocsgw_cluster_nodes: "no shared database",
  ocsgw_cluster_lease_seconds: "no shared database",
  ocsgw_cluster_database_up: "no shared database",
  ocsgw_cluster_statement_seconds: "no shared database",
  ocsgw_cluster_statement_failures_total: "no shared database",
  ocsgw_cluster_statements_waiting: "no shared database",
  ocsgw_limits_shared: "no shared database",
  ocsgw_limit_points_in_hand: "no shared database",
  ocsgw_limit_statements_total: "no shared database",
  ocsgw_lane_lease: "no shared database",
  ocsgw_lane_leased: "no shared database",
  ocsgw_ownership_log_position: "no shared database",
  ocsgw_ownership_log_lag_events: "no shared database",
  ocsgw_ownership_current: "no shared database",
  ocsgw_ownership_unwritten_events: "no shared database",
  ocsgw_ownership_events_total: "no shared database",
  ocsgw_ownership_finalizing_turns_total: "no shared database",
  ocsgw_ownership_reads_total: "no shared database",
  ocsgw_ownership_waits_total: "no shared database",
  ocsgw_outbox_pending: "no Do-Not-Call was handed over",
  ocsgw_outbox_oldest_seconds: "no Do-Not-Call was handed over",
  ocsgw_outbox_alarms: "no Do-Not-Call was handed over",
  ocsgw_outbox_attempts_total: "no Do-Not-Call was handed over",
  ocsgw_forward_up: "no destination",
  ocsgw_forward_lag_entries: "no destination",
  ocsgw_forward_next_index: "no destination",
  ocsgw_forward_failures_total: "no destination",
  ocsgw_forward_missing_entries_total: "no destination",
};

const folder = join(root, "deploy");
const { groups } = parse(readFileSync(join(folder, "prometheus/alerts.yaml"), "utf8")) as {
  groups: { rules: { alert: string; expr: string }[] }[];
};
type Board = { panels: { title: string; targets?: { expr: string }[] }[] };
const boards = readdirSync(join(folder, "grafana")).filter((name) => name.endsWith(".json"));
const expressions = [
  ...groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ of: alert, expr }))),
  ...boards.flatMap((file) =>
    (JSON.parse(readFileSync(join(folder, "grafana", file), "utf8")) as Board).panels.flatMap(
      ({ title, targets = [] }) => targets.map(({ expr }) => ({ of: `${file}: ${title}`, expr })),
    ),
  ),
];

let sandbox: RunningSandbox;
let scraped: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  sandbox = await startSandbox(["--dial-rate", "5"]);
  const { gateway, admin, sandbox: control } = sandbox.ready;
  const post = async (path: string, client: string): Promise<number> => {
    const Authorization = `Basic ${Buffer.from(`${client}:sk_sandbox_${client}`).toString("base64")}`;
    return (await fetch(`${gateway!.http}${path}`, { method: "POST", headers: { Authorization } })).status;
  };
  expect(await post("/phones/4155550100?req=DoNotCall", "alpha-crm")).toBe(200);
  expect(await post("/records/99999?req=RecordProcessed", "alpha-ors")).toBe(410);
  const url = control.url;
  expect((await ocsgw("sandbox", "fault", "add", "lost-reply", "--count", "1", "--url", url)).code).toBe(0);
  expect(await post("/phones/4155550101?req=DoNotCall", "alpha-crm")).toBe(502);
  const scrape = async () => labelsOfScrape(await (await fetch(`${admin!.url}/metrics`)).text());
  await scrape();
  // Some values are those since the last scrape, or are counted a moment after a start.
  const late = ["nodejs_eventloop_lag_p99_seconds", "ocsgw_dnc_open_oldest_seconds", "ocsgw_callbacks_total"];
  await vi.waitFor(
    async () => {
      scraped = await scrape();
      expect(late.filter((name) => !scraped.has(name))).toEqual([]);
    },
    { timeout: 20_000, interval: 200 },
  );
}, 60_000);
afterAll(async () => {
  await sandbox.stop();
  await sandbox.remove();
});

describe("a running gateway", () => {
  it("has every metric but those that need what a sandbox has not", () => {
    const missing = METRICS.map(({ name }) => name).filter((name) => !scraped.has(name));
    expect(missing.filter((name) => ABSENT[name] === undefined)).toEqual([]);
    expect(Object.keys(ABSENT).filter((name) => !METRICS.some((metric) => metric.name === name))).toEqual([]);
  });

  it("has what the expressions of alerts and dashboards name, with these labels", () => {
    expect(expressions.length).toBeGreaterThan(100);
    const known = new Map([...labelsByMetric(), ...scraped]);
    for (const name of metricsIn(expressions.map(({ expr }) => expr).join(" ")))
      expect([name, scraped.has(name) || name === "up" || ABSENT[name] !== undefined]).toEqual([name, true]);
    const faults = expressions.flatMap(({ of, expr }) =>
      faultsOf(expr.replaceAll("$__rate_interval", "1m"), [], known).map((fault) => `${of}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });
});
