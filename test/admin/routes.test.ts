import { describe, expect, it } from "vitest";
import { Jobs } from "../../src/admin/jobs/jobs.ts";
import { createAdminRoutes, type AdminDeps } from "../../src/admin/routes.ts";
import { byToken } from "../../src/admin/viewer.ts";
import type { RetentionState } from "../../src/admin/api/retention.ts";
import {
  partlyUnreachable,
  refusalsOf,
  totals,
  unreachable,
  type Status,
  type UpstreamState,
} from "../../src/admin/status.ts";
import { Cursors } from "../../src/journal/flows/cursor.ts";
import { BodyFault, type Reply } from "../../src/common/message.ts";
import { anArrival, text } from "../kit/line.ts";
import { noSessions } from "../kit/sessions.ts";

const told: Status = {
  version: "1.2.3",
  uptime: 5000,
  config_hash: "c0ffee",
  ready: true,
  reasons: [],
  warnings: [],
  modes: { enforce: 1, observe: 0 },
  rollout: [],
  upstreams: [],
  journal: {
    size: 3,
    segment: undefined,
    bytes: 0,
    failed: null,
    waiting: 0,
    lag: 0,
    lost: 0,
    lost_requests: 0,
    failures: 0,
    buffered: 0,
    torn: undefined,
    checkpoint: { size: 3, age: 10 },
    verified: null,
    damage: [],
    witnesses: [],
    quorum: null,
    timestamp: null,
    disk: null,
  },
  records: [],
  outbox: [],
  open_do_not_calls: null,
  requests: [],
  refusals: [],
  auth_failures: [],
  no_answers: [],
};

const believed: RetentionState = {
  clock: "2026-11-22T12:00:00.000000Z",
  believed: true,
  doubt: null,
  waits: null,
  next_look: 5000,
  entries: 3,
};
const RETENTION = { state: () => believed, confirmClock: () => Promise.resolve(believed) };

const UNCHANGED = { outcome: "unchanged", hash: "c0ffee" };

const raise = (): never => {
  throw new Error("not asked here");
};

const quiet: Omit<AdminDeps, "here"> = {
  isolation: raise,
  outbox: { items: () => [] },
  configView: {
    file: "",
    hash: raise,
    sections: [],
    rows: raise,
    check: raise,
    differences: raise,
    snapshots: raise,
    masked: raise,
  },
  help: raise,
  flows: {
    watchers: { refusal: () => ({ error: "not asked here", retryAfter: 1 }), reserve: () => raise },
    journal: { size: () => 0, deletedTo: () => 0, failed: () => undefined, lag: () => 0 },
    cursors: new Cursors(new Uint8Array(68)),
  },
  notReady: () => [],
  publicReadiness: () => ({ status: "ready" }),
  warnings: () => [],
  metrics: () => Promise.resolve("ocsgw_lanes 1\n"),
  status: () => told,
  now: undefined as never,
  cluster: () => undefined,
  retention: RETENTION,
  revoke: () => Promise.resolve("no"),
  reload: () => Promise.resolve(UNCHANGED),
  version: "1.2.3",
  sessions: noSessions(),
  isGuarded: () => false,
  whoAsks: byToken({ token: "secret", auditDir: "/var/lib/ocsgw/audit" }),
  explain: {
    part: () => {
      throw new Error("not asked here");
    },
    request: () => Promise.reject(new Error("not asked here")),
    waitedFor: () => Promise.reject(new Error("not asked here")),
    absence: () => Promise.resolve(undefined),
  },
  consoleFiles: new Map(),
  docs: () => undefined,
  integrity: { state: raise, lastVerification: raise, reached: raise, checkpoints: raise, checkpointSizes: raise },
  verifications: { jobs: new Jobs(0), running: () => undefined, start: raise },
  proofs: { jobs: new Jobs(0), running: () => undefined, start: raise, configHash: raise, stored: raise, find: raise },
  exports: {
    jobs: new Jobs(0),
    start: raise,
    file: raise,
    expires: raise,
    remove: raise,
    fetchedBy: raise,
  },
  lookUps: { take: raise },
  audit: {
    ask: () => Promise.reject(new Error("not asked here")),
    keys: () => "",
    vocabulary: () => ({ actions: [], codes: [], names: {} }),
    record: () => Promise.reject(new Error("not asked here")),
  },
};

const ask = (
  target: string,
  over: Partial<AdminDeps> & { method?: string; authorization?: string } = {},
): Promise<Reply> => {
  const { method = "GET", authorization, ...parts } = over;
  const handler = createAdminRoutes({ ...quiet, ...parts });
  return handler(
    anArrival({ method, target, headers: authorization === undefined ? [] : [["Authorization", authorization]] }),
  );
};

describe("the admin pages", () => {
  it("say that the process is alive, even if it cannot serve", async () => {
    const reply = await ask("/healthz", { notReady: () => ["draining"] });
    expect([reply.status, JSON.parse(text(reply))]).toEqual([200, { status: "ok" }]);
  });

  it("say ready, or give every reason why not", async () => {
    const [ready, not] = [
      await ask("/readyz"),
      await ask("/readyz", { notReady: () => ["draining", "no OCS reachable"] }),
    ];
    expect([ready.status, JSON.parse(text(ready))]).toEqual([200, { status: "ready", reasons: [] }]);
    expect([not.status, JSON.parse(text(not))]).toEqual([
      503,
      { status: "not ready", reasons: ["draining", "no OCS reachable"] },
    ]);
  });

  it("name nothing in the readiness for whoever may not see all tenants, once there are users", async () => {
    const given = {
      isGuarded: () => true,
      notReady: () => ["draining", "ocs-main: 10.1.2.3:8080 refused"],
      warnings: () => ["Alpha Tenant: 3 requests without an answer"],
      publicReadiness: () => ({ status: "not ready", reasons: ["draining", "no OCS reachable"] }) as const,
    };
    const everything = { status: "not ready", reasons: given.notReady(), warnings: given.warnings() };
    const scoped = { name: "ada", roles: ["operator"], tenants: [101], via: "session" } as const;
    for (const [over, value] of [
      [{}, { status: "not ready", reasons: ["draining", "no OCS reachable"] }],
      [{ authorization: "Bearer wrong" }, { status: "not ready", reasons: ["draining", "no OCS reachable"] }],
      [{ whoAsks: () => scoped }, { status: "not ready", reasons: ["draining", "no OCS reachable"] }],
      [{ whoAsks: () => ({ ...scoped, tenants: "all" as const }) }, everything],
      [{ authorization: "Bearer secret" }, everything],
      [{ isGuarded: () => false }, everything],
    ] as const) {
      const reply = await ask("/readyz", { ...given, ...over });
      expect([reply.status, JSON.parse(text(reply))]).toEqual([503, value]);
    }
    const ready = await ask("/readyz", { ...given, publicReadiness: () => ({ status: "ready" }), notReady: () => [] });
    expect([ready.status, JSON.parse(text(ready))]).toEqual([200, { status: "ready", reasons: [] }]);
  });

  it("give the metrics in Prometheus' content type, also for a target with parameters", async () => {
    for (const target of ["/metrics", "/metrics?name=x"]) {
      const reply = await ask(target);
      expect([reply.status, text(reply), reply.headers]).toEqual([
        200,
        "ocsgw_lanes 1\n",
        [
          ["Content-Type", "text/plain; version=0.0.4; charset=utf-8"],
          ["Cache-Control", "no-store"],
          ["X-Content-Type-Options", "nosniff"],
          ["Vary", "Accept"],
        ],
      ]);
    }
  });

  it.each([
    [undefined, 401],
    ["Bearer", 401],
    ["Bearer wrong", 401],
    ["bearer secret", 401],
    ["Basic secret", 401],
    ["Bearer secret", 200],
  ])("give the status to holders of the token only: %s gets %i", async (authorization, status) => {
    const reply = await ask("/api/status", authorization === undefined ? {} : { authorization });
    expect(reply.status).toBe(status);
    expect(text(reply).includes("c0ffee")).toBe(status === 200);
  });

  it.each(["POST", "PUT", "OPTIONS"])("reject the method %s", async (method) => {
    const reply = await ask("/readyz", { method });
    expect([reply.status, reply.headers.at(-1)]).toEqual([405, ["Allow", "GET, HEAD"]]);
  });

  it.each(["/healthz", "/readyz", "/metrics"])("answer HEAD as GET at %s", async (target) => {
    expect(await ask(target, { method: "HEAD" })).toEqual(await ask(target));
  });

  it.each(["/api/status", "/api/audit/search"])("reject HEAD at %s", async (target) => {
    const reply = await ask(target, { method: "HEAD", authorization: "Bearer secret" });
    expect([reply.status, reply.headers.at(-1)]).toEqual([405, ["Allow", "GET"]]);
  });

  it.each(["/healthz", "/readyz", "/metrics", "/api/status"])(
    "reply 421 at %s under a foreign Host, and name the config key for further names",
    async (target) => {
      const fault = { kind: "foreign-authority", detail: "Host is not this gateway" } as const;
      const reply = await createAdminRoutes(quiet)(anArrival({ method: "GET", target, fault }));
      expect([reply.status, text(reply)]).toEqual([421, expect.stringContaining("admin.names") as string]);
    },
  );

  it.each(["/", "/phones/4155550100?req=DoNotCall", "/metrics/", "constructor", "/readyz/x"])(
    "have no page %s",
    async (target) => {
      expect((await ask(target)).status).toBe(404);
    },
  );

  it.each(["/api/revocations", "/api/audit/look-up", "/api/audit/access"])(
    "at %s reply 400 to an incomplete body, and log no internal error",
    async (target) => {
      const fault = new BodyFault({ kind: "wrong-length", detail: "the body is shorter than announced" });
      const reply = await createAdminRoutes(quiet)({
        ...anArrival({ method: "POST", target, headers: [["Authorization", "Bearer secret"]] }),
        body: () => Promise.reject(fault),
      });
      expect([reply.status, JSON.parse(text(reply)), reply.close]).toEqual([
        400,
        { error: "the body is shorter than announced" },
        true,
      ]);
    },
  );

  it.each<[string, number, object | undefined]>([
    ["", 200, {}],
    ['{"dry_run": true}', 200, { dryRun: true }],
    ['{"dry_run": false}', 200, {}],
    ['{"dry_run": 1}', 400, undefined],
    ['{"dry": true}', 400, undefined],
    ["x", 400, undefined],
    ["{}", 200, {}],
    ...["[]", "[1]", "null", "5", "true", '""'].map((body): [string, number, undefined] => [body, 400, undefined]),
  ])("at /api/reload accept only an empty body or a dry_run member: %j", async (body, status, asked) => {
    let heard: object | undefined;
    const handler = createAdminRoutes({
      ...quiet,
      reload: (options) => {
        heard = options;
        return Promise.resolve(UNCHANGED);
      },
    });
    const reply = await handler({
      ...anArrival({ method: "POST", target: "/api/reload", headers: [["Authorization", "Bearer secret"]] }),
      body: () => Promise.resolve(Buffer.from(body)),
    });
    expect([reply.status, heard]).toEqual([status, asked && { user: "admin token", ...asked }]);
  });

  it("reply 500 and go on when the metrics fail", async () => {
    const reply = await ask("/metrics", { metrics: () => Promise.reject(new Error("+14155550100")) });
    expect([reply.status, text(reply)]).toEqual([500, expect.not.stringContaining("4155550100")]);
  });

  it("reject a malformed message", async () => {
    const reply = await createAdminRoutes(quiet)(
      anArrival({ method: "GET", target: "/readyz", fault: { kind: "ambiguous", detail: "two lengths" } }),
    );
    expect([reply.status, reply.close]).toEqual([400, true]);
  });
});

describe("unreachable", () => {
  const upstream = (name: string, ...up: boolean[]): UpstreamState => ({
    name,
    epoch: 1,
    lanes: [],
    queue: [],
    endpoints: up.map((each, at) => ({
      endpoint: `https://${name}${at + 1}`,
      role: at === 0 ? "primary" : "backup",
      active: each,
      up: each,
    })),
  });

  it("names every endpoint when none accepts requests", () => {
    expect(unreachable([upstream("a", false, false), upstream("b", false)])).toEqual([
      "no OCS reachable: a (https://a1, https://a2), b (https://b1)",
    ]);
  });

  it.each([
    ["the primary", [upstream("a", true, false)]],
    ["the backup", [upstream("a", false, true)]],
    ["another OCS", [upstream("a", false), upstream("b", true)]],
  ])("is empty while %s accepts requests", (_who, upstreams) => {
    expect(unreachable(upstreams)).toEqual([]);
  });
});

describe("partlyUnreachable", () => {
  const upstream = (name: string, ...up: boolean[]): UpstreamState => ({
    name,
    epoch: 1,
    lanes: [],
    queue: [],
    endpoints: up.map((each, at) => ({
      endpoint: `https://${name}${at + 1}`,
      role: at === 0 ? "primary" : "backup",
      active: each,
      up: each,
    })),
  });

  it("warns of an unreachable upstream while another one is reachable", () => {
    expect(partlyUnreachable([upstream("a", false, false), upstream("b", true)])).toEqual([
      "no OCS of upstream a can be reached (https://a1, https://a2): requests of its tenants get 503 OCSGW-4001",
    ]);
  });

  it.each([
    ["all can be reached", [upstream("a", false, true), upstream("b", true)]],
    ["none can be reached", [upstream("a", false), upstream("b", false)]],
    ["there is no upstream", []],
  ])("is empty where %s", (_what, upstreams) => {
    expect(partlyUnreachable(upstreams)).toEqual([]);
  });
});

describe("refusalsOf", () => {
  it("adds up counts by code, and names the three tenants with the most", () => {
    const of = (code: string, counts: Readonly<Record<string, number>>) =>
      Object.entries(counts).map(([tenant, count]) => ({ tenant, code, count }));
    expect(refusalsOf([...of("3001", { A: 1, B: 9, C: 5, D: 7 }), ...of("2001", { none: 4 })])).toEqual([
      { code: "2001", count: 4, most: [] },
      {
        code: "3001",
        count: 22,
        most: [
          { tenant: "B", count: 9 },
          { tenant: "D", count: 7 },
          { tenant: "C", count: 5 },
        ],
      },
    ]);
  });
});

describe("totals", () => {
  it("add up the rows that agree in the given members, in order", () => {
    const rows = [
      { tenant: "A", code: "3001", count: 2 },
      { tenant: "A", code: "2001", count: 1 },
      { tenant: "B", code: "3001", count: 5 },
    ];
    expect(totals(rows, ["code"])).toEqual([
      { code: "2001", count: 1 },
      { code: "3001", count: 7 },
    ]);
  });
});

describe("retention over the admin API", () => {
  const post = async (body: string, retention: AdminDeps["retention"], authorization = "Bearer secret") => {
    const arrival = {
      ...anArrival({
        method: "POST",
        target: "/api/retention/confirm-clock",
        headers: [["Authorization", authorization]],
      }),
      body: () => Promise.resolve(Buffer.from(body)),
    };
    const reply = await createAdminRoutes({ ...quiet, retention })(arrival);
    return [reply.status, JSON.parse(text(reply))] as const;
  };

  it("is shown to holders of the token, and a named user can confirm the clock", async () => {
    const users: string[] = [];
    const retention = {
      state: () => believed,
      confirmClock: (user: string) => (users.push(user), Promise.resolve(believed)),
    };
    expect((await ask("/api/retention")).status).toBe(401);
    const reply = await ask("/api/retention", { authorization: "Bearer secret" });
    expect(JSON.parse(text(reply))).toEqual(believed);
    expect(await post('{"user":"maria"}', retention)).toEqual([200, believed]);
    expect((await post('{"user":"maria"}', retention, "Bearer other"))[0]).toBe(401);
    expect(users).toEqual(["maria"]);
  });

  it.each([
    "",
    "{}",
    "null",
    '{"user":""}',
    '{"user":7}',
    '{"user":"a\\nb"}',
    JSON.stringify({ user: "a".repeat(401) }),
  ])("rejects the body %j, which has no valid name", async (body) => {
    const retention = { state: () => believed, confirmClock: () => Promise.reject(new Error("asked")) };
    expect(await post(body, retention)).toEqual([
      422,
      { error: expect.stringContaining("user: expected the name of the user who confirms the clock") as string },
    ]);
  });

  it("replies with the reason when the confirmation cannot be journaled", async () => {
    const retention = { state: () => believed, confirmClock: () => Promise.reject(new Error("broken")) };
    expect(await post('{"user":"maria"}', retention)).toEqual([
      503,
      { error: expect.stringContaining("so nothing has changed") as string },
    ]);
  });
});
