import { request, type IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { streamEvents } from "../../../src/sandbox/control/event-stream.ts";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { NOON } from "../support.ts";

const EVENING = NOON + 6 * 3_600_000;

let ocs: SandboxOcs;
const ends: (() => void)[] = [];
beforeEach(async () => {
  ocs = await startSandboxOcs({ now: () => EVENING });
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await ocs.close();
});

type Stream = {
  readonly response: IncomingMessage;
  readonly text: () => string;
  readonly has: (what: string | RegExp) => Promise<string>;
};

const follow = (url: string, headers: Record<string, string> = {}): Promise<Stream> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { headers, agent: false }, (response) => {
      let text = "";
      response
        .setEncoding("utf8")
        .on("data", (chunk: string) => (text += chunk))
        .on("error", () => undefined);
      const has = async (what: string | RegExp): Promise<string> => {
        for (let left = 300; left > 0 && !(typeof what === "string" ? text.includes(what) : what.test(text)); left--)
          await new Promise((wake) => setTimeout(wake, 10));
        expect(text).toMatch(what);
        return text;
      };
      resolve({ response, text: () => text, has });
    }).on("error", reject);
    asked.end();
    ends.push(() => asked.destroy());
  });

const idsIn = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
const bothDial = async (): Promise<void> => {
  ocs.world.db.run("UPDATE campaign_group SET status = 5, dial_mode = 2 WHERE dbid = 208");
  await ocs.dialer.dial({ count: 4 });
};

describe("GET /sandbox/events", () => {
  it("sends events as server-sent events", async () => {
    const stream = await follow(`${ocs.control}/events`);
    expect(stream.response.headers["content-type"]).toBe("text/event-stream");
    await ocs.dialer.dial({ count: 1 });
    const text = await stream.has("id: 1\nevent: record.dialed\ndata: {");
    const data = JSON.parse(/^data: (.*)$/m.exec(text)![1]!) as { udata: Record<string, unknown> };
    expect(data.udata).toMatchObject({ GSW_RECORD_HANDLE: 1000, GSW_RECORD_URI: `${ocs.primary.http}/records/1000` });
  });

  it("begins with new events, or after the event in Last-Event-ID or ?after=", async () => {
    await bothDial();
    const fresh = await follow(`${ocs.control}/events`);
    const again = await follow(`${ocs.control}/events`, { "last-event-id": "2" });
    const after = await follow(`${ocs.control}/events?after=3`);
    await ocs.dialer.dial({ count: 1 });
    expect(idsIn(await fresh.has("id: 5"))).toEqual([5]);
    expect(idsIn(await again.has("id: 5"))).toEqual([3, 4, 5]);
    expect(idsIn(await after.has("id: 5"))).toEqual([4, 5]);
  });

  it.each([
    ["102", 102],
    ["Beta Tenant", 102],
    ["101", 101],
  ])("sends only old and new events of tenant %s with ?tenant=", async (name, dbid) => {
    await bothDial();
    const stream = await follow(`${ocs.control}/events?after=0&tenant=${encodeURIComponent(name)}`);
    await ocs.dialer.dial({ count: 4 });
    const text = await stream.has(/(?:id: [\s\S]*){4}/);
    const tenants = [...text.matchAll(/^data: (.*)$/gm)].map(
      ([, data]) => (JSON.parse(data!) as { tenant: { dbid: number } }).tenant.dbid,
    );
    expect([tenants.length, new Set(tenants)]).toEqual([4, new Set([dbid])]);
  });

  it.each([
    ["tenant=Gamma", 404],
    ["after=x", 400],
    ["since=3", 400],
  ])("refuses ?%s", async (query, status) => {
    expect((await follow(`${ocs.control}/events?${query}`)).response.statusCode).toBe(status);
  });

  it("keeps its event ids over a reset, so that clients miss no later event", async () => {
    await ocs.dialer.dial({ count: 2 });
    const stream = await follow(`${ocs.control}/events`, { "last-event-id": "2" });
    await fetch(`${ocs.control}/reset`, { method: "POST" });
    await ocs.dialer.dial({ count: 1 });
    expect(idsIn(await stream.has("id: 3"))).toEqual([3]);
  });

  it("refuses web pages", async () => {
    expect((await follow(`${ocs.control}/events`, { origin: "http://127.0.0.1:1" })).response.statusCode).toBe(403);
  });

  it("sends a heartbeat", async () => {
    const server = createServer((asked, response) => streamEvents(ocs.world, ocs.dialer.log, asked, response, 5));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const stream = await follow(`http://127.0.0.1:${(server.address() as AddressInfo).port}/sandbox/events`);
    await stream.has(": here\n\n: here\n\n");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
