import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Entry, Intent } from "../../../../src/journal/entry.ts";
import { dncLedger, type DncLedger } from "../../../../src/journal/search/dnc/ledger.ts";
import { JournalSearch } from "../../../../src/journal/search/journal-search.ts";
import type { Transaction } from "../../../../src/journal/search/transaction.ts";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { aDirectory, aDoNotCall, anIntent, anOutcome, removeDirectory } from "../../kit.ts";

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

type Dated = { readonly at: string; readonly entries: readonly Entry[] };
const at = (time: string, ...entries: readonly (readonly Entry[])[]): Dated => ({ at: time, entries: entries.flat() });

type Options = {
  readonly tenants?: readonly number[];
  /** The requests with these numbers are not found. */
  readonly without?: readonly number[];
  /** Each time is one to which the clock was set. */
  readonly isStepping?: boolean;
};

/** The ledger of a journal whose entries have these times. */
const ledgerOf = async (
  month: string,
  dated: readonly Dated[],
  { tenants, without = [], isStepping = false }: Options = {},
): Promise<DncLedger> => {
  let wall = Date.parse(dated[0]?.at ?? "2026-11-01T00:00:00Z") * 1000;
  const journal = await openJournal({
    dir,
    durability: "os",
    clocks: { wall: () => wall, steady: () => (isStepping ? 0 : wall) },
  });
  for (const { at: time, entries } of dated) {
    wall = Date.parse(time) * 1000;
    for (const entry of entries) await journal.append(entry);
  }
  await journal.close();
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    const page: JournalSearch["page"] = async (...asked) => {
      const found = await search.page(...asked);
      const isLost = ({ entries: [entry] }: Transaction): boolean =>
        entry?.kind === "intent" && without.includes(entry.dnc ?? 0);
      return { ...found, transactions: found.transactions.filter((each) => !isLost(each)) };
    };
    const others = ["searched", "openDnc", "entriesWithProof"] as const;
    const withLosses = Object.fromEntries(others.map((name) => [name, search[name].bind(search)]));
    return await dncLedger({ ...withLosses, page } as unknown as JournalSearch, { month, tenants });
  } finally {
    search.close();
  }
};

const phone = (digit: string): Partial<Intent> => ({
  upstream: "ocs-main",
  tokens: { phone: `t1:${digit.repeat(64)}` },
});
const BETA = { tenant: { dbid: 102, name: "Beta Tenant" } };

describe("the ledger of Do-Not-Calls", () => {
  it("counts a month by tenant and by how the requests ended", async () => {
    const lost: Entry[] = [
      { ...anIntent(7), ...phone("7") },
      { ...anOutcome(anIntent(7).id), origin: "gateway", delivery: "sent-no-answer", status: 502, code: "OCSGW-4102" },
    ];
    const { rows } = await ledgerOf("2026-11", [
      at("2026-10-31T23:59:59Z", aDoNotCall(1, phone("1"))),
      at(
        "2026-11-01T00:00:00Z",
        aDoNotCall(2, phone("2")),
        aDoNotCall(3, { ...phone("3"), status: 500 }),
        aDoNotCall(4, { ...phone("4"), refused: "OCSGW-3001" }),
        aDoNotCall(5, { ...phone("5"), ...BETA }),
        lost,
      ),
      at("2026-11-30T23:59:59Z", aDoNotCall(6, phone("6"))),
      at("2026-12-01T00:00:00Z", aDoNotCall(8, phone("8"))),
    ]);
    expect(rows).toEqual([
      {
        upstream: "ocs-main",
        tenant: "Alpha Tenant",
        tenant_dbid: 101,
        asked: 5,
        confirmed: 2,
        ocs_refused: 1,
        not_sent: 1,
        accepted: 0,
        attempts: 0,
        unknown: 1,
        repeated: 0,
        open: 3,
        sequence: "ocs-main/101",
        first: 2,
        last: 6,
        missing: [],
        complete: "yes",
      },
      expect.objectContaining({ sequence: "ocs-main/102", asked: 1, confirmed: 1, first: 1, last: 1, complete: "yes" }),
    ]);
  });

  it("adds refusals that were only counted to their tenant", async () => {
    const { rows } = await ledgerOf("2026-11", [
      at("2026-11-02T10:00:00Z", aDoNotCall(1, { ...phone("1"), refused: "OCSGW-2103" }), [
        {
          kind: "flood",
          source: "10.0.0.1",
          tenant: { dbid: 101, name: "Alpha Tenant" },
          client: "alpha-crm",
          action: "DoNotCall",
          second: "2026-11-02T10:00:00Z",
          seconds: 60,
          count: 7,
        },
      ]),
    ]);
    expect(rows).toMatchObject([{ sequence: "ocs-main/101", asked: 1, not_sent: 1, repeated: 7 }]);
  });

  it("shows only the given tenants", async () => {
    const dated = [at("2026-11-02T10:00:00Z", aDoNotCall(1, phone("1")), aDoNotCall(2, { ...phone("2"), ...BETA }))];
    expect((await ledgerOf("2026-11", dated, { tenants: [102] })).rows.map(({ tenant }) => tenant)).toEqual([
      "Beta Tenant",
    ]);
    expect((await ledgerOf("2026-11", [], { tenants: [] })).rows).toEqual([]);
  });

  it("names the first and the last month of the journal", async () => {
    const dated = [at("2025-12-31T10:00:00Z", aDoNotCall(1, phone("1"))), at("2026-02-01T10:00:00Z", aDoNotCall(2))];
    expect((await ledgerOf("2026-01", dated)).months).toEqual({ first: "2025-12", last: "2026-02" });
  });

  it("cannot tell whether a month with a gap is complete", async () => {
    const { rows, gaps } = await ledgerOf("2026-11", [
      at("2026-11-02T10:00:00Z", aDoNotCall(1, phone("1")), [
        { kind: "gap", reason: "the disk was full", from: "2026-11-02T09:00:00Z", to: "2026-11-02T09:30:00Z", lost: 1 },
      ]),
    ]);
    expect([rows[0]!.complete, gaps]).toEqual([
      "unknown",
      [{ from: "2026-11-02T09:00:00Z", to: "2026-11-02T09:30:00Z", reason: "the disk was full" }],
    ]);
  });

  it.each([
    ["in the middle", [3], [[3, 3]]],
    ["at the beginning", [2], [[2, 2]]],
    ["in a row", [3, 4], [[3, 4]]],
  ])("names a missing number %s of the month", async (_where, without, missing) => {
    const { rows } = await ledgerOf(
      "2026-11",
      [
        at("2026-10-31T10:00:00Z", aDoNotCall(1, phone("1"))),
        at("2026-11-02T10:00:00Z", ...[2, 3, 4, 5].map((number) => aDoNotCall(number, phone("2")))),
      ],
      { without },
    );
    expect(rows).toMatchObject([{ missing, complete: "no", last: 5 }]);
  });

  it("does not call a number missing that has another month because the clock was set", async () => {
    const { rows } = await ledgerOf(
      "2026-11",
      [
        at("2026-11-02T10:00:00Z", aDoNotCall(1, phone("1"))),
        at("2027-11-02T10:00:00Z", aDoNotCall(2, phone("2"))),
        at("2026-11-02T11:00:00Z", aDoNotCall(3, phone("3"))),
      ],
      { isStepping: true },
    );
    expect(rows).toMatchObject([{ first: 1, last: 3, missing: [[2, 2]], complete: "unknown" }]);
  });
});
