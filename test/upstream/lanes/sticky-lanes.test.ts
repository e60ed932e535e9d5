/**
 * Four lanes over HTTPS to an OCS on a thread of its own: how many connections requests of many tenants need.
 * `turns.test.ts` has the times, without a machine's noise.
 */
import { afterEach, describe, expect, it } from "vitest";
import { Switchboard, type UpstreamEvent } from "../../../src/upstream/switchboard.ts";
import { pacedOcs, type Counts } from "../../kit/paced-ocs.ts";
import { jain } from "../../bench/statistics.ts";
import { request } from "./contract-play.ts";

const LANES = 4;
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Crowd = { ms: number; tenants: number; clients: number; requests: number; onePerTenant?: boolean };
type Seen = Counts & { perHundred: number; p99: number; served: readonly number[]; alarms: readonly UpstreamEvent[] };

/** Each client asks again as soon as it has its answer. */
const ask = async ({ ms, tenants, clients, requests, onePerTenant = true }: Crowd): Promise<Seen> => {
  const ocs = await pacedOcs(ms);
  const alarms: UpstreamEvent[] = [];
  const switchboard = new Switchboard({
    name: "ocs",
    primary: { origin: ocs.origin, tls: { ca: ocs.ca }, connectTimeout: 20_000 },
    connections: LANES,
    onePerTenant,
    answerTimeout: 20_000,
    queue: { max: 1000, maxBytes: 1e8, maxWait: 60_000 },
    userAgent: "t",
    onEvent: (news) => void (news.kind === "suspicion" && alarms.push(news)),
  });
  stops.push(ocs.close, () => switchboard.close());
  const waits: number[] = [];
  const served = Array.from({ length: tenants }, () => 0);
  let asked = 0;
  const client = async (tenant: number): Promise<void> => {
    while (asked++ < requests) {
      const began = performance.now();
      await switchboard.send(request(asked, "POST", String(101 + tenant)));
      waits.push(performance.now() - began);
      served[tenant]!++;
      await new Promise(setImmediate);
    }
  };
  await Promise.all(Array.from({ length: tenants * clients }, (_, index) => client(index % tenants)));
  const counts = await ocs.counts();
  const steady = waits.slice(waits.length / 5).toSorted((one, other) => one - other);
  const p99 = steady[Math.floor(steady.length * 0.99)]!;
  return { ...counts, perHundred: (100 * counts.connections) / counts.requests, p99, served, alarms };
};

describe("four lanes over HTTPS", () => {
  it.each([
    [2, 2, 0],
    [2, 8, 0],
    [2, 64, 0],
    [4, 16, 0],
    [2, 8, 2],
  ])(
    "need 4 connections for 960 requests of %d tenants with %d clients; OCS takes %d ms",
    async (tenants, clients, ms) => {
      const { requests, connections, alarms } = await ask({ ms, tenants, clients, requests: 960 });
      expect({ requests, connections, alarms }).toEqual({ requests: 960, connections: LANES, alarms: [] });
    },
  );

  it.each([
    [8, 32, 0],
    [32, 8, 0],
    [8, 32, 2],
    [32, 8, 2],
  ])(
    "need at most 8 connections for 100 requests of %d tenants with %d clients, all served alike; OCS takes %d ms",
    async (tenants, clients, ms) => {
      const crowd = { ms, tenants, clients, requests: 4000 };
      const without = await ask({ ...crowd, onePerTenant: false });
      const { perHundred, p99, served, alarms } = await ask(crowd);
      const seen =
        `${perHundred.toFixed(1)} connections for 100 requests, p99 ${p99.toFixed(0)} ms, without isolation ` +
        `${without.p99.toFixed(0)} ms`;
      process.stdout.write(`${tenants} tenants of ${clients} clients, OCS takes ${ms} ms: ${seen}\n`);
      expect(without.connections).toBe(LANES);
      expect(alarms).toEqual([]);
      expect(perHundred).toBeLessThanOrEqual(8);
      expect(jain(served)).toBeGreaterThan(0.98);
    },
    60_000,
  );
});
