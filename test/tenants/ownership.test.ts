import { afterEach, describe, expect, it, vi } from "vitest";
import {
  mayDial,
  Ownership,
  type Announcement,
  type Answer,
  type HandleLease,
  type OwnershipNews,
  type OwnershipOptions,
  type OwnershipStore,
} from "../../src/tenants/ownership.ts";
import { StoreFailed, type Restored } from "../../src/tenants/ownership/store.ts";
import { STRAYS_PER_SECOND } from "../../src/tenants/ownership/strays.ts";
import type { RecordsMode, Tenant } from "../../src/tenants/register.ts";
import { aTenant, beta } from "../kit/line.ts";

const HALF_AN_HOUR = 1_800_000;
const open: Ownership[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

const row = (handle: number, tenant = 101, attempt: string | null = null): Announcement => ({
  upstream: "ocs",
  handle,
  tenant,
  campaign: null,
  group: null,
  list: null,
  phone: null,
  attempt,
});

type Made = { readonly ownership: Ownership; readonly news: OwnershipNews[]; readonly clock: { now: number } };

const make = (over: Partial<OwnershipOptions> = {}): Made => {
  const news: OwnershipNews[] = [];
  const clock = { now: 1_000_000_000 };
  const ownership = new Ownership({
    staleAfter: () => HALF_AN_HOUR,
    tell: (told) => news.push(told),
    now: () => clock.now,
    ...over,
  });
  open.push(ownership);
  return { ownership, news, clock };
};

const alpha = (records: RecordsMode = "pre-dial"): Tenant => aTenant({ records });
const other = (records: RecordsMode = "pre-dial"): Tenant => beta({ records });

const leaseIn = (answer: Answer): HandleLease => {
  if ("lease" in answer) return answer.lease;
  throw new Error(JSON.stringify(answer));
};
/** What a tenant is told: its own, denied and why, or that it cannot be told. */
const verdictIn = (answer: Answer): string =>
  "lease" in answer ? "its own" : "denied" in answer ? answer.denied.why : `unclear: ${answer.unclear}`;

/** The request leaves so many milliseconds after now. */
const leftAfter = (ms: number, lease: HandleLease): string | undefined => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(performance.now() + ms);
  const withdrawn = lease.withdrawn(true);
  clock.mockRestore();
  return withdrawn;
};

describe("an announced handle", () => {
  it("is its tenant's and nobody else's", async () => {
    const { ownership } = make();
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("unknown");
    expect(await ownership.announce(row(15))).toBe("owned");
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("its own");
    expect(verdictIn(ownership.ask(other(), "15", false))).toBe("foreign");
    expect(ownership.ownersAmong([alpha(), other()], "15").map(({ dbid }) => dbid)).toEqual([101]);
    expect([...ownership.counts()]).toEqual([{ upstream: "ocs", tenant: 101, owned: 1, unconfirmed: 0 }]);
  });

  it("is denied to a tenant that says nothing separates it, once it is another's", async () => {
    const { ownership } = make();
    await ownership.announce(row(15, 102));
    expect(verdictIn(ownership.ask(alpha("unscoped"), "15", false))).toBe("foreign");
    expect(verdictIn(ownership.ask(alpha("unscoped"), "16", false))).toBe("its own");
  });

  it("belongs to one upstream", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    expect(verdictIn(ownership.ask(aTenant({ records: "pre-dial", upstream: "elsewhere" }), "15", false))).toBe(
      "unknown",
    );
  });

  it("may be announced again, and is young again", async () => {
    const { ownership, clock } = make();
    await ownership.announce(row(15));
    clock.now += HALF_AN_HOUR - 1000;
    expect(await ownership.announce(row(15))).toBe("again");
    clock.now += HALF_AN_HOUR - 1000;
    ownership.tick();
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("its own");
  });

  it("goes to OCS for its last owner alone when it is stale, and OCS's 410 ends it", async () => {
    const { ownership, clock } = make();
    await ownership.announce(row(15));
    clock.now += HALF_AN_HOUR;
    ownership.tick();
    expect([...ownership.counts()]).toEqual([]);
    expect(verdictIn(ownership.ask(other(), "15", false))).toBe("foreign");
    const lease = leaseIn(ownership.ask(alpha(), "15", false));
    expect(leftAfter(2000, lease)).toBeUndefined();
    lease.settle(410, "the-request");
    expect(ownership.ask(alpha(), "15", false)).toMatchObject({
      denied: { former: { ending: "gone", by: "the-request", staleSince: 1_000_000_000 } },
    });
  });

  it.each([
    ["forward", 1],
    ["back", -1],
  ])("keeps its time when the clock is set %s", async (_how, direction) => {
    const wall = Date.now();
    const steady = performance.now();
    const [date, monotonic] = [vi.spyOn(Date, "now"), vi.spyOn(performance, "now")];
    const at = (ms: number, set: number): void => {
      monotonic.mockReturnValue(steady + ms);
      date.mockReturnValue(wall + ms + set);
    };
    const ownership = new Ownership({ staleAfter: () => HALF_AN_HOUR, tell: () => undefined });
    open.push(ownership);
    try {
      at(0, 0);
      await ownership.announce(row(15));
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

  it("has no owner when it is announced for two tenants, until the epoch ends: to both it is unclear, to others unknown", async () => {
    const { ownership, news } = make();
    await ownership.announce(row(15, 101));
    expect(await ownership.announce(row(15, 102))).toBe("disputed");
    expect(await ownership.announce(row(15, 101))).toBe("disputed");
    expect(
      [alpha(), other(), beta({ dbid: 103, records: "pre-dial" })].map((tenant) =>
        verdictIn(ownership.ask(tenant, "15", false)),
      ),
    ).toEqual(["unclear: disputed", "unclear: disputed", "unknown"]);
    expect(news).toEqual([{ kind: "disputed", upstream: "ocs", handle: 15 }]);
    ownership.newEpoch("ocs", "http://other");
    expect(await ownership.announce(row(15, 102))).toBe("owned");
  });

  it("ends with its call, by handle", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    expect(await ownership.end("ocs", 15, "call-ended")).toBe(true);
    expect(await ownership.end("ocs", 99, "call-ended")).toBe(true);
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("ended");
  });
});

describe("a finalizing action", () => {
  it("has its handle alone, and ends it when OCS says 200", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    const first = leaseIn(ownership.ask(alpha(), "15", true));
    const second = leaseIn(ownership.ask(alpha(), "15", true));
    const third = leaseIn(ownership.ask(alpha(), "15", false));
    expect(first.after()).toBeUndefined();
    const waits = [second.after(), third.after()];
    first.settle(200, "first");
    await waits[0];
    expect([second, third].map((lease) => lease.withdrawn())).toEqual(["void", "void"]);
    expect(second.reason()).toMatch(/^finished: OCS answered 200 to the finalizing request first at /);
    second.settle(undefined);
    await waits[1];
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("ended");
  });

  it("that was not carried out lets the one behind it go, and a third waits for that one", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    const [first, second, third] = [1, 2, 3].map(() => leaseIn(ownership.ask(alpha(), "15", true)));
    const order: string[] = [];
    void second!.after()!.then(() => order.push("second may go"));
    void third!.after()!.then(() => order.push("third may go"));
    // The one in the middle is abandoned while it waits: the last one still waits for the first.
    second!.settle(undefined);
    await Promise.resolve();
    expect(order).toEqual([]);
    first!.settle(409);
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(["second may go", "third may go"]);
    expect([third!.after(), third!.withdrawn(true)]).toEqual([undefined, undefined]);
  });

  it.each([[undefined], [400], [409], [500]])("gives it back at %s", async (status) => {
    const { ownership } = make();
    await ownership.announce(row(15));
    leaseIn(ownership.ask(alpha(), "15", true)).settle(status);
    expect(verdictIn(ownership.ask(alpha(), "15", true))).toBe("its own");
    expect(verdictIn(ownership.ask(other(), "15", true))).toBe("foreign");
  });

  it("ends it at 410, as any other action does", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    const lease = leaseIn(ownership.ask(alpha(), "15", false));
    leftAfter(0, lease);
    lease.settle(410);
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("ended");
  });

  it.each([
    [999, "its own"],
    [1000, "ended"],
  ])(
    "at 410 after %i ms finds a number that was in use before %s: OCS opens a record only when it hears 200",
    async (ms, verdict) => {
      const { ownership } = make();
      await ownership.announce(row(15, 101, "first"));
      await ownership.end("ocs", 15, "call-ended", "first");
      await ownership.announce(row(15, 101, "second"));
      const lease = leaseIn(ownership.ask(alpha(), "15", false));
      leftAfter(ms, lease);
      lease.settle(410);
      expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe(verdict);
    },
  );

  it("leaves it when another action is answered 200", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    leaseIn(ownership.ask(alpha(), "15", false)).settle(200);
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("its own");
  });

  it.each(["dedicated", "unscoped"] as const)(
    "waits for the one before it under %s as well, and a finished handle stays finished while OCS is connected",
    async (records) => {
      const { ownership } = make();
      const first = leaseIn(ownership.ask(alpha(records), "15", true));
      const second = leaseIn(ownership.ask(alpha(records), "15", true));
      const waits = second.after();
      first.settle(200);
      await waits;
      expect(second.withdrawn()).toBe("void");
      second.settle(undefined);
      expect(verdictIn(ownership.ask(alpha(records), "15", false))).toBe("ended");
      leaseIn(ownership.ask(alpha(records), "16", true)).settle(410);
      expect(verdictIn(ownership.ask(alpha(records), "16", true))).toBe("its own");
      // OCS may have given the handle out again meanwhile: OCS itself is asked.
      ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
      expect(verdictIn(ownership.ask(alpha(records), "15", true))).toBe("its own");
    },
  );

  it.each(["dedicated", "unscoped"] as const)(
    "that was under way as the connections were lost is not remembered under %s",
    (records) => {
      const { ownership } = make();
      const lease = leaseIn(ownership.ask(alpha(records), "15", true));
      ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
      lease.settle(200);
      expect(verdictIn(ownership.ask(alpha(records), "15", true))).toBe("its own");
    },
  );
});

describe("a new epoch", () => {
  it("voids everything, also what a request under way holds", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    const lease = leaseIn(ownership.ask(alpha(), "15", true));
    expect(lease.withdrawn()).toBeUndefined();
    ownership.newEpoch("ocs", "http://other");
    expect(lease.withdrawn()).toBe("void");
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("epoch-ended");
    expect(await ownership.announce(row(15, 102))).toBe("owned");
    lease.settle(200);
    expect(verdictIn(ownership.ask(other(), "15", false))).toBe("its own");
    // It was this tenant's before, so asking for it is no sign of bad will.
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("epoch-ended");
  });

  it("concerns its upstream alone", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    ownership.newEpoch("elsewhere", "http://other");
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("its own");
  });

  it("voids an announcement that is not yet on disk", async () => {
    const written = Promise.withResolvers<void>();
    const { ownership } = make({ store: aStore({ put: () => written.promise }) });
    const announced = ownership.announce(row(15));
    ownership.newEpoch("ocs", "http://other");
    written.resolve();
    expect(await announced).toBe("void");
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("epoch-ended");
  });
});

describe("a registrar's word", () => {
  it("gives a handle once, and to one tenant", async () => {
    const { ownership } = make();
    expect(await ownership.register("ocs", 15, 101, [101])).toBe("owned");
    expect(await ownership.register("ocs", 15, 101, [101])).toBe("again");
    expect(await ownership.register("ocs", 15, 102, [101, 102])).toBe("taken");
    expect(verdictIn(ownership.ask(alpha("registered"), "15", false))).toBe("its own");
  });

  it("does not disturb the owner when it is refused", async () => {
    const { ownership, news } = make();
    await ownership.register("ocs", 15, 101, [101]);
    await ownership.register("ocs", 15, 102, [101, 102]);
    expect(ownership.ownerOf("ocs", 15)).toBe(101);
    expect(news).toEqual([]);
  });
});

describe("requests for handles of others", () => {
  it("raise one alarm a minute for each tenant, at the first of another's", async () => {
    const { ownership, news, clock } = make();
    await ownership.announce(row(15));
    ownership.ask(other(), "15", false);
    ownership.ask(other(), "16", false);
    ownership.tick();
    expect(news).toEqual([{ kind: "strays", upstream: "ocs", tenant: 102, foreign: 1, unknown: 1 }]);
    ownership.ask(other(), "15", false);
    ownership.tick();
    expect(news).toHaveLength(1);
    clock.now += 60_000;
    ownership.tick();
    ownership.tick();
    expect(news[1]).toEqual({ kind: "strays", upstream: "ocs", tenant: 102, foreign: 1, unknown: 0 });
  });

  it("of nobody's raise one only when there are many", () => {
    const { ownership, news, clock } = make();
    for (let handle = 1; handle <= 10; handle++) ownership.ask(alpha(), String(handle), false);
    clock.now += 60_000;
    ownership.tick();
    for (let handle = 1; handle <= 19; handle++) ownership.ask(alpha(), String(handle), false);
    ownership.tick();
    expect(news).toEqual([]);
    ownership.ask(alpha(), "20", false);
    ownership.tick();
    expect(news).toEqual([{ kind: "strays", upstream: "ocs", tenant: 101, foreign: 0, unknown: 20 }]);
  });

  it("are slowed over a rate, the same for foreign and unknown, and the tenant's own are not", async () => {
    const { ownership, clock } = make();
    await ownership.announce(row(1));
    await ownership.announce(row(2, 102));
    const slow = (handle: number): boolean => {
      const answer = ownership.ask(other(), String(handle), false);
      return "denied" in answer && answer.slow;
    };
    for (let count = 0; count < STRAYS_PER_SECOND; count++) expect(slow(count % 2 === 0 ? 1 : 900)).toBe(false);
    expect([slow(1), slow(900)]).toEqual([true, true]);
    expect(verdictIn(ownership.ask(other(), "2", false))).toBe("its own");
    clock.now += 1000;
    expect(slow(1)).toBe(false);
  });

  it("that were the tenant's own before are no strays", async () => {
    const { ownership, news } = make();
    for (let handle = 1; handle <= 200; handle++) await ownership.announce(row(handle));
    ownership.newEpoch("ocs", "http://other");
    const slowed = Array.from({ length: 200 }, (_, at) => ownership.ask(alpha(), String(at + 1), true)).filter(
      (answer) => "denied" in answer && answer.slow,
    );
    ownership.tick();
    expect([slowed, news]).toEqual([[], []]);
  });

  it("that two tenants use where nothing separates them are told once for each pair", () => {
    const { ownership, news } = make();
    for (const tenant of [alpha("unscoped"), other("unscoped"), alpha("unscoped"), other("unscoped")])
      ownership.ask(tenant, "15", false);
    expect(news).toEqual([{ kind: "shared", upstream: "ocs", handle: "15", tenants: ["Alpha Tenant", "Beta Tenant"] }]);
  });
});

const aStore = (over: Partial<OwnershipStore> = {}): OwnershipStore => ({
  restored: new Map(),
  movedAside: undefined,
  downtime: undefined,
  mark: 0,
  put: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  doubt: () => Promise.resolve(),
  announced: () => undefined,
  beginEpoch: () => Promise.resolve(),
  byAttempt: () => Promise.resolve(undefined),
  pending: () => 0,
  touch: () => undefined,
  close: () => Promise.resolve(),
  ...over,
});

const refusing = (): Promise<never> => Promise.reject(new StoreFailed("disk full"));

describe("what is on disk", () => {
  it("is there before the handle may be used", async () => {
    const written = Promise.withResolvers<void>();
    const { ownership } = make({ store: aStore({ put: () => written.promise }) });
    const announced = ownership.announce(row(15));
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("unclear: storing");
    written.resolve();
    expect(await announced).toBe("owned");
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("its own");
  });

  it("decides whether OCS may dial: what cannot be written has no owner, and a commit that comes late is taken back", async () => {
    const removed: unknown[] = [];
    const remove = (...given: unknown[]): Promise<void> => Promise.resolve(void removed.push(given));
    const { ownership, news } = make({ store: aStore({ put: refusing, remove }) });
    const owning = await ownership.announce(row(15));
    expect([owning, mayDial(owning)]).toEqual(["unstored", false]);
    expect("lease" in ownership.ask(alpha(), "15", false)).toBe(false);
    expect(news).toEqual([{ kind: "unstored", upstream: "ocs", reason: "disk full" }]);
    expect(removed).toEqual([["ocs", 15, 1]]);
  });

  it.each<[string, (ownership: Ownership) => Promise<unknown>, unknown]>([
    ["a dispute", (ownership) => ownership.announce(row(15, 102)), "unstored"],
    ["an announcement for no tenant here", (ownership) => ownership.disown("ocs", 15), "unstored"],
    ["an announcement that contradicts itself", (ownership) => ownership.disown("ocs", 15, [101, 102]), "unstored"],
    ["a call report", (ownership) => ownership.end("ocs", 15, "call-ended"), false],
    ["a registrar's DELETE", (ownership) => ownership.end("ocs", 15, "taken-back"), false],
  ])(
    "%s that cannot be written is not reported as done, and the owner before is out of use all the same",
    async (_what, take, told) => {
      const { ownership } = make({ store: aStore({ remove: refusing }) });
      await ownership.announce(row(15));
      expect(await take(ownership)).toBe(told);
      expect("lease" in ownership.ask(alpha(), "15", false)).toBe(false);
    },
  );

  it("raises one alarm while removals wait, and another one the next time", () => {
    let pending = 3;
    const { ownership, news } = make({ store: aStore({ pending: () => pending }) });
    for (const next of [3, 5, 0, 1]) {
      pending = next;
      ownership.tick();
    }
    expect(news).toEqual([
      { kind: "unremoved", count: 3 },
      { kind: "unremoved", count: 1 },
    ]);
  });
});

const WAY: Omit<Restored, "owned"> = {
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

describe("what an earlier run left behind", () => {
  const restored = (over: Partial<OwnershipStore> = {}, options: Partial<OwnershipOptions> = {}): Made => {
    const made = make({ store: aStore({ ...restoring(), ...over }), ...options });
    made.ownership.settle("ocs", found);
    return made;
  };
  const verdicts = ({ ownership }: Made): string[] => [
    verdictIn(ownership.ask(alpha(), "15", false)),
    verdictIn(ownership.ask(other(), "16", false)),
  ];

  it("is unconfirmed, and not final: OCS may have been restarted meanwhile", () => {
    expect(verdicts(restored())).toEqual(["unclear: unconfirmed", "unclear: unconfirmed"]);
  });

  it("says no to strangers all the same", () => {
    expect(verdictIn(restored().ownership.ask(other(), "15", false))).toBe("foreign");
  });

  it("is confirmed one by one by a repeated announcement for the same tenant", async () => {
    const made = restored();
    expect(await made.ownership.announce(row(15, 101, "first"))).toBe("again");
    expect(verdicts(made)).toEqual(["its own", "unclear: unconfirmed"]);
  });

  it("is confirmed as a whole by a first announcement above the highest one", async () => {
    const made = restored();
    await made.ownership.announce(row(190));
    expect(verdicts(made)).toEqual(["unclear: unconfirmed", "unclear: unconfirmed"]);
    await made.ownership.announce(row(201));
    expect(verdicts(made)).toEqual(["its own", "its own"]);
  });

  it("keeps of a new life only what came after the last word of the highest one, whichever row is older", async () => {
    const owned = [
      { handle: 180, tenant: 101, since: 1, generation: 4, attempt: "a" },
      { handle: 15, tenant: 101, since: 2, generation: 5, attempt: "b" },
    ];
    const made = restored({ restored: new Map([["ocs", { ...WAY, owned }]]) });
    await made.ownership.announce(row(16));
    expect(made.ownership.epochOf("ocs")).toBe(8);
    expect(verdictIn(made.ownership.ask(alpha(), "15", false))).toBe("epoch-ended");
  });

  it("is not confirmed as a whole once OCS has given one of the handles to another tenant", async () => {
    const made = restored();
    expect(await made.ownership.announce(row(15, 102))).toBe("owned");
    await made.ownership.announce(row(201));
    expect(verdicts(made)).toEqual(["foreign", "unclear: unconfirmed"]);
    expect(made.news).toEqual([]);
  });

  it.each([
    ["far below the highest", 135, 8],
    ["within the window", 136, 7],
  ])("ends with its epoch only by a handle that is new and lies %s", async (_where, handle, epoch) => {
    const made = restored();
    await made.ownership.announce(row(handle));
    expect(made.ownership.epochOf("ocs")).toBe(epoch);
    expect(made.news.map(({ kind }) => kind)).toEqual(epoch === 8 ? ["epoch"] : []);
    expect(verdictIn(made.ownership.ask(alpha(), "15", false))).toBe(
      epoch === 8 ? "epoch-ended" : "unclear: unconfirmed",
    );
  });

  it("keeps what was announced since the new life began, before a handle proved it", async () => {
    const made = restored();
    // The same number for the same tenant as in the life before.
    expect(await made.ownership.announce(row(15, 101, "of the new life"))).toBe("again");
    expect(await made.ownership.announce(row(18, 102))).toBe("owned");
    expect(made.ownership.epochOf("ocs")).toBe(8);
    expect(verdicts(made)).toEqual(["its own", "epoch-ended"]);
    expect(verdictIn(made.ownership.ask(other(), "18", false))).toBe("its own");
  });

  it("gives a handle that was disputed only with the life before to the tenant that OCS announced, in memory and on disk", async () => {
    const puts: unknown[] = [];
    const { ownership } = make({
      store: aStore({ put: (given) => Promise.resolve(void puts.push([given.handle, given.tenant, given.epoch])) }),
    });
    ownership.settle("ocs", found);
    for (const handle of [1, 50, 100]) await ownership.announce(row(handle, 101));
    expect(await ownership.announce(row(1, 102))).toBe("disputed");
    await ownership.announce(row(2, 101));
    expect([verdictIn(ownership.ask(other(), "1", false)), verdictIn(ownership.ask(alpha(), "1", false))]).toEqual([
      "its own",
      "foreign",
    ]);
    expect(puts).toContainEqual([1, 102, 2]);
  });

  it("stays disputed in the new life whose own words contradict each other", async () => {
    const { ownership, news } = make();
    ownership.settle("ocs", found);
    for (const handle of [1, 50, 100]) await ownership.announce(row(handle, 101));
    ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
    // Not the owner of the life before is contradicted, but the one of this.
    for (const tenant of [102, 101]) await ownership.announce(row(1, tenant));
    await ownership.announce(row(2, 101));
    expect(ownership.epochOf("ocs")).toBe(2);
    expect([alpha(), other()].map((tenant) => verdictIn(ownership.ask(tenant, "1", false)))).toEqual([
      "unclear: disputed",
      "unclear: disputed",
    ]);
    expect(news.map(({ kind }) => kind)).toEqual(["disputed", "epoch"]);
  });

  it("is not proven once more by a late copy of what it announced, and finished, before its proof", async () => {
    const announced: string[] = [];
    const { ownership } = make({
      store: aStore({ announced: (...given) => void announced.push(given.slice(0, 3).join(" ")) }),
    });
    ownership.settle("ocs", found);
    for (const handle of [1, 50, 100]) await ownership.announce(row(handle, 101));
    await ownership.announce(row(1, 101, "of the new life"));
    await ownership.end("ocs", 1, "finished");
    for (const handle of [2, 60, 80]) await ownership.announce(row(handle, 101));
    expect(ownership.epochOf("ocs")).toBe(2);
    await ownership.announce(row(1, 101, "of the new life"));
    expect(ownership.epochOf("ocs")).toBe(2);
    expect(announced.filter((each) => each.startsWith("ocs 2 "))).toEqual([
      "ocs 2 1",
      "ocs 2 2",
      "ocs 2 60",
      "ocs 2 80",
      "ocs 2 1",
    ]);
  });

  it("takes a record up again that the validator kept from being dialed, and that OCS announces once more", async () => {
    const { ownership } = make();
    await ownership.announce(row(15, 101, "first"));
    await ownership.end("ocs", 15, "rejected");
    expect(await ownership.announce(row(15, 101, "first"))).toBe("owned");
  });

  it("keeps nothing that the new life cannot have come to, and nothing of before, where no connection was lost", async () => {
    const { ownership } = make();
    ownership.settle("ocs", found);
    for (const [handle, tenant] of [
      [100, 101],
      [140, 101],
      [180, 101],
      [141, 102],
      [5, 101],
    ] as const)
      await ownership.announce(row(handle, tenant));
    expect(ownership.epochOf("ocs")).toBe(2);
    expect([100, 140, 180].map((handle) => verdictIn(ownership.ask(alpha(), String(handle), false)))).toEqual([
      "epoch-ended",
      "epoch-ended",
      "epoch-ended",
    ]);
    expect([verdictIn(ownership.ask(other(), "141", false)), verdictIn(ownership.ask(alpha(), "5", false))]).toEqual([
      "epoch-ended",
      "its own",
    ]);
  });

  it("does not end by a repeated announcement, however far below, nor by a registrar's word", async () => {
    const made = restored();
    await made.ownership.announce(row(15));
    await made.ownership.register("ocs", 1, 101, [101]);
    expect(made.ownership.epochOf("ocs")).toBe(7);
  });

  it("is void where OCS is another one", () => {
    const begun: string[] = [];
    const made = make({
      store: aStore({
        ...restoring(),
        beginEpoch: (...given) => Promise.resolve(void begun.push(given.slice(0, 3).join(" "))),
      }),
    });
    made.ownership.settle("ocs", { endpoint: "http://two", how: "start" });
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

  it("is not confirmed as a whole once a registrar has named another tenant for one of the handles", async () => {
    const made = restored();
    expect(await made.ownership.register("ocs", 15, 102, [102])).toBe("unclear");
    await made.ownership.announce(row(201));
    expect(verdicts(made)).toEqual(["unclear: unconfirmed", "unclear: unconfirmed"]);
  });

  it("is stale in its time also when it was written under a clock that was ahead", () => {
    const { ownership, clock } = restored(restoring(2_000_000));
    clock.now += HALF_AN_HOUR;
    ownership.tick();
    expect([...ownership.counts()]).toEqual([]);
  });

  it("is finished by an outcome that the earlier run could not remove any more, and not by that of an older generation", () => {
    const { ownership } = restored();
    ownership.replay("ocs", 15, 2, "older");
    ownership.replay("ocs", 16, 4, "request");
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("unclear: unconfirmed");
    expect(ownership.ask(other(), "16", false)).toMatchObject({
      denied: { why: "ended", former: { ending: "finished", by: "request" } },
    });
  });

  it("goes on in the epoch that the journal names, and is void there after a takeover", () => {
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
    ["all of it is of the life before", 5, ["epoch-ended", "epoch-ended"]],
    ["what was heard of since is of the new life", 4, ["epoch-ended", "unclear: unconfirmed"]],
    ["all of it is of the new life", 3, ["unclear: unconfirmed", "unclear: unconfirmed"]],
  ])("goes over to the life that the journal tells of with its proof: %s", async (_what, generation, expected) => {
    const made = restored({}, { window: () => 4 });
    const proof = { handle: 60, up_to: 64, generation };
    made.ownership.replayEpoch("ocs", { from: "http://one", to: "http://one", epoch: 9, proof });
    expect([verdicts(made), made.ownership.epochOf("ocs")]).toEqual([expected, 9]);
    await made.ownership.announce(row(61, 101));
    await made.ownership.announce(row(58, 101));
    expect([made.ownership.epochOf("ocs"), made.news]).toEqual([9, []]);
  });

  it("is taken away without an alarm when OCS announces it for no tenant here, and with one when that contradicts itself", async () => {
    const { ownership, news } = restored();
    await ownership.disown("ocs", 15);
    expect([verdictIn(ownership.ask(alpha(), "15", false)), news]).toEqual(["ended", []]);
    await ownership.disown("ocs", 16, [101, 102]);
    expect(news.map(({ kind }) => kind)).toEqual(["disputed"]);
  });

  it("is confirmed by a registrar that names its tenant again; one that may not speak for the owner cannot take it", async () => {
    const { ownership } = restored();
    expect(await ownership.register("ocs", 15, 101, [101])).toBe("again");
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("its own");
    expect(await ownership.register("ocs", 16, 101, [101])).toBe("unclear");
    expect(await ownership.register("ocs", 16, 101, [101, 102])).toBe("owned");
  });

  it("is not known where the database was damaged: no final no, until OCS has begun another life", async () => {
    const { ownership } = make({ store: aStore({ movedAside: "aside" }) });
    ownership.settle("ocs", found);
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("unclear: store-lost");
    await ownership.announce(row(15, 102));
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("foreign");
    ownership.newEpoch("ocs", "http://two");
    expect(verdictIn(ownership.ask(alpha(), "16", false))).toBe("unknown");
  });
});

describe("losing every connection to OCS", () => {
  it("holds the owner's requests while roles are undecided, and tells all others that it cannot be told", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    ownership.unsettle("ocs");
    const lease = leaseIn(ownership.ask(alpha(), "15", true));
    expect([verdictIn(ownership.ask(other(), "15", false)), verdictIn(ownership.ask(alpha(), "16", false))]).toEqual([
      "unclear: roles",
      "unclear: roles",
    ]);
    ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
    expect(lease.withdrawn()).toBe("unclear");
    await ownership.announce(row(16));
    expect(lease.withdrawn()).toBeUndefined();
  });

  it("ends nothing when the same OCS is back, and everything when its peer took over", async () => {
    const { ownership } = make();
    ownership.settle("ocs", found);
    await ownership.announce(row(15));
    ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
    expect([verdictIn(ownership.ask(alpha(), "15", false)), ownership.epochOf("ocs")]).toEqual([
      "unclear: unconfirmed",
      1,
    ]);
    ownership.settle("ocs", { endpoint: "http://two", how: "takeover" });
    expect([verdictIn(ownership.ask(alpha(), "15", false)), ownership.epochOf("ocs")]).toEqual(["epoch-ended", 2]);
  });

  it("leaves a dispute to what OCS announces next, which may be another life's", async () => {
    const { ownership, news } = make();
    ownership.settle("ocs", found);
    for (const tenant of [101, 102]) await ownership.announce(row(15, tenant));
    await ownership.disown("ocs", 16);
    ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
    expect(await ownership.announce(row(15, 102))).toBe("owned");
    expect([other(), alpha()].map((tenant) => verdictIn(ownership.ask(tenant, "15", false)))).toEqual([
      "its own",
      "foreign",
    ]);
    expect(await ownership.announce(row(15, 101))).toBe("disputed");
    expect(news).toHaveLength(2);
  });

  it("leaves handles unconfirmed until OCS has come above the highest one that a registrar has named", async () => {
    const { ownership } = make();
    ownership.settle("ocs", found);
    await ownership.announce(row(15));
    await ownership.register("ocs", 20, 102, [102]);
    ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
    for (const handle of [18, 20]) await ownership.announce(row(handle));
    expect(["15", "20"].map((handle) => verdictIn(ownership.ask(alpha(), handle, false)))).toEqual([
      "unclear: unconfirmed",
      "its own",
    ]);
    await ownership.announce(row(21));
    expect(verdictIn(ownership.ask(alpha(), "18", false))).toBe("its own");
  });
});

describe("a generation", () => {
  it("is not ended by the answer to a request of the one before", async () => {
    const { ownership } = make();
    await ownership.announce(row(15, 101, "first"));
    const lease = leaseIn(ownership.ask(alpha(), "15", true));
    lease.withdrawn(true);
    await ownership.announce(row(15, 101, "second"));
    lease.settle(200);
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("its own");
  });

  it("is not ended by the call report of the one before, and is by its own", async () => {
    const { ownership } = make();
    await ownership.announce(row(15, 101, "first"));
    await ownership.announce(row(15, 101, "second"));
    await ownership.end("ocs", 15, "call-ended", "first");
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("its own");
    await ownership.end("ocs", 15, "call-ended", "second");
    expect(verdictIn(ownership.ask(alpha(), "15", false))).toBe("ended");
  });

  it("that has ended does not begin again by a late copy of its announcement", async () => {
    const { ownership } = make();
    await ownership.announce(row(15, 101, "first"));
    leaseIn(ownership.ask(alpha(), "15", true)).settle(200);
    expect(await ownership.announce(row(15, 101, "first"))).toBe("finished");
    expect(await ownership.announce(row(15, 101, "second"))).toBe("owned");
  });

  it("of another tenant waits until no request of the owner before is in flight", async () => {
    const { ownership } = make();
    ownership.settle("ocs", found);
    await ownership.announce(row(15, 101));
    const lease = leaseIn(ownership.ask(alpha(), "15", true));
    expect(lease.withdrawn(true)).toBeUndefined();
    ownership.settle("ocs", { endpoint: "http://one", how: "reconnected" });
    let owning: string | undefined;
    const announced = ownership.announce(row(15, 102)).then((became) => (owning = became));
    await new Promise((resolve) => setImmediate(resolve));
    expect(owning).toBeUndefined();
    lease.settle(200);
    await announced;
    expect([owning, verdictIn(ownership.ask(other(), "15", false))]).toEqual(["owned", "its own"]);
  });
});
