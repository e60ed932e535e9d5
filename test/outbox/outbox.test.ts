import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resultOfAnswer, type AttemptResult } from "../../src/outbox/attempt.ts";
import type { OutboxItem } from "../../src/outbox/item.ts";
import { anItem, anOutbox, broken, down, lost, memoryStore, ok, REDACTOR, type Disk } from "./kit.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
const ALPHA = { upstream: "ocs", tenant: 101 };
const nobody = { phone: undefined, customer: undefined };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const later = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe("an accepted Do-Not-Call", () => {
  it("is sent at once, and ends with OCS's 200; the person's number is erased then", async () => {
    const disk: Disk = new Map();
    const { outbox, tried } = anOutbox(disk, () => ok);
    const item = anItem();
    await outbox.accept(item);
    expect(outbox.stateOf(item.id)).toMatchObject({ state: "queued", status: null, attempts: 0 });
    outbox.begin(item.id);
    await later();
    expect(tried).toEqual([item.id]);
    expect(outbox.stateOf(item.id)).toMatchObject({ state: "answered", status: 200, attempts: 1 });
    expect(JSON.stringify([...disk.values()])).not.toContain("4155550100");
    expect(outbox.counts()).toEqual([]);
  });

  it.each<[string, AttemptResult]>([
    ["OCS cannot be reached", down],
    ["the answer is lost", lost],
    ["OCS has an internal error", broken],
    ["the answer may belong to another request", resultOfAnswer(200, true)],
    ["a proxy answers for OCS", resultOfAnswer(503, false)],
    ["the owner of the handle is not known now", { end: "later", blame: "item", says: "unconfirmed" }],
  ])("is sent again while %s, and after a restart, until OCS answers 200", async (_when, result) => {
    const disk: Disk = new Map();
    const first = anOutbox(disk, () => result);
    const item = anItem();
    await first.outbox.accept(item);
    first.outbox.begin(item.id);
    await later(7 * 1000);
    // At 0, 1, 3 and 7 s.
    expect(first.tried).toHaveLength(4);
    await later(2 * HOUR);
    expect(first.tried.length).toBeGreaterThan(20);
    expect(first.tried.length).toBeLessThan(40);
    await first.outbox.stop();
    const second = anOutbox(disk, () => ok);
    expect(second.outbox.pendingFor(ALPHA, { ...nobody, phone: "4155550100" })).toBe("phone");
    second.outbox.start();
    await later();
    expect(second.outbox.stateOf(item.id)).toMatchObject({ state: "answered", status: 200 });
    expect(second.outbox.pendingFor(ALPHA, { ...nobody, phone: "4155550100" })).toBeUndefined();
  });

  it.each([
    [400, "never"],
    [404, "never"],
    [410, "never"],
    [401, "later"],
    [403, "later"],
    [409, "later"],
    [429, "later"],
    [302, "later"],
    [500, "later"],
    [503, "later"],
  ] as const)("ends in an alarm at once if OCS's answer is final: %i %s", async (status, end) => {
    const { outbox, tried, alarms } = anOutbox(new Map(), () => resultOfAnswer(status, false));
    const item = anItem();
    await outbox.accept(item);
    outbox.begin(item.id);
    await later(10 * MINUTE);
    if (end === "later") {
      expect(alarms).toEqual([]);
      expect(tried.length).toBeGreaterThan(5);
      return;
    }
    expect(tried).toHaveLength(1);
    expect(alarms).toEqual([{ id: item.id, cause: "rejected", says: `OCS answered ${status}` }]);
    expect(outbox.stateOf(item.id)).toMatchObject({ state: "answered", status });
  });

  it("becomes an alarm after give_up, which a person closes; the number is refused until then", async () => {
    const disk: Disk = new Map();
    const { outbox, tried, alarms, clock } = anOutbox(disk, () => lost);
    const item = anItem({ lastAttempt: undefined });
    await outbox.accept(item);
    outbox.begin(item.id);
    await later(23 * HOUR);
    clock.micros = 23 * HOUR * 1000;
    expect(alarms).toEqual([]);
    clock.micros = 24 * HOUR * 1000;
    await later(10 * MINUTE);
    expect(alarms).toMatchObject([{ id: item.id, cause: "gave-up" }]);
    const attempts = tried.length;
    await later(24 * HOUR);
    expect(tried).toHaveLength(attempts);
    expect(outbox.counts()).toEqual([{ upstream: "ocs", tenant: 101, pending: 0, alarms: 1, oldest: 0 }]);
    expect(outbox.stateOf(item.id)).toMatchObject({ state: "unknown" });
    const again = anOutbox(disk, () => ok);
    again.outbox.start();
    await later(MINUTE);
    expect(again.tried).toEqual([]);
    expect(again.outbox.pendingFor(ALPHA, { ...nobody, phone: "+1 (415) 555-0100" })).toBeUndefined();
    expect(again.outbox.pendingFor(ALPHA, { ...nobody, phone: "415 555 0100" })).toBe("phone");
    // By the id of the request, or of its last attempt, which the list of open Do-Not-Calls shows.
    expect(again.outbox.close("another")).toBe(false);
    expect(again.outbox.close(disk.get(item.id)!.lastAttempt!)).toBe(true);
    expect(again.outbox.close(item.id)).toBe(false);
    expect(again.outbox.pendingFor(ALPHA, { ...nobody, phone: "4155550100" })).toBeUndefined();
    expect(JSON.stringify([...disk.values()])).not.toContain("4155550100");
  });

  it("is not given up for a clock that shows a wrong time, as long as OCS answers", async () => {
    const { outbox, alarms, clock } = anOutbox(new Map(), () => ok);
    const item = anItem();
    await outbox.accept(item);
    clock.micros = 10 * 365 * 24 * HOUR * 1000;
    outbox.begin(item.id);
    await later();
    expect(alarms).toEqual([]);
    expect(outbox.stateOf(item.id)).toMatchObject({ state: "answered" });
  });

  it("shares one attempt with others of its tenant in an outage; all are sent when OCS is back", async () => {
    let isUp = false;
    const { outbox, tried } = anOutbox(new Map(), () => (isUp ? ok : down), { most: () => 1000 });
    const items = Array.from({ length: 500 }, () => anItem());
    for (const item of items) {
      await outbox.accept(item);
      outbox.begin(item.id);
    }
    await later(HOUR);
    expect(tried.length).toBeLessThan(30);
    isUp = true;
    await later(8 * MINUTE);
    expect(outbox.counts()).toEqual([]);
    expect(new Set(tried)).toEqual(new Set(items.map(({ id }) => id)));
  });

  it("does not hold up the others of its tenant when OCS fails on it alone", async () => {
    const poison = anItem({ path: "/phones/4155550199?req=DoNotCall" });
    const { outbox, tried } = anOutbox(new Map(), ({ id }) => (id === poison.id ? broken : ok));
    const others = [anItem(), anItem(), anItem()];
    for (const item of [poison, ...others]) await outbox.accept(item);
    for (const item of [poison, ...others]) outbox.begin(item.id);
    await later(10_000);
    expect(others.map(({ id }) => outbox.stateOf(id)!.state)).toEqual(["answered", "answered", "answered"]);
    expect(tried.filter((id) => id === poison.id)).not.toHaveLength(0);
  });

  it("of one tenant does not wait for those of another", async () => {
    const { outbox } = anOutbox(new Map(), ({ tenant }) => (tenant === 101 ? down : ok));
    const [alpha, beta] = [anItem(), anItem({ tenant: 102 })];
    await outbox.accept(alpha);
    outbox.begin(alpha.id);
    await outbox.accept(beta);
    outbox.begin(beta.id);
    await later();
    expect([alpha, beta].map(({ id }) => outbox.stateOf(id)!.state)).toEqual(["queued", "answered"]);
  });

  it("is not accepted if the disk cannot store it, and then refuses no record", async () => {
    const store = memoryStore(new Map(), { put: () => Promise.reject(new Error("no space is left on the disk")) });
    const { outbox, tried } = anOutbox(new Map(), () => ok, { store });
    const item = anItem();
    await expect(outbox.accept(item)).rejects.toThrow("no space");
    outbox.begin(item.id);
    await later(MINUTE);
    expect(tried).toEqual([]);
    expect(outbox.stateOf(item.id)).toBeUndefined();
    expect(outbox.pendingFor(ALPHA, { ...nobody, phone: "4155550100" })).toBeUndefined();
    expect(outbox.hasRoom(ALPHA)).toBe(true);
  });

  it("counts against the tenant's limit until it is answered or closed; other tenants have their own", async () => {
    let result: AttemptResult = down;
    const { outbox } = anOutbox(new Map(), () => result, { most: () => 2 });
    const items = [anItem(), anItem()];
    for (const item of items) await outbox.accept(item);
    expect(outbox.hasRoom(ALPHA)).toBe(false);
    expect(outbox.hasRoom({ ...ALPHA, tenant: 102 })).toBe(true);
    expect(outbox.hasRoom({ ...ALPHA, upstream: "other" })).toBe(true);
    result = resultOfAnswer(400, false);
    outbox.begin(items[0]!.id);
    await later();
    expect(outbox.hasRoom(ALPHA)).toBe(false);
    outbox.close(items[0]!.id);
    expect(outbox.hasRoom(ALPHA)).toBe(true);
  });

  it("is kept for a day after its end, so that its client can ask about it", async () => {
    const disk: Disk = new Map();
    const { outbox, clock } = anOutbox(disk, () => ok);
    const item = anItem();
    await outbox.accept(item);
    outbox.begin(item.id);
    await later();
    clock.micros = 23 * HOUR * 1000;
    outbox.sweep();
    expect(outbox.stateOf(item.id)).toBeDefined();
    clock.micros = 24 * HOUR * 1000;
    outbox.sweep();
    expect([outbox.stateOf(item.id), disk.size]).toEqual([undefined, 0]);
  });
});

describe("a pending Do-Not-Call", () => {
  const announced = { phone: REDACTOR.token("phone", "4155550100"), customer_id: REDACTOR.token("customer_id", "C-1") };
  it.each<[string, Partial<OutboxItem>, { phone?: string; customer?: string }, string | undefined]>([
    ["a phone number", {}, { phone: "4155550100" }, "phone"],
    ["a phone number in another form", {}, { phone: "(415) 555-0100" }, "phone"],
    ["another phone number", {}, { phone: "4155550101" }, undefined],
    ["a customer id with the same digits", {}, { customer: "4155550100" }, undefined],
    ["a customer id", { path: "/customer_ids/C-1?req=DoNotCall" }, { customer: "C-1" }, "customer"],
    ["a phone number beside the customer id", {}, { phone: "1", customer: "4155550100" }, undefined],
    [
      "the phone number of a record that OCS announced",
      { path: "/records/15?req=DoNotCall", record: { epoch: 1, announced } },
      { phone: "415-555-0100" },
      "phone",
    ],
    [
      "the customer id of a record that OCS announced",
      { path: "/records/15?req=DoNotCall", record: { epoch: 1, announced } },
      { phone: "4155550199", customer: "C-1" },
      "customer",
    ],
    [
      "the phone number beside a record handle",
      { path: "/records/15?req=DoNotCall", body: '{"GSW_PHONE":"4155550100"}' },
      { phone: "4155550100" },
      "phone",
    ],
    ["an e-mail address", { path: "/phones/John%40example.com?req=DoNotCall" }, { phone: "john@example.com" }, "phone"],
  ])("is found by %s", async (_by, over, { phone, customer }, found) => {
    const { outbox } = anOutbox(new Map(), () => down);
    await outbox.accept(anItem(over));
    const person = { phone, customer };
    expect(outbox.pendingFor(ALPHA, person)).toBe(found);
    expect(outbox.pendingFor({ ...ALPHA, tenant: 102 }, person)).toBeUndefined();
    expect(outbox.pendingFor({ ...ALPHA, upstream: "other" }, person)).toBeUndefined();
  });

  it("stays pending until the last one for the number has ended", async () => {
    let result: AttemptResult = ok;
    const { outbox } = anOutbox(new Map(), () => result);
    const [one, other] = [anItem(), anItem()];
    await outbox.accept(one);
    await outbox.accept(other);
    outbox.begin(one.id);
    await later();
    expect(outbox.pendingFor(ALPHA, { ...nobody, phone: "4155550100" })).toBe("phone");
    result = resultOfAnswer(200, false);
    outbox.begin(other.id);
    await later();
    expect(outbox.pendingFor(ALPHA, { ...nobody, phone: "4155550100" })).toBeUndefined();
  });
});
