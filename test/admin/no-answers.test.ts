/** A gateway whose OCS does not answer: what the client, the log, /readyz, the metrics and the status show. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Status } from "../../src/admin/status.ts";
import { events } from "../../src/common/log/events.ts";
import { ocsgw } from "../kit/command.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawOcs, type RawOcs, type Script } from "../kit/raw-ocs.ts";

let ocs: RawOcs;
let gateway: TestGateway;
let logged: unknown[];

beforeEach(async () => {
  logged = [];
  vi.spyOn(events, "noAnswer").mockImplementation((line) => void logged.push(line));
  ocs = await rawOcs(() => undefined);
  const config = twoTenants(ocs.url);
  Object.assign(config.upstreams["ocs"] as object, { timeouts: { connect: "2s", answer: "300ms" } });
  gateway = await aGateway({ ...config, admin: { bind: "127.0.0.1:0" } });
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const { socket } of ocs.connections) socket.destroy();
  await gateway.stop();
  await ocs.close();
});

const admin = (path: string): Promise<Response> =>
  fetch(`${gateway.gateway.admin}${path}`, { headers: { authorization: "Bearer token" } });

const rows: readonly (readonly [what: string, code: string, status: number, said: RegExp, script: Script])[] = [
  ["does not answer", "OCSGW-4101", 504, /1 timed out \(OCSGW-4101\)/, () => undefined],
  [
    "ends the connection",
    "OCSGW-4102",
    502,
    /1 lost their connection \(OCSGW-4102\)/,
    ({ connection }) => void connection.socket.destroy(),
  ],
  [
    "answers with malformed HTTP",
    "OCSGW-4103",
    502,
    /1 got a malformed answer \(OCSGW-4103\)/,
    () => "garbage\r\n\r\n",
  ],
];

describe("a request to an OCS that", () => {
  it.each(rows)("%s is logged, counted and reported by /readyz", async (_what, code, status, said, script) => {
    ocs.script = script;
    const reply = await fetch(`${gateway.url}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      headers: { authorization: basic("alpha") },
    });
    expect([reply.status, reply.headers.get("ocsgw-code"), reply.headers.get("ocsgw-delivery")]).toEqual([
      status,
      code,
      "sent-no-answer",
    ]);
    expect(reply.headers.get("server-timing")).toMatch(
      /^policy;dur=[\d.]+, journal;dur=[\d.]+, queue;dur=[\d.]+, ocs;dur=[\d.]+$/,
    );
    if (code === "OCSGW-4101")
      expect(Number(/ocs;dur=([\d.]+)/.exec(reply.headers.get("server-timing")!)![1])).toBeGreaterThan(250);
    expect(logged).toEqual([
      {
        id: reply.headers.get("ocsgw-request-id"),
        upstream: "ocs",
        tenant: "Alpha Tenant",
        action: "DoNotCall",
        code,
        lane: expect.stringMatching(/^ocs\/\d$/) as string,
        ms: expect.any(Number) as number,
      },
    ]);
    const { warnings } = (await (await admin("/readyz")).json()) as { warnings: string[] };
    expect(warnings).toContainEqual(
      expect.stringMatching(
        new RegExp(`^1 request without an answer in the last minute at upstream ocs: ${said.source}`),
      ),
    );
    const metrics = await (await admin("/metrics")).text();
    expect(metrics).toContain(`ocsgw_no_answer_total{tenant="Alpha Tenant",code="${code}"} 1`);
    expect(metrics).not.toContain("ocsgw_refusals_total{");
    const { refusals, no_answers, warnings: inStatus } = (await (await admin("/api/status")).json()) as Status;
    expect([refusals, no_answers]).toEqual([[], [{ code, count: 1 }]]);
    expect(inStatus).toEqual(warnings);
  });
});

describe("whether the same request may be sent again", () => {
  it.each([
    [
      "/lists/Alpha%20List?req=AddRecord",
      { GSW_CAMPAIGN_NAME: "Alpha Campaign", GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST" },
      "no",
      /Do not send the same request again/,
    ],
    [
      "/campaigngroups/106?req=StopDialing",
      {},
      "check-first",
      /Read the group's status before sending the request again/,
    ],
    [
      "/phones/4155550100?req=DoNotCall",
      {},
      "safe",
      /The same request may be sent again .*doing it twice has the same effect as once/,
    ],
    ["/records/15?req=RecordProcessed", {}, "safe", /as long as the handle belongs to the same call/],
  ] as const)(
    "is stated by the reply to %s, and by explain",
    { timeout: 30_000 },
    async (path, body, repeat, words) => {
      const reply = await fetch(`${gateway.url}${path}`, {
        method: "POST",
        headers: { authorization: basic("alpha"), "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(body),
      });
      expect([
        reply.status,
        reply.headers.get("ocsgw-repeat"),
        ((await reply.json()) as { repeat: string }).repeat,
      ]).toEqual([504, repeat, repeat]);
      const config = join(gateway.dir, "ocsgw.yaml");
      await gateway.journal();
      const id = reply.headers.get("ocsgw-request-id")!;
      expect((await ocsgw("explain", id, "-c", config)).stdout).toMatch(words);
      expect(JSON.parse((await ocsgw("explain", id, "-c", config, "--json")).stdout)).toMatchObject({ repeat });
    },
  );
});
