/** No request waits for long beside a free lane, and no tenant is kept out by an estimate of its wait. */
import { afterEach, describe, expect, it } from "vitest";
import type { UpstreamError, Request } from "../../../src/upstream/types.ts";
import { Switchboard, type UpstreamOptions } from "../../../src/upstream/switchboard.ts";
import { OK, rawOcs } from "../../kit/raw-ocs.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const request = (tenant: string, path = "/x"): Request => ({ tenant, method: "POST", path, body: "{}", urgent: false });

/** An OCS that takes `ms` for an answer, and as long as `/SLOW` says for that. */
const boardTo = async (ms: number, options: Partial<UpstreamOptions>): Promise<Switchboard> => {
  const ocs = await rawOcs(
    ({ head, connection }) =>
      void setTimeout(() => connection.socket.write(OK), Number(/^POST \/(\d+)/.exec(head)?.[1] ?? ms)),
  );
  const switchboard = new Switchboard({
    name: "ocs",
    primary: { origin: ocs.url, tls: {}, connectTimeout: 5000 },
    connections: 2,
    onePerTenant: true,
    answerTimeout: 20_000,
    queue: { max: 1000, maxBytes: 1e8, maxWait: 5000 },
    userAgent: "t",
    ...options,
  });
  stops.push(ocs.close, () => switchboard.close());
  return switchboard;
};

const waitOf = async (answer: Promise<{ readonly waits: { readonly queue: number } }>): Promise<number> =>
  (await answer).waits.queue;

describe("a request whose tenant's own lane is busy for long", () => {
  it("takes the free lane of a tenant that no longer sends", async () => {
    const switchboard = await boardTo(1, {});
    await switchboard.send(request("B"));
    const slow = switchboard.send(request("A", "/2500"));
    await rest(50);
    await switchboard.send(request("B"));
    expect(await waitOf(switchboard.send(request("A")))).toBeLessThan(1500);
    await slow;
  });

  it("takes the free lane of a tenant that sends occasionally", async () => {
    const switchboard = await boardTo(1, {});
    await switchboard.send(request("B"));
    const slow = switchboard.send(request("A", "/2500"));
    let isOver = false;
    const polling = (async () => {
      for (; !isOver; await rest(300)) await switchboard.send(request("B"));
    })();
    await rest(100);
    expect(await waitOf(switchboard.send(request("A")))).toBeLessThan(1500);
    isOver = true;
    await Promise.all([slow, polling]);
  });
});

describe("a tenant beside a flood", () => {
  const rows = [
    ["tenant", 0.001],
    ["tenant", 0.01],
    ["none", 0.001],
  ] as const;
  it.each(rows)(
    "is served sometimes and otherwise gets Retry-After, with any small share (lane_isolation: %s, share %d)",
    async (isolation, share) => {
      const switchboard = await boardTo(20, {
        connections: 1,
        onePerTenant: isolation === "tenant",
        shareOf: (tenant) => (tenant === "small" ? share : 1),
      });
      let isOver = false;
      const flood = Array.from({ length: 20 }, async () => {
        while (!isOver) await switchboard.send(request("flood"));
      });
      await rest(500);
      let served = 0;
      const refused: UpstreamError[] = [];
      for (const until = performance.now() + 1200; performance.now() < until; await rest(100)) {
        await switchboard.send(request("small")).then(
          () => served++,
          (reason: UpstreamError) => refused.push(reason),
        );
      }
      isOver = true;
      await Promise.all(flood);
      expect(served).toBeGreaterThan(0);
      for (const { reason, retryAfter } of refused)
        expect([reason, retryAfter! >= 1 && retryAfter! <= 60]).toEqual(["queue-full", true]);
    },
  );
});
