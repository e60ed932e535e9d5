import { describe, expect, it } from "vitest";
import { STAGES, stageOf, verdictsOf } from "../../../src/cli/explain/stages.ts";
import { repeatOf, whatHappened, whatToDo } from "../../../src/cli/explain/words.ts";
import { REFUSALS } from "../../../src/gateway/refusals.ts";
import type { Entry, Recorded } from "../../../src/journal/entry.ts";
import { factsOf, type Story } from "../../../src/journal/story.ts";
import { ACTIONS } from "../../../src/ocs/catalog.ts";
import { aDoNotCall, anIntent, anOutcome } from "../../journal/kit.ts";

const aStory = (entries: readonly Entry[]): Story => ({
  at: 0,
  entries: entries.map((entry, index): Recorded => ({ ...entry, index, time: "2026-11-22T12:00:00.000000Z" })),
});
const verdicts = (entries: readonly Entry[]): string[] => verdictsOf(aStory(entries)).map(({ verdict }) => verdict);
const failed = (code: string, delivery: "not-sent" | "sent-no-answer", status = 502): Entry[] => [
  anIntent(1),
  { ...anOutcome(anIntent(1).id), origin: "gateway", code, delivery, status },
];

describe("the stages of a request", () => {
  it("said yes to one that OCS took", () => expect(verdicts(aDoNotCall(1))).toEqual(STAGES.map(() => "ok")));

  it("before the one that refused said yes, and those behind it were not reached", () => {
    expect(verdicts(aDoNotCall(1, { refused: "OCSGW-2103" }))).toEqual([
      "ok",
      "ok",
      "ok",
      "ok",
      "ok",
      "deny",
      "–",
      "–",
      "–",
    ]);
    expect(verdicts(aDoNotCall(1, { refused: "OCSGW-2101" })).indexOf("deny")).toBe(STAGES.indexOf("policy"));
  });

  it("knows where every code belongs", () => {
    for (const { code } of Object.values(REFUSALS).filter((row) => row.code !== "OCSGW-5900"))
      expect([code, STAGES.includes(stageOf({ ...factsOf(aStory(aDoNotCall(1))), code })!)]).toEqual([code, true]);
  });

  it("ends at the message when the client is not known", () => {
    expect(verdicts([{ kind: "refusal", id: "x", code: "OCSGW-1006", status: 431, delivery: "not-sent" }])[0]).toBe(
      "deny",
    );
  });

  it.each([
    ["OCSGW-4101", 504, /^OCSGW-4101  no answer from \S+ within [\d.]+ ms$/],
    ["OCSGW-4102", 502, /^OCSGW-4102  the connection ended after [\d.]+ ms, without a whole answer from \S+$/],
    ["OCSGW-4103", 502, /^OCSGW-4103  no whole HTTP answer from \S+ after [\d.]+ ms$/],
  ])("says of %s what ended the wait", (code, status, says) => {
    expect(verdictsOf(aStory(failed(code, "sent-no-answer", status))).at(-1)!.says).toMatch(says);
  });

  it("leaves open what nobody knows", () => {
    expect(verdicts(aDoNotCall(1, { open: true })).slice(-2)).toEqual(["?", "?"]);
    expect(verdicts(failed("OCSGW-4102", "sent-no-answer")).at(-1)).toBe("?");
    expect(verdicts(failed("OCSGW-3002", "not-sent", 503)).slice(-2)).toEqual(["deny", "–"]);
    expect(verdicts(aDoNotCall(1, { status: 410 })).at(-1)).toBe("no");
  });
});

const facts = (entries: readonly Entry[]) => factsOf(aStory(entries));

describe("a request in plain words", () => {
  it.each([
    [410, "records", "the handle is unknown or stale"],
    [410, "campaigngroups", "not active"],
    [404, "campaigngroups", "does not know this group"],
    [404, "lists", "does not know this list or campaign"],
    [409, "lists", "DB Server is down"],
    [409, "campaigngroups", "in that state already"],
    [400, "phones", "refused the request"],
    [500, "phones", "an error of its own"],
  ])("reads OCS's %d on %s", (status, resource, words) =>
    expect(whatHappened(facts(aDoNotCall(1, { status, resource, action: "Load" })))).toContain(words),
  );

  it("never says that what was refused was sent", () => {
    for (const { code } of Object.values(REFUSALS))
      expect(whatHappened(facts(aDoNotCall(1, { refused: code })))).toContain("It was not sent to OCS.");
  });

  it("advises on every action what to do when no answer came", () => {
    const begins = {
      safe: /^The same request may be sent again \(Ocsgw-Repeat: safe\)/,
      "check-first": /^Read the group's status .*Ocsgw-Repeat: check-first/,
      no: /^Do not send the same request again \(Ocsgw-Repeat: no\)/,
    };
    for (const { resource, name, repeat } of ACTIONS) {
      const [intent, outcome] = failed("OCSGW-4102", "sent-no-answer");
      const told = facts([{ ...intent, resource, action: name } as Entry, outcome!]);
      expect([name, repeatOf(told)]).toEqual([name, repeat]);
      expect(whatToDo(told)).toMatch(begins[repeat]);
    }
  });

  it.each([
    ["unknown: the handle was never announced or registered for this tenant", /never announced/, /validation-uri/],
    ["finished: OCS answered 200 to the finalizing request X at T", /finalizing request X/, /^Nothing is to be done/],
    ["gone: OCS answered 410 to request X at T; the handle was stale since T", /stale since/, /present call/],
    [
      "epoch-ended: OCS changed roles or was restarted at T, which ended every handle of before",
      /changed roles/,
      /by phone number/,
    ],
    ["foreign: the handle was announced or registered for another tenant", /another tenant/, /which client asked/],
    ["unconfirmed: every connection to OCS was lost", /connection to OCS was lost/, /restart_grace/],
  ])("tells the operator why a record's request was refused and what to do: %s", (reason, says, todo) => {
    const refusal: Entry = {
      kind: "refusal",
      id: "x",
      client: "alpha",
      code: "OCSGW-2106",
      status: 410,
      delivery: "not-sent",
      detail: "no such record for this tenant",
      reason,
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
      },
    ] as const;
    for (const story of [[refusal], withdrawn]) {
      expect(whatHappened(facts(story))).toMatch(says);
      expect(whatToDo(facts(story))).toMatch(todo);
      expect(verdictsOf(aStory(story)).find(({ verdict }) => verdict === "deny")?.says).toContain(reason);
    }
  });

  it("says of an answer that is suspected that OCS may not have taken it", () => {
    const [intent, outcome] = aDoNotCall(1);
    const story = facts([intent!, { ...outcome, suspected: true } as Entry]);
    expect([whatHappened(story), whatToDo(story)]).toEqual([
      expect.stringContaining("may be the answer to another request"),
      expect.stringMatching(/^The same request may be sent again/),
    ]);
  });

  it("has nothing to advise when OCS took it", () => expect(whatToDo(facts(aDoNotCall(1)))).toBeUndefined());
});
