import { describe, expect, it } from "vitest";
import { sendJournaled, type SendJournaledDeps } from "../../../src/gateway/stages/send-journaled.ts";
import { REFUSALS } from "../../../src/gateway/refusals.ts";
import { Refused } from "../../../src/gateway/refused.ts";
import type { HeldKey } from "../../../src/idempotency/keys.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import { createRedactor } from "../../../src/journal/redact.ts";
import type { HandleLease } from "../../../src/ownership/ownership.ts";
import { UpstreamError, type FailureReason } from "../../../src/upstream/types.ts";
import { queueFull, waitTooLong } from "../../../src/upstream/upstream-errors.ts";
import { anAnswer, anArrival, aTenant } from "../../kit/line.ts";
import { orderFor, stageDeps } from "../../kit/stages.ts";

const redact = createRedactor({ phone: "last4", customer_id: "token", fields: {}, others: "drop" }, "k".repeat(32));
const TENANTS = [aTenant({ place: 0 })];
const REJECT = "/records/15?req=RecordReject";

type Ran = {
  /** What happened, in order. */
  readonly steps: string[];
  readonly journal: Entry[];
  readonly released: (number | undefined)[];
  readonly result: Awaited<ReturnType<typeof sendJournaled>> | Refused;
};

const run = async (over: Partial<SendJournaledDeps> = {}, failsAt = -1, key?: HeldKey): Promise<Ran> => {
  const arrival = anArrival({ target: REJECT });
  const steps: string[] = [];
  const journal: Entry[] = [];
  const released: (number | undefined)[] = [];
  const lease: HandleLease = {
    withdrawn: () => undefined,
    after: () => undefined,
    release: (status) => void released.push(status),
    isOwned: () => true,
    reason: () => "finished: by another request",
    record: undefined,
  };
  const deps = stageDeps(TENANTS);
  const ownership = { ...deps.ownership, requestLease: () => ({ lease }), ownersAmong: deps.ownership.ownersAmong };
  const order = await orderFor(TENANTS, arrival, { ...deps, ownership });
  const result = await sendJournaled(
    {
      redact,
      configHash: "c0ffee",
      challenge: "Basic",
      append: (entry) => {
        steps.push(entry.kind);
        if (steps.length - 1 === failsAt) return Promise.reject(new Error("ENOSPC"));
        journal.push(entry);
        return Promise.resolve();
      },
      ...over,
      send: async (sent, gone) => {
        steps.push("send");
        return over.send ? over.send(sent, gone) : anAnswer();
      },
    },
    arrival,
    order,
    key,
  ).catch((error: unknown) => error as Refused);
  return { steps, journal, released, result };
};

describe("sendJournaled", () => {
  it("writes the intent before it sends and the outcome before it returns", async () => {
    const { steps, released, result } = await run();
    expect(steps).toEqual(["intent", "send", "outcome"]);
    expect(released).toEqual([200]);
    expect(result).toMatchObject({
      answer: { status: 200 },
      intended: expect.any(Number),
      recorded: expect.any(Number),
    });
  });

  it("sends nothing when the intent cannot be written, and writes no outcome", async () => {
    const { steps, released, result } = await run({}, 0);
    expect([steps, released]).toEqual([["intent"], [undefined]]);
    expect(result).toMatchObject({ refusal: "journal-unavailable" });
  });

  it("returns OCS's answer when only the outcome cannot be written", async () => {
    const { steps, released, result } = await run({}, 2);
    expect([steps, released]).toEqual([["intent", "send", "outcome"], [200]]);
    expect(result).toMatchObject({ answer: { status: 200 }, recorded: undefined });
  });

  it("does not release the lease with the status of a suspected answer", async () => {
    const { released, journal } = await run({ send: () => Promise.resolve(anAnswer({ suspected: true })) });
    expect(released).toEqual([undefined]);
    expect(journal.at(-1)).toMatchObject({ kind: "outcome", delivery: "answered", suspected: true });
  });

  it.each([
    ["a full queue", queueFull(1), "upstreams.ocs.queue.max"],
    ["a wait that would be too long", waitTooLong(100, 1), "upstreams.ocs.queue.max_wait"],
  ])("journals the setting that refused %s", async (_what, error, setting) => {
    const { journal } = await run({ send: () => Promise.reject(error) });
    expect(journal.at(-1)).toMatchObject({ kind: "outcome", code: "OCSGW-3002", stage: "queue", setting });
  });

  it.each<[FailureReason, boolean, object]>([
    ["queue-full", false, { stage: "queue", setting: "upstreams.ocs.queue.max" }],
    ["queue-timeout", false, { stage: "queue", setting: "upstreams.ocs.queue.max_wait" }],
    [
      "handle-expired",
      false,
      { stage: "queue", setting: "tenants[0].records", reason: "finished: by another request" },
    ],
    ["unclear", false, { stage: "queue", setting: "tenants[0].records", reason: "finished: by another request" }],
    ["revoked", false, { stage: "queue", reason: "revoked: in words" }],
    ["unreachable", false, { stage: "ocs", setting: "upstreams.ocs.primary" }],
    ["no-answer", true, { stage: "ocs", setting: "upstreams.ocs.timeouts.answer" }],
    ["connection-lost", true, { stage: "ocs" }],
    ["malformed-response", true, { stage: "ocs" }],
  ])("journals %s with its stage and setting", async (reason, sent, ended) => {
    const { released, journal, result } = await run({
      send: () => Promise.reject(new UpstreamError(reason, sent, "in words")),
    });
    const delivery = sent ? "sent-no-answer" : "not-sent";
    const { code, status } = REFUSALS[reason];
    expect(journal.at(-1)).toMatchObject({ kind: "outcome", origin: "gateway", code, status, delivery, ...ended });
    expect(journal.at(-1)).not.toHaveProperty(["setting" in ended ? "none" : "setting"]);
    expect(result).toMatchObject({ refusal: reason, details: { delivery, found: { intended: expect.any(Number) } } });
    expect(released).toEqual([undefined]);
  });

  it("journals a request as abandoned if its client disconnected in the queue", async () => {
    const { journal, result } = await run({
      send: () => Promise.reject(new UpstreamError("abandoned", false, "hung up")),
    });
    expect(journal.map(({ kind }) => kind)).toEqual(["intent", "abandoned"]);
    expect(result).toMatchObject({ refusal: "abandoned", details: { close: true } });
  });

  it("journals an internal error after the intent as sent without an answer", async () => {
    const { journal, released, result } = await run({ send: () => Promise.reject(new TypeError("a defect")) });
    expect(journal.at(-1)).toMatchObject({
      kind: "outcome",
      code: REFUSALS["internal-error"].code,
      delivery: "sent-no-answer",
      stage: "ocs",
    });
    expect(result).toMatchObject({ refusal: "internal-error", details: { delivery: "sent-no-answer" } });
    expect(released).toEqual([undefined]);
  });
});
