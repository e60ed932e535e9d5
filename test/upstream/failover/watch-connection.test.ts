import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ActiveChange, UpstreamEvent } from "../../../src/upstream/switchboard.ts";
import { Switchboard } from "../../../src/upstream/switchboard.ts";
import { rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Watched = {
  readonly switchboard: Switchboard;
  readonly ocs: RawOcs;
  readonly news: UpstreamEvent[];
  readonly settled: (ActiveChange | undefined)[];
};

const watch = async (): Promise<Watched> => {
  const ocs = await rawOcs();
  closing.push(() => ocs.close());
  const news: UpstreamEvent[] = [];
  const settled: (ActiveChange | undefined)[] = [];
  const switchboard = new Switchboard({
    name: "ocs",
    primary: { origin: ocs.url, tls: {}, connectTimeout: 1000 },
    connections: 2,
    onePerTenant: true,
    answerTimeout: 2000,
    queue: { max: 10, maxBytes: 10_000, maxWait: 2000 },
    userAgent: "test",
    onEvent: (event) => news.push(event),
    onActiveChange: (where) => settled.push(where),
  });
  closing.push(() => switchboard.close());
  await switchboard.begin();
  const watched = { switchboard, ocs, news, settled };
  return watched;
};

const until = async (holds: () => boolean): Promise<void> => {
  for (let round = 0; round < 200 && !holds(); round++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(holds()).toBe(true);
};
const request = {
  tenant: "alpha",
  method: "POST",
  path: "/records/1?req=RecordReject",
  body: "{}",
  urgent: false,
} as const;
const open = ({ ocs }: Watched): number => ocs.connections.filter(({ socket }) => !socket.destroyed).length;

describe("a watch connection", () => {
  it("is one connection without requests, from the first search on", async () => {
    const watched = await watch();
    expect(watched.ocs.bytes()).toBe("");
    expect(watched.settled).toEqual([{ endpoint: watched.ocs.url, how: "start" }]);
  });

  it("notices that OCS restarts while no lane is connected, and reports it as a reconnect", async () => {
    const watched = await watch();
    for (const { socket } of watched.ocs.connections) socket.end();
    await until(() => watched.news.length > 0);
    expect(watched.news).toEqual([
      { kind: "reconnected", upstream: "ocs", endpoint: watched.ocs.url, reason: "all connections to OCS have ended" },
    ]);
    expect(watched.settled).toEqual([
      { endpoint: watched.ocs.url, how: "start" },
      undefined,
      { endpoint: watched.ocs.url, how: "reconnected" },
    ]);
    await until(() => open(watched) === 1);
  });

  it("shows that the end of one lane is not the loss of all connections", async () => {
    const watched = await watch();
    const [watching] = watched.ocs.connections.filter(({ socket }) => !socket.destroyed);
    await watched.switchboard.send(request);
    for (const connection of watched.ocs.connections) if (connection !== watching) connection.socket.end();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(watched.news).toEqual([]);
    expect((await watched.switchboard.send(request)).status).toBe(200);
  });

  it("lost before the last lane is a loss of all connections, but not a change of roles", async () => {
    const ours: Socket[] = [];
    const note = (message: unknown): void => void ours.push((message as { socket: Socket }).socket);
    subscribe("net.client.socket", note);
    closing.push(() => unsubscribe("net.client.socket", note));
    const watched = await watch();
    const [watching] = ours.filter(({ destroyed }) => !destroyed);
    await watched.switchboard.send(request);
    const [lane] = ours.filter((socket) => !socket.destroyed && socket !== watching);
    for (const socket of [watching!, lane!]) {
      socket.destroy(Object.assign(new Error("read ETIMEDOUT"), { code: "ETIMEDOUT" }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await until(() => watched.news.some(({ kind }) => kind === "reconnected"));
    expect([watched.settled.map((each) => each?.how), watched.switchboard.status().epoch]).toEqual([
      ["start", undefined, "reconnected"],
      1,
    ]);
  });

  it("is probed by TCP keep-alive once a second", async () => {
    const delays: (number | undefined)[] = [];
    const setKeepAlive = vi.spyOn(Socket.prototype, "setKeepAlive").mockImplementation(function keep(
      this: Socket,
      _on,
      delay,
    ) {
      delays.push(delay);
      return this;
    });
    closing.push(() => setKeepAlive.mockRestore());
    await watch();
    expect(delays.at(-1)).toBe(1000);
  });

  it("is opened again when only it was lost", async () => {
    const watched = await watch();
    const [watching] = watched.ocs.connections.filter(({ socket }) => !socket.destroyed);
    await watched.switchboard.send(request);
    watching!.socket.end();
    await until(() => open(watched) === 1);
    await until(() => open(watched) === 2);
    expect(watched.news).toEqual([]);
  });
});
