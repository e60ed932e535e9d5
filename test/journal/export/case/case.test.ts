import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openJournal } from "../../../../src/journal/write/open-journal.ts";
import { caseOf, type Case } from "../../../../src/journal/export/case/case.ts";
import { caseFileOf } from "../../../../src/journal/export/case/case-file.ts";
import { summaryLines, sentenceOf } from "../../../../src/journal/export/case/sentences.ts";
import type { Entry, Outcome } from "../../../../src/journal/entry.ts";
import { parseFilter } from "../../../../src/journal/search/filter/filter.ts";
import { preparePersonQuery } from "../../../../src/journal/search/person-search.ts";
import { createRedactor } from "../../../../src/journal/redact.ts";
import { JournalSearch } from "../../../../src/journal/search/journal-search.ts";
import type { Person } from "../../../../src/journal/search/phone-variants.ts";
import { aDirectory, aDoNotCall, anIntent, anOutcome, removeDirectory } from "../../kit.ts";

const KEYS = [{ epoch: "t1", secret: "the first key of this journal, 32 and more" }];
const redactor = createRedactor({ phone: "last4", customer_id: "token", fields: {}, others: "drop" }, KEYS);
const PHONE: Person = { kind: "phone", value: "4155550100" };

let dir: string;
beforeEach(async () => {
  dir = await aDirectory();
});
afterEach(() => removeDirectory(dir));

const tokensOf = (phone?: string, customer?: string) =>
  redactor.tokens(
    "records",
    undefined,
    new Map([
      ["GSW_PHONE", phone],
      ["GSW_CUSTOMER_ID", customer],
    ]),
  );

const of = async (
  entries: readonly Entry[],
  { person = PHONE, filter = "" }: { readonly person?: Person; readonly filter?: string } = {},
): Promise<Case> => {
  const journal = await openJournal({ dir, durability: "os" });
  journal.keys.use(KEYS, "h");
  for (const entry of entries) await journal.append(entry);
  await journal.close();
  const search = new JournalSearch(dir);
  try {
    await search.refresh();
    const open = new Set((await search.openDnc()).map(({ at }) => at));
    return await caseOf(
      search,
      await preparePersonQuery(search, { person, keys: KEYS, filter: parseFilter(filter) }),
      open,
    );
  } finally {
    search.close();
  }
};
/** The check values of the keys stand before it. */
const FIRST = 1;
const reasons = ({ requests }: Case): unknown[] =>
  requests.map(({ transaction: { at }, reason }) => [at - FIRST, reason.by]);
const record = { resource: "records", identifier: "1024", upstream: "ocs", epoch: 3, generation: 7, body: {} } as const;

describe("a person's case", () => {
  it("joins the customer id of the number and the record of one request, and no other person", async () => {
    const found = await of([
      ...aDoNotCall(0, { ...record, announced: tokensOf("4155550100", "C-1") }),
      ...aDoNotCall(1, { resource: "customer_ids", identifier: null, tokens: tokensOf(undefined, "C-1") }),
      ...aDoNotCall(2, { ...record, action: "RecordProcessed", tokens: undefined }),
      ...aDoNotCall(3, { ...record, action: "RecordProcessed", tokens: undefined, generation: 8 }),
      ...aDoNotCall(4, { ...record, action: "RecordProcessed", tokens: undefined, epoch: 4 }),
      ...aDoNotCall(5, { resource: "customer_ids", identifier: null, tokens: tokensOf(undefined, "C-2") }),
      ...aDoNotCall(6, { tokens: tokensOf("4155550199") }),
    ]);
    expect(reasons(found)).toEqual([
      [0, "announced"],
      [2, "joined-token"],
      [4, "record"],
    ]);
    expect(found.joined).toEqual([{ token: tokensOf(undefined, "C-1")!.customer_id, with: FIRST, requests: 2 }]);
  });

  it("joins the numbers of a customer id", async () => {
    const found = await of(
      [
        ...aDoNotCall(0, { ...record, announced: tokensOf("4155550100", "C-1") }),
        ...aDoNotCall(1, { tokens: tokensOf("4155550100") }),
      ],
      { person: { kind: "customer_id", value: "C-1" } },
    );
    expect(reasons(found)).toEqual([
      [0, "announced"],
      [2, "joined-token"],
    ]);
  });

  it("does not join a customer id with many numbers, and says so", async () => {
    const found = await of(
      [0, 1, 2, 3, 4, 5].flatMap((number) => aDoNotCall(number, { tokens: tokensOf(`415555010${number}`, "0") })),
    );
    expect([reasons(found), found.joined, found.complete]).toEqual([[[0, "named"]], [], false]);
    expect(found.notJoined).toEqual([
      "entry 1 has the person together with a customer id that other entries have with 6 different numbers. Several " +
        "persons may share it, so requests that contain only this customer id are left out",
    ]);
  });

  it("is limited to the requested tenant", async () => {
    const beta = { dbid: 102, name: "Beta Tenant" };
    const entries = [
      ...aDoNotCall(0, { tokens: tokensOf("4155550100") }),
      ...aDoNotCall(1, { tokens: tokensOf("4155550100"), tenant: beta }),
    ];
    expect(reasons(await of(entries, { filter: "tenant:102" }))).toEqual([[2, "named"]]);
  });

  const unanswered: Partial<Outcome> = {
    delivery: "sent-no-answer",
    origin: "gateway",
    status: 504,
    code: "OCSGW-4002",
  };
  it.each<readonly [string, (id: string) => Partial<Outcome> | undefined, string, string, boolean | undefined]>([
    ["confirmed", () => ({}), "OCS confirmed it with 200.", "1 confirmed", false],
    [
      "rejected by OCS",
      () => ({ status: 410, warning: "112" }),
      "OCS rejected it with 410 (error 112).",
      "1 rejected by OCS",
      true,
    ],
    [
      "without an answer",
      () => unanswered,
      "It is in doubt whether OCS carried it out: the request was sent and no answer came.",
      "1 in doubt",
      true,
    ],
    [
      "answered with a reply that may belong to another request",
      () => ({ suspected: true }),
      "It is in doubt whether OCS carried it out: OCS's answer 200 may belong to another request.",
      "1 in doubt",
      undefined,
    ],
    ["still open", () => undefined, "The journal has no outcome of it yet.", "1 without an outcome yet", true],
    [
      "not sent",
      () => ({ delivery: "not-sent", origin: "gateway", status: 503, code: "OCSGW-3001" }),
      "The gateway refused it (OCSGW-3001); nothing was sent to OCS.",
      "1 refused",
      true,
    ],
  ])(
    "of a Do-Not-Call that is %s says how it ended, and whether it is open",
    async (_, ending, sentence, short, isOpen) => {
      const intent = { ...anIntent(0), tokens: tokensOf("4155550100") };
      const outcome = ending(intent.id);
      const found = await of([intent, ...(outcome ? [{ ...anOutcome(intent.id), ...outcome }] : [])]);
      const said = sentenceOf(found.requests[0]!, "phone");
      expect(said).toContain(
        `alpha-crm (tenant Alpha Tenant) asked for a Do-Not-Call by phone number and named this number. ${sentence}`,
      );
      const open = isOpen === undefined ? undefined : said.includes("still open");
      expect([open, summaryLines(found)[0]]).toEqual([isOpen, `1 Do-Not-Call requested: ${short}.`]);
    },
  );

  it("says which requests were refused, abandoned, or in doubt after a crash", async () => {
    const tokens = tokensOf("4155550100");
    const [hungUp, crashed] = [
      { ...anIntent(1), tokens },
      { ...anIntent(2), tokens },
    ];
    const found = await of([
      ...aDoNotCall(0, { tokens, refused: "OCSGW-2104" }),
      hungUp,
      { kind: "abandoned", id: hungUp.id, delivery: "not-sent", waits: { queue_ms: 1, ocs_ms: 0, total_ms: 1 } },
      crashed,
      {
        kind: "in-doubt",
        id: crashed.id,
        intent: 4,
        tenant: crashed.tenant,
        client: "alpha-crm",
        resource: "phones",
        action: "DoNotCall",
        reason: "restart",
      },
    ]);
    expect(
      found.requests.map((each) =>
        sentenceOf(each, "phone")
          .replace(/^.*this number\. /, "")
          .replace(/ This Do.*/, ""),
      ),
    ).toEqual([
      "The gateway refused it (OCSGW-2104); nothing was sent to OCS.",
      "The client closed the connection while the request waited; nothing was sent to OCS.",
      "It is in doubt whether OCS carried it out: the gateway ended before the outcome was on disk.",
    ]);
    expect(summaryLines(found).slice(0, 3)).toEqual([
      "3 Do-Not-Calls requested: 1 refused, 1 not sent, 1 in doubt.",
      "3 of them are still open: requested by a known client, and not confirmed by OCS since.",
      "No Do-Not-Call is confirmed.",
    ]);
  });

  it("counts the identical refusals that one entry represents", async () => {
    const found = await of([
      {
        kind: "flood",
        source: "127.0.0.1",
        client: "alpha-crm",
        tenant: { dbid: 101, name: "Alpha Tenant" },
        action: "DoNotCall",
        resource: "records",
        identifier: "1024",
        announced: tokensOf("4155550100"),
        second: "2026-11-22T12:00:00.000Z",
        seconds: 60,
        count: 7,
        codes: { "OCSGW-2106": 7 },
      },
    ]);
    expect(sentenceOf(found.requests[0]!, "phone")).toBe(
      "2026-11-22 12:00:00Z, within 60 s: alpha-crm (tenant Alpha Tenant) asked for a Do-Not-Call by record handle " +
        "1024 on a record that OCS had announced with this number, 7 more times, as in an earlier request. The " +
        "gateway refused all of them; nothing was sent to OCS.",
    );
    expect([summaryLines(found)[0], summaryLines(found)[3]]).toEqual([
      "7 Do-Not-Calls requested: 7 refused.",
      "0 other requests.",
    ]);
  });

  it("claims nothing beyond what the journal covers, and escapes what it shows", async () => {
    const found = await of([
      ...aDoNotCall(0, { ...record, tokens: undefined }),
      ...aDoNotCall(1, { tokens: tokensOf("4155550100"), client: "<b>", refused: "OCSGW-2104" }),
    ]);
    expect([found.complete, summaryLines(found)[2]]).toEqual([
      false,
      "No Do-Not-Call is confirmed, as far as the journal covers.",
    ]);
    const { summaryHtml, readMe } = caseFileOf(found, "phone", undefined);
    expect(summaryHtml).toContain("<strong>This case is not complete.</strong>");
    expect(summaryHtml).toContain("<li>Not covered: 1 Do-Not-Call by record handle contains no phone number.</li>");
    expect(summaryHtml).toContain("&lt;b&gt; (tenant Alpha Tenant)");
    expect(readMe).toContain(tokensOf("4155550100")!.phone!);
  });
});
