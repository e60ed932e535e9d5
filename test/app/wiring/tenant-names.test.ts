/**
 * Queues, lanes and shares belong to a DBID: a reload that swaps the names of two tenants gives neither those of the
 * other.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import type { Status } from "../../../src/admin/status.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { OK, rawOcs, type RawConnection, type RawOcs } from "../../kit/raw-ocs.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Config = ReturnType<typeof twoTenants>;

/** Clients keep their DBIDs; each name, and what belongs to it, moves to the other tenant. */
const swapped = (config: Config): Config => {
  const [alpha, beta] = config.tenants as [Record<string, unknown>, Record<string, unknown>];
  [alpha.name, beta.name] = [beta.name, alpha.name];
  return config;
};

const configFor = (ocs: RawOcs, connections: number): Config => {
  const config = { ...twoTenants(ocs.url), admin: { bind: "127.0.0.1:0" } };
  // A reading uses a worker thread and takes seconds on a busy machine.
  Object.assign(config.upstreams.ocs as object, {
    connections,
    queue: { max_wait: "60s" },
    timeouts: { answer: "60s" },
  });
  (config.tenants[0] as Record<string, unknown>).share = 3;
  return config;
};

/** An OCS that answers on request, and records the DBIDs of each connection in order. */
const started = async (connections: number) => {
  const heard: { readonly dbid: number; readonly connection: RawConnection }[] = [];
  const waiting: RawConnection[] = [];
  let holds = true;
  const ocs = await rawOcs(({ body, connection }) => {
    heard.push({ dbid: (JSON.parse(body) as { GSW_TENANT_DBID: number }).GSW_TENANT_DBID, connection });
    return holds ? void waiting.push(connection) : OK;
  });
  stops.push(() => ocs.close());
  const gateway: TestGateway = await aGateway(configFor(ocs, connections));
  stops.push(() => gateway.stop());
  return {
    heard,
    gateway,
    release: (): void => {
      holds = false;
      for (const { socket } of waiting.splice(0)) socket.write(OK);
    },
    call: async (as: string): Promise<number> => {
      const { statusCode, body } = await request(`${gateway.url}/phones/4155550100?req=DoNotCall`, {
        method: "POST",
        headers: { authorization: basic(as) },
      });
      await body.dump();
      return statusCode;
    },
    swap: async (): Promise<void> => {
      await writeFile(
        join(gateway.dir, "ocsgw.yaml"),
        stringify(swapped(configFor(ocs, connections)), { aliasDuplicateObjects: false }),
      );
      expect(await gateway.gateway.reload()).toMatchObject({ outcome: "reloaded" });
    },
    status: async (): Promise<Status["upstreams"][number]> => {
      const { body } = await request(`${gateway.gateway.admin}/api/status`, {
        headers: { authorization: "Bearer token" },
      });
      return ((await body.json()) as Status).upstreams[0]!;
    },
  };
};

describe("a reload that swaps the names of two tenants", () => {
  it("gives neither tenant a connection of the other", async () => {
    const { heard, call, swap, release, status } = await started(1);
    release();
    expect(await call("alpha")).toBe(200);
    expect((await status()).lanes.map(({ tenant }) => tenant)).toEqual(["Alpha Tenant"]);
    await swap();
    expect((await status()).lanes.map(({ tenant }) => tenant)).toEqual(["Beta Tenant"]);
    expect([await call("alpha"), await call("beta"), await call("alpha")]).toEqual([200, 200, 200]);
    expect(heard.map(({ dbid }) => dbid)).toEqual([101, 101, 102, 101]);
    const [first, second, third, fourth] = heard.map(({ connection }) => connection.number);
    expect(second).toBe(first);
    expect(new Set([first, third, fourth]).size).toBe(3);
  });

  it("keeps the queue positions and shares of waiting requests", async () => {
    const { heard, call, swap, release, status } = await started(1);
    const first = call("beta");
    await vi.waitFor(() => expect(heard).toHaveLength(1));
    const waiting = [
      ...Array.from({ length: 80 }, () => call("alpha")),
      ...Array.from({ length: 40 }, () => call("beta")),
    ];
    await vi.waitFor(async () =>
      expect((await status()).queue.map(({ waiting: count }) => count).toSorted((one, other) => one - other)).toEqual([
        40, 80,
      ]),
    );
    await swap();
    expect((await status()).queue.map(({ tenant, waiting: count }) => `${tenant} ${count}`).toSorted()).toEqual([
      "Alpha Tenant 40",
      "Beta Tenant 80",
    ]);
    const after = Array.from({ length: 8 }, () => call("alpha"));
    await vi.waitFor(async () =>
      expect((await status()).queue.find(({ tenant }) => tenant === "Beta Tenant")?.waiting).toBe(88),
    );
    release();
    expect(new Set(await Promise.all([first, ...waiting, ...after]))).toEqual(new Set([200]));
    // While both wait, tenant 101 gets three times as many turns as 102, whatever its name.
    const both = heard.slice(1, 85).map(({ dbid }) => dbid);
    expect(both.filter((dbid) => dbid === 101).length).toBeGreaterThanOrEqual(
      2 * both.filter((dbid) => dbid === 102).length,
    );
  });
});
