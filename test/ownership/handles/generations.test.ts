import { afterEach, describe, expect, it } from "vitest";
import {
  Ownership,
  type Announcement,
  type LeaseResponse,
  type HandleLease,
  type OwnershipEvent,
  type OwnershipOptions,
} from "../../../src/ownership/ownership.ts";
import type { RecordsMode, Tenant } from "../../../src/tenancy/registry.ts";
import { aTenant } from "../../kit/line.ts";

const open: Ownership[] = [];
afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

const row = (handle: number, tenant = 101, attempt: string | null = null): Announcement => ({
  upstream: "ocs",
  handle,
  tenant,
  campaign: null,
  group: null,
  list: null,
  phone: null,
  attempt,
});

const make = (over: Partial<OwnershipOptions> = {}): Ownership & { readonly news: OwnershipEvent[] } => {
  const news: OwnershipEvent[] = [];
  const ownership = new Ownership({ staleAfter: () => 1_800_000, onEvent: (event) => news.push(event), ...over });
  open.push(ownership);
  ownership.onActive("ocs", { endpoint: "http://one", how: "start" });
  return Object.assign(ownership, { news });
};

const alpha = (records: RecordsMode = "pre-dial"): Tenant => aTenant({ records });

const leaseIn = (answer: LeaseResponse): HandleLease => {
  if ("lease" in answer) return answer.lease;
  throw new Error(JSON.stringify(answer));
};

type Change = (ownership: Ownership) => Promise<unknown> | void;
const takeover: Change = (ownership) => ownership.onActive("ocs", { endpoint: "http://two", how: "takeover" });
const reconnect: Change = (ownership) => ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
const callEnds: Change = (ownership) => ownership.end("ocs", 15, "call-ended");
const finished: Change = (ownership) => leaseIn(ownership.requestLease(alpha(), "15", true)).release(200, "earlier");
const lives: Change = (ownership) => ownership.announce(row(20));
const again: Change = (ownership) => ownership.announce(row(15, 101, "second"));

describe("a queued request for a handle", () => {
  it.each<[what: string, withdrawn: string | undefined, ...Change[]]>([
    ["another attempt on the same record", undefined, again],
    ["a loss of connections, and another announcement", undefined, reconnect, again],
    ["a takeover, after which OCS gives the same number to the same tenant", "handle-expired", takeover, again],
    ["a call report, after which OCS gives the same number to the same tenant", "handle-expired", callEnds, again],
    [
      "an earlier request that finished it, after which OCS gives the same number to the same tenant",
      "handle-expired",
      finished,
      again,
    ],
    ["a new life of OCS, in which the number is the same tenant's again", "handle-expired", again, lives],
  ])("is withdrawn after %s as %s", async (_what, withdrawn, ...changes) => {
    const ownership = make();
    await ownership.announce(row(15, 101, "first"));
    await ownership.announce(row(200));
    const waiting = leaseIn(ownership.requestLease(alpha(), "15", true));
    for (const change of changes) await change(ownership);
    expect(waiting.withdrawn(true)).toBe(withdrawn);
    if (withdrawn === "handle-expired") expect(waiting.reason()).toMatch(/^(?:epoch-ended|call-ended|finished): /);
    waiting.release(undefined);
  });

  it.each(["dedicated", "unscoped"] as const)(
    "with %s is not sent to an OCS that took over meanwhile",
    async (records) => {
      const ownership = make();
      const waiting = leaseIn(ownership.requestLease(alpha(records), "15", true));
      await takeover(ownership);
      expect([waiting.withdrawn(true), waiting.reason()]).toEqual(["unclear", expect.stringMatching(/^roles: /)]);
      waiting.release(undefined);
      expect(leaseIn(ownership.requestLease(alpha(records), "15", true)).withdrawn(true)).toBeUndefined();
    },
  );
});

describe("a late copy of the announcement of an ended attempt", () => {
  it.each([
    ["for the same tenant", 101],
    ["for another tenant", 102],
  ])("does not affect a newer attempt: %s", async (_whose, newer) => {
    const ownership = make();
    await ownership.announce(row(15, 101, "first"));
    await ownership.end("ocs", 15, "call-ended", "first");
    await ownership.announce(row(15, newer, "second"));
    expect(await ownership.announce(row(15, 101, "first"))).toBe("finished");
    expect([ownership.ownerOf("ocs", 15), ownership.news]).toEqual([newer, []]);
    await ownership.end("ocs", 15, "call-ended", "second");
    expect(ownership.ownerOf("ocs", 15)).toBeUndefined();
  });
});
