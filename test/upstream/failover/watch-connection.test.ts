import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Settled, UpstreamNews } from "../../src/upstream/switchboard.ts";
import { Switchboard } from "../../src/upstream/switchboard.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Watched = {
  readonly board: Switchboard;
  readonly ocs: RawOcs;
  readonly news: UpstreamNews[];
  readonly settled: (Settled | undefined)[];
};

const watch = async (): Promise<Watched> => {
  const ocs = await rawOcs();
  closing.push(() => ocs.close());
  const news: UpstreamNews[] = [];
  const settled: (Settled | undefined)[] = [];
  const board = new Switchboard({
    name: "ocs",
    primary: { origin: ocs.url, tls: {}, connectTimeout: 1000 },
    connections: 2,
    onePerTenant: true,
    answerTimeout: 2000,
    queue: { max: 10, maxBytes: 10_000, maxWait: 2000 },
    userAgent: "test",
    tell: (told) => news.push(told),
    settled: (where) => settled.push(where),
  });
  closing.push(() => board.close());
  await board.begin();
  const watched = { board, ocs, news, settled };
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
  it("is one connection that carries nothing, from the first look", async () => {
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

  it("keeps the end of one lane from being the loss of all", async () => {
    const watched = await watch();
    const [vigil] = watched.ocs.connections.filter(({ socket }) => !socket.destroyed);
    await watched.board.send(request);
    for (const connection of watched.ocs.connections) if (connection !== vigil) connection.socket.end();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(watched.news).toEqual([]);
    expect((await watched.board.send(request)).status).toBe(200);
  });

  it("and a lane that the network ends one after the other are the loss of all, and no change of roles", async () => {
    const ours: Socket[] = [];
    const note = (message: unknown): void => void ours.push((message as { socket: Socket }).socket);
    subscribe("net.client.socket", note);
    closing.push(() => unsubscribe("net.client.socket", note));
    const watched = await watch();
    const [vigil] = ours.filter(({ destroyed }) => !destroyed);
    await watched.board.send(request);
    const [lane] = ours.filter((socket) => !socket.destroyed && socket !== vigil);
    for (const socket of [vigil!, lane!]) {
      socket.destroy(Object.assign(new Error("read ETIMEDOUT"), { code: "ETIMEDOUT" }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await until(() => watched.news.some(({ kind }) => kind === "reconnected"));
    expect([watched.settled.map((each) => each?.how), watched.board.status().epoch]).toEqual([
      ["start", undefined, "reconnected"],
      1,
    ]);
  });

  it("is asked for a sign of life by the kernel once a second", async () => {
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

  it("is kept up when only it was lost", async () => {
    const watched = await watch();
    const [vigil] = watched.ocs.connections.filter(({ socket }) => !socket.destroyed);
    await watched.board.send(request);
    vigil!.socket.end();
    await until(() => open(watched) === 1);
    await until(() => open(watched) === 2);
    expect(watched.news).toEqual([]);
  });
});
