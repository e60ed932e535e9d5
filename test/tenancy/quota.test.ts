import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createQuota, type Charge, type Quota } from "../../src/tenancy/quota.ts";
import type { ActionName } from "../../src/ocs/catalog.ts";
import type { Limit, Limits, Tenant } from "../../src/tenancy/registry.ts";
import { MANUAL } from "../ocs/manual.ts";
import { ACTION_NAMES, isUrgent } from "../../src/ocs/catalog.ts";
import { aTenant, beta } from "../kit/line.ts";

const minute = (points: number): Limit => ({ points, seconds: 60 });
const limits = (requests?: Limit, addRecord?: Limit): Limits => ({
  requests,
  actions: new Map(addRecord ? [["AddRecord" as const, addRecord]] : []),
});
const limited = (requests: Limit | undefined, addRecord?: Limit): Tenant =>
  aTenant({ limits: limits(requests, addRecord) });
const grant = (own?: Limits) => ({ actions: new Set(ACTION_NAMES), campaignGroups: undefined, limits: own });
const header = ({ headers }: Charge, name: string): string | undefined => headers.find(([key]) => key === name)?.[1];

type Opened = {
  readonly quota: Quota;
  readonly charge: (tenant: Tenant, action?: ActionName, client?: string) => Promise<Charge>;
};
const open = (tenants: readonly Tenant[], before?: Quota["limiters"]): Opened => {
  const quota = createQuota(tenants, before);
  return { quota, charge: async (tenant, action = "Load", client = "alpha") => quota.charge(tenant, client, action) };
};
/** Whether each of them passes, one after the other. */
const passes = async (charges: readonly (() => Promise<Charge>)[]): Promise<boolean[]> => {
  const passed: boolean[] = [];
  for (const charge of charges) passed.push((await charge()).allowed);
  return passed;
};

describe("a quota", () => {
  beforeEach(
    () =>
      void vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ["Date", "setTimeout", "clearTimeout", "performance"] }),
  );
  afterEach(() => void vi.useRealTimers());

  it("allows everything synchronously and without headers if there is no limit", () => {
    const tenant = aTenant();
    expect(createQuota([tenant]).charge(tenant, "alpha", "Load")).toEqual({
      allowed: true,
      retryAfter: 0,
      headers: [],
      exceeded: undefined,
    });
  });

  it("allows the burst, then refuses, and says when to retry", async () => {
    const tenant = limited(minute(3));
    const { charge } = open([tenant]);
    for (const left of [2, 1, 0]) {
      const each = await charge(tenant);
      expect([each.allowed, header(each, "RateLimit-Policy"), header(each, "RateLimit")]).toEqual([
        true,
        '"tenant";q=3;w=60',
        `"tenant";r=${left};t=60`,
      ]);
      vi.advanceTimersByTime(100);
    }
    vi.advanceTimersByTime(19_700);
    const refused = await charge(tenant);
    expect([refused.allowed, refused.exceeded, refused.retryAfter, header(refused, "RateLimit")]).toEqual([
      false,
      "tenant",
      40,
      '"tenant";r=0;t=40',
    ]);
  });

  it.each<[string, ActionName, Limits, string[]]>([
    ["for all actions", "Load", limits(minute(1)), ["limits", "requests"]],
    ["for urgent ones, by the numbers of all", "DoNotCall", limits(minute(1)), ["limits", "requests"]],
    ["for urgent ones alone", "DoNotCall", { ...limits(minute(9)), urgent: minute(1) }, ["limits", "urgent"]],
    ["for one action", "AddRecord", limits(minute(9), minute(1)), ["limits", "actions", "AddRecord"]],
  ])("names the setting of the limit: %s", async (_what, action, own, expected) => {
    for (const [tenant, path] of [
      [aTenant({ limits: own }), expected],
      [aTenant({ clients: new Map([["alpha", grant(own)]]) }), ["clients", "alpha", ...expected]],
    ] as const) {
      const { charge } = open([tenant]);
      await charge(tenant, action);
      expect((await charge(tenant, action)).setting).toEqual(path);
    }
  });

  it("allows exactly the burst again when its window is over", async () => {
    const tenant = limited(minute(2));
    const { charge } = open([tenant]);
    const ask = (): Promise<Charge> => charge(tenant);
    expect(await passes([ask, ask, ask])).toEqual([true, true, false]);
    vi.advanceTimersByTime(59_999);
    expect((await ask()).allowed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await passes([ask, ask, ask])).toEqual([true, true, false]);
  });

  it.each([
    ["forward", 400 * 86_400_000],
    ["back", -400 * 86_400_000],
  ])("does not change its window when the wall clock is set %s", async (_where, by) => {
    const tenant = limited(minute(1));
    const { charge } = open([tenant]);
    await charge(tenant);
    vi.setSystemTime(Date.now() + by);
    const refused = await charge(tenant);
    expect([refused.allowed, refused.retryAfter]).toEqual([false, 60]);
    vi.advanceTimersByTime(60_000);
    expect((await charge(tenant)).allowed).toBe(true);
  });

  it("counts each tenant separately, even with the same DBID on two upstreams", async () => {
    const tenants = [
      limited(minute(1)),
      beta({ limits: limits(minute(1)) }),
      { ...limited(minute(1)), upstream: "other" },
    ];
    const { charge } = open(tenants);
    expect(await passes(tenants.map((tenant) => () => charge(tenant)))).toEqual([true, true, true]);
    expect(await passes(tenants.map((tenant) => () => charge(tenant)))).toEqual([false, false, false]);
  });

  it("limits one action without affecting others", async () => {
    const tenant = limited(undefined, minute(1));
    const { charge } = open([tenant]);
    expect((await charge(tenant, "AddRecord")).allowed).toBe(true);
    expect(await charge(tenant, "AddRecord")).toMatchObject({ allowed: false, exceeded: "AddRecord" });
    expect((await charge(tenant, "DoNotCall")).allowed).toBe(true);
  });

  it.each(ACTION_NAMES.filter(isUrgent))(
    "allows %s under a separate limit, independent of other requests",
    async (action) => {
      const clients = new Map([["alpha", grant({ requests: minute(2), urgent: minute(2), actions: new Map() })]]);
      const tenant = aTenant({ clients, limits: { requests: minute(3), urgent: minute(2), actions: new Map() } });
      const { charge } = open([tenant]);
      expect(await passes(Array.from({ length: 4 }, () => () => charge(tenant, "AddRecord")))).toEqual([
        true,
        true,
        false,
        false,
      ]);
      const first = await charge(tenant, action);
      expect([first.allowed, header(first, "RateLimit-Policy")]).toEqual([
        true,
        '"urgent";q=2;w=60, "client alpha urgent";q=2;w=60',
      ]);
      expect((await charge(tenant, action)).allowed).toBe(true);
      expect(await charge(tenant, action)).toMatchObject({ allowed: false, exceeded: "urgent" });
    },
  );

  it("treats exactly the actions that stop calls or end a handle as urgent", () => {
    const urgent = MANUAL.filter((row) => row.urgent).map(({ action }) => action);
    expect(ACTION_NAMES.filter(isUrgent).toSorted()).toEqual([...new Set(urgent)].toSorted());
  });

  it("charges only the client for a request without a tenant", async () => {
    const tenant = aTenant({
      clients: new Map([
        ["alpha", grant(limits(minute(2)))],
        ["crm", grant()],
      ]),
      limits: limits(minute(3)),
    });
    const { quota, charge } = open([tenant]);
    const bad = async (): Promise<Charge> => quota.chargeClient(tenant, "alpha", "Load");
    expect(await passes([bad, bad, bad])).toEqual([true, true, false]);
    expect(await bad()).toMatchObject({ exceeded: "client alpha" });
    expect((await charge(tenant, "Load", "crm")).allowed).toBe(true);
    expect(header(await charge(tenant, "Load", "crm"), "RateLimit")).toContain('"tenant";r=1');
    expect(quota.chargeClient(tenant, "crm", "Load")).toMatchObject({ allowed: true, headers: [] });
  });

  it("limits one client without affecting others, also by action", async () => {
    const tenant = aTenant({
      clients: new Map([
        ["alpha", grant(limits(minute(2), minute(1)))],
        ["crm", grant()],
      ]),
      limits: limits(minute(100)),
    });
    const { charge } = open([tenant]);
    expect(header(await charge(tenant, "AddRecord"), "RateLimit-Policy")).toBe(
      '"tenant";q=100;w=60, "client alpha";q=2;w=60, "client alpha AddRecord";q=1;w=60',
    );
    expect(await charge(tenant, "AddRecord")).toMatchObject({ allowed: false, exceeded: "client alpha AddRecord" });
    expect((await charge(tenant, "Load")).allowed).toBe(true);
    expect(await charge(tenant, "Load")).toMatchObject({ allowed: false, exceeded: "client alpha" });
    expect((await charge(tenant, "AddRecord", "crm")).allowed).toBe(true);
  });

  it("charges nothing for a request that any limit refuses", async () => {
    const tenant = aTenant({
      clients: new Map([["alpha", grant(limits(minute(5), minute(1)))]]),
      limits: limits(minute(10), minute(3)),
    });
    const { charge } = open([tenant]);
    expect((await charge(tenant, "AddRecord")).allowed).toBe(true);
    for (let round = 0; round < 50; round++) {
      const refused = await charge(tenant, "AddRecord");
      expect([refused.exceeded, header(refused, "RateLimit")]).toEqual([
        "client alpha AddRecord",
        '"tenant";r=9;t=60, "client alpha";r=4;t=60, "AddRecord";r=2;t=60, "client alpha AddRecord";r=0;t=60',
      ]);
    }
    expect(header(await charge(tenant, "Load"), "RateLimit")).toBe('"tenant";r=8;t=60, "client alpha";r=3;t=60');
  });

  it("keeps used points over a reload if the limit is the same", async () => {
    const tenant = limited(minute(2));
    const first = open([tenant]);
    expect(await passes([() => first.charge(tenant), () => first.charge(tenant)])).toEqual([true, true]);
    const second = open([tenant], open([tenant], first.quota.limiters).quota.limiters);
    expect((await second.charge(tenant)).allowed).toBe(false);
    const wider = limited(minute(3));
    expect((await open([wider], first.quota.limiters).charge(wider)).allowed).toBe(true);
  });

  it("drops removed limits over a reload, and no others", async () => {
    const clients = new Map([["alpha", grant(limits(minute(5), minute(4)))]]);
    const tenant = aTenant({ clients, limits: limits(minute(10), minute(3)) });
    const first = open([tenant]);
    await first.charge(tenant, "AddRecord");
    const names = ({ quota }: Opened): string[] =>
      [...quota.limiters.values()].map(({ name, limit }) => `${name} ${limit.points}`);
    expect(names(first)).toEqual(["tenant 10", "client alpha 5", "AddRecord 3", "client alpha AddRecord 4"]);
    expect(names(open([tenant], first.quota.limiters))).toEqual(names(first));
    expect(names(open([aTenant({ clients, limits: limits(minute(11)) })], first.quota.limiters))).toEqual([
      "client alpha 5",
      "client alpha AddRecord 4",
    ]);
    expect(names(open([aTenant({ limits: limits(minute(10), minute(3)) })], first.quota.limiters))).toEqual([
      "tenant 10",
      "AddRecord 3",
    ]);
    expect(names(open([beta()], first.quota.limiters))).toEqual([]);
  });
});
