/** The flows that people of one tenant find in the journal: by filter, id, cursor and person. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  CANARY,
  NOBODY,
  alphaIds,
  ask,
  call,
  canaryIds,
  COUNTING,
  expectNoTrace,
  flowsAs,
  hostileFilters,
  lookUpAs,
  membersIn,
  ocs,
  startWorld,
  stopWorld,
  tokens,
} from "./kit.ts";
import { EVERYTHING, OTHER, person, SCOPED } from "./people.ts";

vi.mock("../../../src/admin/viewer.ts", async (original) =>
  (await import("./people.ts")).withPeople(await original<typeof import("../../../src/admin/viewer.ts")>()),
);

beforeAll(startWorld, 60_000);
afterAll(stopWorld);

/** Names of nobody, similar to the canary's or to Alpha's. */
const MISSPELT = [
  `tenant:${CANARY.name}x`,
  `client:${CANARY.client}x`,
  `list:"${CANARY.list}x"`,
  'tenant:"Alpha Tenan"',
];

describe("the flows of Alpha's people", () => {
  it("are all and only Alpha's, for whatever filter", async () => {
    const own = await flowsAs(SCOPED.auditor, "");
    // Where a header names another tenant, the request belongs to nobody.
    expect(own.requests.map(({ id }: { id: string }) => id)).toEqual(alphaIds.filter((_, at) => at !== 8).toReversed());
    // Without a scope there is more, so that this test can fail.
    expect((await flowsAs(EVERYTHING, "")).requests.length).toBeGreaterThan(own.requests.length + canaryIds.length - 3);
    for (const filter of hostileFilters(CANARY)) {
      for (const as of Object.values(SCOPED)) {
        const { requests } = await flowsAs(as, filter);
        for (const { tenant } of requests) expect(tenant, filter).toEqual({ dbid: 101, name: "Alpha Tenant" });
        expectNoTrace(JSON.stringify(requests), filter);
        expect(membersIn(requests).filter((name) => COUNTING.has(name))).toEqual([]);
      }
    }
  });

  it("are the same for a filter that names the canary as for one that names nobody", async () => {
    const renamed = (text: string): string =>
      Object.entries(NOBODY)
        .reduce((all, [key, name]) => all.replaceAll(String(CANARY[key as keyof typeof NOBODY]), String(name)), text)
        .replaceAll(CANARY.name.slice(0, 6), NOBODY.name.slice(0, 6));
    const nobody = hostileFilters(NOBODY);
    for (const [at, filter] of hostileFilters(CANARY).entries()) {
      const [named, unnamed] = [await flowsAs(SCOPED.auditor, filter), await flowsAs(SCOPED.auditor, nobody[at]!)];
      expect(renamed(JSON.stringify(named))).toBe(JSON.stringify(unnamed));
    }
    for (const filter of MISSPELT) {
      const { warnings } = await flowsAs(SCOPED.auditor, filter);
      expect(warnings, filter).toHaveLength(1);
      expectNoTrace(String(warnings).replace(filter, ""), filter);
    }
    expect((await flowsAs(SCOPED.auditor, 'tenant:"Alpha Tenan"')).warnings).toEqual([
      'tenant:"Alpha Tenan": there is no such tenant in the config of your tenants or in their requests; ' +
        "did you mean Alpha Tenant?",
    ]);
  });

  it("lack the names that a refused request gave to another tenant's objects, and keep their own", async () => {
    const { requests } = await flowsAs(SCOPED.auditor, "-is:ok");
    const of = (id: string) => requests.find((each: { id: string }) => each.id === id);
    expect(of(alphaIds[2]!)).toMatchObject({ resource: "lists", identifier: null, code: "OCSGW-2104" });
    expect(of(alphaIds[3]!)).toMatchObject({ identifier: "Alpha List", list: "Alpha List", code: "OCSGW-2104" });
    expect(of(alphaIds[4]!)).toMatchObject({ resource: "campaigngroups", identifier: null });
    expect(of(alphaIds[5]!)).toMatchObject({ resource: "records", identifier: null });
    expect((await flowsAs(EVERYTHING, `id:${alphaIds[2]}`)).requests).toMatchObject([{ identifier: CANARY.list }]);
  });

  it.each(["/api/flows", "/api/requests"])(
    "by id under %s: the canary's is as unknown as one of nobody",
    async (path) => {
      const unknown = await ask("GET", `${path}/01ZZZZZZZZZZZZZZZZZZZZZZZZ`, SCOPED.auditor);
      expect(unknown.status).toBe(404);
      for (const id of canaryIds) {
        expect((await ask("GET", `${path}/${id}`, EVERYTHING)).status).toBe(200);
        for (const as of Object.values(SCOPED)) expect(await ask("GET", `${path}/${id}`, as)).toEqual(unknown);
      }
      const own = await ask("GET", `${path}/${alphaIds[0]}`, SCOPED.viewer);
      expect([own.status, JSON.parse(own.text).requests[0].id]).toEqual([200, alphaIds[0]]);
      // A part of an id finds the same ones.
      const part = await ask("GET", `${path}/${alphaIds[0]!.slice(0, 6)}`, SCOPED.viewer);
      expectNoTrace(part.text, "a part of an id");
    },
  );
});

describe("cursors of Alpha's pages", () => {
  const page = (as: string, cursor?: string) =>
    ask("GET", `/api/flows?limit=2${cursor === undefined ? "" : `&cursor=${cursor}`}`, as);

  it("lead through the same flows as one page, and are never the same twice", async () => {
    const all = (await flowsAs(SCOPED.auditor, "")).requests.map(({ id }: { id: string }) => id);
    const [found, cursors]: [string[], string[]] = [[], []];
    let cursor: string | undefined;
    do {
      const { requests, next } = JSON.parse((await page(SCOPED.auditor, cursor)).text);
      found.push(...requests.map(({ id }: { id: string }) => id));
      cursor = next ?? undefined;
      if (cursor !== undefined) cursors.push(cursor);
    } while (cursor !== undefined);
    expect(found).toEqual(all);
    const again = JSON.parse((await page(SCOPED.auditor)).text).next;
    expect([again === cursors[0], /^[\w-]{56}$/.test(again)]).toEqual([false, true]);
  });

  it("are of no use to others, and those of others are of no use to them", async () => {
    const [own, other, all] = await Promise.all(
      [SCOPED.auditor, OTHER, EVERYTHING].map(async (as) => JSON.parse((await page(as)).text).next as string | null),
    );
    for (const [as, cursor] of [
      [SCOPED.auditor, all!],
      [SCOPED.auditor, "1"],
      [SCOPED.auditor, "x".repeat(56)],
      [OTHER, own!],
      [EVERYTHING, own!],
      ...(other === null ? [] : [[SCOPED.auditor, other!] as const]),
    ] as const) {
      const { status, text } = await page(as, cursor);
      expect([status, JSON.parse(text)]).toEqual([
        400,
        { error: "cursor: expected the value of next from an earlier page" },
      ]);
    }
  });
});

describe("a filter that names a person", () => {
  it.each(["phone", "customer"])("by %s is for auditors only, in pages and streams", async (key) => {
    for (const roles of [["viewer"], ["operator"], ["viewer", "operator"]] as const)
      for (const tenants of [[101], "all"] as const) {
        const as = person(roles, tenants);
        for (const path of ["/api/flows", "/api/audit/search", "/api/flows/stream"])
          for (const filter of [`${key}:${tokens.own}`, `is:ok OR -${key}:${tokens.own}`]) {
            const { status, text } = await ask("GET", `${path}?filter=${encodeURIComponent(filter)}`, as);
            expect([status, JSON.parse(text).error, path]).toEqual([
              403,
              expect.stringContaining("role auditor"),
              path,
            ]);
          }
      }
    expect((await flowsAs(SCOPED.auditor, `phone:${tokens.own}`)).requests.length).toBeGreaterThan(0);
    expect((await flowsAs(SCOPED.auditor, `phone:${tokens.canary}`)).requests).toEqual([]);
    expect((await flowsAs(EVERYTHING, `phone:${tokens.canary}`)).requests.length).toBeGreaterThan(0);
  });
});

describe("a look-up by Alpha's auditor", () => {
  const idsIn = ({ requests }: { requests: readonly { id: string }[] }) => requests.map(({ id }) => id);

  it("finds what Alpha has about the person, and says that it covers Alpha only", async () => {
    const found = await lookUpAs(SCOPED.auditor, "4155550101");
    expect(idsIn(found)).toEqual([alphaIds[1]]);
    expect(idsIn(await lookUpAs(EVERYTHING, "4155550101")).length).toBeGreaterThan(1);
    expectNoTrace(JSON.stringify(found), "a look-up");
    // `epoch` is the name of an index key here.
    const { epochs: _, ...evidence } = found.evidence;
    expect(membersIn({ ...found, evidence }).filter((name) => COUNTING.has(name))).toEqual([]);
    expect(found.evidence).toMatchObject({
      tenants: [101],
      gaps: [],
      epochs: [{ epoch: expect.any(String), held: true, key: "same" }],
      complete: false,
      uncovered: [{ count: 1, refused: 1, says: expect.stringContaining("by record handle") }],
    });
    const listed = await flowsAs(SCOPED.auditor, found.evidence.uncovered[0].filter);
    expect(idsIn(listed)).toEqual([alphaIds[5]]);
    // Of all tenants there are more, so that this test can fail.
    const { uncovered } = (await lookUpAs(EVERYTHING, "4155550101")).evidence;
    expect(uncovered[0].count).toBeGreaterThan(1);
  });

  it("finds nothing of the canary's person, as of nobody", async () => {
    const [canary, nobody] = await Promise.all(
      [CANARY.number, "4155559999"].map((number) => lookUpAs(SCOPED.auditor, number)),
    );
    const settled = ({ evidence, ...page }: any) => ({ ...page, evidence: { ...evidence, tokens: [] } });
    expect(settled(canary)).toEqual(settled(nobody));
    expect(canary.requests).toEqual([]);
    expect((await lookUpAs(EVERYTHING, CANARY.number)).requests.length).toBeGreaterThan(0);
  });

  it("gives pages, with cursors of Alpha's own", async () => {
    const all = idsIn(await lookUpAs(SCOPED.auditor, "4155550177"));
    expect(all.length).toBeGreaterThan(2);
    expect(all).toEqual(idsIn(await flowsAs(SCOPED.auditor, `phone:${tokens.own}`)));
    const first = await lookUpAs(SCOPED.auditor, "4155550177", { limit: 2 });
    const second = await lookUpAs(SCOPED.auditor, "4155550177", { limit: 2, cursor: first.next });
    expect([...idsIn(first), ...idsIn(second)]).toEqual(all.slice(0, 4));
    for (const cursor of ["3", (await lookUpAs(EVERYTHING, "4155550177", { limit: 1 })).next])
      expect(
        (await ask("POST", "/api/audit/look-up", SCOPED.auditor, { phone: "4155550177", purpose: "x", cursor })).status,
      ).toBe(400);
  });

  it("is recorded with the tenants that it covers", async () => {
    await lookUpAs(SCOPED.auditor, "4155550101", { filter: "is:ok" });
    const { requests } = await flowsAs(EVERYTHING, "action:look-up");
    expect(requests[0].entries[0]).toMatchObject({ user: "ada", query: "tenant:101 (is:ok)", purpose: "ticket 42" });
  });

  it.each(["viewer", "operator"] as const)("is refused to a %s, of some tenants and of all", async (role) => {
    for (const as of [person([role]), person([role], "all")])
      expect((await ask("POST", "/api/audit/look-up", as, { phone: "4155550101", purpose: "x" })).status).toBe(403);
  });
});

describe("what a request waited for", () => {
  const isSlow = async (): Promise<void> => {
    const fault = { kind: "slow", value: "1s", action: "DoNotCall", count: 1 };
    const headers = { "Content-Type": "application/json" };
    const { status } = await fetch(`${ocs.control}/faults`, { method: "POST", headers, body: JSON.stringify(fault) });
    expect(status).toBeLessThan(300);
  };
  const behind = async (client: string, number: string): Promise<readonly [holder: string, waiting: string]> => {
    await isSlow();
    const holder = call(`/phones/${number}?req=DoNotCall`, client);
    await vi.waitFor(
      async () => expect((await ask("GET", "/api/upstreams", EVERYTHING)).text).toContain('"state":"busy"'),
      { timeout: 10_000, interval: 20 },
    );
    const waiting = await call("/phones/4155550177?req=DoNotCall", "alpha");
    return [await holder, waiting];
  };
  const waitedFor = async (id: string, as: string): Promise<any> =>
    JSON.parse((await ask("GET", `/api/flows/${id}`, as)).text).waited_for;

  it("is what was with OCS on its lane; another tenant's request is that and nothing more", async () => {
    const [foreign, waiting] = await behind(CANARY.client, CANARY.number);
    const [held, ...others] = await waitedFor(waiting, EVERYTHING);
    expect([held, others]).toMatchObject([{ request: { id: foreign, client: CANARY.client } }, []]);
    expect(held.ms).toBeGreaterThan(0);
    const { requests } = JSON.parse((await ask("GET", `/api/flows/${waiting}`, EVERYTHING)).text);
    expect(held.ms).toBeLessThanOrEqual(requests[0].queue);
    for (const as of Object.values(SCOPED)) {
      expect(await waitedFor(waiting, as)).toEqual([{ request: null, ms: null }]);
      expectNoTrace((await ask("GET", `/api/flows/${waiting}`, as)).text, "what it waited for");
    }
    const [own, after] = await behind("alpha", "4155550178");
    const [mine, ...more] = await waitedFor(after, SCOPED.viewer);
    expect([mine, more]).toMatchObject([{ request: { id: own, tenant: { dbid: 101 } } }, []]);
    expect(membersIn(mine).filter((name) => COUNTING.has(name))).toEqual([]);
    expect(await waitedFor(own, EVERYTHING)).toBeNull();
  });

  it("has no proofs: a path and a checkpoint count the entries of all tenants", async () => {
    for (const as of Object.values(SCOPED))
      expect((await ask("GET", `/api/flows/${alphaIds[0]}/proofs`, as)).status).toBe(403);
    const { lines } = JSON.parse((await ask("GET", `/api/flows/${alphaIds[0]}/proofs`, EVERYTHING)).text);
    expect(lines).toHaveLength(2);
  });
});
