/** What people of some tenants get of an entry, and that no filter finds out more than that. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Entry, Recorded } from "../../../../src/journal/entry.ts";
import { KINDS } from "../../../../src/journal/kinds.ts";
import { evaluate, parseFilter, type Expression } from "../../../../src/journal/search/filter/filter.ts";
import { partFor, partToJson, type Scope } from "../../../../src/journal/search/scope/part.ts";
import { candidateFilter, matchingPart } from "../../../../src/journal/search/scope/scoped-filter.ts";
import { fieldsOf, type Transaction } from "../../../../src/journal/search/transaction.ts";
import { anIntent, anOutcome } from "../../kit.ts";

const SCOPE: Scope = { tenants: [101], names: { list: ["Alpha List"], campaign: ["Alpha Campaign"], group: ["106"] } };
const ALPHA = { dbid: 101, name: "Alpha Tenant" };
const BETA = { dbid: 102, name: "Beta Tenant" };

const recorded = (entry: object, index = 7): Recorded =>
  ({ index, time: "2026-11-22T12:00:00.000000Z", ...entry, crc: 5 }) as unknown as Recorded;
const alone = (entry: object): Transaction => ({ at: 7, entries: [recorded(entry)] });

const refusal = {
  kind: "refusal",
  id: "01KAPQ8C10QX01KAPQ8C000001",
  tenant: ALPHA,
  client: "alpha",
  resource: "lists",
  identifier: "Beta List",
  action: "AddRecord",
  code: "OCSGW-2104",
  status: 403,
  delivery: "not-sent",
  detail: "Beta",
  reason: "owner: Beta",
  pointer: "/Beta",
  stage: "scope",
  setting: "tenants[7].lists",
  presented: { client: "Beta" },
  epoch: 4,
  dnc_sequence: "ocs/102",
};

describe("the part of a transaction for people of some tenants", () => {
  it.each(KINDS.map((kind) => [kind]))("is nothing if an entry of kind %s has no tenant or another one", (kind) => {
    for (const tenant of [undefined, null, BETA, { dbid: "101", name: "x" }])
      expect(partFor(SCOPE, alone({ kind, id: "x", tenant }))).toBeUndefined();
    expect(partFor({ ...SCOPE, tenants: [] }, alone({ kind, id: "x", tenant: ALPHA }))).toBeUndefined();
  });

  it.each(["alarm", "config", "start", "access", "switchover", "a-later-kind"])(
    "is nothing for kind %s, even with a tenant",
    (kind) => expect(partFor(SCOPE, alone({ kind, tenant: ALPHA, detail: "Beta" }))).toBeUndefined(),
  );

  it("has no index, checksum, epoch, generation or config, and no member that a later version adds", () => {
    const intent = { ...anIntent(1), epoch: 3, generation: 9, dnc_sequence: "ocs/101", dnc: 4, later: "Beta" };
    const outcome = { ...anOutcome(intent.id), reason: "Beta", setting: "tenants[7]", stage: "queue" };
    const json = partToJson(partFor(SCOPE, { entries: [recorded(intent), recorded(outcome, 9)] })!);
    const [asked, ended] = json.entries;
    expect(Object.keys(asked!).toSorted()).toEqual(
      "action body client credential dnc id identifier kind listener resource source tenant time".split(" "),
    );
    expect(Object.keys(ended!).toSorted()).toEqual(
      "code delivery endpoint id kind lane origin stage status time waits warning".split(" "),
    );
    expect(json).toMatchObject({ state: "ok", dnc: 4, tenant: ALPHA, identifier: "······0100" });
    for (const name of ["at", "config", "reason", "setting"])
      expect(json).not.toMatchObject({ [name]: expect.anything() });
  });

  it.each<[string, object, string | null]>([
    ["another tenant's list", {}, null],
    ["an own list", { identifier: "Alpha List" }, "Alpha List"],
    ["another tenant's campaign group", { resource: "campaigngroups", identifier: "208" }, null],
    ["an own campaign group", { resource: "campaigngroups", identifier: "106" }, "106"],
    ["a list whose name is an own group's", { identifier: "106" }, null],
    ["a record handle", { resource: "records", identifier: "15" }, null],
    ["a phone number", { resource: "phones", identifier: "······0100" }, "······0100"],
    ["a list after isolation", { stage: "queue" }, "Beta List"],
    ["a list without a stage, as in format 1", { stage: undefined }, null],
  ])("of a refusal about %s keeps the name only if it is certainly their own", (_what, over, identifier) => {
    const json = partToJson(partFor(SCOPE, alone({ ...refusal, ...over }))!);
    expect(json.identifier).toBe(identifier);
    if (identifier !== "Beta List") expect(JSON.stringify(json)).not.toContain("Beta");
  });

  it("lacks OCS's warning where the answer may be another request's", () => {
    const outcome = { ...anOutcome(anIntent(1).id), warning: '112 - "x"', suspected: true };
    const entries = [recorded(anIntent(1)), recorded(outcome, 8)];
    expect(partFor(SCOPE, { entries })!.fields).toMatchObject({ suspected: true, warning: undefined });
  });

  it("keeps own names in the body of an open Do-Not-Call, and no other", () => {
    const body = { GSW_CAMPAIGN_NAME: "Beta Campaign", GSW_CALLING_LIST: "Alpha List", other: "Beta" };
    const part = partFor(SCOPE, alone({ kind: "open-dnc", id: "x", tenant: ALPHA, resource: "phones", body }))!;
    expect(part.entries[0]).toMatchObject({ body: { GSW_CALLING_LIST: "Alpha List" } });
    expect(JSON.stringify(part.entries)).not.toContain("Beta");
  });
});

const TERMS = [
  'list:"Beta List"',
  'list:"Alpha List"',
  "campaign:Beta*",
  "group:208",
  "group:106",
  "record:15",
  "config:9f3c5e",
  "ocs.error:112",
  "is:refused",
  "code:2104",
  "tenant:101",
  "tenant:102",
  "client:alpha",
  "missing:phone",
];
const filters: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...TERMS),
    fc.tuple(tie("any"), tie("any")).map(([one, other]) => `(${one} OR ${other})`),
    fc.tuple(tie("any"), tie("any")).map(([one, other]) => `(${one} ${other})`),
    tie("any").map((one) => `-(${one})`),
  ),
})).any;

const transactions: fc.Arbitrary<Transaction> = fc
  .record({
    tenant: fc.constantFrom(ALPHA, BETA, null),
    resource: fc.constantFrom("lists", "campaigngroups", "records", "phones"),
    identifier: fc.constantFrom("Beta List", "Alpha List", "208", "106", "15"),
    stage: fc.constantFrom("scope", "queue", undefined),
    config_hash: fc.constantFrom("9f3c5e", "000000"),
    body: fc.constantFrom({}, { GSW_CAMPAIGN_NAME: "Beta Campaign" }),
    suspected: fc.constantFrom(true, undefined),
    form: fc.constantFrom("refusal", "answered", "open-dnc"),
  })
  .map(({ form, suspected, ...members }) => {
    const intent = { ...anIntent(1), ...members } as Entry;
    const outcome = { ...anOutcome(anIntent(1).id), warning: '112 - "x"', ...(suspected && { suspected }) };
    return form === "answered"
      ? { at: 7, entries: [recorded(intent), recorded(outcome, 8)] }
      : alone({ ...refusal, ...members, kind: form });
  });

describe("a filter of people of some tenants", () => {
  it("finds exactly the parts that match, whatever else the entries have", () => {
    fc.assert(
      fc.property(filters, fc.array(transactions, { maxLength: 5 }), (text, all) => {
        const { expression } = parseFilter(text);
        for (const transaction of all) {
          const part = matchingPart(SCOPE, expression, transaction);
          const own = partFor(SCOPE, transaction);
          expect(part !== undefined).toBe(own !== undefined && evaluate(expression, own.fields) === true);
          // The index may skip only what does not match.
          if (part) expect(evaluate(candidateFilter(SCOPE, expression), fieldsOf(transaction))).toBe(true);
          if (!own) expect(evaluate(candidateFilter(SCOPE, expression), fieldsOf(transaction))).not.toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("cannot tell a hidden name from another one", () => {
    const one = alone(refusal);
    const other = alone({ ...refusal, identifier: "Gamma List", reason: "x", setting: "tenants[1].lists" });
    fc.assert(
      fc.property(filters, (text) => {
        const filter: Expression = parseFilter(text).expression;
        expect(matchingPart(SCOPE, filter, one) === undefined).toBe(matchingPart(SCOPE, filter, other) === undefined);
      }),
    );
  });
});
