import { describe, expect, it } from "vitest";
import { upstreamStates } from "../../../../src/app/wiring/admin/upstream-states.ts";
import { createRedactor } from "../../../../src/journal/redact.ts";
import { readTarget } from "../../../../src/ocs/target.ts";
import type { UpstreamStatus } from "../../../../src/upstream/switchboard.ts";

const redact = createRedactor(
  { phone: "last4", customer_id: "drop", fields: {}, others: "drop" },
  "an index key for tests only, of 32 and more",
);
const tenants = [{ name: "Alpha Tenant", dbid: 101, upstream: "ocs", lists: ["Alpha 4155550100"] }] as never;

const laneWith = (target: string | undefined, tenant = "101") => {
  const status: UpstreamStatus = {
    name: "ocs",
    epoch: 1,
    endpoints: [],
    lanes: [
      {
        name: "ocs/1",
        endpoint: "http://ocs",
        state: "busy",
        tenant,
        operation: target === undefined ? undefined : readTarget("POST", target),
        since: 12,
      },
    ],
    queue: [],
  };
  return upstreamStates([{ switchboard: { status: () => status } }], { tenants } as never, redact.identifier)[0]!
    .lanes[0]!;
};

describe("a lane's request", () => {
  it.each([
    ["/phones/4155550177?req=DoNotCall", "DoNotCall", "phones", "······0177"],
    ["/customer_ids/CUST-884411?req=DoNotCall", "DoNotCall", "customer_ids", null],
    ["/lists/Alpha%204155550100?req=AddRecord", "AddRecord", "lists", "Alpha 4155550100"],
    ["/lists/List%204155550100?req=AddRecord", "AddRecord", "lists", "List ······0100"],
    ["/campaigngroups/208?req=Load", "Load", "campaigngroups", "208"],
  ])("%s has the identifier that the journal would keep", (target, action, resource, identifier) => {
    const { request, ...lane } = laneWith(target);
    expect(request).toEqual({ action, resource, identifier });
    expect(lane).toEqual({
      name: "ocs/1",
      endpoint: "http://ocs",
      state: "busy",
      tenant: "Alpha Tenant",
      dbid: 101,
      since: 12,
    });
  });

  it("is absent on a lane without one", () => {
    expect(laneWith(undefined)).not.toHaveProperty("request");
  });

  it("keeps its tenant's DBID when the tenant was removed from the settings", () => {
    expect(laneWith(undefined, "999")).toMatchObject({ tenant: "999", dbid: 999 });
  });
});
