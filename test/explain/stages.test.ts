import { describe, expect, it } from "vitest";
import { whatToDo } from "../../src/explain/advice.ts";
import { STAGES, verdictsOf } from "../../src/explain/stages.ts";
import { repeatOf, whatHappened } from "../../src/explain/sentences.ts";
import { REFUSALS } from "../../src/gateway/refusals.ts";
import type { Entry, Recorded, Stage } from "../../src/journal/entry.ts";
import { fieldsOf, type Transaction } from "../../src/journal/search/transaction.ts";
import { ACTIONS } from "../../src/ocs/catalog.ts";
import { aDoNotCall, anIntent, anOutcome } from "../journal/kit.ts";

const aTransaction = (entries: readonly Entry[]): Transaction => ({
  at: 0,
  entries: entries.map((entry, index): Recorded => ({ ...entry, index, time: "2026-11-22T12:00:00.000000Z" })),
});
const verdicts = (entries: readonly Entry[]): string[] =>
  verdictsOf(aTransaction(entries)).map(({ verdict }) => verdict);
type Failed = { readonly delivery: "not-sent" | "sent-no-answer"; readonly status?: number; readonly stage?: Stage };
const failed = (code: string, { delivery, status = 502, stage = "ocs" }: Failed): Entry[] => [
  anIntent(1),
  { ...anOutcome(anIntent(1).id), origin: "gateway", code, delivery, status, stage },
];
const refusedAt = (stage: Stage | undefined, code: string): Entry[] => [
  { ...aDoNotCall(1, { refused: code })[0]!, stage } as Entry,
];

describe("the stages of a request", () => {
  it("are all passed by a request that OCS accepted", () =>
    expect(verdicts(aDoNotCall(1))).toEqual(STAGES.map(() => "ok")));

  it("are passed before the refusing one, and not reached after it", () => {
    expect(verdicts(refusedAt("scope", "OCSGW-2103"))).toEqual([
      "ok",
      "ok",
      "ok",
      "ok",
      "ok",
      "deny",
      "–",
      "–",
      "–",
      "–",
    ]);
    expect(verdicts(refusedAt("policy", "OCSGW-2101")).indexOf("deny")).toBe(STAGES.indexOf("policy"));
  });

  it("are shown as unknown where an entry of an earlier version does not name the stage", () => {
    expect(verdicts(refusedAt(undefined, "OCSGW-2103"))).toEqual(["ok", "ok", "ok", "?", "?", "?", "?", "?", "?", "?"]);
    const [fault] = verdictsOf(
      aTransaction([{ kind: "refusal", id: "x", code: "OCSGW-1006", status: 431, delivery: "not-sent" }]),
    );
    expect(fault).toEqual({
      stage: "message",
      verdict: "?",
      says: `refused here or at a later stage: OCSGW-1006  ${REFUSALS["head-too-large"].title}`,
    });
  });

  it("are shown as unknown for an outcome of an earlier version, of which the intent is on disk", () => {
    const [intent, outcome] = failed("OCSGW-4001", { delivery: "not-sent", status: 503 });
    expect(verdicts([intent!, { ...outcome, stage: undefined } as Entry])).toEqual([
      ...Array.from({ length: 8 }, () => "ok"),
      "?",
      "?",
    ]);
  });

  it.each([
    ["OCSGW-4101", 504, /^OCSGW-4101  no answer from \S+ within [\d.]+ ms$/],
    ["OCSGW-4102", 502, /^OCSGW-4102  the connection ended after [\d.]+ ms, without a complete answer from \S+$/],
    ["OCSGW-4103", 502, /^OCSGW-4103  no complete HTTP answer from \S+ after [\d.]+ ms$/],
  ])("say for %s what ended the wait", (code, status, says) => {
    expect(verdictsOf(aTransaction(failed(code, { delivery: "sent-no-answer", status }))).at(-1)!.says).toMatch(says);
  });

  it("stay open where the journal does not know the outcome", () => {
    expect(verdicts(aDoNotCall(1, { open: true })).slice(-2)).toEqual(["?", "?"]);
    expect(verdicts(failed("OCSGW-4102", { delivery: "sent-no-answer" })).at(-1)).toBe("?");
    expect(verdicts(failed("OCSGW-3002", { delivery: "not-sent", status: 503, stage: "queue" })).slice(-2)).toEqual([
      "deny",
      "–",
    ]);
    expect(verdicts(aDoNotCall(1, { status: 410 })).at(-1)).toBe("no");
  });
});

const fields = (entries: readonly Entry[]) => fieldsOf(aTransaction(entries));

describe("ocsgw explain", () => {
  it.each([
    [410, "records", "the handle is unknown or stale"],
    [410, "campaigngroups", "not active"],
    [404, "campaigngroups", "does not know this group"],
    [404, "lists", "does not know this list or campaign"],
    [409, "lists", "DB Server is down"],
    [409, "campaigngroups", "in that state already"],
    [400, "phones", "rejected the request"],
    [500, "phones", "an internal error"],
  ])("explains OCS's %d on %s", (status, resource, words) =>
    expect(whatHappened(fields(aDoNotCall(1, { status, resource, action: "Load" })))).toContain(words),
  );

  it("never says that a refused request was sent", () => {
    for (const { code } of Object.values(REFUSALS))
      expect(whatHappened(fields(aDoNotCall(1, { refused: code })))).toContain("It was not sent to OCS.");
  });

  it("gives advice for every action that got no answer", () => {
    const begins = {
      safe: /^The same request may be sent again \(Ocsgw-Repeat: safe\)/,
      "check-first": /^Read the group's status .*Ocsgw-Repeat: check-first/,
      no: /^Do not send the same request again \(Ocsgw-Repeat: no\)/,
    };
    for (const { resource, name, repeat } of ACTIONS) {
      const [intent, outcome] = failed("OCSGW-4102", { delivery: "sent-no-answer" });
      const requestFields = fields([{ ...intent, resource, action: name } as Entry, outcome!]);
      expect([name, repeatOf(requestFields)]).toEqual([name, repeat]);
      expect(whatToDo(requestFields)).toMatch(begins[repeat]);
    }
  });

  it.each([
    ["unknown: the handle was never announced or registered for this tenant", /never announced/, /validation-uri/],
    ["finished: OCS answered 200 to the finalizing request X at T", /finalizing request X/, /^Nothing to do/],
    ["gone: OCS answered 410 to request X at T; the handle was stale since T", /stale since/, /present call/],
    [
      "epoch-ended: OCS changed roles or was restarted at T, which ended every handle of before",
      /changed roles/,
      /by phone number/,
    ],
    ["foreign: the handle was announced or registered for another tenant", /another tenant/, /which client asked/],
    ["unconfirmed: every connection to OCS was lost", /connection to OCS was lost/, /restart_grace/],
  ])("says why a record's request was refused and what to do: %s", (reason, says, todo) => {
    const refusal: Entry = {
      kind: "refusal",
      id: "x",
      client: "alpha",
      code: "OCSGW-2106",
      status: 410,
      delivery: "not-sent",
      detail: "no such record for this tenant",
      reason,
      stage: "scope",
    };
    const withdrawn = [
      anIntent(1),
      {
        ...anOutcome(anIntent(1).id),
        origin: "gateway",
        code: "OCSGW-2106",
        delivery: "not-sent",
        status: 410,
        reason,
        stage: "queue",
      },
    ] as const;
    for (const entries of [[refusal], withdrawn]) {
      expect(whatHappened(fields(entries))).toMatch(says);
      expect(whatToDo(fields(entries))).toMatch(todo);
      expect(verdictsOf(aTransaction(entries)).find(({ verdict }) => verdict === "deny")?.says).toContain(reason);
    }
  });

  it("says of a suspected answer that OCS may not have accepted the request", () => {
    const [intent, outcome] = aDoNotCall(1);
    const suspected = fields([intent!, { ...outcome, suspected: true } as Entry]);
    expect([whatHappened(suspected), whatToDo(suspected)]).toEqual([
      expect.stringContaining("may be the one to another request"),
      expect.stringMatching(/^The same request may be sent again/),
    ]);
  });

  it("has no advice when OCS accepted the request", () => expect(whatToDo(fields(aDoNotCall(1)))).toBeUndefined());
});
