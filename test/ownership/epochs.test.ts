import { afterEach, describe, expect, it } from "vitest";
import {
  Ownership,
  type Announcement,
  type LeaseResponse,
  type OwnershipEvent,
  type OwnershipOptions,
  type OwnershipStore,
} from "../../src/ownership/ownership.ts";
import { StoreFailed, type OwnershipRow } from "../../src/ownership/store/store.ts";
import type { RecordsMode, Tenant } from "../../src/tenancy/registry.ts";
import { aTenant, beta } from "../kit/line.ts";

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

type Made = { readonly ownership: Ownership; readonly news: OwnershipEvent[] };

const make = (over: Partial<OwnershipOptions> = {}): Made => {
  const news: OwnershipEvent[] = [];
  const ownership = new Ownership({ staleAfter: () => 1_800_000, onEvent: (event) => news.push(event), ...over });
  open.push(ownership);
  return { ownership, news };
};

const aStore = (over: Partial<OwnershipStore>): OwnershipStore => ({
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

const alpha = (records: RecordsMode = "pre-dial"): Tenant => aTenant({ records });
const other = (records: RecordsMode = "pre-dial"): Tenant => beta({ records });
const verdictIn = (answer: LeaseResponse): string =>
  "lease" in answer ? "its own" : "denied" in answer ? answer.denied.why : `unclear: ${answer.unclear}`;

const found = { endpoint: "http://one", how: "start" } as const;
const takenOver = { endpoint: "http://two", how: "takeover" } as const;
const reconnected = { endpoint: "http://one", how: "reconnected" } as const;

describe("after the ownership database was corrupt,", () => {
  it("no handle is reported as unknown when the journal has takeovers of earlier runs", () => {
    const { ownership } = make({ store: aStore({ movedAside: "aside" }) });
    ownership.replayEpoch("ocs", { from: "http://two", to: "http://one", epoch: 2 });
    ownership.onActive("ocs", found);
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("unclear: store-lost");
    ownership.onActive("ocs", takenOver);
    expect(verdictIn(ownership.requestLease(alpha(), "15", false))).toBe("unknown");
  });
});

describe("a handle that two unscoped tenants use", () => {
  it.each<[string, Parameters<Ownership["onActive"]>[1], number]>([
    ["a takeover", takenOver, 0],
    ["a loss of connections", reconnected, 0],
    ["nothing at all", found, 1],
  ])(
    "raises an alarm only if both certainly used the same record: %s between the two uses",
    (_what, settled, alarms) => {
      const { ownership, news } = make();
      ownership.onActive("ocs", found);
      ownership.requestLease(alpha("unscoped"), "15", false);
      ownership.onActive("ocs", settled);
      ownership.requestLease(other("unscoped"), "15", false);
      expect(news).toHaveLength(alarms);
    },
  );
});

describe("a handle that OCS has announced for no tenant here", () => {
  const disowned = async (): Promise<Made> => {
    const made = make();
    made.ownership.onActive("ocs", found);
    await made.ownership.announce(row(15));
    made.ownership.onActive("ocs", reconnected);
    await made.ownership.markUnowned("ocs", 15);
    return made;
  };

  it.each([101, 102])(
    "belongs to the tenant for which OCS announces it after another loss of connections: %i",
    async (tenant) => {
      const { ownership, news } = await disowned();
      ownership.onActive("ocs", reconnected);
      await ownership.announce(row(15, tenant));
      const verdicts = [alpha(), other()].map((each) => verdictIn(ownership.requestLease(each, "15", false)));
      expect([verdicts[tenant - 101], news]).toEqual(["its own", []]);
    },
  );

  it("has no owner over a restart, even if a registrar names its old tenant, until OCS announces it", async () => {
    const kept = new Map<number, OwnershipRow>();
    const put = ({ handle, ...about }: OwnershipRow): Promise<void> => {
      kept.set(handle, { handle, ...about });
      return Promise.resolve();
    };
    const before = make({ store: aStore({ put }) }).ownership;
    before.onActive("ocs", found);
    await before.register("ocs", 15, 101, [101]);
    expect(await before.markUnowned("ocs", 15)).toBe("disputed");
    const owned = [...kept.values()].map(({ attempt, phone, customer, ...rest }) => ({
      ...rest,
      ...(attempt && { attempt }),
      ...(phone && { phone }),
      ...(customer && { customer }),
    }));
    const about = { epoch: 1, endpoint: "http://one", highest: 15, highestAt: 1, generation: 9, announced: [] };
    const restored = new Map([["ocs", { ...about, owned }]]) as unknown as OwnershipStore["restored"];
    const { ownership } = make({ store: aStore({ restored }) });
    ownership.onActive("ocs", found);
    expect(await ownership.register("ocs", 15, 101, [101])).toBe("taken");
    expect(await ownership.announce(row(15, 102))).toBe("owned");
    expect(verdictIn(ownership.requestLease(other(), "15", false))).toBe("its own");
  });

  it("is disputed when OCS announces it for a tenant without a loss of connections", async () => {
    const { ownership, news } = await disowned();
    expect(await ownership.announce(row(15))).toBe("disputed");
    expect(news.map(({ kind }) => kind)).toEqual(["disputed"]);
  });
});

describe("a handle whose registration is deleted while its owner is being written", () => {
  it("has no owner after the write", async () => {
    const written = Promise.withResolvers<void>();
    const { ownership } = make({ store: aStore({ put: () => written.promise }) });
    const registered = ownership.register("ocs", 15, 101, [101]);
    expect([ownership.ownerOf("ocs", 15), ownership.claimantOf("ocs", 15)]).toEqual([undefined, 101]);
    expect(await ownership.end("ocs", 15, "taken-back")).toBe(true);
    written.resolve();
    expect([await registered, ownership.claimantOf("ocs", 15)]).toEqual(["void", undefined]);
  });
});

describe("a handle whose end could not be written", () => {
  it.each<[string, (ownership: Ownership) => Promise<boolean>]>([
    ["a second call report", (ownership) => ownership.end("ocs", 15, "call-ended")],
    ["a second DELETE of the registrar", (ownership) => ownership.isUnownedOnDisk("ocs", 15)],
  ])("is not reported as ended to %s until that is written", async (_what, again) => {
    let pending = 0;
    const remove = (): Promise<void> =>
      pending > 0 ? Promise.reject(new StoreFailed("disk full")) : Promise.resolve();
    const { ownership } = make({ store: aStore({ remove, pending: () => pending }) });
    await ownership.announce(row(15));
    pending = 1;
    expect([await ownership.end("ocs", 15, "taken-back"), await again(ownership)]).toEqual([false, false]);
    pending = 0;
    expect(await again(ownership)).toBe(true);
  });
});

describe("a handle that was disputed before a restart of the gateway", () => {
  const owned = [{ handle: 15, tenant: 102, since: 1, generation: 3, attempt: "second", among: [101, 102] }];
  const way = {
    upstream: "ocs",
    endpoint: "http://one",
    epoch: 7,
    highest: 15,
    highestAt: 2,
    generation: 3,
    doubtUpTo: -1,
    announced: [],
  };
  const restored = (): Made => {
    const made = make({ store: aStore({ restored: new Map([["ocs", { ...way, owned }]]) }) });
    made.ownership.onActive("ocs", found);
    return made;
  };
  const verdictsOf = ({ ownership }: Made): string[] =>
    [101, 102, 103].map((dbid) => verdictIn(ownership.requestLease({ ...alpha(), dbid }, "15", false)));

  it("is unclear to the tenants that it could belong to, even if OCS was not restarted", async () => {
    const made = restored();
    expect(verdictsOf(made)).toEqual(["unclear: disputed", "unclear: disputed", "unknown"]);
    await made.ownership.announce(row(16));
    expect(verdictsOf(made)).toEqual(["unclear: disputed", "unclear: disputed", "unknown"]);
    expect([...made.ownership.counts()]).toEqual([{ upstream: "ocs", tenant: 101, owned: 1, unconfirmed: 0 }]);
  });

  it("is on disk as soon as the disk recovers", async () => {
    let fails = true;
    const puts: unknown[] = [];
    const put = ({ handle, among }: OwnershipRow): Promise<void> =>
      fails ? Promise.reject(new StoreFailed("disk full")) : Promise.resolve(void puts.push([handle, among]));
    const { ownership } = make({ store: aStore({ put }) });
    expect(await ownership.markUnowned("ocs", 15, [101, 102])).toBe("unstored");
    expect(await ownership.markUnowned("ocs", 16, [101])).toBe("unstored");
    await ownership.end("ocs", 16, "call-ended");
    fails = false;
    for (const _ of [1, 2]) {
      ownership.tick();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(puts).toEqual([[15, [101, 102]]]);
  });

  it("ends with its call", async () => {
    const made = restored();
    expect(await made.ownership.end("ocs", 15, "call-ended", "second")).toBe(true);
    expect(verdictsOf(made)[2]).toBe("unknown");
    expect(verdictsOf(made)[0]).not.toBe("unclear: disputed");
  });

  it("belongs to the tenant for which OCS announces it next", async () => {
    const made = restored();
    expect(await made.ownership.announce(row(15))).toBe("owned");
    expect(verdictsOf(made)).toEqual(["its own", "foreign", "foreign"]);
  });
});
