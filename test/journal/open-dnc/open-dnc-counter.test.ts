import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal } from "../../../src/journal/journal.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Entry, Intent, OpenDnc, Outcome } from "../../../src/journal/entry.ts";
import { MOST_OPEN, OpenDoNotCalls, type SavedDoNotCalls } from "../../../src/journal/open-dnc/open-dnc-counter.ts";
import { writeRow, type Open, type Snapshot } from "../../../src/journal/open-dnc/open-dnc-rows.ts";
import { openDncOf } from "../../../src/journal/search/open-dnc.ts";
import { deleteExpired } from "../../../src/journal/segments/retention/retention.ts";
import { JournalSearch } from "../../../src/journal/search/journal-search.ts";
import { writeMicros } from "../../../src/journal/time.ts";
import { aDoNotCall, anOutcome, aQuickDirectory, removeDirectory } from "../kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await aQuickDirectory();
});
afterEach(() => removeDirectory(dir));

const take = (counter: OpenDoNotCalls, entries: readonly Entry[], from: number): void => {
  for (const [at, entry] of entries.entries()) counter.take(entry, from + at, 1e15 + from + at);
};
const phone = (digit: string) => ({ tokens: { phone: `t1:${digit.repeat(64)}` } });
const subjectOf = (digit: string): string =>
  JSON.stringify(["", 101, "Alpha Tenant", "phone", `t1:${digit.repeat(64)}`]);
const openAt = (at: number): Open => ({
  scope: ["", "", ""],
  from: at,
  at,
  id: String(at),
  tenant: "Alpha Tenant",
  clients: ["alpha-crm"],
  first: 1e15 + at,
  last: 1e15 + at,
  tries: 1,
  ended: { state: "ocs-no", status: 500 },
});
const snapshot = (size: number, ...digits: readonly string[]): Snapshot => ({
  size,
  count: digits.length,
  tenants: [],
  rows: digits.map((digit, at) => writeRow(subjectOf(digit), openAt(at))).join("\n"),
});

describe("the counter of open Do-Not-Calls", () => {
  it("has no count until the index states what earlier runs left open", async () => {
    const counter = new OpenDoNotCalls();
    take(counter, aDoNotCall(1, { ...phone("a"), status: 500 }), 2);
    expect(counter.count).toBeUndefined();
    expect([await counter.start(snapshot(2, "b", "c")), counter.count]).toEqual([true, 3]);
  });

  it.each<[string, Entry[], Snapshot, number]>([
    [
      "counts a Do-Not-Call once that the index has already",
      aDoNotCall(1, { ...phone("a"), status: 500 }),
      snapshot(4, "a"),
      1,
    ],
    ["does not reopen one that was closed before the index's last entry", aDoNotCall(1, phone("a")), snapshot(4), 0],
    [
      "closes one that the index has open if the 200 comes after the index's last entry",
      aDoNotCall(1, phone("a")),
      snapshot(3, "a"),
      0,
    ],
  ])("%s", async (_what, entries, known, count) => {
    const counter = new OpenDoNotCalls();
    take(counter, entries, 2);
    await counter.start(known);
    expect(counter.count).toBe(count);
  });

  it("closes a request that was in flight when the index answered by its outcome", async () => {
    const counter = new OpenDoNotCalls();
    const [intent, outcome] = aDoNotCall(1, phone("a"));
    take(counter, [intent!], 0);
    await counter.start(snapshot(1, "a"));
    take(counter, [outcome!], 1);
    expect(counter.count).toBe(0);
  });

  it("has no count while too many are open, until the index has few enough", async () => {
    const counter = new OpenDoNotCalls(2);
    await counter.start(snapshot(0));
    for (const [at, digit] of ["a", "b", "c"].entries())
      take(counter, aDoNotCall(at, { ...phone(digit), refused: "OCSGW-2103" }), at);
    expect([
      counter.count,
      await counter.start({ size: 3, count: 3, tenants: [], rows: undefined }),
      await counter.start(snapshot(2, "a", "b")),
      counter.count,
    ]).toEqual([undefined, false, false, undefined]);
    take(counter, aDoNotCall(4, phone("a")), 3);
    expect([await counter.start(snapshot(3, "a", "b")), counter.count]).toEqual([true, 1]);
  });

  it("keeps few changes while the index is slow, and then needs a newer answer", async () => {
    const counter = new OpenDoNotCalls(4);
    for (let at = 0; at < 6; at++) take(counter, aDoNotCall(at, { ...phone("a"), refused: "OCSGW-2103" }), at);
    expect([await counter.start(snapshot(4)), await counter.start(snapshot(5, "a")), counter.count]).toEqual([
      false,
      true,
      1,
    ]);
  });

  it("leaves out Do-Not-Calls in deleted segments, even if the index still has them", async () => {
    const retired: Entry = { kind: "deleted", from: 0, to: 1, segments: [], youngest: "", dnc: {} };
    const [late, early] = [new OpenDoNotCalls(), new OpenDoNotCalls()];
    take(late, [retired], 2);
    await late.start(snapshot(3, "a", "b"));
    await early.start(snapshot(2, "a", "b"));
    take(early, [retired], 2);
    expect([late.count, early.count]).toEqual([1, 1]);
  });

  it("keeps a Do-Not-Call that was requested again after the deleted segments", async () => {
    const counter = new OpenDoNotCalls();
    await counter.start(snapshot(1, "a"));
    take(counter, aDoNotCall(1, { ...phone("a"), status: 500 }), 1);
    take(counter, [{ kind: "deleted", from: 0, to: 1, segments: [], youngest: "", dnc: {} }], 3);
    expect(counter.count).toBe(1);
  });

  it("keeps a request in flight whose segment was deleted", async () => {
    const counter = new OpenDoNotCalls();
    const [intent, outcome] = aDoNotCall(1, phone("a"));
    await counter.start(snapshot(0));
    take(
      counter,
      [
        intent!,
        carried(intent as Intent, { state: "open" }),
        { kind: "deleted", from: 0, to: 1, segments: [], youngest: "", dnc: {} },
      ],
      0,
    );
    expect(counter.count).toBe(1);
    take(counter, [outcome!], 3);
    expect(counter.count).toBe(0);
  });

  it("keeps a carried-on Do-Not-Call, with age, attempts and clients, when the segment is deleted", async () => {
    const counter = new OpenDoNotCalls();
    const [intent, outcome] = aDoNotCall(1, { ...phone("a"), status: 500 });
    await counter.start(snapshot(0));
    take(counter, [intent!, outcome!], 0);
    const tries = { tries: 3, first: "2001-09-09T01:46:40.000000Z", clients: ["alpha-ors", "alpha-crm"] };
    take(
      counter,
      [carried(intent as Intent, tries), { kind: "deleted", from: 0, to: 2, segments: [], youngest: "", dnc: {} }],
      2,
    );
    expect(counter.below(3)).toMatchObject([
      { from: 2, at: 2, tries: 3, first: 1e15, clients: ["alpha-ors", "alpha-crm"], ended: { state: "refused" } },
    ]);
    expect(counter.tenants).toEqual([{ tenant: "Alpha Tenant", open: 1, oldest: 1e15 }]);
  });

  it("counts by tenant, with the time of the oldest, and separately for requests without a tenant", async () => {
    const counter = new OpenDoNotCalls();
    await counter.start(snapshot(0));
    const [unsaid] = aDoNotCall(4, { ...phone("c"), refused: "OCSGW-2105" });
    const asked = [
      ...aDoNotCall(1, { ...phone("a"), refused: "OCSGW-2103" }),
      ...aDoNotCall(2, { ...phone("b"), refused: "OCSGW-2103" }),
      ...aDoNotCall(3, { ...phone("a"), refused: "OCSGW-2103", tenant: { dbid: 102, name: "Beta Tenant" } }),
      { ...unsaid, tenant: null } as Entry,
    ];
    take(counter, asked, 0);
    expect(counter.tenants).toEqual([
      { tenant: "Alpha Tenant", open: 2, oldest: 1e15 },
      { tenant: "Beta Tenant", open: 1, oldest: 1e15 + 2 },
      { tenant: null, open: 1, oldest: 1e15 + 3 },
    ]);
    take(counter, aDoNotCall(5, phone("a")), 4);
    expect(counter.tenants?.[0]).toEqual({ tenant: "Alpha Tenant", open: 1, oldest: 1e15 + 1 });
  });

  it("counts by tenant of an OCS, whatever its name was, and apart where no OCS or tenant was named", async () => {
    const counter = new OpenDoNotCalls();
    await counter.start(snapshot(0));
    const ask = (at: number, tenant: { dbid: number; name: string } | null, upstream?: string): Entry => {
      const [refused] = aDoNotCall(at, { ...phone(String(at)), refused: "OCSGW-2103" });
      return { ...refused, tenant, ...(upstream !== undefined && { upstream }) } as Entry;
    };
    const asked = [
      ask(1, { dbid: 101, name: "Alpha Tenant" }, "sales"),
      ask(2, { dbid: 101, name: "Alpha, renamed" }, "sales"),
      ask(3, { dbid: 101, name: "Alpha Tenant" }, "service"),
      ask(4, { dbid: 101, name: "Alpha Tenant" }),
      ask(5, null),
    ];
    take(counter, asked, 0);
    expect(counter.owners).toEqual([
      { upstream: "sales", dbid: 101, open: 2, oldest: 1e15 },
      { upstream: "service", dbid: 101, open: 1, oldest: 1e15 + 2 },
      { upstream: "", dbid: 101, open: 1, oldest: 1e15 + 3 },
      { upstream: null, dbid: null, open: 1, oldest: 1e15 + 4 },
    ]);
    expect(counter.owners!.reduce((sum, { open }) => sum + open, 0)).toBe(counter.count);
    take(counter, [ask(6, { dbid: 102, name: "Beta Tenant" }, "sales")], 5);
    expect(counter.owners).toHaveLength(5);
  });

  it("does not know its tenants while the open ones are unknown", () => {
    expect([new OpenDoNotCalls().owners, new OpenDoNotCalls().tenants]).toEqual([undefined, undefined]);
  });

  it("is restored from a start state, with the requests in flight", async () => {
    const [before, after] = [new OpenDoNotCalls(), new OpenDoNotCalls()];
    expect(before.save()).toBeUndefined();
    await before.start(snapshot(1, "b"));
    const [intent, outcome] = aDoNotCall(1, phone("a"));
    take(before, [intent!, ...aDoNotCall(2, { ...phone("c"), refused: "OCSGW-2103" })], 1);
    after.restore(JSON.parse(JSON.stringify(before.save())) as SavedDoNotCalls);
    expect(after.save()).toEqual(before.save());
    for (const each of [before, after]) take(each, [outcome!, ...aDoNotCall(3, { ...phone("c"), status: 410 })], 3);
    expect([after.save(), after.count]).toEqual([before.save(), 2]);
  });
});

const carried = (
  { id, tenant, client, resource, identifier, action, tokens }: Intent,
  over: Partial<OpenDnc>,
): OpenDnc => ({
  kind: "open-dnc",
  id,
  tenant,
  client,
  resource,
  identifier,
  action,
  body: {},
  tokens,
  state: "refused",
  first: "2026-11-22T12:04:31.218123Z",
  last: "2026-11-22T12:04:31.218123Z",
  tries: 1,
  clients: ["alpha-crm"],
  ...over,
});

type Step =
  | {
      readonly kind: "ask";
      readonly asked: Pick<
        Intent,
        "tokens" | "tenant" | "client" | "resource" | "identifier" | "action" | "body" | "upstream" | "epoch"
      >;
      readonly refused: boolean;
      readonly strange: boolean;
    }
  | {
      readonly kind: "end";
      readonly which: number;
      readonly how: "200" | "suspected" | "500" | "gateway" | "abandoned" | "in-doubt";
    }
  | { readonly kind: "index" | "retire" | "ask index" | "start" };

const token = fc.constantFrom("t1:a1", "t1:b2", "t2:c3").map((head) => head + "0".repeat(62));
const asked = fc.record({
  tokens: fc.option(fc.record({ phone: token, customer_id: token }, { requiredKeys: [] }), { nil: undefined }),
  tenant: fc.constantFrom({ dbid: 101, name: "Alpha Tenant" }, { dbid: 102, name: "Beta Tenant" }),
  client: fc.constantFrom("alpha-crm", "alpha-ors"),
  resource: fc.constantFrom("phones", "customer_ids", "records", "lists"),
  identifier: fc.constantFrom("15", "16"),
  action: fc.constantFrom("DoNotCall", "DoNotCall", "DoNotCall", "AddRecord"),
  body: fc.record(
    {
      GSW_CAMPAIGN_NAME: fc.constantFrom("One", 9007199254740993n),
      GSW_CALLING_LIST: fc.constantFrom("List", "Other"),
      GSW_CHAIN_ATTR: fc.constantFrom("AllChain", "RecordOnly"),
    },
    { requiredKeys: [] },
  ),
  upstream: fc.constantFrom(undefined, "sales", "service"),
  epoch: fc.constantFrom(undefined, 1, 2),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("ask" as const), asked, refused: fc.boolean(), strange: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      which: fc.nat(5),
      how: fc.constantFrom(
        "200" as const,
        "suspected" as const,
        "500" as const,
        "gateway" as const,
        "abandoned" as const,
        "in-doubt" as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("index" as const, "ask index" as const, "start" as const) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "retire" as const }) },
);

const endOf = ({ id, tenant, client, resource, action }: Intent, how: (Step & { kind: "end" })["how"]): Entry => {
  const outcome: Outcome = anOutcome(id);
  switch (how) {
    case "200":
      return outcome;
    case "suspected":
      return { ...outcome, suspected: true };
    case "500":
      return { ...outcome, status: 500 };
    case "gateway":
      return { ...outcome, origin: "gateway", code: "OCSGW-4102", status: 200 };
    case "abandoned":
      return { kind: "abandoned", id, delivery: "not-sent", waits: outcome.waits };
    case "in-doubt":
      return { kind: "in-doubt", id, intent: 0, tenant, client, resource, action, reason: "nobody knows" };
  }
};

/** Writes the steps to a journal, and gives what is open in memory and by the index when all is written. */
const play = async (
  steps: readonly Step[],
  at: string,
): Promise<{ readonly memory: unknown; readonly index: unknown }> => {
  const counter = new OpenDoNotCalls(MOST_OPEN);
  const journal = await openJournal({ dir: at, durability: "os", segmentBytes: 1500, written: counter.take });
  const search = new JournalSearch(at);
  const underWay: Intent[] = [];
  let known: Snapshot | undefined;
  try {
    for (const [number, each] of steps.entries()) {
      if (each.kind === "ask") await journal.append(begin(each, number, underWay));
      else if (each.kind === "end")
        for (const intent of underWay.splice(each.which, 1)) await journal.append(endOf(intent, each.how));
      else if (each.kind === "retire") await retireOne(journal, search, counter);
      else if (each.kind === "index") await search.refresh();
      else if (each.kind === "ask index") known = await ask(search);
      else if (known) await counter.start(known);
    }
    if (counter.count === undefined) await counter.start(known ?? (await ask(search)));
    await journal.close();
    const { count, tenants } = await ask(search);
    return {
      memory: {
        count: counter.count,
        tenants: inOrder(counter.tenants!),
        items: inOrder(counter.below(Infinity)!.map(itemOf)),
      },
      index: {
        count,
        tenants: inOrder(tenants),
        items: inOrder(
          openDncOf(await search.openDnc()).map(({ tenant, clients, first, last, tries, ended, id }) => ({
            tenant,
            clients,
            first,
            last,
            tries,
            ended,
            id,
          })),
        ),
      },
    };
  } finally {
    await journal.close();
    search.close();
  }
};

const ask = async (search: JournalSearch): Promise<Snapshot> => {
  await search.refresh();
  return search.openDncSnapshot(MOST_OPEN);
};

const begin = (
  { asked: members, refused, strange }: Step & { kind: "ask" },
  number: number,
  underWay: Intent[],
): Entry => {
  const [entry] = aDoNotCall(number, { ...members, ...(refused ? { refused: "OCSGW-2105" } : { open: true }) });
  if (entry?.kind === "intent") underWay.push(entry);
  return refused && strange ? ({ ...entry, tenant: null, ...(number % 2 === 0 && { client: null }) } as Entry) : entry!;
};

/** Deletes the oldest segment as retention does, where it is known what is open. */
const retireOne = async (journal: Journal, search: JournalSearch, counter: OpenDoNotCalls): Promise<void> => {
  await search.refresh();
  if (counter.count === undefined) return;
  const checkpoints = { write: () => Promise.resolve(), last: () => ({ size: Infinity, age: 0 }) };
  await deleteExpired({
    journal,
    checkpoints,
    keep: { default: 0 },
    holds: [],
    openDoNotCalls: counter,
    most: -1,
    now: () => Date.now() + 1000,
  });
};

const inOrder = (all: readonly object[]): string[] => all.map((each) => JSON.stringify(each)).toSorted();

const itemOf = ({ tenant, clients, first, last, tries, ended: { state, code, status }, id }: Open): object => ({
  tenant,
  clients,
  first: writeMicros(first),
  last: writeMicros(last),
  tries,
  ended: [state, code ?? status].filter((part) => part !== undefined).join(" "),
  id,
});

describe("the counts of open Do-Not-Calls in memory and in the index", () => {
  it("agree after any entries, whenever the count in memory took over from the index", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        await removeDirectory(dir);
        const { memory, index } = await play(steps, dir);
        expect(memory).toEqual(index);
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
