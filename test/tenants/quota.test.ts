import { describe, expect, it } from "vitest";
import { createQuota, type Charge } from "../../src/tenants/quota.ts";
import type { Limit, Tenant } from "../../src/tenants/register.ts";
import { aTenant, beta } from "../kit/line.ts";

const minute = (points: number): Limit => ({ points, seconds: 60 });
const limited = (requests: Limit | undefined, addRecord?: Limit): Tenant =>
  aTenant({ limits: { requests, actions: new Map(addRecord ? [["AddRecord" as const, addRecord]] : []) } });
const header = ({ headers }: Charge, name: string): string | undefined => headers.find(([key]) => key === name)?.[1];

describe("a quota", () => {
  it("lets everything pass and says nothing where there is no limit", async () => {
    const tenant = aTenant();
    expect(await createQuota([tenant]).charge(tenant, "DoNotCall")).toEqual({ allowed: true, retryAfter: 0, headers: [], exceeded: undefined });
  });

  it("lets the burst pass, then refuses, and says when to come again", async () => {
    const tenant = limited(minute(3));
    const { charge } = createQuota([tenant]);
    for (const left of [2, 1, 0]) {
      const each = await charge(tenant, "DoNotCall");
      expect([each.allowed, header(each, "RateLimit-Policy")]).toEqual([true, '"tenant";q=3;w=60']);
      expect(header(each, "RateLimit")).toMatch(new RegExp(`^"tenant";r=${left};t=(59|60)$`));
    }
    const refused = await charge(tenant, "DoNotCall");
    expect([refused.allowed, refused.exceeded]).toEqual([false, "tenant"]);
    expect(refused.retryAfter).toBeGreaterThanOrEqual(Number(/t=(\d+)/.exec(header(refused, "RateLimit")!)![1]));
  });

  it("counts each tenant for itself, also with one DBID on two upstreams", async () => {
    const [one, two, three] = [limited(minute(1)), beta({ limits: { requests: minute(1), actions: new Map() } }), { ...limited(minute(1)), upstream: "other" }];
    const { charge } = createQuota([one, two, three]);
    for (const tenant of [one, two, three]) expect((await charge(tenant, "Load")).allowed).toBe(true);
    for (const tenant of [one, two, three]) expect((await charge(tenant, "Load")).allowed).toBe(false);
  });

  it("limits one action and leaves the others alone", async () => {
    const tenant = limited(undefined, minute(1));
    const { charge } = createQuota([tenant]);
    expect((await charge(tenant, "AddRecord")).allowed).toBe(true);
    expect(await charge(tenant, "AddRecord")).toMatchObject({ allowed: false, exceeded: "AddRecord" });
    expect((await charge(tenant, "DoNotCall")).allowed).toBe(true);
  });

  it("does not charge the tenant for what the action's limit refuses", async () => {
    const tenant = limited(minute(3), minute(1));
    const { charge } = createQuota([tenant]);
    expect((await charge(tenant, "AddRecord")).allowed).toBe(true);
    for (let round = 0; round < 5; round++) expect((await charge(tenant, "AddRecord")).exceeded).toBe("AddRecord");
    expect(header(await charge(tenant, "DoNotCall"), "RateLimit")).toMatch(/^"tenant";r=1;/);
  });

  it("opens again when its window is over", async () => {
    const tenant = limited({ points: 1, seconds: 0.2 });
    const { charge } = createQuota([tenant]);
    expect((await charge(tenant, "Load")).allowed).toBe(true);
    expect((await charge(tenant, "Load")).allowed).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await charge(tenant, "Load")).allowed).toBe(true);
  });
});
