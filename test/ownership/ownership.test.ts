import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Ownership, type HandleLease } from "../../src/ownership/ownership.ts";
import { aTenant, beta } from "../kit/line.ts";
import { alpha, anAnnouncement, aStore, HALF_AN_HOUR, leaseIn, other, ownershipMaker, verdictIn } from "./kit.ts";

const make = ownershipMaker();

/** The request leaves so many milliseconds after now. */
const leftAfter = (ms: number, lease: HandleLease): string | undefined => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(performance.now() + ms);
  const withdrawn = lease.withdrawn(true);
  clock.mockRestore();
  return withdrawn;
};

describe("an announced handle", () => {
  it("belongs to its tenant and to no other", async () => {
    const { ownership } = make();
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("unknown");
    expect(await ownership.announce(anAnnouncement(15))).toBe("owned");
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("its own");
    expect(verdictIn(ownership.requestLease(other(), "15", false))).toBe("foreign");
    expect(ownership.ownersAmong([alpha(), other()], "15").map(({ dbid }) => dbid)).toEqual([101]);
    expect([...ownership.counts()]).toEqual([{ upstream: "ocs", tenant: 101, owned: 1, unconfirmed: 0 }]);
  });

  it("is denied to an unscoped tenant once another tenant owns it", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15, 102));
    expect(verdictIn(ownership.requestLease(alpha("unscoped"), "15", false))).toBe("foreign");
    expect(verdictIn(ownership.requestLease(alpha("unscoped"), "16", false))).toBe("its own");
  });

  it("belongs to its upstream only", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    expect(
      verdictIn(ownership.requestLease(aTenant({ records: "pre-dial", upstream: "elsewhere" }), "15", false)),
    ).toBe("unknown");
  });

  it("gets a new age when it is announced again", async () => {
    const { ownership, clock } = make();
    await ownership.announce(anAnnouncement(15));
    clock.now += HALF_AN_HOUR - 1000;
    expect(await ownership.announce(anAnnouncement(15))).toBe("again");
    clock.now += HALF_AN_HOUR - 1000;
    ownership.tick();
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("its own");
  });

  it("is sent to OCS for its last owner only when it is stale, and ends with OCS's 410", async () => {
    const { ownership, clock } = make();
    await ownership.announce(anAnnouncement(15));
    clock.now += HALF_AN_HOUR;
    ownership.tick();
    expect([...ownership.counts()]).toEqual([]);
    expect(verdictIn(ownership.requestLease(other(), "15", false))).toBe("foreign");
    const lease = leaseIn(ownership.requestLease(alpha(), "15", false));
    expect(leftAfter(2000, lease)).toBeUndefined();
    lease.release(410, "the-request");
    expect(ownership.requestLease(alpha(), "15", false)).toMatchObject({
      denied: { ended: { ending: "gone", by: "the-request", staleSince: 1_000_000_000 } },
    });
  });

  it.each([
    ["forward", 1],
    ["back", -1],
  ])("becomes stale at the right time when the clock is set %s", async (_how, direction) => {
    const wall = Date.now();
    const steady = performance.now();
    const [date, monotonic] = [vi.spyOn(Date, "now"), vi.spyOn(performance, "now")];
    const at = (ms: number, set: number): void => {
      monotonic.mockReturnValue(steady + ms);
      date.mockReturnValue(wall + ms + set);
    };
    const ownership = new Ownership({ staleAfter: () => HALF_AN_HOUR, onEvent: () => undefined });
    onTestFinished(() => ownership.close());
    try {
      at(0, 0);
      await ownership.announce(anAnnouncement(15));
      at(1000, direction * 86_400_000);
      ownership.tick();
      expect([...ownership.counts()]).toHaveLength(1);
      at(HALF_AN_HOUR + 1000, direction * 86_400_000);
      ownership.tick();
      expect([...ownership.counts()]).toHaveLength(0);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it("is unclear to two tenants and unknown to others when it was announced for both", async () => {
    const { ownership, news } = make();
    await ownership.announce(anAnnouncement(15, 101));
    expect(await ownership.announce(anAnnouncement(15, 102))).toBe("disputed");
    expect(await ownership.announce(anAnnouncement(15, 101))).toBe("disputed");
    expect(
      [alpha(), other(), beta({ dbid: 103, records: "pre-dial" })].map((tenant) =>
        verdictIn(ownership.requestLease(tenant, "15", false)),
      ),
    ).toEqual(["unclear: disputed", "unclear: disputed", "unknown"]);
    expect(news).toEqual([{ kind: "disputed", upstream: "ocs", handle: 15 }]);
    ownership.newEpoch("ocs", "http://other");
    expect(await ownership.announce(anAnnouncement(15, 102))).toBe("owned");
  });

  it("ends with the call report that names it", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    expect(await ownership.end("ocs", 15, "call-ended")).toBe(true);
    expect(await ownership.end("ocs", 99, "call-ended")).toBe(true);
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("ended");
  });
});

describe("a finalizing action", () => {
  it("uses its handle exclusively, and ends it when OCS answers 200", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    const first = leaseIn(ownership.requestLease(alpha(), "15", true));
    const second = leaseIn(ownership.requestLease(alpha(), "15", true));
    const third = leaseIn(ownership.requestLease(alpha(), "15", false));
    expect(first.after()).toBeUndefined();
    const waits = [second.after(), third.after()];
    first.release(200, "first");
    await waits[0];
    expect([second, third].map((lease) => lease.withdrawn())).toEqual(["handle-expired", "handle-expired"]);
    expect(second.reason()).toMatch(/^finished: OCS answered 200 to the finalizing request first at /);
    second.release(undefined);
    await waits[1];
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("ended");
  });

  it("lets the next one proceed if it was not carried out, and a third one waits for the next", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    const [first, second, third] = [1, 2, 3].map(() => leaseIn(ownership.requestLease(alpha(), "15", true)));
    const order: string[] = [];
    void second!.after()!.then(() => order.push("second may go"));
    void third!.after()!.then(() => order.push("third may go"));
    // The one in the middle is abandoned while it waits: the last one still waits for the first.
    second!.release(undefined);
    await Promise.resolve();
    expect(order).toEqual([]);
    first!.release(409);
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(["second may go", "third may go"]);
    expect([third!.after(), third!.withdrawn(true)]).toEqual([undefined, undefined]);
  });

  it.each([[undefined], [400], [409], [500]])("releases its handle at %s", async (status) => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    leaseIn(ownership.requestLease(alpha(), "15", true)).release(status);
    expect(verdictIn(ownership.requestLease(alpha(), "15", true))).toBe("its own");
    expect(verdictIn(ownership.requestLease(other(), "15", true))).toBe("foreign");
  });

  it("ends its handle at 410, like any other action", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    const lease = leaseIn(ownership.requestLease(alpha(), "15", false));
    leftAfter(0, lease);
    lease.release(410);
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("ended");
  });

  it.each([
    [999, "its own"],
    [1000, "ended"],
  ])(
    "at 410 after %i ms finds a reused number %s, because OCS opens a record only after its 200",
    async (ms, verdict) => {
      const { ownership } = make();
      await ownership.announce(anAnnouncement(15, 101, "first"));
      await ownership.end("ocs", 15, "call-ended", "first");
      await ownership.announce(anAnnouncement(15, 101, "second"));
      const lease = leaseIn(ownership.requestLease(alpha(), "15", false));
      leftAfter(ms, lease);
      lease.release(410);
      expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe(verdict);
    },
  );

  it("keeps its handle when another action is answered 200", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    leaseIn(ownership.requestLease(alpha(), "15", false)).release(200);
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("its own");
  });

  it.each(["dedicated", "unscoped"] as const)(
    "also waits for the previous one with %s, and a finished handle stays finished while OCS is connected",
    async (records) => {
      const { ownership } = make();
      const first = leaseIn(ownership.requestLease(alpha(records), "15", true));
      const second = leaseIn(ownership.requestLease(alpha(records), "15", true));
      const waits = second.after();
      first.release(200);
      await waits;
      expect(second.withdrawn()).toBe("handle-expired");
      second.release(undefined);
      expect(verdictIn(ownership.requestLease(alpha(records), "15", false))).toBe("ended");
      leaseIn(ownership.requestLease(alpha(records), "16", true)).release(410);
      expect(verdictIn(ownership.requestLease(alpha(records), "16", true))).toBe("its own");
      // OCS may have given the handle out again meanwhile: OCS itself is asked.
      ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
      expect(verdictIn(ownership.requestLease(alpha(records), "15", true))).toBe("its own");
    },
  );

  it.each(["dedicated", "unscoped"] as const)(
    "that was in progress when the connections were lost is not remembered with %s",
    (records) => {
      const { ownership } = make();
      const lease = leaseIn(ownership.requestLease(alpha(records), "15", true));
      ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
      lease.release(200);
      expect(verdictIn(ownership.requestLease(alpha(records), "15", true))).toBe("its own");
    },
  );
});

describe("a new epoch", () => {
  it("invalidates every handle, also that of a request in flight", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    const lease = leaseIn(ownership.requestLease(alpha(), "15", true));
    expect(lease.withdrawn()).toBeUndefined();
    ownership.newEpoch("ocs", "http://other");
    expect(lease.withdrawn()).toBe("handle-expired");
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("epoch-ended");
    expect(await ownership.announce(anAnnouncement(15, 102))).toBe("owned");
    lease.release(200);
    expect(verdictIn(ownership.requestLease(other(), "15", false))).toBe("its own");
    // It was this tenant's before, so asking for it is no sign of bad will.
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("epoch-ended");
  });

  it("does not affect other upstreams", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15));
    ownership.newEpoch("elsewhere", "http://other");
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("its own");
  });

  it("invalidates an announcement that is not on disk yet", async () => {
    const written = Promise.withResolvers<void>();
    const { ownership } = make({ store: aStore({ put: () => written.promise }) });
    const announced = ownership.announce(anAnnouncement(15));
    ownership.newEpoch("ocs", "http://other");
    written.resolve();
    expect(await announced).toBe("void");
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("epoch-ended");
  });
});

describe("a registration", () => {
  it("gives a handle to one tenant, once", async () => {
    const { ownership } = make();
    expect(await ownership.register("ocs", 15, 101, [101])).toBe("owned");
    expect(await ownership.register("ocs", 15, 101, [101])).toBe("again");
    expect(await ownership.register("ocs", 15, 102, [101, 102])).toBe("taken");
    expect(verdictIn(ownership.requestLease(alpha("registered"), "15", false))).toBe("its own");
  });

  it("leaves the owner unchanged when it is rejected", async () => {
    const { ownership, news } = make();
    await ownership.register("ocs", 15, 101, [101]);
    await ownership.register("ocs", 15, 102, [101, 102]);
    expect(ownership.ownerOf("ocs", 15)).toBe(101);
    expect(news).toEqual([]);
  });
});
