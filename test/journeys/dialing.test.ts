/**
 * OCS dials, the gateway hears of each record before its call, and clients end them: through switchovers, restarts and
 * a kill of the gateway.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startGateway } from "../../src/app/start.ts";
import type { Dialed } from "../../src/sandbox/dialer/dialer.ts";
import { startSandboxOcs, type SandboxOcs } from "../../src/sandbox/start.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { post } from "../kit/announcing.ts";
import { root } from "../kit/command.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { NOON } from "../sandbox/support.ts";
import { receiver, type Receiver } from "../sandbox/dialer/posted.ts";

type Tenant = "alpha" | "beta";
const BY_DBID: Readonly<Record<number, Tenant>> = { 101: "alpha", 102: "beta" };
const DBID = { alpha: 101, beta: 102 } as const;
const other = (tenant: Tenant): Tenant => (tenant === "alpha" ? "beta" : "alpha");

let ocs: SandboxOcs;
let gateway: TestGateway;
/** Where clients reach it now: a restart changes the port. */
let url: string;
const ends: (() => Promise<unknown>)[] = [];

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

const begin = async (callbacks: object = {}): Promise<void> => {
  // Where the machine has it, each of the pair announces from an address of its own.
  ocs = await startSandboxOcs({
    now: () => NOON + 6 * 3_600_000,
    ...(process.platform === "linux" && { backupHost: "127.0.0.2" }),
  });
  ocs.world.db.run("UPDATE campaign_group SET status = 5, dial_mode = 2 WHERE dbid = 208");
  const config = twoTenants(ocs.primary.http);
  config.upstreams["ocs"] = {
    primary: ocs.primary.http,
    backup: ocs.backup.http,
    callbacks: { bind: `127.0.0.1:${await freePort()}`, allow_from: ["127.0.0.0/8"], ...callbacks },
  };
  for (const tenant of config.tenants as { records: string }[]) tenant.records = "pre-dial";
  gateway = await aGateway(config);
  url = gateway.url;
  ocs.dialer.configure({ recordBase: gateway.url, validationUri: gateway.gateway.callbacks["ocs"]! });
};
beforeEach(() => begin());
afterEach(async () => {
  await ocs.close();
  for (const end of ends.splice(0)) await end();
  await gateway.stop();
});

const finish = async (tenant: Tenant, handle: number, action = "RecordProcessed"): Promise<string> => {
  const { status, headers } = await post(url, {
    path: `/records/${handle}?req=${action}`,
    body: JSON.stringify({ CUSTOMER_STATUS: DBID[tenant] }),
    headers: { Authorization: basic(tenant), "Content-Type": "application/json" },
  });
  return [status, headers["ocsgw-code"]].filter((part) => part !== undefined).join(" ");
};
const GONE = "410 OCSGW-2106";
const UNCLEAR = "503 OCSGW-5103";

type Call = { readonly tenant: Tenant; readonly handle: number };
const callsOf = ({ retrieved }: Dialed): Call[] =>
  retrieved.map(({ tenant, handle }) => ({ tenant: BY_DBID[tenant.dbid]!, handle }));
const dial = async (count: number): Promise<Call[]> => {
  const calls = callsOf(await ocs.dialer.dial({ count }));
  expect(calls).toHaveLength(count);
  return calls;
};
const handlesAt = async (instance: "primary" | "backup"): Promise<number[]> =>
  ((await (await fetch(`${ocs.control}/requests`)).json()) as { instance: string; target: string }[])
    .filter((seen) => seen.instance === instance)
    .map(({ target }) => Number(/records\/(\d+)/.exec(target)?.[1]));
/** Records that somebody ended for the wrong tenant: each request leaves its sender's DBID in its record. */
const wronged = (): unknown[] =>
  ocs.world.db.all(
    "SELECT record_id FROM record JOIN calling_list ON calling_list.dbid = list_dbid WHERE customer_status IN (101, " +
      "102) AND customer_status <> tenant_dbid",
  );

describe("a record that OCS dials", () => {
  it("is its tenant's from the announcement on, and nobody's when it is done", async () => {
    for (const { tenant, handle } of await dial(10)) {
      expect(await finish(other(tenant), handle)).toBe(GONE);
      expect(await finish(tenant, handle)).toBe("200");
      expect(await finish(tenant, handle)).toBe(GONE);
    }
    expect(wronged()).toEqual([]);
  });

  it("is over when OCS reports the end of its call, whoever ended it", async () => {
    ocs.dialer.configure({ historyUri: gateway.gateway.callbacks["ocs"]! });
    const {
      retrieved: [call],
    } = await ocs.dialer.dial({ count: 1 });
    const answer = await fetch(`${ocs.primary.http}/phones/${call!.record.contact_info}?req=RequestRecordCancel`, {
      method: "POST",
      body: `{"GSW_TENANT_DBID":${call!.tenant.dbid}}`,
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(200);
    const before = (await handlesAt("primary")).length;
    let outcome = "";
    for (let left = 100; left > 0 && outcome !== GONE; left--)
      outcome = await finish(BY_DBID[call!.tenant.dbid]!, call!.handle, "UpdateCallCompletionStats");
    expect(outcome).toBe(GONE);
    // Until the report had come OCS was asked, and once it had said 410 not again; without any question when the report
    // was first.
    expect((await handlesAt("primary")).length).toBeLessThanOrEqual(before + 1);
  });
});

describe("a switchover in the middle", () => {
  it("voids every old handle: none reaches the other OCS, whose own announcements count at once", async () => {
    const old = await dial(40);
    expect(ocs.switchover()).toBe("backup");
    const fresh = await dial(50);
    expect(fresh.map(({ handle }) => handle)).toEqual(fresh.map((_, index) => index + 1));
    for (const { tenant, handle } of old)
      expect([await finish(tenant, handle), await finish(other(tenant), handle)]).toEqual([GONE, GONE]);
    expect((await handlesAt("backup")).filter((handle) => handle >= 1000)).toEqual([]);
    for (const { tenant, handle } of fresh) {
      expect(await finish(other(tenant), handle)).toBe(GONE);
      expect(await finish(tenant, handle)).toBe("200");
    }
    expect(await handlesAt("backup")).toHaveLength(fresh.length);
    expect(wronged()).toEqual([]);
  });

  it("with dialing and clients going on: nobody ever ends another tenant's record", { timeout: 60_000 }, async () => {
    const answers = new Map<string, number>();
    const under = new Set<Promise<void>>();
    const work = async ({ tenant, handle }: Call, late: number): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, late));
      // Both try: who is not meant gets 410 before as after.
      for (const who of [other(tenant), tenant]) {
        const outcome = `${who === tenant ? "own" : "foreign"} ${await finish(who, handle)}`;
        answers.set(outcome, (answers.get(outcome) ?? 0) + 1);
      }
    };
    const stop = ocs.dialer.log.follow(({ type, tenant, data }) => {
      if (type !== "record.dialed") return;
      const { udata } = JSON.parse(data) as { udata: { GSW_RECORD_HANDLE: number } };
      const working = work(
        { tenant: BY_DBID[tenant]!, handle: udata.GSW_RECORD_HANDLE },
        (udata.GSW_RECORD_HANDLE * 37) % 150,
      ).finally(() => under.delete(working));
      under.add(working);
    });
    ocs.dialer.configure({ rate: 40 });
    const done = (): number => answers.get("own 200") ?? 0;
    const untilDone = async (count: number): Promise<void> => {
      for (let left = 1000; left > 0 && done() < count; left--) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(done()).toBeGreaterThanOrEqual(count);
    };
    for (let round = 1; round <= 4; round++) {
      await untilDone(round * 3);
      ocs.switchover();
    }
    await untilDone(15);
    ocs.dialer.configure({ rate: 0 });
    stop();
    while (under.size > 0) await Promise.all(under);
    expect(wronged()).toEqual([]);
    // A foreign one may meet its own tenant's record of the same number, given out since by the other OCS.
    expect(
      [...answers.keys()].filter(
        (outcome) => !/^own (200|410|50[234])|^foreign (200|410 OCSGW-2106|50[234])/.test(outcome),
      ),
    ).toEqual([]);
  });
});

describe("the gateway", () => {
  const again = async (): Promise<void> => {
    const loaded = await loadSettings(join(gateway.dir, "ocsgw.yaml"), {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const next = await startGateway({
      settings: loaded.settings,
      configHash: loaded.hash,
      files: loaded.files,
      file: join(gateway.dir, "ocsgw.yaml"),
      adminToken: "token",
    });
    url = next.listeners[0]!.url;
    ends.push(() => next.stop("test"));
  };

  it("restarted in the middle of dialing loses no live handle, and dialing goes on", async () => {
    const before = await dial(30);
    for (const { tenant, handle } of before.slice(0, 10)) expect(await finish(tenant, handle)).toBe("200");
    await gateway.gateway.stop("restart");
    const { retrieved, held } = await ocs.dialer.dial({ count: 1 });
    expect([retrieved, held]).toEqual([[], expect.any(String)]);
    await again();
    for (const { tenant, handle } of before.slice(10)) {
      expect(await finish(other(tenant), handle)).toBe(GONE);
      expect(await finish(tenant, handle)).toBe(UNCLEAR);
    }
    // OCS goes on where it was: that confirms what it announced before.
    const [next] = await dial(1);
    expect(await finish(next!.tenant, next!.handle)).toBe("200");
    for (const { tenant, handle } of before.slice(10)) {
      expect(await finish(other(tenant), handle)).toBe(GONE);
      expect(await finish(tenant, handle)).toBe("200");
    }
    for (const { tenant, handle } of before.slice(0, 10)) expect(await finish(tenant, handle)).toBe(GONE);
    for (const { tenant, handle } of await dial(10)) expect(await finish(tenant, handle)).toBe("200");
    expect(wronged()).toEqual([]);
  });
});

describe("the gateway, killed", () => {
  let validator: Receiver;
  const processes: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of processes.splice(0)) child.kill("SIGKILL");
    await validator.close();
  });

  /** `ocsgw run` on the config of the gateway that was stopped; its clients' port is a fixed one. */
  const run = async (): Promise<ChildProcess> => {
    const child = spawn(
      process.execPath,
      [join(root, "src/cli/main.ts"), "run", "-c", join(gateway.dir, "ocsgw.yaml")],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    processes.push(child);
    let said = "";
    child.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString()));
    for (let left = 500; left > 0; left--) {
      const listening = /"listener":"clients","address":"([^"]+)"/.exec(said)?.[1];
      if (listening !== undefined && said.includes('"listener":"callbacks')) {
        url = listening;
        return child;
      }
      if (child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the gateway did not come up: ${said}`);
  };

  it(
    "between announcement and answer: OCS takes the record back, and its handle is never another tenant's",
    { timeout: 60_000 },
    async () => {
      validator = await receiver();
      await ocs.close();
      await gateway.gateway.stop("begin again with a validator");
      await gateway.stop();
      await begin({ validator: validator.url });
      await ocs.dialer.announce();
      await gateway.gateway.stop("go on in a process of its own");
      const first = await run();
      const arrived = new Promise<number>((resolve) => {
        validator.answer = ({ body }) => (resolve(Number(body["GSW_RECORD_HANDLE"])), "nothing");
      });
      const dialing = ocs.dialer.dial({ count: 1 });
      const handle = await arrived;
      first.kill("SIGKILL");
      expect(await dialing).toMatchObject({ retrieved: [], held: expect.any(String) as string });
      validator.answer = () => ({ status: 200 });
      await run();
      // What it had written of the record stands for its tenant alone, unconfirmed; OCS knows the handle no more.
      expect(await finish("beta", handle)).toBe(GONE);
      expect(await finish("alpha", handle)).toBe(UNCLEAR);
      const [call] = await dial(1);
      expect(await finish("alpha", handle)).toMatch(/^410/);
      expect(call!.handle).not.toBe(handle);
      expect(await finish(call!.tenant, call!.handle)).toBe("200");
      expect(wronged()).toEqual([]);
    },
  );
});
