/** Descriptors are too few for all connections that the listeners would take: clients are refused, and lanes are not. */
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  ADMIN_ROOM,
  CALLBACKS_ROOM,
  descriptorLimit,
  reserveOf,
  shareOut,
  within,
  type Opening,
} from "../../src/settings/descriptors.ts";
import { describeAllowed } from "../kit/machine.ts";
import { aConfigured, basic, twoTenants } from "../kit/gateway.ts";
import { startGateway } from "../kit/gateway-process.ts";
import { rawClient } from "../kit/raw-client.ts";
import { rawOcs } from "../kit/raw-ocs.ts";

const opening = (over: Partial<Opening> = {}): Opening => ({
  listeners: [{ max_connections: 10_000 }],
  upstreams: [{ connections: 4, callbacks: null }],
  hasProbes: false,
  hasAdmin: true,
  ...over,
});

describe("how descriptors are shared out", () => {
  it.each<[string, Opening, number | undefined, number]>([
    ["without a limit", opening(), undefined, 10_000],
    ["with enough", opening(), 11_000, 10_000],
    ["with just enough", opening(), 10_000 + ADMIN_ROOM + reserveOf(opening()), 10_000],
    ["with half of it", opening(), reserveOf(opening()) + (10_000 + ADMIN_ROOM) / 2, 5000],
    [
      "with many lanes",
      opening({ upstreams: [{ connections: 256, callbacks: null }] }),
      1024,
      Math.floor((10_000 * (1024 - 128 - 512 - 8)) / (10_000 + ADMIN_ROOM)),
    ],
    ["with nothing left", opening({ upstreams: [{ connections: 256, callbacks: null }] }), 256, 1],
  ])("%s the listener takes so many connections", (_what, given, limit, connections) => {
    expect(within(10_000, shareOut(given, limit))).toBe(connections);
  });

  it("leaves to lanes and files what they need, however many listeners there are", () => {
    for (const limit of [1024, 2048, 4096, 20_000]) {
      const given = opening({
        listeners: [10_000, 300, 1_000_000].map((max_connections) => ({ max_connections })),
        upstreams: [4, 64].map((connections) => ({ connections, callbacks: {} as never })),
      });
      const share = shareOut(
        {
          ...given,
          upstreams: given.upstreams.map((each) => ({ ...each, callbacks: { validator: "http://v" } as never })),
        },
        limit,
      );
      const rooms = [
        ...given.listeners.map(({ max_connections: max }) => max),
        CALLBACKS_ROOM,
        CALLBACKS_ROOM,
        ADMIN_ROOM,
      ];
      const taken = rooms.reduce((sum, max) => sum + within(max, share), 0);
      // Each takes one at the least.
      expect(taken + share.reserve).toBeLessThanOrEqual(limit + rooms.length);
    }
  });
});

const LIMIT = 400;
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

describeAllowed(
  process.platform === "linux",
  "a limit that is read from /proc",
  "a gateway with few descriptors",
  () => {
    it("keeps lanes, files and the admin listener going while its clients take all connections that there are", async () => {
      const ocs = await rawOcs();
      stops.push(() => ocs.close());
      const config = { ...twoTenants(ocs.url), admin: { bind: "127.0.0.1:0" } };
      Object.assign(config.upstreams["ocs"] as object, { connections: 16 });
      const dir = await aConfigured(config, ["alpha", "beta"]);
      stops.push(() => rm(dir, { recursive: true, force: true }));
      const gateway = await startGateway(join(dir, "ocsgw.yaml"), {
        by: ["bash", "-c", `ulimit -n ${LIMIT}; exec "$@"`, "limited"],
      });
      stops.push(() => gateway.end("SIGTERM"));
      const used = (): number => readdirSync(`/proc/${gateway.pid}/fd`).length;
      expect(used(), "what an idle gateway has open is within what is kept for it").toBeLessThan(100);
      expect(gateway.log()).toMatch(
        /this process may open 400 files and connections.*lanes and files need 168: this listener will take 227 connections, not 10000/,
      );
      const first = await rawClient(gateway.port);
      stops.push(first.close);
      const crowd: Socket[] = [];
      stops.push(() => crowd.forEach((socket) => socket.destroy()));
      let closed = 0;
      for (let at = 0; at < LIMIT; at++) {
        await new Promise<void>((resolve) => {
          const socket = connect({ port: gateway.port, host: "127.0.0.1" }, () => resolve())
            .on("error", () => resolve())
            .on("close", () => closed++);
          crowd.push(socket);
        });
      }
      await expect.poll(() => closed).toBe(LIMIT - 226);
      // No lane was connected before: each of them needs a descriptor now.
      const ask = `POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${basic("alpha")}\r\nContent-Length: 0\r\n\r\n`;
      await first.send(ask);
      expect((await first.reply()).status).toBe(200);
      // Nor is one kept that had to be connected again.
      ocs.connections.forEach(({ socket }) => socket.destroy());
      await first.send(ask);
      expect((await first.reply()).status).toBe(200);
      const admin = /"listener":"admin","address":"([^"]+)"/.exec(gateway.log())![1]!;
      expect((await fetch(`${admin}/healthz`)).status).toBe(200);
      expect(used()).toBeLessThan(LIMIT);
      expect(gateway.log()).not.toMatch(/EMFILE/);
    }, 60_000);

    it("reads its own limit", () => {
      expect(descriptorLimit()).toBeGreaterThan(0);
    });
  },
);
