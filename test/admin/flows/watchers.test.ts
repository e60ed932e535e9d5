/** How many streams there may be, and when the gateway ends one: with a feed and a client that the test controls. */
import { setTimeout as after } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { MOST_WATCHERS, Watchers, type FlowsDeps } from "../../../src/admin/flows/watchers.ts";
import type { BodyStream } from "../../../src/common/message.ts";
import type { Portion } from "../../../src/journal/flows/shared-feed.ts";

const TIMES = { tick: 5, heartbeat: 20, slow: 100, linger: 50 };

type Client = BodyStream & { readonly text: () => string; readonly state: () => string };

/** Takes the first `most` bytes, and then nothing. */
const aClient = (most = Infinity): Client => {
  let [text, state] = ["", "open"];
  return {
    write: (bytes) => {
      text += Buffer.from(bytes).toString("latin1");
      return text.length <= most ? Promise.resolve() : new Promise(() => undefined);
    },
    end: () => void (state = "ended"),
    destroy: () => void (state = "destroyed"),
    text: () => text,
    state: () => state,
  };
};

type House = { size: number; failed: string | undefined; lag: number; busy: number; reads: number; broken: boolean };

const aHouse = (bytes = "id: c\nevent: flow\ndata: {}\n\n") => {
  const house: House = { size: 0, failed: undefined, lag: 0, busy: 0, reads: 0, broken: false };
  const closed: number[] = [];
  let number = 0;
  const deps: FlowsDeps = {
    thread: {
      open: () => Promise.resolve({ watcher: ++number, cursor: "begin" }),
      read: (_watcher, { to }): Promise<Portion> => {
        house.reads++;
        if (house.broken) return Promise.reject(new Error("EIO"));
        return Promise.resolve({
          bytes: new TextEncoder().encode(bytes),
          sent: 1,
          passed: 2,
          next: to,
          cursor: `at ${to}`,
        });
      },
      close: (watcher) => void closed.push(watcher),
      end: () => Promise.resolve(),
    },
    journal: {
      size: () => house.size,
      deletedTo: () => 0,
      failed: () => house.failed,
      lag: () => house.lag,
    },
    times: TIMES,
    busy: () => house.busy,
  };
  const watchers = new Watchers(deps);
  const open = async (client: BodyStream, isPacked = false): Promise<AbortController> => {
    const gone = new AbortController();
    const stream = await watchers.reserve()({
      filter: "",
      place: { next: house.size, micros: 0 },
      resumed: false,
      warnings: [],
      isPacked,
      gone: gone.signal,
      source: "192.0.2.1",
    });
    stream!(client);
    return gone;
  };
  return { house, watchers, open, closed };
};

const until = async (fits: () => boolean): Promise<void> => {
  for (let tries = 0; !fits(); tries++) {
    if (tries > 2000) throw new Error("it did not happen");
    await after(5);
  }
};

describe("flow streams", () => {
  it("ask nothing of the journal while it does not grow, and say that they are alive", async () => {
    const { house, open } = aHouse();
    const client = aClient();
    const gone = await open(client);
    house.failed = "the disk is full";
    await until(() => client.text().split("event: heartbeat").length > 3);
    expect(house.reads).toBe(0);
    expect(client.text()).toContain('"journal":"the disk is full"');
    house.size = 1;
    await until(() => client.text().includes("event: flow"));
    await until(() => client.text().includes('"sent":1,"passed":2,"behind":0'));
    expect(client.text()).toMatch(/id: at 1\nevent: heartbeat/);
    gone.abort();
    await until(() => client.state() === "destroyed");
    expect(client.text()).not.toContain("event: end");
  });

  it("look for new entries at the same moments, whenever they were opened", async () => {
    const { house, open } = aHouse();
    const clients = [];
    for (let each = 0; each < 4; each++) {
      clients.push(await open(aClient()));
      await after(3);
    }
    const asked: number[] = [];
    for (let entry = 1; entry <= 20; entry++) {
      const before = house.reads;
      house.size = entry;
      await until(() => house.reads > before);
      await Promise.resolve();
      asked.push(house.reads - before);
    }
    expect(asked).toEqual(asked.map(() => clients.length));
    for (const gone of clients) gone.abort();
  });

  it("are one valid gzip stream for a client that accepts that", async () => {
    const { house, watchers, open } = aHouse();
    const [packed, plain] = [aClient(), aClient()];
    await open(packed, true);
    await open(plain);
    for (const size of [1, 2, 3]) {
      house.size = size;
      await until(() => plain.text().includes(`id: at ${size}\nevent: heartbeat`));
    }
    await watchers.stop();
    const names = (text: string): string[] => Array.from(text.matchAll(/^event: (\w+)$/gm), ([, name]) => name!);
    const unpacked = gunzipSync(Buffer.from(packed.text(), "latin1")).toString();
    expect(names(unpacked).filter((name) => name !== "heartbeat")).toEqual(["begin", "flow", "flow", "flow", "end"]);
    expect(names(plain.text()).filter((name) => name !== "heartbeat")).toEqual([
      "begin",
      "flow",
      "flow",
      "flow",
      "end",
    ]);
  });

  it("drop a client that reads too slowly, with the reason, and do not wait for it", async () => {
    const { house, open, watchers, closed } = aHouse("x".repeat(1000));
    const [slow, quick] = [aClient(500), aClient()];
    await open(slow);
    const gone = await open(quick);
    for (let entry = 0; entry < 20; entry++) {
      house.size++;
      await after(10);
    }
    await until(() => slow.state() === "destroyed");
    expect(slow.text()).toContain('{"reason":"slow","message":"this client reads too slowly"}');
    // One portion in memory, whatever the journal got meanwhile.
    expect(slow.text().length).toBeLessThan(1600);
    expect(quick.text().split("x".repeat(1000)).length).toBeGreaterThan(10);
    expect([watchers.count, closed]).toEqual([1, [1]]);
    gone.abort();
    await until(() => watchers.count === 0);
  });

  it("are limited in number, and a place is free again when a client has gone or its opening failed", async () => {
    const { watchers, open } = aHouse();
    const clients: AbortController[] = [];
    for (let each = 0; each < MOST_WATCHERS - 1; each++) clients.push(await open(aClient()));
    const place = watchers.reserve();
    expect(watchers.refusal()).toEqual({
      error: `${MOST_WATCHERS} flow streams are open already; close one`,
      retryAfter: 10,
    });
    await place(undefined);
    expect(watchers.refusal()).toBeUndefined();
    for (const gone of clients) gone.abort();
    await until(() => watchers.count === 0);
  });

  it.each([
    ["the event loop is busy", { busy: 1 }],
    ["entries wait for the disk", { lag: 5000 }],
  ])("end first when %s for 5 s, and none is accepted for a while", { timeout: 20_000 }, async (_what, change) => {
    const { house, watchers, open } = aHouse();
    const client = aClient();
    await open(client);
    Object.assign(house, change);
    await after(3000);
    Object.assign(house, { busy: 0, lag: 0 });
    await after(1500);
    expect(client.state()).toBe("open");
    Object.assign(house, change);
    await until(() => client.state() === "destroyed");
    expect(client.text()).toContain('"reason":"overload"');
    expect(watchers.refusal()).toMatchObject({ error: expect.stringContaining("overloaded") as string });
    expect(watchers.refusal()!.retryAfter).toBeGreaterThan(25);
  });

  it("end with what the journal has when the gateway stops, and with the reason when it cannot be read", async () => {
    const { house, watchers, open } = aHouse();
    const [broken, client] = [aClient(), aClient()];
    await open(broken);
    house.broken = true;
    house.size = 1;
    await until(() => broken.state() === "destroyed");
    expect(broken.text()).toContain('"reason":"failed"');
    house.broken = false;
    await open(client);
    house.size = 2;
    await watchers.stop();
    expect(client.text()).toMatch(/event: flow[^]*id: at 2\nevent: end\ndata: \{"reason":"stopping"/);
    expect(watchers.refusal()).toMatchObject({ error: "the gateway is stopping" });
  });
});
