import { once } from "node:events";
import { stat } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { afterPoll } from "../../src/upstream/after-poll.ts";

const polled = (): Promise<void> => new Promise(afterPoll);

describe("after a poll", () => {
  it.each([
    ["a poll", () => stat(".")],
    ["a check", () => new Promise((resolve) => setImmediate(resolve))],
  ] as const)("what waits in the kernel has been seen, also by who asks behind %s", async (_where, there) => {
    const accepted = Promise.withResolvers<Socket>();
    const server = createServer(accepted.resolve).listen(0, "127.0.0.1");
    await once(server, "listening");
    const ours = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const theirs = await accepted.promise;
    let seen = 0;
    ours.on("data", (bytes) => (seen += bytes.length));
    for (let round = 1; round <= 50; round++) {
      await there();
      theirs.write("x");
      await polled();
      expect(seen).toBe(round);
    }
    for (const socket of [ours, theirs]) socket.destroy();
    server.close();
  });

  it("those who ask in different turns come in their order, each once", async () => {
    const order: number[] = [];
    const all: Promise<void>[] = [];
    for (let turn = 0; turn < 5; turn++) {
      all.push(polled().then(() => void order.push(turn)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });
});
