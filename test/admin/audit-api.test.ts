import { describe, expect, it } from "vitest";
import { AUDIT_PAGES, type AuditParts } from "../../src/console/audit.ts";
import { createHealth, type HealthParts } from "../../src/console/health.ts";
import type { Asked } from "../../src/journal/access.ts";
import { SearchFailed } from "../../src/journal/search/desk.ts";
import type { Answer, Question } from "../../src/journal/search/questions.ts";
import { TookTooLong } from "../../src/journal/search/time-limit.ts";
import { anArrival, text } from "../kit/line.ts";

const TOKEN = `t1:${"9f2c".repeat(16)}`;
const page: Answer = {
  stories: [{ at: 7, entries: [] }],
  next: 7,
  searched: { from: 0, to: 9, first: undefined, last: undefined, set_aside: [] },
};

const aConsole = ({
  answer = page,
  fails,
  late,
}: { answer?: Answer; fails?: "ask" | "record"; late?: string } = {}) => {
  const asked: Question[] = [];
  const recorded: (readonly [Asked, boolean])[] = [];
  const audit: AuditParts = {
    ask: (question) =>
      late !== undefined
        ? Promise.reject(new TookTooLong(late))
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
  const handler = createHealth({ audit, token: "secret", auditDir: "/audit" } as unknown as HealthParts);
  const ask = async (target: string, { method = "GET", body = "", bearer = "secret" } = {}) => {
    const reply = await handler(anArrival({ method, target, body, headers: [["Authorization", `Bearer ${bearer}`]] }));
    return { status: reply.status, value: JSON.parse(text(reply)) as Record<string, unknown> };
  };
  return { ask, asked, recorded, handler };
};
const post = (value: unknown) => ({ method: "POST", body: JSON.stringify(value) });

describe("the journal over the admin API", () => {
  it.each(AUDIT_PAGES.map(([path, { method }]) => [method, path] as const))(
    "%s %s is for who has the token",
    async (method, path) => {
      const { ask, asked, recorded } = aConsole();
      expect((await ask(path, { method, bearer: "guessed" })).status).toBe(401);
      expect([asked, recorded]).toEqual([[], []]);
    },
  );

  it("gives a page and where the next one begins", async () => {
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

  it("asks for the names that the config does not have, and says what came of it", async () => {
    const { ask, asked } = aConsole({ answer: { ...page, warnings: ["client:alpha-crn: there is no such client"] } });
    expect((await ask("/api/audit/search?filter=client:alpha-crn,alpha-crm")).value["warnings"]).toEqual([
      "client:alpha-crn: there is no such client",
    ]);
    expect(asked).toMatchObject([{ names: [{ filter: "client:alpha-crn", help: "did you mean alpha-crm?" }] }]);
  });

  it.each(["action:DoNotCal", "OCSGW-9999", "kind:dnc", "since:2026-11-23 until:2026-11-22"])(
    "refuses %s before it asks anybody, also in a look-up",
    async (filter) => {
      const { ask, asked } = aConsole();
      expect((await ask(`/api/audit/search?filter=${encodeURIComponent(filter)}`)).status).toBe(400);
      expect((await ask("/api/audit/look-up", post({ phone: "415-555-0100", filter }))).status).toBe(400);
      expect(asked).toEqual([]);
    },
  );

  it.each(["cursor=x", "limit=0", "limit=100000", "limit=1.5", "q=action:DoNotCall", "filter=&tenant=101"])(
    "refuses %s",
    async (query) => expect((await aConsole().ask(`/api/audit/search?${query}`)).status).toBe(400),
  );

  it("records a search for a person's token before it tells", async () => {
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

  it("takes a number in the body alone, and records the look-up without it", async () => {
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
  ])("refuses a look-up of %j", async (body) =>
    expect((await aConsole().ask("/api/audit/look-up", post(body))).status).toBe(400),
  );

  it("tells nothing when the look-up cannot be recorded", async () => {
    const told = await aConsole({ fails: "record" }).ask(`/api/audit/search?filter=phone:${TOKEN}`);
    expect([told.status, Object.keys(told.value)]).toEqual([503, ["error"]]);
  });

  it("records for who searched by itself, with a checkpoint when asked", async () => {
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
  ])("does not write %j into the journal", async (body) => {
    const { ask, recorded } = aConsole();
    const told = await ask("/api/audit/access", post(body));
    expect([told.status, recorded]).toEqual([400, []]);
    expect(JSON.stringify(told.value)).not.toContain("555");
  });

  it("gives one request, and says when there is none", async () => {
    const { ask, asked } = aConsole();
    expect((await ask("/api/requests/01KAPQ8C10QX")).status).toBe(200);
    expect(asked).toEqual([{ kind: "story", id: "01KAPQ8C10QX" }]);
    expect((await aConsole({ answer: { stories: [] } }).ask("/api/requests/01KAPQ8C10QX")).status).toBe(404);
  });

  it("says 503 when the time of a search is over, and not that it should be asked again", async () => {
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

  it("says 503 when the search fails, and no more than that", async () => {
    expect(await aConsole({ fails: "ask" }).ask("/api/dnc/open")).toEqual({
      status: 503,
      value: { error: "the search ended" },
    });
  });
});
