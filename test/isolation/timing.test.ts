/**
 * Whether the time of an answer tells a foreign handle from an absent one. A normal run takes few samples;
 * OCSGW_TIMING=20000 as many as a proof needs.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { announce } from "../../src/ownership/handles/handle-claims.ts";
import { Handles } from "../../src/ownership/handles/handles.ts";
import { requestLease } from "../../src/ownership/handles/lease.ts";
import { rawClient } from "../kit/raw-client.ts";
import { aWorld, TENANTS, textOf, type World } from "./world.ts";

const SAMPLES = Number(process.env["OCSGW_TIMING"] ?? 0);

/** Welch's t of two samples; the slowest twentieth is left out, which is the machine's. */
const welch = (one: readonly number[], other: readonly number[]): number => {
  const [a, b] = [one, other].map((sample) => {
    const kept = sample.toSorted((x, y) => x - y).slice(0, Math.floor(sample.length * 0.95));
    const mean = kept.reduce((sum, each) => sum + each, 0) / kept.length;
    return { mean, error: kept.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (kept.length - 1) / kept.length };
  });
  return (a!.mean - b!.mean) / Math.sqrt(a!.error + b!.error);
};

describe("foreign and absent handles", () => {
  it("are looked up by the same steps: none is skipped for what is not there", () => {
    // What can be said without a clock: an answer depends on nothing but the asker, and the same number of looks is
    // made for each.
    const handles = new Handles("ocs", { onEnded: () => undefined, onOwnerAdopted: () => undefined });
    announce(handles, { handle: 41, tenant: TENANTS.beta.dbid, now: 0 });
    const looks = (handle: number): number => {
      const get = vi.spyOn(Map.prototype, "get");
      requestLease(handles, { dbid: TENANTS.alpha.dbid, records: "pre-dial" }, handle, true);
      const count = get.mock.calls.length;
      get.mockRestore();
      return count;
    };
    expect(looks(41)).toBeGreaterThan(0);
    expect(looks(41)).toBe(looks(999));
  });
});

if (SAMPLES > 0)
  describe("the clock", () => {
    let world: World;
    beforeAll(async () => {
      world = await aWorld();
    });
    afterAll(async () => {
      await world.close();
    });

    it("foreign and absent cannot be distinguished by time", { timeout: 3_600_000 }, async () => {
      const client = await rawClient(world.gateway.port);
      const times = { foreign: [] as number[], absent: [] as number[] };
      for (let at = 0; at < SAMPLES * 2; at++) {
        const kind = Math.random() < 0.5 ? "foreign" : "absent";
        const handle = kind === "foreign" ? TENANTS.beta.handle : 99;
        const began = performance.now();
        await client.send(textOf({ as: "alpha", target: `/records/${handle}?req=RecordReject`, body: "{}" }));
        await client.reply();
        times[kind].push(performance.now() - began);
      }
      client.close();
      expect(Math.abs(welch(times.foreign, times.absent))).toBeLessThan(4.5);
    });
  });
