/** deploy/prometheus: what promtool says, what the alerts name, and that each has a test and a runbook. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { parse, stringify } from "yaml";
import { createDocs } from "../../src/documentation/site/serve.ts";
import { root, run } from "../kit/command.ts";
import { anArrival, text } from "../kit/line.ts";
import { describeWith } from "../kit/machine.ts";
import { faultsOf } from "./promql.ts";

const folder = join(root, "deploy/prometheus");
const runbooks = join(root, "src/docs/operations/runbooks");

type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};
type Case = { readonly alertname: string; readonly exp_alerts: readonly { readonly exp_labels: object }[] };

const read = (name: string): unknown => parse(readFileSync(join(folder, name), "utf8"));
const { groups } = read("alerts.yaml") as { groups: { name: string; rules: Alert[] }[] };
const alerts = groups.flatMap(({ name, rules }) => rules.map((rule) => ({ group: name, ...rule })));
const names = [...new Set(alerts.map(({ alert }) => alert))];
const { tests } = read("alerts.test.yaml") as {
  tests: { alert_rule_test: Case[]; input_series: { series: string }[] }[];
};

describeWith(["promtool"], "promtool", (promtool) => {
  // Two seconds of CPU, on a machine that has nothing else to do.
  vi.setConfig({ testTimeout: 120_000 });
  it.each([
    ["check", "config", "prometheus.yml"],
    ["check", "rules", "alerts.yaml"],
    ["test", "rules", "alerts.test.yaml"],
  ])("%s %s %s finds no fault", async (...args) => {
    const { code, stdout, stderr } = await run(promtool, [...args.slice(0, 2), join(folder, args[2]!)]);
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: expect.stringContaining("SUCCESS") as string });
  });

  it("test rules notices a changed threshold", async () => {
    const dir = mkdtempSync(join(tmpdir(), "ocsgw-alerts-"));
    try {
      const rules = readFileSync(join(folder, "alerts.yaml"), "utf8");
      writeFileSync(join(dir, "alerts.yaml"), rules.replace("< 14 * 86400", "< 12 * 86400"));
      const own = tests.filter(({ alert_rule_test: [first] }) => first!.alertname === "OcsgwCertExpiry");
      writeFileSync(
        join(dir, "alerts.test.yaml"),
        stringify({ rule_files: ["alerts.yaml"], evaluation_interval: "1m", tests: own }),
      );
      const { code, stdout, stderr } = await run(promtool, ["test", "rules", join(dir, "alerts.test.yaml")]);
      expect({ code, said: stdout + stderr }).toEqual({
        code: 1,
        said: expect.stringContaining("OcsgwCertExpiry") as string,
      });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe("an alert", () => {
  it.each(alerts.map((each) => [each.alert, each] as const))(
    "%s names metrics and labels that exist",
    (_, { expr, annotations }) => {
      expect(faultsOf(expr, Object.values(annotations))).toEqual([]);
    },
  );

  it("is refused by these tests if it names an unknown metric or label", () => {
    expect(
      faultsOf('sum by (tenants) (ocsgw_gone{job="x"}) or ocsgw_lanes{tenant="a"}', ["{{ $labels.code }}"]),
    ).toEqual([
      "unknown metric ocsgw_gone",
      "unknown label tenant in ocsgw_lanes",
      "unknown label tenants in by or on",
      "unknown label code in a text",
    ]);
  });

  it.each(alerts.map((each) => [each.alert, each] as const))("%s has all labels and annotations", (name, alert) => {
    expect(name).toMatch(/^Ocsgw[A-Z][A-Za-z]+$/);
    expect(alert.labels["severity"]).toMatch(/^(critical|warning)$/);
    const page = alert.group.replace("ocsgw-", "");
    expect(alert.annotations).toEqual({
      summary: expect.stringMatching(/^[A-Z1].{10,70}$/),
      description: expect.stringMatching(/\.$/),
      runbook_url: `{{ $externalLabels.ocsgw_console }}/docs/operations/runbooks/${page}#${name.toLowerCase()}`,
      dashboard_url: expect.stringMatching(/^\{\{ \$externalLabels\.grafana \}\}\/d\/ocsgw-\w+$/),
    });
    const board = alert.annotations["dashboard_url"]!.split("/d/ocsgw-")[1]!;
    expect(readdirSync(join(root, "deploy/grafana"))).toContain(`${board}.json`);
  });

  it.each(names)("%s has a test in which it fires, and a time or a series for which it does not", (name) => {
    const own = tests.filter(({ alert_rule_test: cases }) => cases.some(({ alertname }) => alertname === name));
    const cases = own.flatMap(({ alert_rule_test: all }) => all);
    expect(cases.filter(({ exp_alerts: fires }) => fires.length === 1).length).toBeGreaterThan(0);
    expect(cases.filter(({ exp_alerts: fires }) => fires.length === 0).length).toBeGreaterThan(0);
  });

  it("has both severities tested where it has two", () => {
    const tested = tests.flatMap(({ alert_rule_test: cases }) =>
      cases.flatMap(({ alertname, exp_alerts: fires }) =>
        fires.map(({ exp_labels: labels }) => `${alertname} ${(labels as { severity: string }).severity}`),
      ),
    );
    expect([...new Set(tested)].toSorted()).toEqual(
      [...new Set(alerts.map(({ alert, labels }) => `${alert} ${labels["severity"]}`))].toSorted(),
    );
  });

  it("is not tested with series that do not exist", () => {
    const series = tests.flatMap(({ input_series: all }) => all.map((each) => each.series));
    expect([...new Set(series.flatMap((each) => faultsOf(each)))]).toEqual([]);
  });
});

/** What a runbook says, in this order. */
const PARTS = ["Meaning", "Clients see", "First look", "Decide", "Repair", "Way back", "Afterwards"];

describe("the runbooks", () => {
  const sections = groups.flatMap(({ name }) => {
    const page = name.replace("ocsgw-", "");
    return readFileSync(join(runbooks, `${page}.md`), "utf8")
      .split(/^## /m)
      .slice(1)
      .map((section) => ({ page, alert: section.split("\n", 1)[0]!, text: section }));
  });

  it("are one section for each alert, in the order of the alerts", () => {
    expect(sections.map(({ page, alert }) => `${page} ${alert}`)).toEqual([
      ...new Set(alerts.map(({ group, alert }) => `${group.replace("ocsgw-", "")} ${alert}`)),
    ]);
  });

  it("are no more pages than the alerts have groups", () => {
    expect(readdirSync(runbooks).toSorted()).toEqual(
      groups.map(({ name }) => `${name.replace("ocsgw-", "")}.md`).toSorted(),
    );
  });

  it("are served where the alerts lead, with a place for each", async () => {
    const docs = createDocs("1.2.3");
    const lost: string[] = [];
    for (const { annotations } of alerts) {
      const [path, id] = annotations["runbook_url"]!.replace("{{ $externalLabels.ocsgw_console }}", "").split("#");
      const reply = await docs(anArrival({ method: "GET", target: path! }), path!);
      if (reply?.status !== 200 || !text(reply).includes(`id="${id}"`)) lost.push(`${path}#${id}`);
    }
    expect(lost).toEqual([]);
  });

  it.each(sections.map(({ alert, text: section }) => [alert, section]))(
    "%s says everything that a night needs",
    (_, section) => {
      expect([...section!.matchAll(/^\*\*(.+?)\.\*\* \S/gm)].map(([, part]) => part)).toEqual(PARTS);
    },
  );
});
