import { afterEach, describe, expect, it } from "vitest";
import { accessEntry } from "../../../src/journal/access.ts";
import type { Access, Entry } from "../../../src/journal/entry.ts";
import { aDoNotCall } from "../../journal/kit.ts";
import { anApi, auditor, type TestApi } from "./kit.ts";

let api: TestApi | undefined;
afterEach(() => api?.stop());

const TOKEN = `t1:${"9f2c".repeat(16)}`;
const lookUp = (user: string, number: number): Access =>
  accessEntry({ user, operation: "look-up", purpose: `case ${number}`, results: 1, tokens: { phone: TOKEN } });
const given: (readonly Entry[])[] = [
  [lookUp("ada", 1)],
  aDoNotCall(1),
  [accessEntry({ user: "root", behind: { login: "bob" }, operation: "export", query: "tenant:101", role: "auditor" })],
  [{ kind: "access", user: "registrar", operation: "PUT /ownership/ocs/15" }],
  [
    {
      kind: "access",
      user: "(unknown user)",
      operation: "login-failed",
      source: "10.0.0.9",
      reason: "throttled",
      count: 7,
    },
  ],
  [lookUp("bob", 2)],
];

const ask = async (query: string) => (await api!.ask(`GET /api/access?${query}`)).value;
const usersIn = ({ accesses }: { accesses: { user: string }[] }) => accesses.map(({ user }) => user);

describe("GET /api/access", () => {
  it("lists who did what and why, newest first, and no registrations of records", async () => {
    api = await anApi(given);
    const { accesses, next, not_covered } = await ask("");
    expect([accesses, next, not_covered]).toEqual([
      [
        expect.objectContaining({ user: "bob", operation: "look-up", purpose: "case 2", results: 1, person: true }),
        expect.objectContaining({
          user: "(unknown user)",
          operation: "login-failed",
          source: "10.0.0.9",
          reason: "throttled",
          count: 7,
          person: false,
        }),
        expect.objectContaining({ user: "root", behind: { login: "bob" }, role: "auditor", query: "tenant:101" }),
        expect.objectContaining({
          user: "ada",
          purpose: "case 1",
          index: expect.any(Number),
          time: expect.any(String),
        }),
      ],
      null,
      [],
    ]);
  });

  it("finds what one person did, and one operation, and a period", async () => {
    api = await anApi(given);
    expect(usersIn(await ask("user=ada"))).toEqual(["ada"]);
    expect(usersIn(await ask("operation=export"))).toEqual(["root"]);
    expect(usersIn(await ask("operation=look-up&user=bob"))).toEqual(["bob"]);
    expect([usersIn(await ask("from=1h")).length, usersIn(await ask("to=2020-01-01"))]).toEqual([4, []]);
  });

  it.each(["", "user=ada&"])("gives pages that lack nothing and repeat nothing, for %j", async (more) => {
    api = await anApi(Array.from({ length: 450 }, (_, number) => [lookUp(number % 3 === 0 ? "ada" : "bob", number)]));
    const purposes: string[] = [];
    let cursor: string | null = "";
    for (let pages = 0; cursor !== null && pages < 100; pages++) {
      const page = await ask(`${more}limit=40${cursor === "" ? "" : `&cursor=${cursor}`}`);
      expect(page.accesses.length).toBeLessThanOrEqual(40);
      purposes.push(...page.accesses.map(({ purpose }: { purpose: string }) => purpose));
      cursor = page.next;
    }
    expect(purposes).toHaveLength(more === "" ? 450 : 150);
    expect(new Set(purposes).size).toBe(purposes.length);
  });

  it("ends a search for a user who did nothing after some thousand entries, with a cursor", async () => {
    api = await anApi([Array.from({ length: 2100 }, (_, number) => lookUp("bob", number))], {
      journal: { durability: "os" },
    });
    const page = await ask("user=ada");
    expect([page.accesses, page.next]).toEqual([[], expect.stringMatching(/^\d+$/)]);
    expect((await ask(`user=ada&cursor=${page.next}`)).next).toBeNull();
  });

  it.each([
    ["operation=eat", /^operation: expected one of search, /],
    ["from=yesterday", /^from: expected a time/],
    ["limit=0", /^limit: /],
    ["person=ada", /^"person" is unknown here/],
  ])("rejects %s", async (query, error) => {
    api = await anApi([]);
    expect(await api.ask(`GET /api/access?${query}`)).toMatchObject({
      status: 400,
      value: { error: expect.stringMatching(error) },
    });
  });

  it("is for auditors of the whole gateway", async () => {
    api = await anApi([]);
    expect((await api.ask("GET /api/access", { as: auditor([101]) })).status).toBe(403);
    expect((await api.ask("GET /api/access", { as: auditor("all", ["operator"]) })).status).toBe(403);
  });
});
