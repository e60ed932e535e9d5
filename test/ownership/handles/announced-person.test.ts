import { afterEach, describe, expect, it } from "vitest";
import { Ownership, type Announcement, type HandleLease } from "../../../src/ownership/ownership.ts";
import type { PersonTokens } from "../../../src/ownership/handles/lease-decision.ts";
import { aTenant } from "../../kit/line.ts";

const open: Ownership[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

const make = (): Ownership => {
  const ownership = new Ownership({ staleAfter: () => 1_800_000, onEvent: () => undefined });
  open.push(ownership);
  ownership.onActive("ocs", { endpoint: "http://one", how: "start" });
  return ownership;
};

const alpha = aTenant({ records: "pre-dial" });
const beta = aTenant({ records: "pre-dial", dbid: 102, name: "Beta Tenant" });

const row = (handle: number, over: Partial<Announcement> = {}): Announcement => ({
  upstream: "ocs",
  handle,
  tenant: 101,
  campaign: null,
  group: null,
  list: null,
  phone: "t1:one",
  customer: "t1:person",
  attempt: "first",
  ...over,
});
const ONE: PersonTokens = { phone: "t1:one", customer_id: "t1:person" };

const leaseOf = (ownership: Ownership): HandleLease => {
  const answer = ownership.requestLease(alpha, "15", true);
  if ("lease" in answer) return answer.lease;
  throw new Error(JSON.stringify(answer));
};

type Step = (ownership: Ownership) => Promise<unknown> | void;
const announced =
  (over: Partial<Announcement> = {}): Step =>
  (ownership) =>
    ownership.announce(row(15, over));
const registered: Step = (ownership) => ownership.register("ocs", 15, 101, [101]);
const takeover: Step = (ownership) => ownership.onActive("ocs", { endpoint: "http://two", how: "takeover" });
const ended: Step = (ownership) => ownership.end("ocs", 15, "call-ended");

describe("the person that OCS announced with a record", () => {
  it.each<[what: string, of: PersonTokens | undefined, ...steps: Step[]]>([
    ["as announced", ONE, announced()],
    ["of the phone only", { phone: "t1:one" }, announced({ customer: null })],
    [
      "of another attempt",
      { phone: "t1:two" },
      announced(),
      announced({ attempt: "second", phone: "t1:two", customer: null }),
    ],
    [
      "no person, if a later attempt names none",
      undefined,
      announced(),
      announced({ attempt: "second", phone: null, customer: null }),
    ],
    [
      "unchanged, if a copy of the announcement names none",
      ONE,
      announced(),
      announced({ phone: null, customer: null }),
    ],
    ["as before, when a registrar names the tenant too", ONE, announced(), registered],
    ["no person, if only a registrar names the tenant", undefined, registered],
    ["no person of the previous life of OCS", undefined, announced(), takeover, registered],
    ["no person of a record that has ended", undefined, announced(), ended, registered],
  ])("is the person of a request: %s", async (_, of, ...steps) => {
    const ownership = make();
    for (const step of steps) await step(ownership);
    const lease = leaseOf(ownership);
    expect(lease.record?.announced).toEqual(of);
    lease.release(undefined);
  });

  it.each<[what: string, ...steps: Step[]]>([
    ["while it belongs to the tenant", announced()],
    ["when it has ended", announced(), ended],
    ["when OCS's life has ended", announced(), takeover],
  ])("is in a refusal's entry for that tenant and for no other: %s", async (_, ...steps) => {
    const ownership = make();
    for (const step of steps) await step(ownership);
    expect([ownership.announcedFor([alpha], "15"), ownership.announcedFor([beta], "15")]).toEqual([ONE, undefined]);
    expect(ownership.announcedFor([beta, alpha], "15")).toEqual(ONE);
  });

  it("is unknown if OCS contradicts itself", async () => {
    const ownership = make();
    await ownership.announce(row(15));
    await ownership.announce(row(15, { tenant: 102 }));
    expect([ownership.announcedFor([alpha], "15"), ownership.announcedFor([beta], "15")]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each<[what: string, withdrawn: string | undefined, over: Partial<Announcement>]>([
    ["the same person", undefined, {}],
    ["another one", "unclear", { phone: "t1:two" }],
    ["no person", "unclear", { phone: null, customer: null }],
    ["tokens of another index key, which cannot be compared", undefined, { phone: "t2:one", customer: "t2:person" }],
  ])("withdraws a request when the handle is announced for another person: %s", async (_, withdrawn, over) => {
    const ownership = make();
    await ownership.announce(row(15));
    const lease = leaseOf(ownership);
    await ownership.announce(row(15, { attempt: "second", ...over }));
    expect(lease.withdrawn()).toBe(withdrawn);
    if (withdrawn) expect(lease.reason()).toMatch(/^announced-again: OCS announced the handle for another phone/);
    lease.release(undefined);
  });
});
