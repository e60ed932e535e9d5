import { describe, expect, it } from "vitest";
import { alpha, anAnnouncement, leaseIn, other, ownershipMaker, verdictIn } from "../kit.ts";

const make = ownershipMaker();
const found = { endpoint: "http://one", how: "start" } as const;

describe("a loss of all connections to OCS", () => {
  it("queues the owner's requests while the active OCS is unknown, and answers all others with unclear", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    ownership.onLost("ocs");
    const lease = leaseIn(ownership.requestLease(alpha(), "15", true));
    expect([
      verdictIn(ownership.requestLease(other(), "15", false)),
      verdictIn(ownership.requestLease(alpha(), "16", false)),
    ]).toEqual(["unclear: roles", "unclear: roles"]);
    ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    expect(lease.withdrawn()).toBe("unclear");
    await ownership.announce(anAnnouncement(16));
    expect(lease.withdrawn()).toBeUndefined();
  });

  it("invalidates handles when the peer took over, and none when the same OCS is back", async () => {
    const { ownership } = make();
    ownership.onActive("ocs", found);
    await ownership.announce(anAnnouncement(15));
    ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    expect([verdictIn(ownership.requestLease(alpha(), "15", false)), ownership.epochOf("ocs")]).toEqual([
      "unclear: unconfirmed",
      1,
    ]);
    ownership.onActive("ocs", { endpoint: "http://two", how: "takeover" });
    expect([verdictIn(ownership.requestLease(alpha(), "15", false)), ownership.epochOf("ocs")]).toEqual([
      "epoch-ended",
      2,
    ]);
  });

  it("lets the next announcement decide a dispute, because it may be of another life", async () => {
    const { ownership, news } = make();
    ownership.onActive("ocs", found);
    for (const tenant of [101, 102]) await ownership.announce(anAnnouncement(15, tenant));
    await ownership.markUnowned("ocs", 16);
    ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    expect(await ownership.announce(anAnnouncement(15, 102))).toBe("owned");
    expect([other(), alpha()].map((tenant) => verdictIn(ownership.requestLease(tenant, "15", false)))).toEqual([
      "its own",
      "foreign",
    ]);
    expect(await ownership.announce(anAnnouncement(15, 101))).toBe("disputed");
    expect(news).toHaveLength(2);
  });

  it("leaves handles unconfirmed until OCS announces one above the highest that a registrar has named", async () => {
    const { ownership } = make();
    ownership.onActive("ocs", found);
    await ownership.announce(anAnnouncement(15));
    await ownership.register("ocs", 20, 102, [102]);
    ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    for (const handle of [18, 20]) await ownership.announce(anAnnouncement(handle));
    expect(["15", "20"].map((handle) => verdictIn(ownership.requestLease(alpha(), handle, false)))).toEqual([
      "unclear: unconfirmed",
      "its own",
    ]);
    await ownership.announce(anAnnouncement(21));
    expect(verdictIn(ownership.requestLease(alpha(), "18", false))).toBe("its own");
  });
});
