import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { events } from "../../src/common/log/events.ts";
import { ConnectionLimits } from "../../src/edge/connection-limits.ts";
import { listen } from "../../src/edge/listener.ts";
import { aLine } from "../kit/line.ts";
import { rawClient } from "../kit/raw-client.ts";

const stops: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const stop of stops.splice(0).reverse()) await stop();
});

const from = (remoteAddress: string): Socket =>
  Object.assign(new EventEmitter(), { remoteAddress }) as unknown as Socket;

describe("connection limits", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.2", false],
    ["2001:db8::1", "2001:db8::ffff:2", true],
    ["2001:db8:0:1::1", "2001:db8:0:2::1", false],
  ])("count %s and %s as one source: %s", (one, other, same) => {
    const limits = new ConnectionLimits({ max: 10, maxPerSource: 2 });
    const first = from(one);
    expect([limits.admit(first, one), limits.admit(from(one), one)]).toEqual([undefined, undefined]);
    expect(limits.admit(from(other), other)).toBe(same ? "maxPerSource" : undefined);
    first.emit("close");
    expect(limits.admit(from(other), other)).toBeUndefined();
  });

  it("are logged once a second, also while more than one connection a second is closed", async () => {
    const logged = vi.spyOn(events, "connectionLimitReached").mockReturnValue();
    const at = { name: "clients", host: "127.0.0.1", port: 0, tls: undefined, names: [], maxBody: 1024 } as const;
    const limits = { max: 10, maxPerSource: 1 };
    const listener = await listen({ ...at, allowFrom: undefined, limits }, aLine().handler);
    stops.push(() => listener.stop(0));
    stops.push((await rawClient(listener.port)).close);
    const now = vi.spyOn(performance, "now");
    for (const later of [0, 600, 1200, 1800, 2400]) {
      now.mockReturnValue(1e9 + later);
      const client = await rawClient(listener.port);
      stops.push(client.close);
      await client.ended();
    }
    now.mockRestore();
    const line = { listener: "clients", limit: "max_connections_per_source", source: "127.0.0.1" };
    expect(logged.mock.calls).toEqual([[line], [line], [line]]);
  });
});
