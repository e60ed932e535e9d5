import { describe, expect, it } from "vitest";
import { PROBES_PER_SECOND } from "../../src/ownership/probe-guard.ts";
import { alpha, anAnnouncement, other, ownershipMaker, verdictIn } from "./kit.ts";

const make = ownershipMaker();

describe("requests for handles of other tenants", () => {
  it("raise one alarm a minute for each tenant, at the first foreign handle", async () => {
    const { ownership, news, clock } = make();
    await ownership.announce(anAnnouncement(15));
    ownership.requestLease(other(), "15", false);
    ownership.requestLease(other(), "16", false);
    ownership.tick();
    expect(news).toEqual([{ kind: "probes", upstream: "ocs", tenant: 102, foreign: 1, unknown: 1 }]);
    ownership.requestLease(other(), "15", false);
    ownership.tick();
    expect(news).toHaveLength(1);
    clock.now += 60_000;
    ownership.tick();
    ownership.tick();
    expect(news[1]).toEqual({ kind: "probes", upstream: "ocs", tenant: 102, foreign: 1, unknown: 0 });
  });

  it("raise an alarm for handles without an owner only if there are many", () => {
    const { ownership, news, clock } = make();
    for (let handle = 1; handle <= 10; handle++) ownership.requestLease(alpha(), String(handle), false);
    clock.now += 60_000;
    ownership.tick();
    for (let handle = 1; handle <= 19; handle++) ownership.requestLease(alpha(), String(handle), false);
    ownership.tick();
    expect(news).toEqual([]);
    ownership.requestLease(alpha(), "20", false);
    ownership.tick();
    expect(news).toEqual([{ kind: "probes", upstream: "ocs", tenant: 101, foreign: 0, unknown: 20 }]);
  });

  it("are throttled above a rate, equally for foreign and unknown handles, but not for own ones", async () => {
    const { ownership, clock } = make();
    await ownership.announce(anAnnouncement(1));
    await ownership.announce(anAnnouncement(2, 102));
    const slow = (handle: number): boolean => {
      const answer = ownership.requestLease(other(), String(handle), false);
      return "denied" in answer && answer.isThrottled;
    };
    for (let count = 0; count < PROBES_PER_SECOND; count++) expect(slow(count % 2 === 0 ? 1 : 900)).toBe(false);
    expect([slow(1), slow(900)]).toEqual([true, true]);
    expect(verdictIn(ownership.requestLease(other(), "2", false))).toBe("its own");
    clock.now += 1000;
    expect(slow(1)).toBe(false);
  });

  it("raise no alarm for handles that belonged to the tenant", async () => {
    const { ownership, news } = make();
    for (let handle = 1; handle <= 200; handle++) await ownership.announce(anAnnouncement(handle));
    ownership.newEpoch("ocs", "http://other");
    const slowed = Array.from({ length: 200 }, (_, at) => ownership.requestLease(alpha(), String(at + 1), true)).filter(
      (answer) => "denied" in answer && answer.isThrottled,
    );
    ownership.tick();
    expect([slowed, news]).toEqual([[], []]);
  });

  it("raise one alarm for each pair of unscoped tenants that use one handle", () => {
    const { ownership, news } = make();
    for (const tenant of [alpha("unscoped"), other("unscoped"), alpha("unscoped"), other("unscoped")])
      ownership.requestLease(tenant, "15", false);
    expect(news).toEqual([
      { kind: "shared-use", upstream: "ocs", handle: "15", tenants: ["Alpha Tenant", "Beta Tenant"] },
    ]);
  });
});
