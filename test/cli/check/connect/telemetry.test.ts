/** `check --connect` tries the OpenTelemetry collector. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { telemetryRows } from "../../../../src/cli/check/connect/telemetry.ts";
import type { Settings } from "../../../../src/settings/schema/schema.ts";
import { aCollector, type Collector } from "../../../telemetry/collector.ts";

let collector: Collector;
beforeEach(async () => {
  collector = await aCollector();
});
afterEach(() => collector.close());

const rowsOf = (endpoint: string | undefined) =>
  telemetryRows({ telemetry: { otlp: endpoint === undefined ? null : { endpoint, ca: null } } } as unknown as Settings);

it.each<[string, () => string, { state: string; says: RegExp }]>([
  ["a collector that listens", () => collector.url, { state: "ok", says: /accepts connections$/ }],
  ["one that is away", () => "http://127.0.0.1:1", { state: "fail", says: /^http:\/\/127\.0\.0\.1:1: ./ }],
  ["one without TLS", () => collector.url.replace("http", "https"), { state: "fail", says: /^https:.*: ./ }],
])("tries %s and sends nothing", async (_name, endpoint, { state, says }) => {
  const [row] = await rowsOf(endpoint());
  expect(row).toMatchObject({ name: "telemetry", state });
  expect(row!.says[0]).toMatch(says);
  expect(collector.text()).toBe("");
});

it("has no row without telemetry.otlp", async () => {
  expect(await rowsOf(undefined)).toEqual([]);
});
