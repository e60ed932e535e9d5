import { request } from "undici";
import { describe, expect, it } from "vitest";
import { createAlarms } from "../../../src/app/wiring/alarms.ts";
import { upstreamEventHandler } from "../../../src/app/wiring/upstreams.ts";
import { Counts } from "../../../src/admin/counters.ts";
import type { Journal } from "../../../src/journal/journal.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import type { Settings } from "../../../src/settings/schema/schema.ts";
import { aGateway, basic, twoTenants } from "../../kit/gateway.ts";
import { OK, rawOcs } from "../../kit/raw-ocs.ts";

const teller = () => {
  const entries: Entry[] = [];
  const journal = { note: (entry: Entry) => void entries.push(entry) } as unknown as Journal;
  const counts = new Counts();
  const settings = {
    tenants: [
      { name: "Another at another OCS", dbid: 101, upstream: "ocs-two" },
      { name: "101", dbid: 102, upstream: "ocs-main" },
      { name: "Alpha Tenant", dbid: 101, upstream: "ocs-main" },
    ],
  } as unknown as Settings;
  return {
    entries,
    counts,
    tell: upstreamEventHandler({ journal, counts, alarms: createAlarms(journal, counts), current: () => settings }),
  };
};

describe("an event of an upstream", () => {
  it("about an answer that may belong to another request is an alarm with lane and tenant, each time", () => {
    const { entries, counts, tell } = teller();
    const suspicion = {
      kind: "suspicion",
      upstream: "ocs-main",
      lane: "ocs-main/3",
      tenant: "101",
      what: "OCS sent an answer while nothing was asked",
    } as const;
    tell(suspicion);
    tell(suspicion);
    const entry = {
      kind: "alarm",
      reason: "OCS sent an answer while nothing was asked",
      upstream: "ocs-main",
      tenant: { dbid: 101, name: "Alpha Tenant" },
      detail: "lane ocs-main/3",
    };
    expect(entries).toEqual([entry, entry]);
    expect(counts.alarms.get("ocs-main")).toBe(2);
    tell({ ...suspicion, tenant: undefined });
    expect(entries).toHaveLength(3);
    expect(entries[2]).not.toHaveProperty("tenant");
  });

  it("about a takeover is a switchover in journal and metric; about a reconnect to the same OCS it is neither", () => {
    const { entries, counts, tell } = teller();
    tell({
      kind: "switchover",
      upstream: "ocs-main",
      from: "http://ocs1",
      to: "http://ocs2",
      epoch: 2,
      reason: "all connections to OCS have ended",
    });
    tell({
      kind: "reconnected",
      upstream: "ocs-main",
      endpoint: "http://ocs2",
      reason: "all connections to OCS have ended",
    });
    expect(entries).toEqual([
      {
        kind: "switchover",
        upstream: "ocs-main",
        from: "http://ocs1",
        to: "http://ocs2",
        epoch: 2,
        reason: "all connections to OCS have ended",
      },
    ]);
    expect([...counts.switchovers]).toEqual([["ocs-main", 1]]);
  });
});

describe("an answer that may belong to another request", () => {
  it("is journaled as answered and suspected after the alarm; the next answer is not", async () => {
    const ocs = await rawOcs(({ count }) => (count === 1 ? "HTTP/1.1 200 OK\r\nContent-length: 2\r\n\r\n{}" : OK));
    const gateway = await aGateway(twoTenants(ocs.url));
    try {
      for (let round = 0; round < 2; round++) {
        const { statusCode, body } = await request(`${gateway.url}/phones/4155550100?req=DoNotCall`, {
          method: "POST",
          headers: { authorization: basic("alpha") },
        });
        await body.dump();
        expect(statusCode).toBe(200);
      }
      const entries = await gateway.journal();
      const [first, second] = entries.filter(({ kind }) => kind === "outcome");
      expect(first).toMatchObject({ delivery: "answered", status: 200, suspected: true });
      expect(second).toMatchObject({ delivery: "answered", status: 200 });
      expect(second).not.toHaveProperty("suspected");
      expect(entries.filter(({ kind }) => kind === "alarm")).toMatchObject([
        { tenant: { dbid: 101, name: "Alpha Tenant" } },
      ]);
    } finally {
      await gateway.stop();
      await ocs.close();
    }
  });
});
