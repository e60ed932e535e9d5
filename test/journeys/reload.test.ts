import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Recorded } from "../../src/journal/entry.ts";
import { RecordingOcs } from "../kit/recording-ocs.ts";
import {
  aReloadingGateway,
  handshakes,
  mixingClient,
  policy,
  steadyClient,
  type Config,
  type Reloading,
} from "../kit/reloading.ts";

const RELOADS = 250;
const EVERY_BAD = 5;
const EVERY_RENEWAL = 10;

let ocs: RecordingOcs;
let world: Reloading;
afterEach(async () => {
  await world.gateway.stop();
  await ocs.close();
});

/** What nobody may switch to, each for another reason. */
const BAD: readonly ((good: Config) => unknown)[] = [
  (good) => ({ ...good, tenats: [] }),
  (good) => ({
    ...good,
    listeners: [{ ...(good["listeners"] as object[])[0], tls: { cert: "none.crt", key: "none.key" } }],
  }),
  (good) => ({ ...good, audit: { ...(good["audit"] as object), dir: "elsewhere" } }),
  (good) => ({ ...good, identity: { keys: { file: "broken-keys.yaml" } } }),
  (good) => ({ ...good, tenants: [...good.tenants, good.tenants[0]] }),
];

describe("200 good and 50 bad reloads at load", () => {
  it(
    "fail no request, touch no connection to OCS, mix no two generations and break no handshake",
    { timeout: 240_000 },
    async () => {
      ocs = await RecordingOcs.start("ocs", Math.random);
      const variant = (at: number): Config => policy(ocs.url("primary"), at % 2 === 0 ? "grant" : "list");
      world = await aReloadingGateway(variant(0));
      const { gateway, authority, securePort } = world;
      await writeFile(join(gateway.dir, "broken-keys.yaml"), "version: 1\nkeys: [x]\n");
      let over = false;
      const until = (): boolean => over;
      const faults: string[] = [];
      const steady = ["alpha", "alpha", "beta", "beta", "alpha", "beta", "alpha", "beta"].map((as) =>
        steadyClient(gateway.port, as, until, faults),
      );
      const mixing = [mixingClient(gateway.port, until), mixingClient(gateway.port, until)];
      const shaking = handshakes(securePort, authority.certPem, until, faults);
      // Until every lane has its connection, besides the one that looked who is the primary.
      while (ocs.connections < 5) await new Promise((resolve) => setTimeout(resolve, 5));
      const connections = ocs.connections;

      let newest = "";
      const outcomes: string[] = [];
      for (let at = 1; at <= RELOADS; at++) {
        const bad = at % EVERY_BAD === 0;
        const next = variant(at);
        // A limit that nobody reaches, another one each time: no two files are equal.
        Object.assign(next.tenants[1] as object, {
          limits: { requests: { rate: `${500_000 + at}/s`, burst: 500_000 + at } },
        });
        if (at % EVERY_RENEWAL === 1) newest = await world.renew();
        await world.write((bad ? BAD[(at / EVERY_BAD) % BAD.length]!(next) : next) as Config);
        outcomes.push((await gateway.gateway.reload()).outcome);
      }
      over = true;
      const answered = (await Promise.all(steady)).reduce((sum, count) => sum + count, 0);
      const codes = await Promise.all(mixing);
      const { count, serials } = await shaking;

      expect(outcomes.filter((outcome) => outcome === "reloaded")).toHaveLength(RELOADS - RELOADS / EVERY_BAD);
      expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(RELOADS / EVERY_BAD);
      expect(faults).toEqual([]);
      expect(answered).toBeGreaterThan(RELOADS);
      expect(ocs.connections).toBe(connections);
      // Each policy refuses by its own code, both were met, and nothing came through between them.
      for (const each of codes) expect([...each.keys()].toSorted()).toEqual(["OCSGW-2101", "OCSGW-2104"]);
      expect(ocs.ledger.filter(({ marker }) => marker.startsWith("mixer"))).toEqual([]);
      expect(count).toBeGreaterThan(50);
      expect(serials).toContain(new X509Certificate(newest).serialNumber);
      expect(serials.size).toBeGreaterThan(5);
      expectChained(await gateway.journal());
    },
  );
});

/**
 * Every reading that came into force follows the one that was in force, and no request was judged by one that was
 * refused.
 */
const expectChained = (lines: readonly Recorded[]): void => {
  let force = lines.find((line) => line.kind === "start")!.config_hash!;
  const configs = lines.filter((line) => line.kind === "config");
  expect(configs).toHaveLength(RELOADS);
  const inForce = new Set([force]);
  for (const { change, previous_hash: previous, config_hash: hash } of configs) {
    expect(previous).toBe(force);
    if (change === "reloaded") inForce.add((force = hash));
  }
  expect(lines.flatMap((line) => (line.kind === "intent" && !inForce.has(line.config_hash) ? [line.id] : []))).toEqual(
    [],
  );
};
