import { describe, expect, it } from "vitest";
import type { OwnershipOptions, OwnershipStore } from "../../src/ownership/ownership.ts";
import type { RestoredUpstream } from "../../src/ownership/store/store.ts";
import { alpha, anAnnouncement, aStore, HALF_AN_HOUR, other, ownershipMaker, verdictIn, type Made } from "./kit.ts";

const make = ownershipMaker();

const WAY: Omit<RestoredUpstream, "owned"> = {
  upstream: "ocs",
  endpoint: "http://one",
  epoch: 7,
  highest: 200,
  highestAt: 11,
  generation: 12,
  doubtUpTo: -1,
  announced: [],
};
const restoring = (since = 999_999): Pick<OwnershipStore, "restored"> => ({
  restored: new Map([
    [
      "ocs",
      {
        ...WAY,
        owned: [
          { handle: 15, tenant: 101, since, generation: 3, attempt: "first" },
          { handle: 16, tenant: 102, since, generation: 4, attempt: null },
        ],
      },
    ],
  ]),
});
const found = { endpoint: "http://one", how: "start" } as const;

describe("a handle of an earlier run", () => {
  const restored = (over: Partial<OwnershipStore> = {}, options: Partial<OwnershipOptions> = {}): Made => {
    const made = make({ store: aStore({ ...restoring(), ...over }), ...options });
    made.ownership.onActive("ocs", found);
    return made;
  };
  const verdicts = ({ ownership }: Made): string[] => [
    verdictIn(ownership.requestLease(alpha(), "15", false)),
    verdictIn(ownership.requestLease(other(), "16", false)),
  ];

  it("is unconfirmed, because OCS may have been restarted meanwhile", () => {
    expect(verdicts(restored())).toEqual(["unclear: unconfirmed", "unclear: unconfirmed"]);
  });

  it("is denied to other tenants", () => {
    expect(verdictIn(restored().ownership.requestLease(other(), "15", false))).toBe("foreign");
  });

  it("is confirmed by another announcement for the same tenant", async () => {
    const made = restored();
    expect(await made.ownership.announce(anAnnouncement(15, 101, "first"))).toBe("again");
    expect(verdicts(made)).toEqual(["its own", "unclear: unconfirmed"]);
  });

  it("is confirmed with all others by an announcement of a new handle above the highest one", async () => {
    const made = restored();
    await made.ownership.announce(anAnnouncement(190));
    expect(verdicts(made)).toEqual(["unclear: unconfirmed", "unclear: unconfirmed"]);
    await made.ownership.announce(anAnnouncement(201));
    expect(verdicts(made)).toEqual(["its own", "its own"]);
  });

  it("stays valid in a new life only if it was announced after the last announcement of the highest one", async () => {
    const owned = [
      { handle: 180, tenant: 101, since: 1, generation: 4, attempt: "a" },
      { handle: 15, tenant: 101, since: 2, generation: 5, attempt: "b" },
    ];
    const made = restored({ restored: new Map([["ocs", { ...WAY, owned }]]) });
    await made.ownership.announce(anAnnouncement(16));
    expect(made.ownership.epochOf("ocs")).toBe(8);
    expect(verdictIn(made.ownership.requestLease(alpha(), "15", false))).toBe("epoch-ended");
  });

  it("is not confirmed with the others after OCS has given one of them to another tenant", async () => {
    const made = restored();
    expect(await made.ownership.announce(anAnnouncement(15, 102))).toBe("owned");
    await made.ownership.announce(anAnnouncement(201));
    expect(verdicts(made)).toEqual(["foreign", "unclear: unconfirmed"]);
    expect(made.news).toEqual([]);
  });

  it.each([
    ["far below the highest", 135, 8],
    ["within the window", 136, 7],
  ])("ends with its epoch only if a new handle is %s", async (_where, handle, epoch) => {
    const made = restored();
    await made.ownership.announce(anAnnouncement(handle));
    expect(made.ownership.epochOf("ocs")).toBe(epoch);
    expect(made.news.map(({ kind }) => kind)).toEqual(epoch === 8 ? ["epoch"] : []);
    expect(verdictIn(made.ownership.requestLease(alpha(), "15", false))).toBe(
      epoch === 8 ? "epoch-ended" : "unclear: unconfirmed",
    );
  });

  it("stays valid if OCS announced it in the new life, before a handle proved that life", async () => {
    const made = restored();
    // The same number for the same tenant as in the life before.
    expect(await made.ownership.announce(anAnnouncement(15, 101, "of the new life"))).toBe("again");
    expect(await made.ownership.announce(anAnnouncement(18, 102))).toBe("owned");
    expect(made.ownership.epochOf("ocs")).toBe(8);
    expect(verdicts(made)).toEqual(["its own", "epoch-ended"]);
    expect(verdictIn(made.ownership.requestLease(other(), "18", false))).toBe("its own");
  });

  it("belongs to the announced tenant, in memory and on disk, if only the earlier life disputed it", async () => {
    const puts: unknown[] = [];
    const { ownership } = make({
      store: aStore({ put: (given) => Promise.resolve(void puts.push([given.handle, given.tenant, given.epoch])) }),
    });
    ownership.onActive("ocs", found);
    for (const handle of [1, 50, 100]) await ownership.announce(anAnnouncement(handle, 101));
    expect(await ownership.announce(anAnnouncement(1, 102))).toBe("disputed");
    await ownership.announce(anAnnouncement(2, 101));
    expect([
      verdictIn(ownership.requestLease(other(), "1", false)),
      verdictIn(ownership.requestLease(alpha(), "1", false)),
    ]).toEqual(["its own", "foreign"]);
    expect(puts).toContainEqual([1, 102, 2]);
  });

  it("stays disputed if announcements of the new life contradict each other", async () => {
    const { ownership, news } = make();
    ownership.onActive("ocs", found);
    for (const handle of [1, 50, 100]) await ownership.announce(anAnnouncement(handle, 101));
    ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
    // Not the owner of the life before is contradicted, but the one of this.
    for (const tenant of [102, 101]) await ownership.announce(anAnnouncement(1, tenant));
    await ownership.announce(anAnnouncement(2, 101));
    expect(ownership.epochOf("ocs")).toBe(2);
    expect([alpha(), other()].map((tenant) => verdictIn(ownership.requestLease(tenant, "1", false)))).toEqual([
      "unclear: disputed",
      "unclear: disputed",
    ]);
    expect(news.map(({ kind }) => kind)).toEqual(["disputed", "epoch"]);
  });

  it("does not prove the new life again with a late copy of its announcement", async () => {
    const announced: string[] = [];
    const { ownership } = make({
      store: aStore({ announced: (...given) => void announced.push(given.slice(0, 3).join(" ")) }),
    });
    ownership.onActive("ocs", found);
    for (const handle of [1, 50, 100]) await ownership.announce(anAnnouncement(handle, 101));
    await ownership.announce(anAnnouncement(1, 101, "of the new life"));
    await ownership.end("ocs", 1, "finished");
    for (const handle of [2, 60, 80]) await ownership.announce(anAnnouncement(handle, 101));
    expect(ownership.epochOf("ocs")).toBe(2);
    await ownership.announce(anAnnouncement(1, 101, "of the new life"));
    expect(ownership.epochOf("ocs")).toBe(2);
    expect(announced.filter((each) => each.startsWith("ocs 2 "))).toEqual([
      "ocs 2 1",
      "ocs 2 2",
      "ocs 2 60",
      "ocs 2 80",
      "ocs 2 1",
    ]);
  });

  it("is owned again when OCS announces a record again that the validator rejected", async () => {
    const { ownership } = make();
    await ownership.announce(anAnnouncement(15, 101, "first"));
    await ownership.end("ocs", 15, "rejected");
    expect(await ownership.announce(anAnnouncement(15, 101, "first"))).toBe("owned");
  });

  it("is void if the new life cannot have reached it, or if it is older, without a loss of connections", async () => {
    const { ownership } = make();
    ownership.onActive("ocs", found);
    for (const [handle, tenant] of [
      [100, 101],
      [140, 101],
      [180, 101],
      [141, 102],
      [5, 101],
    ] as const)
      await ownership.announce(anAnnouncement(handle, tenant));
    expect(ownership.epochOf("ocs")).toBe(2);
    expect([100, 140, 180].map((handle) => verdictIn(ownership.requestLease(alpha(), String(handle), false)))).toEqual([
      "epoch-ended",
      "epoch-ended",
      "epoch-ended",
    ]);
    expect([
      verdictIn(ownership.requestLease(other(), "141", false)),
      verdictIn(ownership.requestLease(alpha(), "5", false)),
    ]).toEqual(["epoch-ended", "its own"]);
  });

  it("is not ended by another announcement, however far below, or by a registration", async () => {
    const made = restored();
    await made.ownership.announce(anAnnouncement(15));
    await made.ownership.register("ocs", 1, 101, [101]);
    expect(made.ownership.epochOf("ocs")).toBe(7);
  });

  it("is void when another OCS is active", () => {
    const begun: string[] = [];
    const made = make({
      store: aStore({
        ...restoring(),
        beginEpoch: (...given) => Promise.resolve(void begun.push(given.slice(0, 3).join(" "))),
      }),
    });
    made.ownership.onActive("ocs", { endpoint: "http://two", how: "start" });
    expect(verdicts(made)).toEqual(["epoch-ended", "epoch-ended"]);
    expect(begun).toEqual(["ocs 8 http://two"]);
  });

  it.each([
    [4999, "its own"],
    [5000, "unclear: unconfirmed"],
    [undefined, "unclear: unconfirmed"],
  ])("is trusted after a downtime of %s ms with a grace of 5 s as: %s", (downtime, verdict) => {
    expect(verdicts(restored({ downtime }, { restartGrace: () => 5000 }))).toEqual([verdict, verdict]);
  });

  it("is not confirmed with the others after a registrar has named another tenant for one of them", async () => {
    const made = restored();
    expect(await made.ownership.register("ocs", 15, 102, [102])).toBe("unclear");
    await made.ownership.announce(anAnnouncement(201));
    expect(verdicts(made)).toEqual(["unclear: unconfirmed", "unclear: unconfirmed"]);
  });

  it("becomes stale at the right time if the clock was ahead when it was written", () => {
    const { ownership, clock } = restored(restoring(2_000_000));
    clock.now += HALF_AN_HOUR;
    ownership.tick();
    expect([...ownership.counts()]).toEqual([]);
  });

  it("is ended by the journal's outcome of its generation, not by that of an older one", () => {
    const { ownership } = restored();
    ownership.replay("ocs", 15, 2, "older");
    ownership.replay("ocs", 16, 4, "request");
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("unclear: unconfirmed");
    expect(ownership.requestLease(other(), "16", false)).toMatchObject({
      denied: { why: "ended", ended: { ending: "finished", by: "request" } },
    });
  });

  it("is in the epoch of the journal, and void after a takeover", () => {
    const made = restored();
    made.ownership.replayEpoch("ocs", { from: "http://two", to: "http://one", epoch: 7 });
    made.ownership.replayEpoch("ocs", { from: "http://one", to: "http://one", epoch: 9 });
    expect([verdicts(made), made.ownership.epochOf("ocs")]).toEqual([
      ["unclear: unconfirmed", "unclear: unconfirmed"],
      9,
    ]);
    made.ownership.replayEpoch("ocs", { from: "http://one", to: "http://two", epoch: 11 });
    expect([verdicts(made), made.ownership.epochOf("ocs")]).toEqual([["epoch-ended", "epoch-ended"], 11]);
  });

  it.each([
    ["all of it belongs to the previous life", 5, ["epoch-ended", "epoch-ended"]],
    ["what was heard of since is of the new life", 4, ["epoch-ended", "unclear: unconfirmed"]],
    ["all of it is of the new life", 3, ["unclear: unconfirmed", "unclear: unconfirmed"]],
  ])("stays valid in the life whose proof is in the journal: %s", async (_what, generation, expected) => {
    const made = restored({}, { window: () => 4 });
    const proof = { handle: 60, up_to: 64, generation };
    made.ownership.replayEpoch("ocs", { from: "http://one", to: "http://one", epoch: 9, proof });
    expect([verdicts(made), made.ownership.epochOf("ocs")]).toEqual([expected, 9]);
    await made.ownership.announce(anAnnouncement(61, 101));
    await made.ownership.announce(anAnnouncement(58, 101));
    expect([made.ownership.epochOf("ocs"), made.news]).toEqual([9, []]);
  });

  it("loses its owner when OCS announces it for no tenant, with an alarm only if OCS contradicts itself", async () => {
    const { ownership, news } = restored();
    await ownership.markUnowned("ocs", 15);
    expect([verdictIn(ownership.requestLease(alpha(), "15", false)), news]).toEqual(["ended", []]);
    await ownership.markUnowned("ocs", 16, [101, 102]);
    expect(news.map(({ kind }) => kind)).toEqual(["disputed"]);
  });

  it("is confirmed by a registrar that names its tenant again, not taken by one without that tenant", async () => {
    const { ownership } = restored();
    expect(await ownership.register("ocs", 15, 101, [101])).toBe("again");
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("its own");
    expect(await ownership.register("ocs", 16, 101, [101])).toBe("unclear");
    expect(await ownership.register("ocs", 16, 101, [101, 102])).toBe("owned");
  });

  it("is unclear if the database was corrupt, until OCS has begun another life", async () => {
    const { ownership } = make({ store: aStore({ movedAside: "aside" }) });
    ownership.onActive("ocs", found);
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("unclear: store-lost");
    await ownership.announce(anAnnouncement(15, 102));
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("foreign");
    ownership.newEpoch("ocs", "http://two");
    expect(verdictIn(ownership.requestLease(alpha(), "16", false))).toBe("unknown");
  });
});
