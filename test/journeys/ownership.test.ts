import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { announce, betaRecord, post, record } from "../kit/announcing.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawClient } from "../kit/raw-client.ts";
import { OK, rawOcs } from "../kit/raw-ocs.ts";
import { RecordingOcs, statusOf } from "../kit/recording-ocs.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const preDial = async (
  primary: string,
  over: Readonly<Record<string, unknown>> = {},
): Promise<TestGateway & { readonly callbacks: string }> => {
  const config = twoTenants(primary);
  Object.assign(config.upstreams["ocs"] as object, {
    callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] },
    ...over,
  });
  for (const tenant of config.tenants as { records: string }[]) tenant.records = "pre-dial";
  const gateway = await aGateway(config);
  closing.push(() => gateway.stop());
  return { ...gateway, callbacks: gateway.gateway.callbacks["ocs"]! };
};

/** A marker that the recording OCS answers with 200. */
const marked = (name: string): string => {
  for (let salt = 0; ; salt++) if (statusOf(`${name} ${salt}`) === 200) return `${name} ${salt}`;
};

type Reply = { readonly status: number; readonly code: string | undefined; readonly body: string };

const ask = async (url: string, client: string, handle: number, marker: string): Promise<Reply> => {
  const { status, headers, body } = await post(url, {
    path: `/records/${handle}?req=RecordReject`,
    body: JSON.stringify({ MARK: marker }),
    headers: { Authorization: basic(client), "Content-Type": "application/json" },
  });
  return { status, code: headers["ocsgw-code"] as string | undefined, body };
};

const WAITING = 40;
const HANDLES = 120;

describe("a switchover in the middle", () => {
  it(
    "leaves old handles 2106, also of those that wait; none reaches the backup; the new announcements work at once",
    { timeout: 120_000 },
    async () => {
      const ocs = await RecordingOcs.start("ocs", () => 0.5);
      closing.push(() => ocs.close());
      const { url, callbacks } = await preDial(ocs.url("primary"), {
        backup: ocs.url("backup"),
        queue: { max_wait: "10s" },
      });
      for (let handle = 1; handle <= HANDLES; handle++) await announce(callbacks, record(handle));
      expect((await ask(url, "alpha", HANDLES, marked("before"))).status).toBe(200);
      await ocs.bothDown();
      const waiting = Array.from({ length: WAITING }, (_, at) => ask(url, "alpha", at + 1, marked(`waiting ${at}`)));
      await new Promise((resolve) => setTimeout(resolve, 300));
      await ocs.backUp();
      await ocs.switchOver();
      const late = await Promise.all(waiting);
      // One that was sent as the connection ended is in doubt; all others are void.
      expect(late.filter(({ code }) => code !== "OCSGW-2106" && code !== "OCSGW-4102")).toEqual([]);
      await untilVoid(async () => (await ask(url, "alpha", HANDLES - 1, marked("probe"))).code);
      for (let handle = WAITING + 1; handle < HANDLES - 1; handle++)
        expect((await ask(url, "alpha", handle, marked(`old ${handle}`))).code).toBe("OCSGW-2106");
      await announce(callbacks, betaRecord(1));
      await announce(callbacks, record(2));
      expect((await ask(url, "beta", 1, marked("new 1"))).status).toBe(200);
      expect((await ask(url, "alpha", 2, marked("new 2"))).status).toBe(200);
      expect((await ask(url, "alpha", 1, marked("foreign"))).code).toBe("OCSGW-2106");
      expect(ocs.ledger.filter(({ endpoint }) => endpoint === ocs.url("backup")).map(({ marker }) => marker)).toEqual([
        marked("new 1"),
        marked("new 2"),
      ]);
    },
  );
});

describe("a reload of an upstream in the second in which OCS restarts", () => {
  it.each([0, 5, 15, 60, 200])(
    "sends no request on a handle of before: OCS restarts %i ms after the reload begins",
    async (ms) => {
      const ocs = await rawOcs();
      closing.push(() => ocs.close());
      const { url, callbacks, dir, gateway } = await preDial(ocs.url);
      await announce(callbacks, record(7));
      await announce(callbacks, record(8));
      expect((await ask(url, "alpha", 7, "before")).status).toBe(200);
      const requests = ocs.requests();
      const restart = (): void => ocs.connections.forEach(({ socket }) => socket.end());
      const text = await readFile(join(dir, "ocsgw.yaml"), "utf8");
      await writeFile(
        join(dir, "ocsgw.yaml"),
        text.replace("    aliases:", "    timeouts: { connect: 3s }\n    aliases:"),
      );
      const reload = gateway.reload();
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
      restart();
      expect((await reload).outcome).toBe("reloaded");
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await ask(url, "alpha", 8, "after")).toMatchObject({ status: 503, code: "OCSGW-5103" });
      expect(ocs.requests()).toBe(requests);
      // OCS's next words tell: the same record is announced again.
      await announce(callbacks, record(8));
      expect((await ask(url, "alpha", 8, "after")).status).toBe(200);
    },
  );

  it("keeps handles when OCS did not restart", async () => {
    const ocs = await rawOcs();
    closing.push(() => ocs.close());
    const { url, callbacks, dir, gateway } = await preDial(ocs.url);
    await announce(callbacks, record(8));
    const text = await readFile(join(dir, "ocsgw.yaml"), "utf8");
    await writeFile(
      join(dir, "ocsgw.yaml"),
      text.replace("    aliases:", "    timeouts: { connect: 3s }\n    aliases:"),
    );
    expect((await gateway.reload()).outcome).toBe("reloaded");
    expect((await ask(url, "alpha", 8, "after")).status).toBe(200);
  });
});

/** Asks for an old handle until its answer is 2106: from then on the gateway has gone over. */
const untilVoid = async (probe: () => Promise<string | undefined>): Promise<void> => {
  for (let round = 0; round < 100; round++) {
    if ((await probe()) === "OCSGW-2106") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the gateway has not gone over");
};

/** All of them where there is time. */
const SWEPT = process.env["CI"] ? 100_000 : 20_000;
const LIVE = 1000;
const CONNECTIONS = 8;
const AT_ONCE = 8;

describe("one tenant that tries every handle while another one works", () => {
  it(
    "reaches OCS with none, is told of by an alarm, is slowed, and the other one notices nothing",
    { timeout: 240_000 },
    async () => {
      const reached: string[] = [];
      const ocs = await rawOcs(
        ({ head }) => (reached.push(`${/\r\nUser-Agent/i.test(head) ? "" : "?"}${head.split(" ")[1]!}`), OK),
      );
      closing.push(() => ocs.close());
      const { url, port, callbacks, journal } = await preDial(ocs.url);
      const live = Array.from({ length: LIVE }, (_, at) => 50 + at * 97);
      await inTurns(live, 16, async (handle) =>
        expect((await announce(callbacks, betaRecord(handle))).status).toBe(200),
      );
      const began = Date.now();
      const swept = sweep(port, SWEPT);
      const worked = inTurns(live, 4, async (handle) => (await ask(url, "beta", handle, "x")).status);
      const [codes, statuses] = await Promise.all([swept, worked]);
      expect(statuses).toEqual(Array.from({ length: LIVE }, () => 200));
      expect([...codes.keys()].sort()).toEqual(["OCSGW-2106", "OCSGW-2108"]);
      expect([...codes.values()].reduce((sum, count) => sum + count, 0)).toBe(SWEPT);
      expect(reached.length).toBe(LIVE);
      expect(new Set(reached)).toEqual(new Set(live.map((handle) => `/records/${handle}?req=RecordReject`)));
      const alarms = (await journal()).filter((entry) => entry.kind === "alarm");
      expect(alarms[0]).toMatchObject({
        reason: "a tenant requests record handles that do not belong to it",
        tenant: { dbid: 101 },
        upstream: "ocs",
      });
      expect(Date.parse(alarms[0]!.time) - began).toBeLessThan(5000);
      expect(alarms.filter((entry) => entry.kind === "alarm" && entry.tenant?.dbid === 102)).toEqual([]);
    },
  );
});

/**
 * As Alpha, as fast as it goes: so many requests ahead on each of some connections. Counts the codes of the answers.
 */
const sweep = async (port: number, handles: number): Promise<Map<string, number>> => {
  const codes = new Map<string, number>();
  let next = 1;
  const work = async (): Promise<void> => {
    const client = await rawClient(port);
    while (next <= handles) {
      const batch = Array.from({ length: Math.min(AT_ONCE, handles - next + 1) }, () => next++);
      await client.send(
        batch
          .map(
            (handle) =>
              `POST /records/${handle}?req=RecordReject HTTP/1.1\r\nHost: localhost\r\nAuthorization: ` +
              `${basic("alpha")}\r\nContent-Length: 2\r\n\r\n{}`,
          )
          .join(""),
      );
      for (const _ of batch) {
        const { headers } = await client.reply();
        const code = headers["ocsgw-code"] ?? "none";
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }
    client.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return codes;
};

const inTurns = async <Item, Result>(
  items: readonly Item[],
  atOnce: number,
  each: (item: Item) => Promise<Result>,
): Promise<Result[]> => {
  const results: Result[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < items.length) {
        const at = next++;
        results[at] = await each(items[at]!);
      }
    }),
  );
  return results;
};
