import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import type { Entry, Intent } from "../../../src/journal/entry.ts";
import { uncoveredBy } from "../../../src/journal/search/person-coverage.ts";
import { parseFilter, type Filter } from "../../../src/journal/search/filter/filter.ts";
import { RefusalSampling } from "../../../src/journal/write/refusal-sampling/refusal-sampling.ts";
import { searchPerson, type Found } from "../../../src/journal/search/person-search.ts";
import { createRedactor, type IndexKeys } from "../../../src/journal/redact.ts";
import { JournalSearch, type Counted } from "../../../src/journal/search/journal-search.ts";
import { TimeLimit } from "../../../src/journal/search/worker/time-limit.ts";
import { tokensFor } from "../../../src/journal/search/phone-variants.ts";
import { aDirectory, aDoNotCall, removeDirectory } from "../kit.ts";

const KEYS = [{ epoch: "t1", secret: "the first key of this journal, 32 and more" }];
const LATER = [...KEYS, { epoch: "t2", secret: "the second key of it, of 32 and more too" }];
const RULES = { phone: "last4", customer_id: "token", fields: {}, others: "drop" } as const;
const PHONE = "4155550100";

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const write = async (...entries: readonly Entry[]): Promise<void> => {
  const journal = await openJournal({ dir, durability: "os" });
  journal.keys.use(LATER, "h");
  for (const entry of entries) await journal.append(entry);
  await journal.close();
};

type Asking = {
  readonly keys?: IndexKeys;
  readonly filter?: string;
  readonly kind?: "phone" | "customer_id";
  readonly value?: string;
};
const look = async ({ keys = KEYS, filter = "", kind = "phone", value = PHONE }: Asking = {}): Promise<Found> => {
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    return await searchPerson(search, { person: { kind, value }, keys, filter: parseFilter(filter) }, { limit: 50 });
  } finally {
    search.close();
  }
};

const tokensOf = (phone?: string, customer?: string, keys: IndexKeys = KEYS) =>
  createRedactor(RULES, keys).tokens(
    "records",
    undefined,
    new Map([
      ["GSW_PHONE", phone],
      ["GSW_CUSTOMER_ID", customer],
    ]),
  );
const onRecord = (number: number, over: Parameters<typeof aDoNotCall>[1] = {}): Entry[] =>
  aDoNotCall(number, { resource: "records", identifier: "1024", tokens: undefined, body: {}, ...over });
const says = ({ evidence }: Found): string[] => evidence.uncovered.map((each) => each.says);

type Uncovered = readonly [
  sentence: string,
  members: Partial<Intent> & { readonly refused?: string },
  kind?: "phone" | "customer_id",
];

const UNCOVERED: readonly Uncovered[] = [
  ["1 Do-Not-Call by record handle contains no phone number", { resource: "records", tokens: undefined }],
  [
    "1 Do-Not-Call by record handle contains no phone number",
    { resource: "records", tokens: undefined, announced: tokensOf(undefined, "C-1") },
  ],
  [
    "1 Do-Not-Call by record handle contains no phone number; the gateway refused it",
    { resource: "records", tokens: undefined, refused: "OCSGW-2106" },
  ],
  [
    "1 Do-Not-Call by customer id contains no phone number",
    { resource: "customer_ids", tokens: tokensOf(undefined, "C-1") },
  ],
  [
    "1 Do-Not-Call by phone number has no token (audit.redact.phone was drop)",
    { resource: "phones", tokens: undefined },
  ],
  [
    "1 other request by record handle or customer id contains no phone number",
    { resource: "records", action: "RecordReject", tokens: undefined },
  ],
  [
    "1 other request by record handle or customer id contains no phone number",
    { resource: "customer_ids", action: "RequestRecordCancel", tokens: tokensOf(undefined, "C-1") },
  ],
  [
    "1 request for a whole chain of records (AllChain) contains at most one of its numbers",
    { resource: "phones", tokens: tokensOf("4155550199"), body: { GSW_CHAIN_ATTR: "AllChain" } },
  ],
  [
    "1 Do-Not-Call by record handle contains no customer id",
    { resource: "records", announced: tokensOf("4155550199"), tokens: undefined },
    "customer_id",
  ],
  [
    "1 Do-Not-Call by phone number contains no customer id",
    { resource: "phones", tokens: tokensOf("4155550199") },
    "customer_id",
  ],
  [
    "1 Do-Not-Call by customer id has no token (audit.redact.customer_id was drop)",
    { resource: "customer_ids", tokens: undefined },
    "customer_id",
  ],
  [
    "1 other request by record handle or phone number contains no customer id",
    { resource: "phones", action: "RequestRecordCancel", tokens: tokensOf("4155550199") },
    "customer_id",
  ],
];

describe("a look-up of a person", () => {
  it("finds requests by record handle that OCS announced with the number, under an older key too", async () => {
    await write(
      ...onRecord(0, { announced: tokensOf(PHONE, "C-1") }),
      ...onRecord(1, { announced: tokensOf(PHONE), refused: "OCSGW-2104" }),
      ...onRecord(2, { announced: tokensOf("4155550199") }),
    );
    const found = await look({ keys: LATER });
    expect(found.transactions.map(({ at }) => at - 1)).toEqual([2, 0]);
    expect(found.evidence).toMatchObject({
      complete: true,
      uncovered: [],
      epochs: [{ epoch: "t1", held: true }, { epoch: "t2" }],
    });
    expect((await look({ keys: [LATER[1]!] })).evidence).toMatchObject({
      complete: false,
      epochs: [{ epoch: "t1", held: false }, {}],
    });
    expect((await look({ kind: "customer_id", value: "C-1" })).transactions.map(({ at }) => at - 1)).toEqual([0]);
  });

  it("finds a request by the number that it names and by the announced one", async () => {
    await write(...onRecord(0, { tokens: tokensOf("4155550177"), announced: tokensOf(PHONE) }));
    expect([(await look()).transactions.length, (await look({ value: "4155550177" })).transactions.length]).toEqual([
      1, 1,
    ]);
  });

  it.each(UNCOVERED.map(([sentence, members, kind = "phone"]) => ({ sentence, members, kind })))(
    "is not complete: $sentence",
    async ({ sentence, members, kind }) => {
      await write(...aDoNotCall(0, { identifier: "1024", body: {}, ...members }));
      const found = await look({ kind });
      expect([says(found), found.evidence.complete, found.transactions]).toEqual([[sentence], false, []]);
      const search = new JournalSearch(dir);
      expect(
        (await search.page(parseFilter(found.evidence.uncovered[0]!.filter), { limit: 10 })).transactions.length,
      ).toBe(1);
      search.close();
    },
  );

  it.each<readonly [string, Partial<Intent> & { readonly refused?: string }]>([
    ["names another number", { tokens: tokensOf("4155550199") }],
    ["names the number for its whole chain", { tokens: tokensOf(PHONE), body: { GSW_CHAIN_ATTR: "AllChain" } }],
    ["adds a record to a list", { resource: "lists", action: "AddRecord", tokens: undefined }],
    ["is about a campaign group", { resource: "campaigngroups", action: "StartDialing", tokens: undefined }],
    [
      "came from an unauthenticated client",
      { resource: "records", client: null as unknown as string, tokens: undefined, refused: "OCSGW-2001" },
    ],
  ])("is complete beside a request that %s", async (_, members) => {
    await write(...aDoNotCall(0, { identifier: "1024", body: {}, ...members }));
    expect((await look()).evidence).toMatchObject({ uncovered: [], complete: true });
  });

  it("counts uncovered requests of the period and tenant, and those refused before the tenant was known", async () => {
    const beta = { dbid: 102, name: "Beta Tenant" };
    await write(
      ...[0, 1, 2].flatMap((number) => onRecord(number)),
      ...onRecord(3, { tenant: beta }),
      ...onRecord(4, { tenant: null as never, refused: "OCSGW-1005" }),
      ...aDoNotCall(5, { tenant: null as never, refused: "OCSGW-1005", tokens: tokensOf(PHONE) }),
    );
    const name = (found: Found): readonly (readonly [number, number])[] =>
      found.evidence.uncovered.map(({ count, refused }) => [count, refused]);
    expect(name(await look())).toEqual([[5, 1]]);
    expect(name(await look({ filter: "tenant:102" }))).toEqual([
      [2, 1],
      [1, 1],
    ]);
    expect(says(await look({ filter: "tenant:102" }))[1]).toBe(
      "1 request of this person was refused before the tenant was known; the gateway refused it",
    );
    expect(name(await look({ filter: "until:2001-01-01" }))).toEqual([]);
    expect((await look({ filter: "until:2001-01-01" })).evidence.complete).toBe(true);
    expect(name(await look({ filter: "resource:phones" }))).toEqual([]);
  });

  it("is not complete if refused requests of a known client were only counted", async () => {
    const flood = { kind: "flood", source: "127.0.0.1", second: "2026-11-22T12:00:00.000Z", count: 900 } as const;
    await write(flood, { ...flood, client: "alpha-crm", tenant: { dbid: 101, name: "Alpha Tenant" } });
    expect(says(await look())).toEqual(["1 count of refused requests without entries of their own contains no person"]);
  });

  it.each(["phone", "customer_id"] as const)(
    "is not complete if a Do-Not-Call without a %s was counted after one before the period",
    async (kind) => {
      const tenant = { dbid: 101, name: "Alpha Tenant" };
      const flood = {
        kind: "flood",
        source: "127.0.0.1",
        client: "alpha-crm",
        tenant,
        action: "DoNotCall",
        second: "2026-11-22T12:00:00.000Z",
        seconds: 60,
        count: 3,
      } as const;
      await write(
        { ...flood, resource: "records", identifier: "1024" },
        { ...flood, resource: "records", identifier: "1025", tokens: tokensOf("4155550199", "C-1") },
      );
      expect(says(await look({ kind, filter: "tenant:101" }))).toEqual([
        "1 count of Do-Not-Calls that were refused like an earlier one contains no " +
          `${kind === "phone" ? "phone number" : "customer id"}`,
      ]);
      expect((await look({ kind, filter: "tenant:102" })).evidence.complete).toBe(true);
    },
  );

  it("is not complete if refused requests of very many clients were counted together", async () => {
    const counted: Entry[] = [];
    const floods = new RefusalSampling({
      note: (entry) => void (entry.kind === "flood" && entry.source === "*" && counted.push(entry)),
      now: () => 0,
    });
    for (let number = 0; number < 1100; number++)
      floods.note({
        kind: "refusal",
        id: `01S${number}`,
        credential: null,
        tenant: { dbid: 101, name: "Alpha Tenant" },
        source: "10.0.0.1",
        listener: "clients",
        client: `crm-${number}`,
        code: "OCSGW-3001",
        status: 429,
        resource: "records",
        action: "RecordReject",
      } as unknown as Entry);
    floods.flush();
    expect(counted).toHaveLength(1);
    await write(...counted);
    expect(says(await look())).toEqual(["1 count of refused requests without entries of their own contains no person"]);
  });

  it("counts by the lines if the index cannot decide", async () => {
    await write(...onRecord(0, { source: "10.0.0.1" }), ...onRecord(1, { source: "10.0.0.2" }));
    expect((await look({ filter: "credential:*" })).evidence.uncovered).toMatchObject([{ count: 2, refused: 0 }]);
  });

  it.each(["", "tenant:101", "-tenant:101", "credential:*"])(
    'counts nothing without the look-up\'s time limit, with the filter "%s"',
    async (filter) => {
      await write(...onRecord(0));
      const search = new JournalSearch(dir);
      const timeLimit = new TimeLimit(60_000);
      const count = vi.spyOn(search, "count");
      try {
        await search.refresh();
        const person = { kind: "phone", value: PHONE } as const;
        await searchPerson(search, { person, keys: KEYS, filter: parseFilter(filter) }, { limit: 50, timeLimit });
      } finally {
        search.close();
      }
      expect(new Set(count.mock.calls.map(([, limit]) => limit))).toEqual(new Set([timeLimit]));
    },
  );

  it.each([
    [{ count: 10_000, refused: 0, more: true }, { count: 10_000, refused: 0, more: true }, [0]],
    [{ count: 10_000, refused: 0, more: true }, { count: 9_999, refused: 0 }, [1]],
    [{ count: 3, refused: 0 }, { count: 3, refused: 0 }, []],
    [{ count: 3, refused: 0 }, { count: 2, refused: 0 }, [1]],
  ] as const)("with %j chains, %j of them of the person, has the uncovered counts %j", async (chains, named, left) => {
    const count = ({ text }: Filter): Promise<Counted> =>
      Promise.resolve(
        !text.includes("missing:chain") ? { count: 0, refused: 0 } : text.includes("phone:") ? named : chains,
      );
    const person = { kind: "phone", value: PHONE } as const;
    const asked = { person, wanted: tokensFor(person, KEYS)!, filter: parseFilter("credential:*") };
    const found = await uncoveredBy({ count } as unknown as JournalSearch, asked);
    expect(found.map((each) => each.count)).toEqual(left);
  });

  it("is complete if the gap is outside the period", async () => {
    await write({
      kind: "gap",
      reason: "the disk was full",
      from: "2026-11-22T12:00:00.000000Z",
      to: "2026-11-22T12:01:00.000000Z",
    });
    const completes = ["", "since:2026-11-22T12:00:30", "until:2026-11-22T11:59", "since:2026-11-23"].map(
      async (filter) => (await look({ filter })).evidence.complete,
    );
    expect(await Promise.all(completes)).toEqual([false, false, true, true]);
  });
});

describe("for people of some tenants", () => {
  const SCOPE = { tenants: [101], names: { list: ["Alpha List"], campaign: [], group: [] } };
  const BETA = { tenant: { dbid: 102, name: "Beta Tenant" } };
  const entries = (): Entry[] => [
    ...onRecord(1),
    ...onRecord(2, { refused: "OCSGW-2104" }),
    ...onRecord(3, BETA),
    ...onRecord(4, { ...BETA, refused: "OCSGW-2104" }),
    ...onRecord(5, { tenant: null as never, refused: "OCSGW-2103" }),
    ...aDoNotCall(6, { resource: "lists", identifier: "Alpha List", action: "AddRecord", refused: "OCSGW-2104" }),
    ...aDoNotCall(7, { resource: "lists", identifier: "Beta List", action: "AddRecord", refused: "OCSGW-2104" }),
    ...aDoNotCall(8, { tokens: tokensOf(PHONE) }),
    ...aDoNotCall(9, { ...BETA, tokens: tokensOf(PHONE) }),
    { kind: "alarm", reason: "x", tenant: { dbid: 101, name: "Alpha Tenant" } },
  ];

  it.each([
    "",
    "missing:phone",
    "missing:phone kind:intent",
    "-missing:phone action:DoNotCall",
    "status:403",
    'list:"Beta List"',
    '-list:"Beta List"',
    'list:"Alpha List"',
    "record:1024",
    "-record:1024",
    "kind:alarm",
    "tenant:102",
    "-tenant:101",
    "is:refused OR is:ok",
    "client:*",
  ])("%j counts the parts that they may see", async (text) => {
    await write(...entries());
    const search = new JournalSearch(dir);
    try {
      await search.refresh();
      const filter = parseFilter(text);
      const { transactions } = await search.page(filter, { limit: 1000, scope: SCOPE });
      const refused = transactions.filter(({ entries: [entry] }) => entry?.kind === "refusal").length;
      expect(await search.count(filter, undefined, SCOPE)).toEqual({ count: transactions.length, refused });
    } finally {
      search.close();
    }
  });

  it("a search covers their requests alone", async () => {
    await write(...entries());
    const search = new JournalSearch(dir);
    try {
      await search.refresh();
      const request = {
        person: { kind: "phone", value: PHONE },
        keys: KEYS,
        filter: parseFilter("tenant:101"),
      } as const;
      const scoped = await searchPerson(search, request, { limit: 50, scope: SCOPE });
      expect(scoped.transactions).toHaveLength(1);
      expect(says(scoped)).toEqual([
        "2 Do-Not-Calls by record handle contain no phone number; the gateway refused 1 of them",
      ]);
      const whole = await searchPerson(search, request, { limit: 50 });
      expect(says(whole)[0]).toContain("3 Do-Not-Calls by record handle");
    } finally {
      search.close();
    }
  });
});
