import { describe, expect, it } from "vitest";
import type { AuditParts } from "../../src/admin/audit-parts.ts";
import type { Explanation } from "../../src/admin/schemas/flow.ts";
import { createAdminRoutes, ROUTES, type AdminDeps } from "../../src/admin/routes.ts";
import { byToken, TOKEN_HOLDER, type Viewer } from "../../src/admin/viewer.ts";
import type { Recorded } from "../../src/journal/entry.ts";
import type { AccessRequest } from "../../src/journal/access.ts";
import { SearchFailed } from "../../src/journal/search/worker/search-worker.ts";
import type { Answer, Question } from "../../src/journal/search/worker/messages.ts";
import { SearchTimeout } from "../../src/journal/search/worker/time-limit.ts";
import { anArrival, text } from "../kit/line.ts";

const TOKEN = `t1:${"9f2c".repeat(16)}`;
const page: Answer = {
  transactions: [{ at: 7, entries: [] }],
  next: 7,
  searched: { from: 0, to: 9, first: undefined, last: undefined, set_aside: [] },
};

const NOT_EXPLAINED: Explanation = {
  stages: [],
  what_happened: "",
  what_to_do: null,
  repeat: null,
  decided_by: null,
  checkpoint: null,
  switchovers: [],
  outages: [],
};

const aConsole = ({
  answer = page,
  fails,
  late,
  viewer,
}: { answer?: Answer; fails?: "ask" | "record"; late?: string; viewer?: Viewer } = {}) => {
  const asked: Question[] = [];
  const recorded: (readonly [AccessRequest, boolean])[] = [];
  const audit: AuditParts = {
    ask: (question) =>
      late !== undefined
        ? Promise.reject(new SearchTimeout(late))
        : fails === "ask"
          ? Promise.reject(new SearchFailed("the search ended"))
          : (asked.push(question), Promise.resolve(answer)),
    keys: () => "a key of 16 bytes and more",
    vocabulary: () => ({
      actions: ["DoNotCall", "AddRecord"],
      codes: ["OCSGW-2103"],
      names: { client: ["alpha-crm"] },
    }),
    record: (entry, sign) =>
      fails === "record"
        ? Promise.reject(new Error("the disk is full"))
        : (recorded.push([entry, sign]), Promise.resolve({ size: 10 })),
  };
  const lookUps = { take: () => ({ allowed: true, headers: [], remember: () => undefined }) };
  const whoAsks = viewer ? () => viewer : byToken({ token: "secret", auditDir: "/audit" });
  const explain = {
    request: () => Promise.resolve(NOT_EXPLAINED),
    waitedFor: () => Promise.resolve(undefined),
    absence: () => Promise.resolve(undefined),
  };
  const handler = createAdminRoutes({ audit, explain, whoAsks, lookUps } as unknown as AdminDeps);
  const ask = async (target: string, { method = "GET", body = "", bearer = "secret" } = {}) => {
    const reply = await handler(anArrival({ method, target, body, headers: [["Authorization", `Bearer ${bearer}`]] }));
    return { status: reply.status, value: JSON.parse(text(reply)) as Record<string, unknown> };
  };
  return { ask, asked, recorded, handler };
};
const post = (value: unknown) => ({ method: "POST", body: JSON.stringify(value) });

describe("the journal over the admin API", () => {
  it.each(ROUTES.filter(({ roles }) => roles !== "anyone").map(({ method, path }) => [method, path] as const))(
    "%s %s needs the token",
    async (method, path) => {
      const { ask, asked, recorded } = aConsole();
      expect((await ask(path.replaceAll(/[{}]/g, ""), { method, bearer: "guessed" })).status).toBe(401);
      expect([asked, recorded]).toEqual([[], []]);
    },
  );

  it("gives a page of results and the cursor of the next page", async () => {
    const { ask, asked, recorded } = aConsole();
    expect(await ask("/api/audit/search?filter=status%3A%3E%3D400&cursor=12&limit=5")).toMatchObject({
      status: 200,
      value: { requests: [{ at: 7 }], next: "7", searched: { to: 9 } },
    });
    expect([asked, recorded]).toEqual([
      [{ kind: "page", filter: "status:>=400", names: [], before: 12, limit: 5 }],
      [],
    ]);
  });

  it("searches for names that are not in the config, and warns about them", async () => {
    const { ask, asked } = aConsole({ answer: { ...page, warnings: ["client:alpha-crn: there is no such client"] } });
    expect((await ask("/api/audit/search?filter=client:alpha-crn,alpha-crm")).value["warnings"]).toEqual([
      "client:alpha-crn: there is no such client",
    ]);
    expect(asked).toMatchObject([{ names: [{ filter: "client:alpha-crn", help: "did you mean alpha-crm?" }] }]);
  });

  it.each(["action:DoNotCal", "OCSGW-9999", "kind:dnc", "since:2026-11-23 until:2026-11-22"])(
    "rejects the filter %s before the search, also in a look-up",
    async (filter) => {
      const { ask, asked } = aConsole();
      expect((await ask(`/api/audit/search?filter=${encodeURIComponent(filter)}`)).status).toBe(400);
      expect((await ask("/api/audit/look-up", post({ phone: "415-555-0100", filter }))).status).toBe(400);
      expect(asked).toEqual([]);
    },
  );

  it.each([
    "cursor=x",
    "limit=0",
    "limit=100000",
    "limit=1.5",
    "q=action:DoNotCall",
    "filter=&tenant=101",
    "filter=action:DoNotCall&filter=action:AddRecord",
    "limit=5&limit=5",
    "purpose=a&filter=&purpose=b",
  ])("rejects the query %s", async (query) => {
    const { ask, asked } = aConsole();
    expect((await ask(`/api/audit/search?${query}`)).status).toBe(400);
    expect(asked).toEqual([]);
  });

  it("records a search for a person's token before it replies", async () => {
    const { ask, recorded } = aConsole();
    expect((await ask(`/api/audit/search?filter=phone:${TOKEN}&purpose=case%2012`)).status).toBe(200);
    expect(recorded).toEqual([
      [
        {
          user: "admin token",
          operation: "look-up",
          query: `phone:${TOKEN}`,
          purpose: "case 12",
          results: 1,
          tokens: { phone: TOKEN, customer_id: undefined },
        },
        false,
      ],
    ]);
  });

  it("accepts a phone number in the body only, and records the look-up without the number", async () => {
    const { ask, asked, recorded } = aConsole({
      answer: {
        ...page,
        evidence: {
          tokens: [TOKEN],
          spellings: [],
          epochs: [],
          gaps: [],
          uncovered: [],
          complete: true,
          searched: page.searched!,
        },
      },
    });
    expect(
      await ask("/api/audit/look-up", post({ phone: "415-555-0100", purpose: "case 12", user: "rw" })),
    ).toMatchObject({ status: 200, value: { evidence: { complete: true } } });
    expect(asked).toMatchObject([
      { kind: "person", person: { kind: "phone", value: "415-555-0100" }, filter: "", limit: 50 },
    ]);
    expect(recorded).toEqual([
      [
        { user: "rw", operation: "look-up", query: "", purpose: "case 12", results: 1, tokens: { phone: TOKEN } },
        false,
      ],
    ]);
    expect(JSON.stringify(recorded)).not.toContain("0100");
  });

  it.each([
    [{}],
    [{ phone: "1", customer_id: "2" }],
    [{ phone: "1", tenant: 101 }],
    [{ phone: "1", q: "tenant:101" }],
    [{ phone: 4155550100 }],
    ["text"],
    [[1]],
  ])("rejects a look-up with the body %j", async (body) =>
    expect((await aConsole().ask("/api/audit/look-up", post(body))).status).toBe(400),
  );

  it("returns no result when the look-up cannot be recorded", async () => {
    const told = await aConsole({ fails: "record" }).ask(`/api/audit/search?filter=phone:${TOKEN}`);
    expect([told.status, Object.keys(told.value)]).toEqual([503, ["error"]]);
  });

  it("records the access of a client that searched the journal itself, with a checkpoint on request", async () => {
    const { ask, recorded } = aConsole();
    expect(
      await ask("/api/audit/access", post({ user: "rw", operation: "export", query: "status:410", sign: true })),
    ).toEqual({ status: 200, value: { size: 10 } });
    expect(recorded).toEqual([[{ user: "rw", operation: "export", query: "status:410" }, true]]);
  });

  it.each([
    [{ user: "rw", operation: "shout" }],
    [{ operation: "search" }],
    [{ user: "rw", operation: "search", query: "tenat:x" }],
    [{ user: "rw", operation: "look-up", purpose: "call to +1 415 555 0100" }],
    [{ user: "rw", operation: "search", query: "4155550100" }],
    [{ user: "rw", operation: "search", query: { phone: "4155550100" } }],
    [{ user: "rw", operation: "look-up", tokens: { phone: "4155550100" } }],
    [{ user: "rw", operation: "search", results: -1 }],
  ])("rejects the access %j and does not journal it", async (body) => {
    const { ask, recorded } = aConsole();
    const told = await ask("/api/audit/access", post(body));
    expect([told.status, recorded]).toEqual([400, []]);
    expect(JSON.stringify(told.value)).not.toContain("555");
  });

  it("gives one request, and replies 404 for an unknown id", async () => {
    const { ask, asked } = aConsole();
    expect((await ask("/api/requests/01KAPQ8C10QX")).status).toBe(200);
    expect(asked).toEqual([{ kind: "transaction", id: "01KAPQ8C10QX" }]);
    expect((await aConsole({ answer: { transactions: [] } }).ask("/api/requests/01KAPQ8C10QX")).status).toBe(404);
  });

  it("replies 503 without Retry-After when a search times out", async () => {
    const { handler } = aConsole({ late: "the search was stopped after 10 s" });
    const reply = await handler(
      anArrival({
        method: "GET",
        target: "/api/audit/search?filter=client:x",
        body: "",
        headers: [["Authorization", "Bearer secret"]],
      }),
    );
    expect([reply.status, text(reply), reply.headers.map(([name]) => name)]).toEqual([
      503,
      '{"error":"the search was stopped after 10 s"}\n',
      expect.not.arrayContaining(["Retry-After"]),
    ]);
  });

  it("replies 503 with the error when a search fails", async () => {
    expect(await aConsole({ fails: "ask" }).ask("/api/dnc/open")).toEqual({
      status: 503,
      value: { error: "the search ended" },
    });
  });
});

const OPEN_ID = "01KAPQ8C10QX01KAPQ8C000001";
const OPEN: Answer = {
  transactions: [
    {
      at: 7,
      entries: [
        {
          kind: "refusal",
          index: 7,
          time: "2026-11-22T12:00:00.000000Z",
          id: OPEN_ID,
          tenant: { dbid: 101, name: "Alpha Tenant" },
          client: "alpha",
          action: "DoNotCall",
          resource: "phones",
          identifier: "······0177",
          tokens: { phone: TOKEN },
        } as unknown as Recorded,
      ],
    },
  ],
  notes: [],
};

describe("new names and old ones", () => {
  it.each([
    ["/api/flows?filter=is:ok&limit=3", "/api/audit/search?filter=is:ok&limit=3"],
    ["/api/flows/01KAPQ8C10QX", "/api/requests/01KAPQ8C10QX"],
  ])("%s asks and replies as %s", async (name, older) => {
    const [one, other] = [aConsole(), aConsole()];
    expect(await one.ask(name)).toEqual(await other.ask(older));
    expect(one.asked).toEqual(other.asked);
    expect(one.asked).toHaveLength(1);
  });

  it("record a search for a person under the new name too", async () => {
    const { ask, recorded } = aConsole();
    expect((await ask(`/api/flows?filter=phone:${TOKEN}`)).status).toBe(200);
    expect(recorded).toMatchObject([[{ operation: "look-up", tokens: { phone: TOKEN } }, false]]);
  });
});

describe("the user that an access records", () => {
  const maria: Viewer = { ...TOKEN_HOLDER, name: "maria", via: "session" };
  const asks: readonly (readonly [string, (user?: string) => readonly [string, ReturnType<typeof post>]])[] = [
    ["a look-up", (user) => ["/api/audit/look-up", post({ phone: "415-555-0100", purpose: "case 12", user })]],
    ["an access", (user) => ["/api/audit/access", post({ operation: "search", user })]],
    ["a note", (user) => [`/api/dnc/${OPEN_ID}/note`, post({ note: "done", user })]],
  ];

  it.each(asks)("of %s is the signed-in person, who cannot name another", async (_what, asked) => {
    const { ask, recorded } = aConsole({ viewer: maria, answer: OPEN });
    expect((await ask(...asked())).status).toBe(200);
    expect((await ask(...asked("maria"))).status).toBe(200);
    expect(await ask(...asked("rw"))).toMatchObject({
      status: 400,
      value: { error: "user: leave it out, the journal records who is signed in" },
    });
    const by = { user: "maria", role: "viewer, operator, auditor" };
    expect(recorded).toMatchObject([
      [by, false],
      [by, false],
    ]);
  });

  it("of an access with the token must be said, because the token names nobody", async () => {
    const { ask, recorded } = aConsole();
    expect(await ask("/api/audit/access", post({ operation: "search" }))).toMatchObject({
      status: 400,
      value: { error: "user: expected a name" },
    });
    expect(recorded).toEqual([]);
  });
});
