/** The pages about the present, read from a running gateway. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import type { Now, Tenant } from "../../../../src/admin/api/now-schema.ts";
import { Now as NowSchema, Tenant as TenantSchema, Upstreams } from "../../../../src/admin/api/now-schema.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../../kit/gateway.ts";
import { OK, rawOcs, type RawConnection } from "../../../kit/raw-ocs.ts";

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const PHONE = "4155550177";

/** An OCS with one lane that answers when it is asked to. */
const started = async () => {
  const held: RawConnection[] = [];
  let holds = true;
  const ocs = await rawOcs(({ connection }) => (holds ? void held.push(connection) : OK));
  stops.push(() => ocs.close());
  const config = { ...twoTenants(ocs.url), admin: { bind: "127.0.0.1:0" } };
  Object.assign(config.upstreams.ocs as object, { connections: 1 });
  (config.tenants[0] as Record<string, unknown>).limits = { urgent: { rate: "100/m" } };
  const gateway: TestGateway = await aGateway(config);
  stops.push(() => gateway.stop());
  const call = async (as: string): Promise<number> => {
    const { statusCode, body } = await request(`${gateway.url}/phones/${PHONE}?req=DoNotCall`, {
      method: "POST",
      headers: { Authorization: basic(as) },
    });
    await body.dump();
    return statusCode;
  };
  const read = async (path: string): Promise<unknown> => {
    const headers = { Authorization: "Bearer token" };
    const { body } = await request(`${gateway.gateway.admin!}${path}`, { headers });
    const text = await body.text();
    expect(text).not.toContain(PHONE);
    return JSON.parse(text);
  };
  const release = (): void => {
    holds = false;
    for (const { socket } of held.splice(0)) socket.write(OK);
  };
  const reload = async (): Promise<void> => {
    (config.tenants[1] as Record<string, unknown>).share = 3;
    await writeFile(join(gateway.dir, "ocsgw.yaml"), stringify(config, { aliasDuplicateObjects: false }));
    expect((await gateway.gateway.reload()).outcome).toBe("reloaded");
  };
  return { held, call, read, release, reload };
};

describe("a running gateway", () => {
  it("shows the request on a lane, masked, the tenant that waits for it, and later what became of them", async () => {
    const { held, call, read, release } = await started();
    const first = call("alpha");
    await vi.waitUntil(() => held.length === 1);
    const second = call("beta");
    const now = await vi.waitUntil(async () => {
      const state = NowSchema.parse(await read("/api/now"));
      return state.upstreams[0]!.waiting.length > 0 && state;
    });
    expect(now.upstreams[0]!.lanes).toMatchObject([
      {
        name: "ocs/1",
        state: "busy",
        tenant: { dbid: 101, name: "Alpha Tenant" },
        request: { action: "DoNotCall", resource: "phones", identifier: expect.not.stringContaining(PHONE) as string },
      },
    ]);
    expect(now.upstreams[0]!.waiting).toMatchObject([{ tenant: { dbid: 102, name: "Beta Tenant" }, waiting: 1 }]);
    release();
    expect(await Promise.all([first, second])).toEqual([200, 200]);
    const alpha = TenantSchema.parse(await read("/api/tenants/101")) satisfies Tenant;
    expect([sum(alpha.series.ok), sum(alpha.series.dnc_asked), sum(alpha.series.dnc_confirmed)]).toEqual([1, 1, 1]);
    expect(alpha.limits).toMatchObject([{ name: "urgent", points: 200, window_s: 120, used: 1 / 200 }]);
    const all = NowSchema.parse(await read("/api/now")) satisfies Now;
    expect([sum(all.series.ok), all.upstreams[0]!.waiting]).toEqual([2, []]);
    expect(all.tenants.map(({ name }) => name)).toEqual(["Alpha Tenant", "Beta Tenant"]);
  });

  it("has a marker of its start and of each change of the config, and the state of its OCS", async () => {
    const { read, reload } = await started();
    await reload();
    const markers = await vi.waitUntil(async () => {
      const { markers } = NowSchema.parse(await read("/api/now"));
      return markers.length === 2 && markers;
    });
    expect(markers.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
      expect.stringMatching(/^start \d+\.\d+\.\d+/),
      expect.stringMatching(/^config reloaded [0-9a-f]{8}$/),
    ]);
    expect(Upstreams.parse(await read("/api/upstreams")).upstreams[0]).toMatchObject({
      name: "ocs",
      up: true,
      connections: 1,
      epoch: 1,
      switchovers: [],
    });
  });

  it("notes the open Do-Not-Calls once they are counted", async () => {
    const { call, read, release, held } = await started();
    const asked = call("alpha");
    await vi.waitUntil(() => held.length === 1);
    const now = await vi.waitUntil(async () => {
      const state = NowSchema.parse(await read("/api/now"));
      return state.dnc_open === 1 && state;
    });
    expect(now.dnc_open).toBe(1);
    release();
    expect(await asked).toBe(200);
    await vi.waitUntil(async () => NowSchema.parse(await read("/api/now")).dnc_open === 0);
  });
});

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
