/** After a request was sent: is its handle the same record's still? Only then may the same request be sent again. */
import { afterEach, describe, expect, it } from "vitest";
import {
  Ownership,
  type Announcement,
  type LeaseResponse,
  type HandleLease,
} from "../../../src/ownership/ownership.ts";
import type { RecordsMode } from "../../../src/tenancy/registry.ts";
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

const make = (): Ownership => {
  const ownership = new Ownership({ staleAfter: () => 1_800_000, onEvent: () => undefined });
  open.push(ownership);
  ownership.onActive("ocs", { endpoint: "http://one", how: "start" });
  return ownership;
};

const leaseIn = (answer: LeaseResponse): HandleLease => {
  if ("lease" in answer) return answer.lease;
  throw new Error(JSON.stringify(answer));
};
const tenant = (records: RecordsMode) => aTenant({ records });

type Change = (ownership: Ownership) => Promise<unknown> | void;
const nothing: Change = () => undefined;
const takeover: Change = (ownership) => ownership.onActive("ocs", { endpoint: "http://two", how: "takeover" });
const reconnect: Change = (ownership) => ownership.onActive("ocs", { endpoint: "http://one", how: "reconnected" });
const undecided: Change = (ownership) => ownership.onLost("ocs");
const callEnds: Change = (ownership) => ownership.end("ocs", 15, "call-ended");
const again: Change = (ownership) => ownership.announce(row(15, 101, "second"));
const sameAgain: Change = (ownership) => ownership.announce(row(15, 101, "first"));
const another: Change = (ownership) => ownership.announce(row(15, 102, "other"));
const finished: Change = (ownership) =>
  leaseIn(ownership.requestLease(tenant("unscoped"), "15", true)).release(200, "other");

describe("the handle of a request without an answer", () => {
  it.each<[what: string, isOwned: boolean, ...Change[]]>([
    ["nothing has happened since", true, nothing],
    ["OCS repeats its announcement", true, sameAgain],
    ["OCS announces another attempt for the same tenant", false, again],
    ["OCS announces it for another tenant", false, another],
    ["the call has ended", false, callEnds],
    ["the call has ended, and the number belongs to the same tenant's next record", false, callEnds, again],
    ["every connection was lost", false, reconnect],
    ["which OCS is the primary is undecided", false, undecided],
    ["the other OCS has taken over", false, takeover],
    ["the other OCS has taken over, and announces the same number for the same tenant", false, takeover, again],
  ])("counts as owned when %s: %s", async (_what, isOwned, ...changes) => {
    const ownership = make();
    await ownership.announce(row(15, 101, "first"));
    const lease = leaseIn(ownership.requestLease(tenant("pre-dial"), "15", true));
    expect(lease.withdrawn(true)).toBeUndefined();
    for (const change of changes) await change(ownership);
    expect(lease.isOwned()).toBe(isOwned);
    lease.release(undefined);
    expect(lease.isOwned()).toBe(isOwned);
  });

  it.each<[records: RecordsMode, what: string, isOwned: boolean, ...Change[]]>([
    ["dedicated", "nothing has happened since", true, nothing],
    ["unscoped", "nothing has happened since", true, nothing],
    ["unscoped", "another request has finished it", false, finished],
    ["unscoped", "OCS announces it for another tenant", false, another],
    ["dedicated", "every connection was lost", false, reconnect],
    ["dedicated", "which OCS is the primary is undecided", false, undecided],
    ["dedicated", "the other OCS has taken over", false, takeover],
  ])("counts as owned under %s when %s: %s", async (records, _what, isOwned, ...changes) => {
    const ownership = make();
    const lease = leaseIn(ownership.requestLease(tenant(records), "15", false));
    expect(lease.withdrawn(true)).toBeUndefined();
    // While it is in flight OCS is kept from giving the handle to another tenant.
    lease.release(undefined);
    for (const change of changes) await change(ownership);
    expect(lease.isOwned()).toBe(isOwned);
  });
});
