import { describe, expect, it } from "vitest";
import { rolloutOf, type TenantRollout } from "../../../src/admin/now/rollout.ts";
import { ask, aTenant, aWorld, viewerOf } from "./kit.ts";

const tenant = (name: string, mode: TenantRollout["mode"], hadRequests: boolean): TenantRollout => ({
  name,
  mode,
  hadRequests,
});
const statesOf = (...tenants: readonly TenantRollout[]): string =>
  rolloutOf(tenants)
    .map(({ state }) => state)
    .join(" ");

describe("the steps from observe to enforce", () => {
  it.each([
    ["no tenant", [], "cannot-tell done open open cannot-tell"],
    ["nothing asked yet", [tenant("A", "observe", false)], "cannot-tell cannot-tell open open cannot-tell"],
    ["all observed", [tenant("A", "observe", true)], "done done open open cannot-tell"],
    [
      "one is silent",
      [tenant("A", "observe", true), tenant("B", "observe", false)],
      "done cannot-tell open open cannot-tell",
    ],
    ["one enforces", [tenant("A", "observe", true), tenant("B", "enforce", false)], "done done done open cannot-tell"],
    ["all enforce after a restart", [tenant("A", "enforce", false)], "cannot-tell done done done cannot-tell"],
  ])("are known from config and requests: %s", (_, tenants, states) => {
    expect(statesOf(...tenants)).toBe(states);
  });

  it("never say that the direct path is closed or open, and say how to find out", () => {
    const last = rolloutOf([tenant("A", "enforce", true)]).at(-1);
    expect(last).toMatchObject({ step: "direct-path-closed", state: "cannot-tell" });
    expect(last?.detail).toContain("ocsgw check --connect --record-uri");
  });

  it("name at most three tenants, and say since when requests are counted", () => {
    const tenants = ["A", "B", "C", "D", "E"].map((name) => tenant(name, "observe", false));
    const details = rolloutOf(tenants).map(({ detail }) => detail);
    expect(details[1]).toMatch(/^no request of A, B, C and 2 more since the gateway's start; /);
    expect(details[3]).toBe("observing: A, B, C and 2 more");
  });

  it("are those of the tenants that the person may see", async () => {
    const world = { ...aWorld(), tenants: [aTenant({ mode: "observe" })] };
    const steps = async (tenants: Parameters<typeof viewerOf>[0]): Promise<string> =>
      JSON.stringify((await ask(world, "/api/tenants", viewerOf(tenants))).value.rollout);
    expect(await steps("all")).toContain("Alpha Tenant");
    expect(await steps([999])).not.toContain("Alpha Tenant");
  });
});
