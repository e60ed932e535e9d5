import { describe, expect, it } from "vitest";
import { createStandbyMetrics } from "../../src/admin/metrics/metrics.ts";
import { createProbes, type ProbeDeps } from "../../src/admin/probes.ts";
import type { Reply } from "../../src/common/message.ts";
import { anArrival, text } from "../kit/line.ts";

const leading: ProbeDeps = { ready: () => ({ status: "ready" }), metrics: () => Promise.resolve("ocsgw_lanes 1\n") };
const standby: ProbeDeps = { ready: () => ({ status: "standby" }), metrics: createStandbyMetrics("1.2.3") };

const ask = (target: string, parts: ProbeDeps = leading, method = "GET"): Promise<Reply> =>
  createProbes(() => parts)(anArrival({ method, target }));

describe("the probes listener", () => {
  it.each<[string, string, ProbeDeps, number, string]>([
    ["a gateway that serves", "/readyz", leading, 200, '{"status":"ready"}\n'],
    [
      "a gateway that drains",
      "/readyz",
      { ...leading, ready: () => ({ status: "not ready", reasons: ["draining"] }) },
      503,
      '{"status":"not ready","reasons":["draining"]}\n',
    ],
    ["a standby", "/readyz", standby, 503, '{"status":"standby"}\n'],
    ["a gateway that serves", "/healthz", leading, 200, '{"status":"ok"}\n'],
    ["a standby, which is alive", "/healthz", standby, 200, '{"status":"ok"}\n'],
    ["a gateway that is scraped with parameters", "/metrics?name=x", leading, 200, "ocsgw_lanes 1\n"],
  ])("replies for %s at %s", async (_, target, parts, status, body) => {
    const reply = await ask(target, parts);
    expect([reply.status, text(reply)]).toEqual([status, body]);
  });

  it("has the build of a standby, and that it takes no requests", async () => {
    const reply = await ask("/metrics", standby);
    expect([reply.status, text(reply).match(/^ocsgw_.*$/gm)]).toEqual([
      200,
      [`ocsgw_build_info{version="1.2.3",node="${process.versions.node}"} 1`, "ocsgw_serving 0"],
    ]);
  });

  it.each([
    "/",
    "/api/status",
    "/api/audit/search",
    "/api/revocations",
    "/healthz/",
    "/phones/4155550100?req=DoNotCall",
    "constructor",
  ])("has no page %s", async (target) => {
    expect([(await ask(target)).status, (await ask(target, leading, "POST")).status]).toEqual([404, 404]);
  });

  it.each(["POST", "PUT", "OPTIONS"])("rejects the method %s", async (method) => {
    const reply = await ask("/readyz", leading, method);
    expect([reply.status, reply.headers.at(-1)]).toEqual([405, ["Allow", "GET, HEAD"]]);
  });

  it.each(["/healthz", "/readyz", "/metrics"])("answers HEAD as GET at %s", async (target) => {
    expect(await ask(target, leading, "HEAD")).toEqual(await ask(target));
  });

  it.each([
    ["/healthz", 200],
    ["/readyz", 200],
    ["/metrics", 421],
  ])("replies under a foreign Host to %s with %i", async (target, status) => {
    const fault = { kind: "foreign-authority", detail: "Host is not this gateway" } as const;
    expect((await createProbes(() => leading)(anArrival({ method: "GET", target, fault }))).status).toBe(status);
  });

  it("replies 500 and goes on when the metrics fail", async () => {
    expect((await ask("/metrics", { ...leading, metrics: () => Promise.reject(new Error("4155550100")) })).status).toBe(
      500,
    );
  });

  it("replies by the parts that are in force now", async () => {
    let parts = standby;
    const probes = createProbes(() => parts);
    expect((await probes(anArrival({ method: "GET", target: "/readyz" }))).status).toBe(503);
    parts = leading;
    expect((await probes(anArrival({ method: "GET", target: "/readyz" }))).status).toBe(200);
  });
});
