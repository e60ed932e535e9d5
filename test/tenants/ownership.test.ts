import { afterEach, describe, expect, it, vi } from "vitest";
import { Ownership, type Answer, type Hold, type OwnershipNews, type OwnershipOptions, type OwnershipStore } from "../../src/tenants/ownership.ts";
import { StoreFailed, type Row } from "../../src/tenants/ownership/store.ts";
import { STRAYS_PER_SECOND } from "../../src/tenants/ownership/strays.ts";
import type { RecordsMode, Tenant } from "../../src/tenants/register.ts";
import { aTenant, beta } from "../kit/line.ts";

const HALF_AN_HOUR = 1_800_000;
const open: Ownership[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

const row = (handle: number, tenant = 101): Omit<Row, "since"> => ({ upstream: "ocs", handle, tenant, campaign: null, group: null, list: null, phone: null, attempt: null });

type Made = { readonly ownership: Ownership; readonly news: OwnershipNews[]; readonly clock: { now: number } };

const make = (over: Partial<OwnershipOptions> = {}): Made => {
  const news: OwnershipNews[] = [];
  const clock = { now: 1_000_000_000 };
  const ownership = new Ownership({ staleAfter: () => HALF_AN_HOUR, tell: (told) => news.push(told), now: () => clock.now, ...over });
  open.push(ownership);
  return { ownership, news, clock };
};

const alpha = (records: RecordsMode = "pre-dial"): Tenant => aTenant({ records });
const other = (records: RecordsMode = "pre-dial"): Tenant => beta({ records });

const holdIn = (answer: Answer): Hold => {
  if ("hold" in answer) return answer.hold;
  throw new Error(`a stray: ${answer.stray}`);
};
const strayIn = (answer: Answer): string => ("stray" in answer ? answer.stray : "its own");

describe("an announced handle", () => {
  it("is its tenant's and nobody else's", async () => {
    const { ownership } = make();
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("unknown");
    expect(await ownership.announce(row(15))).toBe("owned");
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("its own");
    expect(strayIn(ownership.ask(other(), "15", false))).toBe("foreign");
    expect(ownership.ownersAmong([alpha(), other()], "15").map(({ dbid }) => dbid)).toEqual([101]);
    expect([...ownership.counts()]).toEqual([["ocs", 101, 1]]);
  });

  it("is nobody's for a tenant that says nothing separates it, once it is another's", async () => {
    const { ownership } = make();
    await ownership.announce(row(15, 102));
    expect(strayIn(ownership.ask(alpha("unscoped"), "15", false))).toBe("foreign");
    expect(strayIn(ownership.ask(alpha("unscoped"), "16", false))).toBe("its own");
  });

  it("belongs to one upstream", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    expect(strayIn(ownership.ask(aTenant({ records: "pre-dial", upstream: "elsewhere" }), "15", false))).toBe("unknown");
  });

  it("may be announced again, and is young again", async () => {
    const { ownership, clock } = make();
    await ownership.announce(row(15));
    clock.now += HALF_AN_HOUR - 1000;
    expect(await ownership.announce(row(15))).toBe("again");
    clock.now += HALF_AN_HOUR - 1000;
    ownership.tick();
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("its own");
  });

  it("is over at the stale time", async () => {
    const { ownership, clock } = make();
    await ownership.announce(row(15));
    clock.now += HALF_AN_HOUR;
    ownership.tick();
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("over");
    expect(strayIn(ownership.ask(other(), "15", false))).toBe("unknown");
  });

  it.each([["forward", 1], ["back", -1]])("keeps its time when the clock is set %s", async (_how, direction) => {
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
      expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("its own");
      at(HALF_AN_HOUR + 1000, direction * 86_400_000);
      ownership.tick();
      expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("over");
    } finally {
      vi.restoreAllMocks();
    }
  });

  it("is nobody's when it is announced for two tenants, until the epoch ends", async () => {
    const { ownership, news } = make();
    await ownership.announce(row(15, 101));
    expect(await ownership.announce(row(15, 102))).toBe("disputed");
    expect(await ownership.announce(row(15, 101))).toBe("disputed");
    expect([alpha(), other()].map((tenant) => "hold" in ownership.ask(tenant, "15", false))).toEqual([false, false]);
    expect(news).toContainEqual({ kind: "disputed", upstream: "ocs", handle: 15 });
    ownership.newEpoch("ocs", "http://other");
    expect(await ownership.announce(row(15, 102))).toBe("owned");
  });

  it("ends with its call, by handle", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    ownership.end("ocs", 15);
    ownership.end("ocs", 99);
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("over");
  });
});

describe("a finalizing action", () => {
  it("has its handle alone, and ends it when OCS says 200", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    const hold = holdIn(ownership.ask(alpha(), "15", true));
    expect(strayIn(ownership.ask(alpha(), "15", true))).toBe("over");
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("its own");
    hold.settle(200);
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("over");
    expect(hold.stands()).toBe(false);
  });

  it.each([[undefined], [400], [409], [500]])("gives it back at %s", async (status) => {
    const { ownership } = make();
    await ownership.announce(row(15));
    holdIn(ownership.ask(alpha(), "15", true)).settle(status);
    expect(strayIn(ownership.ask(alpha(), "15", true))).toBe("its own");
    expect(strayIn(ownership.ask(other(), "15", true))).toBe("foreign");
  });

  it("ends it at 410, as any other action does", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    holdIn(ownership.ask(alpha(), "15", false)).settle(410);
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("over");
  });

  it("leaves it when another action is answered 200", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    holdIn(ownership.ask(alpha(), "15", false)).settle(200);
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("its own");
  });

  it.each(["dedicated", "unscoped"] as const)("is refused a second time under %s as well", (records) => {
    const { ownership } = make();
    const hold = holdIn(ownership.ask(alpha(records), "15", true));
    expect(strayIn(ownership.ask(alpha(records), "15", true))).toBe("over");
    hold.settle(200);
    expect(strayIn(ownership.ask(alpha(records), "15", false))).toBe("over");
    holdIn(ownership.ask(alpha(records), "16", true)).settle(410);
    expect(strayIn(ownership.ask(alpha(records), "16", true))).toBe("its own");
    ownership.newEpoch("ocs", "http://other");
    expect(strayIn(ownership.ask(alpha(records), "15", true))).toBe("its own");
  });
});

describe("a new epoch", () => {
  it("voids everything, also what a request under way holds", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    const hold = holdIn(ownership.ask(alpha(), "15", true));
    expect(hold.stands()).toBe(true);
    ownership.newEpoch("ocs", "http://other");
    expect(hold.stands()).toBe(false);
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("over");
    expect(await ownership.announce(row(15, 102))).toBe("owned");
    hold.settle(200);
    expect(strayIn(ownership.ask(other(), "15", false))).toBe("its own");
    // It was this tenant's before, so asking for it is no sign of bad will.
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("over");
  });

  it("concerns its upstream alone", async () => {
    const { ownership } = make();
    await ownership.announce(row(15));
    ownership.newEpoch("elsewhere", "http://other");
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("its own");
  });

  it("voids an announcement that is not yet on disk", async () => {
    const written = Promise.withResolvers<void>();
    const { ownership } = make({ store: aStore({ put: () => written.promise }) });
    const announced = ownership.announce(row(15));
    ownership.newEpoch("ocs", "http://other");
    written.resolve();
    expect(await announced).toBe("void");
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("over");
  });
});

describe("a registrar's word", () => {
  it("gives a handle once, and to one tenant", async () => {
    const { ownership } = make();
    expect(await ownership.register("ocs", 15, 101)).toBe("owned");
    expect(await ownership.register("ocs", 15, 101)).toBe("again");
    expect(await ownership.register("ocs", 15, 102)).toBe("disputed");
    expect(strayIn(ownership.ask(alpha("registered"), "15", false))).toBe("its own");
  });

  it("does not disturb the owner when it is refused", async () => {
    const { ownership, news } = make();
    await ownership.register("ocs", 15, 101);
    await ownership.register("ocs", 15, 102);
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
      return "stray" in answer && answer.slow;
    };
    for (let count = 0; count < STRAYS_PER_SECOND; count++) expect(slow(count % 2 === 0 ? 1 : 900)).toBe(false);
    expect([slow(1), slow(900)]).toEqual([true, true]);
    expect(strayIn(ownership.ask(other(), "2", false))).toBe("its own");
    clock.now += 1000;
    expect(slow(1)).toBe(false);
  });

  it("that were the tenant's own before are no strays", async () => {
    const { ownership, news } = make();
    for (let handle = 1; handle <= 200; handle++) await ownership.announce(row(handle));
    ownership.newEpoch("ocs", "http://other");
    const slowed = Array.from({ length: 200 }, (_, at) => ownership.ask(alpha(), String(at + 1), true)).filter((answer) => "stray" in answer && answer.slow);
    ownership.tick();
    expect([slowed, news]).toEqual([[], []]);
  });

  it("that two tenants use where nothing separates them are told once for each pair", () => {
    const { ownership, news } = make();
    for (const tenant of [alpha("unscoped"), other("unscoped"), alpha("unscoped"), other("unscoped")]) ownership.ask(tenant, "15", false);
    expect(news).toEqual([{ kind: "shared", upstream: "ocs", handle: "15", tenants: ["Alpha Tenant", "Beta Tenant"] }]);
  });
});

const aStore = (over: Partial<OwnershipStore> = {}): OwnershipStore => ({
  restored: new Map(), putAside: undefined, put: () => Promise.resolve(), forget: () => undefined, beginEpoch: () => Promise.resolve(), byAttempt: () => Promise.resolve(undefined),
  close: () => Promise.resolve(), ...over,
});

describe("what is on disk", () => {
  it("is there before the handle may be used", async () => {
    const written = Promise.withResolvers<void>();
    const { ownership } = make({ store: aStore({ put: () => written.promise }) });
    const announced = ownership.announce(row(15));
    expect("hold" in ownership.ask(alpha(), "15", false)).toBe(false);
    written.resolve();
    expect(await announced).toBe("owned");
    expect("hold" in ownership.ask(alpha(), "15", false)).toBe(true);
  });

  it("leaves the handle nobody's when it cannot be written, and says so", async () => {
    const { ownership, news } = make({ store: aStore({ put: () => Promise.reject(new StoreFailed("disk full")) }) });
    expect(await ownership.announce(row(15))).toBe("unstored");
    expect("hold" in ownership.ask(alpha(), "15", false)).toBe(false);
    expect(news).toEqual([{ kind: "unstored", upstream: "ocs", reason: "disk full" }]);
  });

  const restored = new Map([["ocs", { upstream: "ocs", endpoint: "http://one", owned: [[15, 101, 999_999], [16, 102, 999_999]] as const }]]);

  it("is there again where OCS is the same", () => {
    const { ownership } = make({ store: aStore({ restored }) });
    ownership.resume("ocs", "http://one");
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("its own");
    expect(strayIn(ownership.ask(other(), "16", false))).toBe("its own");
  });

  it("is over in its time also when it was written under a clock that was ahead", async () => {
    const { ownership, clock } = make({ store: aStore({ restored: new Map([["ocs", { upstream: "ocs", endpoint: "http://one", owned: [[15, 101, 2_000_000]] }]]) }) });
    ownership.resume("ocs", "http://one");
    await ownership.announce(row(17));
    clock.now += HALF_AN_HOUR;
    ownership.tick();
    expect(["15", "17"].map((handle) => strayIn(ownership.ask(alpha(), handle, false)))).toEqual(["over", "over"]);
  });

  it("is void where it is another one", () => {
    const begun: string[] = [];
    const { ownership } = make({ store: aStore({ restored, beginEpoch: (...given) => Promise.resolve(void begun.push(given.join(" "))) }) });
    ownership.resume("ocs", "http://two");
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("over");
    expect(begun).toEqual(["ocs http://two"]);
  });

  it("is void as soon as OCS gives one of its handles to somebody else: it has begun anew meanwhile", async () => {
    const { ownership } = make({ store: aStore({ restored }) });
    ownership.resume("ocs", "http://one");
    expect(await ownership.announce(row(17))).toBe("owned");
    expect(await ownership.announce(row(15, 102))).toBe("owned");
    expect(strayIn(ownership.ask(other(), "15", false))).toBe("its own");
    expect(strayIn(ownership.ask(other(), "16", false))).not.toBe("its own");
    expect(strayIn(ownership.ask(alpha(), "17", false))).toBe("its own");
  });

  it("is none of an earlier run any more once OCS has announced it in this one", async () => {
    const { ownership } = make({ store: aStore({ restored }) });
    ownership.resume("ocs", "http://one");
    expect(await ownership.announce(row(15))).toBe("again");
    expect(await ownership.announce(row(16))).toBe("owned");
    expect(strayIn(ownership.ask(alpha(), "15", false))).toBe("its own");
  });

  it("is void as well when the somebody is in nobody's register", async () => {
    const { ownership } = make({ store: aStore({ restored }) });
    ownership.resume("ocs", "http://one");
    await ownership.announce(row(17));
    ownership.disown("ocs", 15);
    for (const handle of ["15", "16"]) expect(strayIn(ownership.ask(alpha(), handle, false))).not.toBe("its own");
    expect(strayIn(ownership.ask(alpha(), "17", false))).toBe("its own");
  });

  it("has the new epoch in the end, however often that fails", async () => {
    let failures = 3;
    const begun: string[] = [];
    const beginEpoch = (_upstream: string, endpoint: string): Promise<void> => (failures-- > 0 ? Promise.reject(new StoreFailed("disk full")) : Promise.resolve(void begun.push(endpoint)));
    const { ownership } = make({ store: aStore({ beginEpoch }) });
    ownership.newEpoch("ocs", "http://two");
    for (let tick = 0; tick < 5; tick++) {
      await new Promise((resolve) => setImmediate(resolve));
      ownership.tick();
    }
    expect(begun).toEqual(["http://two"]);
  });
});
