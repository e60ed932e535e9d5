import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { announce, betaRecord, post, record } from "../kit/announcing.ts";
import { basic, twoTenants } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { furnish, runGateway, type RunningGateway } from "../kit/running-gateway.ts";

let dir: string;
let ocs: RawOcs;
let gateway: RunningGateway;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-restart-"));
  ocs = await rawOcs();
});
afterEach(async () => {
  await gateway.kill("SIGKILL");
  for (const close of closing.splice(0).reverse()) await close();
  await ocs.close();
  await rm(dir, { recursive: true, force: true });
});

type Over = Readonly<Record<string, unknown>>;

const begin = async (callbacks: Over = {}, primary = ocs.url, upstream: Over = {}): Promise<void> => {
  const config = twoTenants(primary);
  Object.assign(config.upstreams["ocs"] as object, upstream, {
    callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"], ...callbacks },
  });
  for (const tenant of config.tenants as { records: string }[]) tenant.records = "pre-dial";
  await furnish(dir, config, ["alpha", "beta"]);
  await again();
};
const again = async (): Promise<void> => void (gateway = await runGateway(dir, ["clients", "callbacks:ocs"]));

const tell = (handle: number): ReturnType<typeof announce> =>
  announce(gateway.urls.get("callbacks:ocs")!, handle % 2 === 0 ? betaRecord(handle) : record(handle));
const ask = async (client: string, handle: number, action = "UpdateCallCompletionStats"): Promise<number> =>
  (
    await post(gateway.urls.get("clients")!, {
      path: `/records/${handle}?req=${action}`,
      body: "{}",
      headers: { Authorization: basic(client), "Content-Type": "application/json" },
    })
  ).status;
const ownerOf = (handle: number): string => (handle % 2 === 0 ? "beta" : "alpha");
const otherOf = (handle: number): string => (handle % 2 === 0 ? "alpha" : "beta");
const handles = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describe("the gateway restarted in the middle of dialing", () => {
  it("has lost no live handle, and revived none that was finished", { timeout: 120_000 }, async () => {
    await begin();
    for (const handle of handles(40)) expect((await tell(handle)).status).toBe(200);
    for (const handle of handles(10)) expect(await ask(ownerOf(handle), handle, "RecordReject")).toBe(200);
    await gateway.kill("SIGTERM");
    await again();
    // OCS may have been restarted meanwhile: nothing of before is sent until OCS goes on where it was.
    for (const handle of handles(40))
      expect([handle, await ask(ownerOf(handle), handle)]).toEqual([handle, handle <= 10 ? 410 : 503]);
    expect(ocs.bytes().match(/UpdateCallCompletionStats/g)).toBeNull();
    await tell(41);
    for (const handle of handles(40)) {
      expect([handle, await ask(ownerOf(handle), handle)]).toEqual([handle, handle <= 10 ? 410 : 200]);
      expect([handle, await ask(otherOf(handle), handle)]).toEqual([handle, 410]);
    }
  });

  it("uses what it knew without waiting for OCS where restart_grace allows it", { timeout: 120_000 }, async () => {
    await begin({}, ocs.url, { restart_grace: "5m" });
    await tell(1);
    await gateway.kill("SIGTERM");
    await again();
    expect(await ask("alpha", 1)).toBe(200);
  });

  it(
    "sends no request with an old handle to an OCS that was restarted as well, and gives the handle to its new owner",
    { timeout: 120_000 },
    async () => {
      await begin();
      for (const handle of [99, 100]) await tell(handle);
      await gateway.kill("SIGKILL");
      await again();
      expect([await ask("alpha", 99), await ask("beta", 100)]).toEqual([503, 503]);
      // Far below the highest of before, for the first time: another life of OCS.
      await tell(1);
      expect([await ask("alpha", 99), await ask("beta", 100), await ask("alpha", 1)]).toEqual([410, 410, 200]);
      expect(ocs.bytes()).not.toMatch(/records\/(99|100)\?/);
    },
  );

  it("knows no handle of another OCS", { timeout: 120_000 }, async () => {
    await begin();
    await tell(1);
    await gateway.kill("SIGTERM");
    const other = await rawOcs();
    closing.push(() => other.close());
    await begin({}, other.url);
    expect(await ask("alpha", 1)).toBe(410);
    await tell(3);
    expect(await ask("alpha", 3)).toBe(200);
    expect(other.bytes()).not.toMatch(/records\/1\?/);
  });
});

describe("the gateway killed with -9", () => {
  it(
    "between announcement and answer has the record as its tenant's or as nobody's, and takes OCS's repetition",
    { timeout: 120_000 },
    async () => {
      const server = await hangingValidator();
      await begin({
        validator: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
        validator_timeout: "60s",
      });
      const unanswered = handles(20).map((handle) =>
        tell(handle).then(
          (answer) => answer.status,
          () => "no answer",
        ),
      );
      // All have reached the validator, which is asked once they are on disk.
      while (server.asked() < 20) await new Promise((resolve) => setTimeout(resolve, 10));
      await gateway.kill("SIGKILL");
      expect(new Set(await Promise.all(unanswered))).toEqual(new Set(["no answer"]));
      await begin();
      for (const handle of handles(20)) expect(await ask(otherOf(handle), handle)).toBe(410);
      for (const handle of handles(20)) expect((await tell(handle)).status).toBe(200);
      for (const handle of handles(20)) expect(await ask(ownerOf(handle), handle)).toBe(200);
    },
  );

  it(
    "at any moment of a stream of announcements has lost none that was answered, and given none to the wrong tenant",
    { timeout: 120_000 },
    async () => {
      await begin();
      const answered = new Set<number>();
      let next = 1;
      const dial = async (): Promise<void> => {
        for (;;) {
          const handle = next++;
          const answer = await tell(handle).catch(() => undefined);
          if (answer?.status !== 200) return;
          answered.add(handle);
        }
      };
      const dialing = Promise.all(Array.from({ length: 8 }, dial));
      while (answered.size < 150) await new Promise((resolve) => setTimeout(resolve, 5));
      await gateway.kill("SIGKILL");
      await dialing;
      await again();
      // Above all that could be answered: OCS goes on where it was.
      expect((await tell(next)).status).toBe(200);
      for (const handle of handles(next - 1)) {
        const [owner, other] = [await ask(ownerOf(handle), handle), await ask(otherOf(handle), handle)];
        expect([410, 429], `handle ${handle}`).toContain(other);
        if (answered.has(handle)) expect([handle, owner]).toEqual([handle, 200]);
      }
      expect(answered.size).toBeGreaterThanOrEqual(150);
    },
  );
});

const hangingValidator = async (): Promise<Server & { asked: () => number }> => {
  let asked = 0;
  const server = createServer((request) => void request.resume().once("end", () => asked++));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
  return Object.assign(server, { asked: () => asked });
};
