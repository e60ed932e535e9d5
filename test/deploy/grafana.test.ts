/** deploy/grafana: dashboards that Grafana can load from a file, and whose expressions Prometheus understands. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { METRICS } from "../../src/admin/metrics/metrics.ts";
import { root, run } from "../kit/command.ts";
import { describeWith } from "../kit/machine.ts";
import { faultsOf, metricsIn } from "./promql.ts";

const folder = join(root, "deploy/grafana");
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

type Target = { expr: string; legendFormat: string; refId: string; datasource: object };
type Panel = {
  id: number;
  type: string;
  title: string;
  datasource?: object;
  targets?: Target[];
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string } };
};
type Variable = { name: string; type: string; query: unknown; definition?: string };
type Board = { uid: string; title: string; panels: Panel[]; templating: { list: Variable[] } } & Record<
  string,
  unknown
>;

const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const boards = files.map((file) => ({
  file,
  board: JSON.parse(readFileSync(join(folder, file), "utf8")) as Board,
}));
const panels = boards.flatMap(({ file, board }) =>
  board.panels.filter(({ type }) => type !== "row").map((panel) => ({ name: `${file}: ${panel.title}`, panel })),
);
/** As Grafana would fill it in. */
const filled = (expression: string): string =>
  expression.replaceAll("$__rate_interval", "1m").replaceAll(/\$(?:instance|upstream|tenant)\b/g, ".+");

describe("the dashboards", () => {
  it("are the three that the documentation names", () => {
    expect(files.toSorted()).toEqual(["audit.json", "overview.json", "tenant.json"]);
    expect(boards.map(({ board: { uid } }) => uid)).toEqual(files.map((file) => `ocsgw-${file.replace(".json", "")}`));
  });

  it.each(boards.map(({ file, board }) => [file, board] as const))("%s can be loaded from a file", (_, board) => {
    expect(board).toMatchObject({
      title: expect.stringMatching(/^OCS gateway: /) as string,
      schemaVersion: expect.any(Number) as number,
      time: { from: expect.any(String) as string, to: "now" },
      timezone: "utc",
      annotations: { list: [] },
    });
    // Those of an export to share; a file that is provisioned must not have them.
    for (const name of ["__inputs", "__requires", "__elements", "id"]) expect(board).not.toHaveProperty(name);
    expect(board.templating.list[0]).toMatchObject({ name: "datasource", type: "datasource", query: "prometheus" });
    for (const { datasource } of board.templating.list.slice(1) as { datasource?: object }[])
      expect(datasource).toEqual(DATASOURCE);
  });

  it.each(boards.map(({ file, board }) => [file, board] as const))(
    "%s has panels side by side",
    (_, { panels: all }) => {
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
      const cells = all.flatMap(({ gridPos: { x, y, w, h } }) => {
        expect(x + w).toBeLessThanOrEqual(24);
        return Array.from({ length: w * h }, (_unused, at) => `${x + (at % w)},${y + Math.floor(at / w)}`);
      });
      expect(new Set(cells).size).toBe(cells.length);
      expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
    },
  );

  it("show every metric of the gateway", () => {
    const shown = new Set(panels.flatMap(({ panel }) => panel.targets!.flatMap(({ expr }) => metricsIn(expr))));
    const all = METRICS.map(({ name }) => name);
    // The result of each probe; its verdict is shown.
    expect(all.filter((name) => !shown.has(name))).toEqual(["ocsgw_standby"]);
  });
});

describe("a panel", () => {
  it.each(panels.map(({ name, panel }) => [name, panel] as const))("%s has unit and queries", (_, panel) => {
    expect(panel.type).toMatch(/^(timeseries|stat|table|state-timeline)$/);
    expect(panel.datasource).toEqual(DATASOURCE);
    expect(panel.fieldConfig?.defaults.unit).toMatch(/^(none|s|bytes|reqps|percentunit)$/);
    expect(panel.targets!.length).toBeGreaterThan(0);
    expect(new Set(panel.targets!.map(({ refId }) => refId)).size).toBe(panel.targets!.length);
    for (const { datasource } of panel.targets!) expect(datasource).toEqual(DATASOURCE);
  });

  it.each(panels.map(({ name, panel }) => [name, panel] as const))("%s names what exists", (_, { targets = [] }) => {
    expect(targets.flatMap(({ expr, legendFormat }) => faultsOf(filled(expr), [legendFormat]))).toEqual([]);
  });

  it("takes values of variables from metrics and labels that exist", () => {
    const queries = boards.flatMap(({ board }) => board.templating.list.flatMap(({ definition }) => definition ?? []));
    expect(queries.length).toBeGreaterThan(4);
    for (const query of queries) {
      const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(query)!;
      expect(faultsOf(filled(`sum by (${label}) (${series})`))).toEqual([]);
    }
  });
});

describeWith(["promtool"], "promtool", (promtool) => {
  let dir: string;
  beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), "ocsgw-grafana-"))));
  afterAll(() => rmSync(dir, { recursive: true }));

  const check = async (expressions: readonly string[]): Promise<{ code: number | null; said: string }> => {
    const rules = expressions.map((expr, at) => ({ record: `panel:${at}`, expr: filled(expr) }));
    writeFileSync(join(dir, "rules.yaml"), stringify({ groups: [{ name: "panels", rules }] }));
    const { code, stdout, stderr } = await run(promtool, ["check", "rules", join(dir, "rules.yaml")]);
    return { code, said: stdout + stderr };
  };

  it("parses every expression", async () => {
    const all = panels.flatMap(({ panel }) => panel.targets!.map(({ expr }) => expr));
    expect(await check(all)).toEqual({ code: 0, said: expect.stringContaining(`${all.length} rules found`) as string });
  });

  it("would find a fault", async () => {
    expect(await check(["sum by (tenant (ocsgw_lanes)"])).toMatchObject({ code: 1 });
  });
});

describe("provisioning", () => {
  const read = (name: string): unknown => parse(readFileSync(join(folder, "provisioning", name), "utf8")) as unknown;
  const { services } = parse(readFileSync(join(root, "deploy/compose.yaml"), "utf8"), { merge: true }) as {
    services: Record<string, { volumes: { source: string; target: string }[]; environment?: Record<string, string> }>;
  };

  it("names the Prometheus of the compose file, and the folder in which it mounts the dashboards", () => {
    expect(read("datasources/prometheus.yaml")).toMatchObject({
      apiVersion: 1,
      datasources: [{ type: "prometheus", url: "http://prometheus:9090", access: "proxy" }],
    });
    const { providers } = read("dashboards/ocsgw.yaml") as { providers: { options: { path: string } }[] };
    const mounted = services["grafana"]!.volumes.find(({ target }) => target === providers[0]!.options.path);
    expect(mounted?.source).toBe("./grafana");
    expect(services["grafana"]!.environment!["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).toBe(
      `${providers[0]!.options.path}/overview.json`,
    );
  });

  it("gives Prometheus the folder with its config and the alerts", () => {
    expect(services["prometheus"]!.volumes[0]).toMatchObject({ source: "./prometheus", target: "/etc/prometheus" });
  });
});
