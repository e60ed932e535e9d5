/** Whoever may announce records, by the hundred: how many connections does the search for the primary hold? */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import type { Endpoint } from "../../src/upstream/lanes/endpoint.ts";
import { Switchboard } from "../../src/upstream/switchboard.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Takes connections, and never says a word of TLS. */
const silent = async (): Promise<{ readonly endpoint: Endpoint; readonly open: () => number }> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(
      socket
        .on("error", () => undefined)
        .on("close", () => sockets.delete(socket))
        .resume(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(
    () => sockets.forEach((socket) => socket.destroy()),
    () => server.close(),
  );
  const { port } = server.address() as AddressInfo;
  return { endpoint: { origin: `https://127.0.0.1:${port}`, tls: {}, connectTimeout: 5000 }, open: () => sockets.size };
};

it("many announcements during the search for OCS open few connections to a silent OCS", async () => {
  const [one, two] = [await silent(), await silent()];
  const board = new Switchboard({
    name: "ocs",
    primary: one.endpoint,
    backup: two.endpoint,
    connections: 2,
    onePerTenant: true,
    answerTimeout: 1000,
    queue: { max: 50, maxBytes: 1e6, maxWait: 500 },
    userAgent: "t",
  });
  stops.push(() => board.close());
  void board.begin();
  for (let count = 0; count < 300; count++) {
    board.noteAnnouncement(undefined);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(one.open()).toBeGreaterThan(2);
  expect(one.open()).toBeLessThanOrEqual(10);
  expect(two.open()).toBeLessThanOrEqual(10);
});
