import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Entry, Intent } from "../../../src/journal/entry.ts";
import { MOST_OPEN, OpenDoNotCalls } from "../../../src/journal/open-dnc/open-dnc-counter.ts";
import { openDncOf, type OpenDnc } from "../../../src/journal/search/open-dnc.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { aDirectory, aDoNotCall, anOutcome, removeDirectory } from "../kit.ts";

let dir: string;
let counter: OpenDoNotCalls;
beforeEach(async () => {
  dir = await aDirectory();
  counter = new OpenDoNotCalls();
});
afterEach(() => removeDirectory(dir));

/** What is open by the index, with which the count in memory must agree. */
const open = async (...entries: readonly (readonly Entry[])[]): Promise<OpenDnc[]> => {
  const journal = await openJournal({ dir, durability: "os", written: counter.take });
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    await counter.start(await search.openDncSnapshot(MOST_OPEN));
    for (const entry of entries.flat()) await journal.append(entry);
    await journal.close();
    await search.refresh();
    const owed = openDncOf(await search.openDnc());
    expect([(await search.openDncSnapshot(0)).count, counter.count]).toEqual([owed.length, owed.length]);
    return owed;
  } finally {
    search.close();
  }
};

const phone = (digit: string): Partial<Intent> => ({ tokens: { phone: `t1:${digit.repeat(64)}` } });
const customer = (digit: string): Partial<Intent> => ({ tokens: { customer_id: `t1:${digit.repeat(64)}` } });
const chain = (word: string): Partial<Intent> => ({ body: { GSW_CHAIN_ATTR: word } });
const RECORD: Partial<Intent> = { resource: "records", identifier: "15", upstream: "sales" };
const GAMMA = { tenant: { dbid: 101, name: "Gamma Tenant" } };
const BETA = { tenant: { dbid: 102, name: "Beta Tenant" } };
const scope = (campaign?: string, list?: string): Partial<Intent> => ({
  body: {
    ...(campaign !== undefined && { GSW_CAMPAIGN_NAME: campaign }),
    ...(list !== undefined && { GSW_CALLING_LIST: list }),
  },
});

describe("the list of open Do-Not-Calls", () => {
  it("has a Do-Not-Call that the gateway or OCS refused, that got no answer, or that is in doubt", async () => {
    const owed = await open(
      aDoNotCall(1, { ...phone("a"), refused: "OCSGW-2103" }),
      aDoNotCall(2, { ...phone("b"), status: 410 }),
      aDoNotCall(3, { ...phone("c"), open: true }),
      [
        aDoNotCall(4, { ...phone("d"), open: true })[0]!,
        {
          ...anOutcome("01KAPQ8C10QX01KAPQ8C000004"),
          origin: "gateway",
          status: 502,
          code: "OCSGW-4102",
          delivery: "sent-no-answer",
        },
      ],
    );
    expect(owed.map(({ ended, tries }) => [ended, tries])).toEqual([
      ["refused OCSGW-2103", 1],
      ["ocs-no 410", 1],
      ["open", 1],
      ["no-answer OCSGW-4102", 1],
    ]);
  });

  it("has a Do-Not-Call until OCS has answered 200 for that number", async () => {
    expect(
      await open(
        aDoNotCall(1, { ...phone("a"), refused: "OCSGW-2103" }),
        aDoNotCall(2, { ...phone("a"), status: 500 }),
        aDoNotCall(3, phone("a")),
      ),
    ).toEqual([]);
  });

  it("has a Do-Not-Call again after a new request for it", async () => {
    expect(await open(aDoNotCall(1, phone("a")), aDoNotCall(2, { ...phone("a"), status: 500 }))).toMatchObject([
      { tries: 1, ended: "ocs-no 500" },
    ]);
  });

  it("has each number once, with all attempts", async () => {
    expect(
      await open(
        aDoNotCall(1, { ...phone("a"), status: 500 }),
        aDoNotCall(2, { ...phone("a"), client: "alpha-ors", refused: "OCSGW-2101" }),
      ),
    ).toMatchObject([{ tries: 2, clients: ["alpha-crm", "alpha-ors"], ended: "refused OCSGW-2101", tenant_dbid: 101 }]);
  });

  it.each<[string, Partial<Intent>, Partial<Intent>]>([
    ["another number", phone("a"), phone("b")],
    ["another tenant", phone("a"), { ...phone("a"), ...BETA }],
    ["a campaign alone", phone("a"), { ...phone("a"), ...scope("Alpha Campaign") }],
    ["another campaign", { ...phone("a"), ...scope("One") }, { ...phone("a"), ...scope("Other") }],
    ["one list of it", { ...phone("a"), ...scope("One") }, { ...phone("a"), ...scope("One", "List") }],
    [
      "the record only, and not the chain",
      { ...phone("a"), ...chain("AllChain") },
      { ...phone("a"), ...chain("RecordOnly") },
    ],
    ["an unstated chain, which may be the record only", { ...phone("a"), ...chain("AllChain") }, phone("a")],
    ["the record only, if the first chain was unstated", phone("a"), { ...phone("a"), ...chain("RecordOnly") }],
    [
      "the tenant of that DBID on another OCS",
      { ...phone("a"), upstream: "sales" },
      { ...phone("a"), upstream: "service" },
    ],
    [
      "a tenant of that DBID and another name, of which the OCS is not known",
      phone("a"),
      { ...phone("a"), upstream: "sales", ...GAMMA },
    ],
    ["the record of that handle in the next epoch", { ...RECORD, epoch: 1 }, { ...RECORD, epoch: 2 }],
    ["the record of that handle on another OCS", { ...RECORD, epoch: 1 }, { ...RECORD, epoch: 1, upstream: "service" }],
    [
      "the record of that handle in an epoch that is not known",
      { ...RECORD, epoch: undefined },
      { ...RECORD, epoch: 1 },
    ],
    [
      "a customer id, and not the phone",
      { tokens: { ...phone("a").tokens, ...customer("c").tokens } },
      { ...customer("c"), resource: "customer_ids" },
    ],
    [
      "the same digits as a customer id",
      phone("a"),
      { tokens: { customer_id: `t1:${"a".repeat(64)}` }, resource: "customer_ids" },
    ],
  ])("still has a Do-Not-Call after OCS accepted one for %s", async (_what, asked, taken) =>
    expect(await open(aDoNotCall(1, { ...asked, status: 500 }), aDoNotCall(2, taken))).toHaveLength(1),
  );

  it.each<[string, Partial<Intent>, Partial<Intent>]>([
    ["all of the tenant", { ...phone("a"), ...scope("One") }, phone("a")],
    ["the campaign of the list", { ...phone("a"), ...scope("One", "List") }, { ...phone("a"), ...scope("One") }],
    ["the chain of the record", { ...phone("a"), ...chain("RecordOnly") }, { ...phone("a"), ...chain("AllChain") }],
    ["an unstated chain, which is at least the record", { ...phone("a"), ...chain("RecordOnly") }, phone("a")],
    ["the same record in the same epoch", { ...RECORD, epoch: 2 }, { ...RECORD, epoch: 2 }],
    [
      "the same record, whose phone OCS has announced since",
      { ...RECORD, epoch: 2 },
      { ...RECORD, ...phone("a"), epoch: 2 },
    ],
    [
      "the phone of the record, which is announced",
      { ...RECORD, ...phone("a"), epoch: 1 },
      { ...phone("a"), upstream: "sales" },
    ],
    [
      "the same customer id",
      { ...customer("c"), resource: "customer_ids" },
      { ...customer("c"), resource: "customer_ids" },
    ],
    ["the same tenant, if format 1 did not state its OCS", phone("a"), { ...phone("a"), upstream: "sales" }],
  ])("no longer has a Do-Not-Call after OCS accepted one for %s", async (_what, asked, taken) =>
    expect(await open(aDoNotCall(1, { ...asked, status: 500 }), aDoNotCall(2, taken))).toEqual([]),
  );

  it("has a Do-Not-Call without a tenant until the client repeats it with one", async () => {
    const [refusal] = aDoNotCall(1, { ...phone("a"), refused: "OCSGW-2105" });
    const unsaid = { ...refusal, tenant: null } as Entry;
    expect(await open([unsaid])).toMatchObject([{ tenant: null, clients: ["alpha-crm"] }]);
    expect(await open(aDoNotCall(2, { ...phone("a"), ...BETA }))).toEqual([]);
  });

  it("has no request of an unauthenticated client and no other action", async () => {
    const [refusal] = aDoNotCall(1, { ...phone("a"), refused: "OCSGW-2001" });
    expect(
      await open(
        [{ ...refusal, client: null, tenant: null } as Entry],
        aDoNotCall(2, { ...phone("b"), action: "AddRecord", status: 500 }),
      ),
    ).toEqual([]);
  });

  it("has a Do-Not-Call by record handle, whose number only OCS knows", async () => {
    const record = { resource: "records", identifier: "15" };
    expect(
      await open(
        aDoNotCall(1, { ...record, status: 410 }),
        aDoNotCall(2, { ...record, identifier: "16", status: 410 }),
        aDoNotCall(3, record),
      ),
    ).toMatchObject([{ number: "16", resource: "records" }]);
  });

  it("has a Do-Not-Call whose answer may belong to another request", async () => {
    const [intent] = aDoNotCall(1, { ...phone("a"), open: true });
    expect(await open([intent!, { ...anOutcome((intent as Intent).id), suspected: true }])).toHaveLength(1);
  });

  it("states the OCS, the chain, and the time since the first request", async () => {
    const asked = await open(aDoNotCall(1, { ...RECORD, epoch: 3, ...chain("AllChain"), status: 410 }));
    expect(asked).toMatchObject([{ upstream: "sales", epoch: 3, chain: "AllChain", tries: 1 }]);
    expect(asked[0]!.age).toBeLessThan(60_000);
    expect(Date.now() - Date.parse(asked[0]!.first) - asked[0]!.age).toBeLessThan(60_000);
  });

  it("does not depend on the batches in which the index reads the entries", async () => {
    await open(aDoNotCall(1, { ...phone("a"), open: true }), aDoNotCall(2, { ...phone("a"), status: 500 }));
    expect(await open([anOutcome("01KAPQ8C10QX01KAPQ8C000001")])).toEqual([]);
  });
});
