import { afterEach, describe, expect, it } from "vitest";
import { Ownership, type Announcement, type HandleLease, type PersonTokens } from "../../../src/tenants/ownership.ts";
import { aTenant } from "../../kit/line.ts";

const open: Ownership[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

const make = (): Ownership => {
  const ownership = new Ownership({ staleAfter: () => 1_800_000, tell: () => undefined });
  open.push(ownership);
  ownership.settle("ocs", { endpoint: "http://one", how: "start" });
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
  const answer = ownership.ask(alpha, "15", true);
  if ("lease" in answer) return answer.lease;
  throw new Error(JSON.stringify(answer));
};

type Step = (ownership: Ownership) => Promise<unknown> | void;
const announced =
  (over: Partial<Announcement> = {}): Step =>
  (ownership) =>
    ownership.announce(row(15, over));
const registered: Step = (ownership) => ownership.register("ocs", 15, 101, [101]);
const takeover: Step = (ownership) => ownership.settle("ocs", { endpoint: "http://two", how: "takeover" });
const ended: Step = (ownership) => ownership.end("ocs", 15, "call-ended");

describe("the person with whom OCS announced a record", () => {
  it.each<[what: string, of: PersonTokens | undefined, ...steps: Step[]]>([
    ["as announced", ONE, announced()],
    ["of the phone alone", { phone: "t1:one" }, announced({ customer: null })],
    [
      "of another attempt",
      { phone: "t1:two" },
      announced(),
      announced({ attempt: "second", phone: "t1:two", customer: null }),
    ],
    [
      "nobody, when a later attempt names nobody",
      undefined,
      announced(),
      announced({ attempt: "second", phone: null, customer: null }),
    ],
    [
      "as before, when a copy of the announcement names nobody",
      ONE,
      announced(),
      announced({ phone: null, customer: null }),
    ],
    ["as before, when a registrar names the tenant too", ONE, announced(), registered],
    ["nobody, when a registrar alone names the tenant", undefined, registered],
    ["nobody of the life of OCS before", undefined, announced(), takeover, registered],
    ["nobody of a record that has ended", undefined, announced(), ended, registered],
  ])("is that of a request: %s", async (_, of, ...steps) => {
    const ownership = make();
    for (const step of steps) await step(ownership);
    const lease = leaseOf(ownership);
    expect(lease.record?.announced).toEqual(of);
    lease.settle(undefined);
  });

  it.each<[what: string, ...steps: Step[]]>([
    ["while it is the tenant's", announced()],
    ["when it has ended", announced(), ended],
    ["when OCS's life has ended", announced(), takeover],
  ])("is known for a refusal to that tenant and to no other: %s", async (_, ...steps) => {
    const ownership = make();
    for (const step of steps) await step(ownership);
    expect([ownership.announcedFor([alpha], "15"), ownership.announcedFor([beta], "15")]).toEqual([ONE, undefined]);
    expect(ownership.announcedFor([beta, alpha], "15")).toEqual(ONE);
  });

  it("is not known where OCS contradicts itself", async () => {
    const ownership = make();
    await ownership.announce(row(15));
    await ownership.announce(row(15, { tenant: 102 }));
    expect([ownership.announcedFor([alpha], "15"), ownership.announcedFor([beta], "15")]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each<[what: string, withdrawn: string | undefined, over: Partial<Announcement>]>([
    ["the same one", undefined, {}],
    ["another one", "unclear", { phone: "t1:two" }],
    ["nobody", "unclear", { phone: null, customer: null }],
    ["one under the next key, which cannot be compared", undefined, { phone: "t2:one", customer: "t2:person" }],
  ])("keeps a request from being sent for somebody else: announced again for %s", async (_, withdrawn, over) => {
    const ownership = make();
    await ownership.announce(row(15));
    const lease = leaseOf(ownership);
    await ownership.announce(row(15, { attempt: "second", ...over }));
    expect(lease.withdrawn()).toBe(withdrawn);
    if (withdrawn) expect(lease.reason()).toMatch(/^announced-again: OCS announced the handle for another phone/);
    lease.settle(undefined);
  });
});
