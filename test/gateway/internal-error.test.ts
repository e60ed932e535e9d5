/** An internal error at each place of the pipeline: header, journal and `explain` say the same about delivery. */
import { describe, expect, it } from "vitest";
import { whatToDo } from "../../src/explain/advice.ts";
import { whatHappened } from "../../src/explain/sentences.ts";
import { REFUSALS } from "../../src/gateway/refusals.ts";
import type { Answer } from "../../src/gateway/types.ts";
import { headerOf } from "../../src/common/message.ts";
import type { Entry, Recorded } from "../../src/journal/entry.ts";
import { fieldsOf } from "../../src/journal/search/transaction.ts";
import type { HandleLease } from "../../src/ownership/ownership.ts";
import { UpstreamError } from "../../src/upstream/types.ts";
import { aLine, anAnswer, aTenant, text } from "../kit/line.ts";

type Setting = Parameters<typeof aLine>[0];
type Place = {
  readonly place: string;
  readonly target?: string;
  readonly setting: () => Setting;
  /** Of the reply, and of the journal's last entry about the request. */
  readonly delivery: "not-sent" | "sent-no-answer" | "answered";
  readonly kinds: readonly Entry["kind"][];
  readonly repeat: string;
  readonly happened: RegExp;
};

const DNC = "/phones/4155550100?req=DoNotCall";
const RECORD = "/records/15?req=RecordReject";

const defect = (): never => {
  throw new TypeError("a defect");
};

/** Fails in the first call only: the refusal's own entry reads the lists again. */
const failsOnce = (): ReadonlySet<string> => {
  const lists = new Set<string>();
  let calls = 0;
  return Object.assign(lists, { has: () => (calls++ === 0 ? defect() : false) });
};

const withLease = (): NonNullable<Setting>["ownership"] => ({
  requestLease: () => ({
    lease: { isOwned: () => true, withdrawn: () => undefined, release: defect } as unknown as HandleLease,
  }),
  ownersAmong: (among) => among,
});

const PLACES: readonly Place[] = [
  {
    place: "before the intent",
    setting: () => ({ identify: defect }),
    delivery: "not-sent",
    kinds: ["refusal"],
    repeat: "safe",
    happened: /refused.*internal error.*It was not sent to OCS/,
  },
  {
    place: "while the intent is made",
    setting: () => ({ tenants: [aTenant({ lists: failsOnce() })] }),
    delivery: "not-sent",
    kinds: ["refusal"],
    repeat: "safe",
    happened: /refused.*internal error.*It was not sent to OCS/,
  },
  {
    place: "while it is sent",
    setting: () => ({ send: () => Promise.reject(new TypeError("a defect")) }),
    delivery: "sent-no-answer",
    kinds: ["intent", "outcome"],
    repeat: "safe",
    happened: /internal error.*may have carried out.*or never/,
  },
  {
    place: "while a failure is handled",
    setting: () => ({ send: () => Promise.reject(new UpstreamError("no reason" as never, false, "in words")) }),
    delivery: "sent-no-answer",
    kinds: ["intent", "outcome"],
    repeat: "safe",
    happened: /internal error.*may have carried out.*or never/,
  },
  {
    place: "after the answer, before its outcome",
    setting: () => ({ send: () => Promise.resolve(anAnswer({ headers: [[undefined as never, ""]] })) }),
    delivery: "sent-no-answer",
    kinds: ["intent", "outcome"],
    repeat: "safe",
    happened: /internal error.*may have carried out/,
  },
  {
    place: "after the outcome, when the record's lease ends",
    target: RECORD,
    setting: () => ({ ownership: withLease()! }),
    delivery: "answered",
    kinds: ["intent", "outcome"],
    repeat: "safe",
    happened: /^OCS carried out the request/,
  },
  {
    place: "after the outcome of a request that was not sent, when the record's lease ends",
    target: RECORD,
    setting: () => ({
      ownership: withLease()!,
      send: () => Promise.reject(new UpstreamError("queue-timeout", false, "in words")),
    }),
    delivery: "not-sent",
    kinds: ["intent", "outcome"],
    repeat: "safe",
    happened: /refused.*It was not sent to OCS/,
  },
  {
    place: "after the outcome, when the answer is filtered",
    setting: () => ({
      send: () => Promise.resolve(Object.defineProperty(anAnswer(), "body", { get: defect }) as Answer),
    }),
    delivery: "answered",
    kinds: ["intent", "outcome"],
    repeat: "safe",
    happened: /^OCS carried out the request/,
  },
];

describe("an internal error", () => {
  it.each(PLACES)(
    "$place: header, journal and explain agree",
    async ({ target = DNC, setting, delivery, kinds, repeat, happened }) => {
      const line = aLine(setting());
      const reply = await line.ask({ target });
      const { code, status } = REFUSALS["internal-error"];
      expect([reply.status, headerOf(reply.headers, "Ocsgw-Code")]).toEqual([status, code]);
      expect(headerOf(reply.headers, "Ocsgw-Delivery")).toBe(delivery);
      expect(headerOf(reply.headers, "Ocsgw-Repeat")).toBe(repeat);
      expect(text(reply)).not.toMatch(/defect|TypeError/);
      expect(line.journal.map(({ kind }) => kind)).toEqual(kinds);
      expect(line.journal.at(-1)).toMatchObject({ delivery });
      const entries = line.journal.map((entry, index) => ({ ...entry, index, time: "2026-11-22T12:00:00.000000Z" }));
      const fields = fieldsOf({ at: 0, entries: entries as Recorded[] });
      expect(whatHappened(fields)).toMatch(happened);
      if (fields.code === code) expect(whatToDo(fields)).toMatch(/Operator: report it with the log line/);
    },
  );

  it("has no delivery in its row, because each one states it", () => {
    expect(REFUSALS["internal-error"].delivery).toBe("varies");
    expect(Object.values(REFUSALS).filter((row) => row.delivery === "varies")).toHaveLength(1);
  });
});
