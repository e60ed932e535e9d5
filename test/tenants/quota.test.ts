import { describe, expect, it } from "vitest";
import { createQuota, type Charge, type Quota } from "../../src/tenants/quota.ts";
import type { ActionName } from "../../src/ocs/catalog.ts";
import type { Limit, Limits, Tenant } from "../../src/tenants/register.ts";
import { ACTION_NAMES } from "../../src/ocs/catalog.ts";
import { aTenant, beta } from "../kit/line.ts";

const minute = (points: number): Limit => ({ points, seconds: 60 });
const limits = (requests?: Limit, addRecord?: Limit): Limits => ({ requests, actions: new Map(addRecord ? [["AddRecord" as const, addRecord]] : []) });
const limited = (requests: Limit | undefined, addRecord?: Limit): Tenant => aTenant({ limits: limits(requests, addRecord) });
const grant = (own?: Limits) => ({ actions: new Set(ACTION_NAMES), campaignGroups: undefined, limits: own });
const header = ({ headers }: Charge, name: string): string | undefined => headers.find(([key]) => key === name)?.[1];

type Opened = { readonly quota: Quota; readonly clock: { now: number }; readonly charge: (tenant: Tenant, action?: ActionName, client?: string) => Charge };
const open = (tenants: readonly Tenant[], before?: Quota["limiters"]): Opened => {
  const clock = { now: 1000 };
  const quota = createQuota(tenants, before, { now: () => clock.now });
  return { quota, clock, charge: (tenant, action = "Load", client = "alpha") => quota.charge(tenant, client, action) };
};

describe("a quota", () => {
  it("lets everything pass and says nothing where there is no limit", () => {
    const tenant = aTenant();
    expect(open([tenant]).charge(tenant)).toEqual({ allowed: true, retryAfter: 0, headers: [], exceeded: undefined });
  });

  it("lets the burst pass, then refuses, and says when to come again", () => {
    const tenant = limited(minute(3));
    const { charge } = open([tenant]);
    for (const [left, seconds] of [[2, 20], [1, 40], [0, 20]]) {
      const each = charge(tenant);
      expect([each.allowed, header(each, "RateLimit-Policy"), header(each, "RateLimit")]).toEqual([true, '"tenant";q=3;w=60', `"tenant";r=${left};t=${seconds}`]);
    }
    const refused = charge(tenant);
    expect([refused.allowed, refused.exceeded, refused.retryAfter, header(refused, "RateLimit")]).toEqual([false, "tenant", 20, '"tenant";r=0;t=20']);
  });

  it("gives one back after each part of its time, and no more than the burst", () => {
    const tenant = limited(minute(3));
    const { charge, clock } = open([tenant]);
    for (let at = 0; at < 3; at++) charge(tenant);
    clock.now += 19_999;
    expect(charge(tenant).allowed).toBe(false);
    clock.now += 1;
    expect([charge(tenant).allowed, charge(tenant).allowed]).toEqual([true, false]);
    clock.now += 3_600_000;
    expect([1, 2, 3, 4].map(() => charge(tenant).allowed)).toEqual([true, true, true, false]);
  });

  it("never lets more pass than burst and rate together, wherever the time begins", () => {
    const tenant = limited({ points: 10, seconds: 1 });
    const { charge, clock } = open([tenant]);
    let passed = 0;
    for (let ms = 0; ms < 2000; ms += 5) {
      clock.now = 777 + ms;
      if (charge(tenant).allowed) passed++;
    }
    expect(passed).toBe(10 + 19);
  });

  it("counts each tenant for itself, also with one DBID on two upstreams", () => {
    const [one, two, three] = [limited(minute(1)), beta({ limits: limits(minute(1)) }), { ...limited(minute(1)), upstream: "other" }];
    const { charge } = open([one, two, three]);
    expect([one, two, three].map((tenant) => charge(tenant).allowed)).toEqual([true, true, true]);
    expect([one, two, three].map((tenant) => charge(tenant).allowed)).toEqual([false, false, false]);
  });

  it("limits one action and leaves the others alone", () => {
    const tenant = limited(undefined, minute(1));
    const { charge } = open([tenant]);
    expect(charge(tenant, "AddRecord").allowed).toBe(true);
    expect(charge(tenant, "AddRecord")).toMatchObject({ allowed: false, exceeded: "AddRecord" });
    expect(charge(tenant, "DoNotCall").allowed).toBe(true);
  });

  it("limits one client and leaves the others alone, also by action", () => {
    const tenant = aTenant({ clients: new Map([["alpha", grant(limits(minute(2), minute(1)))], ["crm", grant()]]), limits: limits(minute(100)) });
    const { charge } = open([tenant]);
    expect(header(charge(tenant, "AddRecord"), "RateLimit-Policy")).toBe('"tenant";q=100;w=60, "client alpha";q=2;w=60, "client alpha AddRecord";q=1;w=60');
    expect(charge(tenant, "AddRecord")).toMatchObject({ allowed: false, exceeded: "client alpha AddRecord" });
    expect(charge(tenant, "Load").allowed).toBe(true);
    expect(charge(tenant, "Load")).toMatchObject({ allowed: false, exceeded: "client alpha" });
    expect(charge(tenant, "AddRecord", "crm").allowed).toBe(true);
  });

  it("charges nobody for what any limit refuses", () => {
    const tenant = aTenant({ clients: new Map([["alpha", grant(limits(minute(5), minute(1)))]]), limits: limits(minute(10), minute(3)) });
    const { charge } = open([tenant]);
    expect(charge(tenant, "AddRecord").allowed).toBe(true);
    for (let round = 0; round < 50; round++) expect(charge(tenant, "AddRecord").exceeded).toBe("client alpha AddRecord");
    expect(header(charge(tenant, "Load"), "RateLimit")).toMatch(/^"tenant";r=8;t=12, "client alpha";r=3;t=24$/);
  });

  it("remembers what was used up when it is made anew, where the limit is the same", () => {
    const tenant = limited(minute(2));
    const first = open([tenant]);
    expect([first.charge(tenant).allowed, first.charge(tenant).allowed]).toEqual([true, true]);
    const second = open([tenant], open([tenant], first.quota.limiters).quota.limiters);
    expect(second.charge(tenant).allowed).toBe(false);
    const wider = limited(minute(3));
    expect(open([wider], first.quota.limiters).charge(wider).allowed).toBe(true);
  });
});
