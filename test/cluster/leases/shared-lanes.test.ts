/** Lanes of two gateways through PostgreSQL and real switchboards, to an OCS that counts its connections. */
import { afterEach, expect, it, vi } from "vitest";
import { LaneLeases, type LaneLeasesOptions } from "../../../src/cluster/leases/lanes/lane-leases.ts";
import { laneStore } from "../../../src/cluster/leases/lanes/lane-store.ts";
import { Switchboard } from "../../../src/upstream/switchboard.ts";
import { describeWithPostgres, testSchema } from "../../kit/postgres.ts";
import { OK, rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** An OCS that takes some milliseconds for each request, and counts those of each tenant and its connections. */
const countingOcs = async (ms: number) => {
  const served = new Map<string, number>();
  const ocs: RawOcs = await rawOcs(({ head, connection: { socket } }) => {
    const tenant = /tenant=(\w+)/.exec(head)?.[1] ?? "";
    served.set(tenant, (served.get(tenant) ?? 0) + 1);
    setTimeout(() => socket.write(OK), ms);
  });
  ends.push(() => ocs.close());
  return { ocs, served, open: () => ocs.connections.filter(({ socket }) => !socket.destroyed).length };
};

const gateway = (url: string, options: LaneLeasesOptions, total = 8) => {
  const leases = new LaneLeases(options);
  const switchboard: Switchboard = new Switchboard({
    name: "ocs",
    primary: { origin: url, tls: {}, connectTimeout: 1000 },
    connections: 0,
    onePerTenant: true,
    answerTimeout: 5000,
    queue: { max: 1000, maxBytes: 1e6, maxWait: 20_000 },
    userAgent: "ocs-gateway/test",
    shareOf: (tenant) => (tenant === "double" ? 2 : 1),
    beforeAssign: leases.check,
    onClosed: () => leases.remove("ocs", switchboard),
  });
  leases.add("ocs", { total, grace: 7000 }, switchboard);
  ends.push(async () => {
    await switchboard.close();
    await leases.close();
  });
  return { leases, switchboard };
};

const send = (switchboard: Switchboard, tenant: string) =>
  switchboard.send({ tenant, method: "POST", path: `/phones/1?tenant=${tenant}`, body: "", urgent: false });

/** Each client asks again when it has its answer, until `isOver`. */
const ask = async (switchboard: Switchboard, tenant: string, clients: number, isOver: () => boolean): Promise<void> => {
  const client = async (): Promise<void> => {
    while (!isOver()) await send(switchboard, tenant);
  };
  await Promise.all(Array.from({ length: clients }, client));
};

describeWithPostgres("lanes of two gateways in PostgreSQL", async () => {
  const { open } = await testSchema();
  const database = open();
  const store = laneStore(database);
  const options = (node: string): LaneLeasesOptions => ({ store, node, instance: crypto.randomUUID() });
  afterEach(() => database.query({ text: "DELETE FROM lane_lease" }));

  it("write a row only over the version that was read", async () => {
    expect(await store.replace("other", "0", [])).toBe(true);
    expect(await Promise.all([store.replace("other", "1", []), store.replace("other", "1", [])])).toEqual(
      expect.arrayContaining([true, false]),
    );
    expect((await store.read(["other"])).leases).toEqual(new Map([["other", { version: "2", holders: [] }]]));
    expect(await store.replace("other", "0", [])).toBe(false);
  });

  it("serve each tenant by its share over both, on no more connections than all may have", async () => {
    const { ocs, served, open: connections } = await countingOcs(5);
    const [a, b] = [gateway(ocs.url, options("a")), gateway(ocs.url, options("b"))];
    await a.leases.renew();
    await b.leases.renew();
    let isOver = false;
    const asking = [a, b].flatMap(({ switchboard }) =>
      ["double", "one", "other"].map((tenant) => ask(switchboard, tenant, 12, () => isOver)),
    );
    let most = 0;
    const watching = setInterval(() => (most = Math.max(most, connections())), 1);
    for (let turn = 0; turn < 4; turn++) for (const { leases } of [a, b]) await leases.renew();
    await vi.waitFor(() => expect([a, b].map(({ leases }) => leases.limitOf("ocs"))).toEqual([4, 4]));
    const before = new Map(served);
    const requests = (): number[] => ["double", "one", "other"].map((of) => served.get(of)! - (before.get(of) ?? 0));
    const all = (): number => requests().reduce((sum, each) => sum + each, 0);
    await vi.waitFor(() => expect(all()).toBeGreaterThan(1500), { timeout: 20_000, interval: 10 });
    isOver = true;
    const shares = requests().map((each) => each / all());
    await Promise.all(asking);
    clearInterval(watching);
    expect(most).toBeLessThanOrEqual(8);
    for (const [at, share] of [0.5, 0.25, 0.25].entries()) expect(Math.abs(shares[at]! / share - 1)).toBeLessThan(0.1);
  });
});
