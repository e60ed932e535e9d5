import { describe, expect, it } from "vitest";
import { alpha, anAnnouncement, leaseIn, other, ownershipMaker, verdictIn } from "../kit.ts";

const make = ownershipMaker();
const found = { endpoint: "http://one", how: "start" } as const;

describe("a generation of a handle", () => {
  it("is not ended by the answer to a request of the previous one", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15, 101, "first"));
    const lease = leaseIn(ownership.requestLease(alpha(), "15", true));
    lease.withdrawn(true);
    await ownership.announce(anAnnouncement(15, 101, "second"));
    lease.release(200);
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("its own");
  });

  it("is ended by its own call report, not by that of the previous one", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15, 101, "first"));
    await ownership.announce(anAnnouncement(15, 101, "second"));
    await ownership.end("ocs", 15, "call-ended", "first");
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("its own");
    await ownership.end("ocs", 15, "call-ended", "second");
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("ended");
  });

  it("does not restart with a late copy of its announcement after its end", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15, 101, "first"));
    leaseIn(ownership.requestLease(alpha(), "15", true)).release(200);
    expect(await ownership.announce(anAnnouncement(15, 101, "first"))).toBe("finished");
    expect(await ownership.announce(anAnnouncement(15, 101, "second"))).toBe("owned");
  });

  it("waits for requests of the previous owner if it belongs to another tenant", async () => {
    const { ownership } = make();
    ownership.onActive("ocs", found);
    await ownership.announce(anAnnouncement(15, 101));
    const lease = leaseIn(ownership.requestLease(alpha(), "15", true));
    expect(lease.withdrawn(true)).toBeUndefined();
    ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    let owning: string | undefined;
    const announced = ownership.announce(anAnnouncement(15, 102)).then((became) => (owning = became));
    await new Promise((resolve) => setImmediate(resolve));
    expect(owning).toBeUndefined();
    lease.release(200);
    await announced;
    expect([owning, verdictIn(ownership.requestLease(other(), "15", false))]).toEqual(["owned", "its own"]);
  });
});
