/**
 * With fewer descriptors than the listeners would accept connections, the gateway refuses clients but keeps lanes open.
 */
import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  MAX_ADMIN_CONNECTIONS,
  MAX_CALLBACKS_CONNECTIONS,
  descriptorLimit,
  reserveOf,
  shareDescriptors,
  connectionsWithin,
  type Opening,
} from "../../../src/settings/file-descriptors.ts";
import { describeAllowed } from "../../kit/machine.ts";
import { aConfigured, basic, twoTenants } from "../../kit/gateway.ts";
import { startGateway } from "../../kit/gateway-process.ts";
import { rawClient } from "../../kit/raw-client.ts";
import { rawOcs } from "../../kit/raw-ocs.ts";
import { patternOf } from "../../kit/pattern.ts";

const opening = (over: Partial<Opening> = {}): Opening => ({
  listeners: [{ max_connections: 10_000 }],
  upstreams: [{ connections: 4, callbacks: null }],
  hasProbes: false,
  hasAdmin: true,
  ...over,
});

describe("the division of file descriptors", () => {
  it.each<[string, Opening, number | undefined, number]>([
    ["without a descriptor limit", opening(), undefined, 10_000],
    ["with enough descriptors", opening(), 11_000, 10_000],
    ["with just enough descriptors", opening(), 10_000 + MAX_ADMIN_CONNECTIONS + reserveOf(opening()), 10_000],
    [
      "with half of the descriptors needed",
      opening(),
      reserveOf(opening()) + (10_000 + MAX_ADMIN_CONNECTIONS) / 2,
      5000,
    ],
    [
      "with many lanes",
      opening({ upstreams: [{ connections: 256, callbacks: null }] }),
      1024,
      Math.floor((10_000 * (1024 - 128 - 512 - 8)) / (10_000 + MAX_ADMIN_CONNECTIONS)),
    ],
    ["with no descriptors left", opening({ upstreams: [{ connections: 256, callbacks: null }] }), 256, 1],
  ])("%s gives the listener its number of connections", (_what, given, limit, connections) => {
    expect(connectionsWithin(10_000, shareDescriptors(given, limit))).toBe(connections);
  });

  it("leaves lanes and files what they need, however many listeners there are", () => {
    for (const limit of [1024, 2048, 4096, 20_000]) {
      const given = opening({
        listeners: [10_000, 300, 1_000_000].map((max_connections) => ({ max_connections })),
        upstreams: [4, 64].map((connections) => ({ connections, callbacks: {} as never })),
      });
      const share = shareDescriptors(
        {
          ...given,
          upstreams: given.upstreams.map((each) => ({ ...each, callbacks: { validator: "http://v" } as never })),
        },
        limit,
      );
      const rooms = [
        ...given.listeners.map(({ max_connections: max }) => max),
        MAX_CALLBACKS_CONNECTIONS,
        MAX_CALLBACKS_CONNECTIONS,
        MAX_ADMIN_CONNECTIONS,
      ];
      const taken = rooms.reduce((sum, max) => sum + connectionsWithin(max, share), 0);
      // Each listener gets at least one.
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
    it("keeps lanes, files and the admin listener working while clients use all connections", async () => {
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
        patternOf(
          /a gateway started here may open 400 files and connections.*/,
          /lanes and files need 168: this listener would accept 227 connections instead of 10000/,
        ),
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
      // No lane was connected before, so each one needs a descriptor now.
      const ask =
        `POST /phones/4155550100?req=DoNotCall HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ` +
        `${basic("alpha")}\r\nContent-Length: 0\r\n\r\n`;
      await first.send(ask);
      expect((await first.reply()).status).toBe(200);
      // A lane that must reconnect gets a descriptor too.
      ocs.connections.forEach(({ socket }) => socket.destroy());
      await first.send(ask);
      expect((await first.reply()).status).toBe(200);
      const admin = /"listener":"admin","address":"([^"]+)"/.exec(gateway.log())![1]!;
      expect((await fetch(`${admin}/healthz`)).status).toBe(200);
      expect(used()).toBeLessThan(LIMIT);
      expect(gateway.log()).not.toMatch(/EMFILE/);
    }, 60_000);

    it("reads the limit of its own process", () => {
      expect(descriptorLimit()).toBeGreaterThan(0);
    });
  },
);
