import { afterEach, describe, expect, it } from "vitest";
import type { Entry, Intent } from "../../../src/journal/entry.ts";
import { aDoNotCall } from "../../journal/kit.ts";
import { anApi, auditor, TOKEN, type TestApi } from "./kit.ts";

let api: TestApi | undefined;
afterEach(() => api?.stop());

const BETA = { tenant: { dbid: 102, name: "Beta Tenant" }, client: "beta" };
const phone = (digit: string): Partial<Intent> => ({ upstream: "ocs", tokens: { phone: `t1:${digit.repeat(64)}` } });
const id = (number: number): string => `01KAPQ8C10QX01KAPQ8C${String(number).padStart(6, "0")}`;
const GAP: Entry = {
  kind: "gap",
  reason: "disk full",
  from: "2026-11-02T09:00:00Z",
  to: "2026-11-02T09:30:00Z",
  lost: 4,
};

const both = [
  aDoNotCall(1, { ...phone("1"), refused: "OCSGW-2103" }),
  aDoNotCall(2, { ...phone("2"), ...BETA, status: 500 }),
  aDoNotCall(3, phone("3")),
];

describe("GET /api/dnc/open", () => {
  it("lists what OCS has not confirmed, with age, tries and the last answer", async () => {
    api = await anApi(both);
    const { status, value } = await api.ask("GET /api/dnc/open");
    expect([status, value]).toMatchObject([
      200,
      {
        open: [
          { tenant: "Alpha Tenant", number: "······0100", tries: 1, ended: "refused OCSGW-2103", handled: null },
          { tenant: "Beta Tenant", clients: ["beta"], ended: "ocs-no 500" },
        ],
        total: 2,
        handled: 0,
        complete: true,
        not_covered: [],
      },
    ]);
    expect(value.open[0].age).toBeGreaterThanOrEqual(0);
  });

  it("says how many there are when the limit leaves some out", async () => {
    api = await anApi(both);
    expect((await api.ask("GET /api/dnc/open?limit=1")).value).toMatchObject({ open: [{ id: id(1) }], total: 2 });
    expect((await api.ask("GET /api/dnc/open?limit=0")).value.error).toMatch(/^limit: /);
  });

  it("does not call the list complete after a gap", async () => {
    api = await anApi([...both, [GAP]]);
    expect((await api.ask("GET /api/dnc/open")).value).toMatchObject({
      complete: false,
      not_covered: [expect.stringMatching(/^4 entries were lost/)],
    });
    const scoped = (await api.ask("GET /api/dnc/open", { as: auditor([102]) })).value;
    expect(scoped).toMatchObject({ complete: false, not_covered: [expect.stringMatching(/^entries were lost/)] });
  });
});

describe("POST /api/dnc/{id}/note", () => {
  it("journals who handled a Do-Not-Call and how, and leaves it listed", async () => {
    api = await anApi(both);
    const asked = { as: auditor(), body: { note: "added by hand, ticket 42" } };
    expect(await api.ask(`POST /api/dnc/${id(1)}/note`, asked)).toMatchObject({
      status: 200,
      value: { id: id(1), note: "added by hand, ticket 42" },
    });
    expect((await api.entries()).at(-1)).toMatchObject({
      kind: "access",
      user: "ada",
      role: "auditor",
      operation: "dnc-handled",
      query: `id:${id(1)}`,
      purpose: "added by hand, ticket 42",
    });
    const { value } = await api.ask("GET /api/dnc/open");
    expect([value.total, value.handled, value.open[0].handled]).toMatchObject([
      2,
      1,
      { by: "ada", note: "added by hand, ticket 42", entry: expect.any(Number) },
    ]);
  });

  it.each([
    ["no note", {}, 400, /^note: /],
    ["an empty note", { note: "" }, 400, /^note: /],
    ["a phone number in the note", { note: "called 415-555-0100 back" }, 400, /^note: .*phone number/],
    ["two lines", { note: "a\nb" }, 400, /^note: /],
    ["another member", { note: "x", notes: "y" }, 400, /^"notes" is unknown/],
    ["a user beside a session", { note: "x", user: "eve" }, 400, /^user: /],
  ])("rejects %s and journals nothing", async (_what, body, status, error) => {
    api = await anApi(both);
    const before = (await api.entries()).length;
    const answered = await api.ask(`POST /api/dnc/${id(1)}/note`, { as: auditor(), body });
    expect(answered).toMatchObject({ status, value: { error: expect.stringMatching(error) } });
    expect((await api.entries()).length).toBe(before);
  });

  it.each([
    ["a confirmed one", id(3)],
    ["an unknown one", id(9)],
    ["the beginning of an id", id(1).slice(0, 20)],
  ])("answers 404 for %s", async (_what, asked) => {
    api = await anApi(both);
    expect((await api.ask(`POST /api/dnc/${asked}/note`, { body: { note: "x" } })).status).toBe(404);
  });

  it("takes the user from the body of whoever holds the token", async () => {
    api = await anApi(both);
    await api.ask(`POST /api/dnc/${id(1)}/note`, { as: TOKEN, body: { note: "x", user: "root" } });
    expect((await api.entries()).at(-1)).toMatchObject({ user: "root", operation: "dnc-handled" });
  });
});

describe("GET /api/dnc/ledger", () => {
  const month = new Date().toISOString().slice(0, 7);

  it("counts this month by tenant, and names its numbers", async () => {
    api = await anApi(both);
    expect((await api.ask("GET /api/dnc/ledger")).value).toMatchObject({
      month,
      rows: [
        { sequence: "ocs/101", asked: 2, confirmed: 1, not_sent: 1, open: 1, first: 1, last: 2, complete: "yes" },
        { sequence: "ocs/102", asked: 1, ocs_refused: 1, open: 1, first: 1, last: 1, complete: "yes" },
      ],
      gaps: [],
      months: { first: month, last: month },
    });
  });

  it.each(["2026-13", "2026", "11", "2026-1"])("rejects the month %s", async (asked) => {
    api = await anApi([]);
    expect(await api.ask(`GET /api/dnc/ledger?month=${asked}`)).toMatchObject({
      status: 400,
      value: { error: "month: expected a month, for example 2026-11" },
    });
  });
});

describe("a person who may see one tenant only", () => {
  it("sees only its open Do-Not-Calls, and cannot note others", async () => {
    api = await anApi(both);
    const as = auditor([102]);
    expect((await api.ask("GET /api/dnc/open", { as })).value).toMatchObject({ total: 1, open: [{ id: id(2) }] });
    expect((await api.ask("GET /api/dnc/ledger", { as })).value.rows).toMatchObject([{ tenant: "Beta Tenant" }]);
    const unknown = await api.ask(`POST /api/dnc/${id(9)}/note`, { as, body: { note: "x" } });
    const foreign = await api.ask(`POST /api/dnc/${id(1)}/note`, { as, body: { note: "x" } });
    expect([foreign.status, foreign.value]).toEqual([404, unknown.value]);
    expect((await api.entries()).some(({ kind }) => kind === "access")).toBe(false);
  });
});
