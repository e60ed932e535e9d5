import { once } from "node:events";
import { stat } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { afterPoll } from "../../../src/upstream/lanes/after-poll.ts";

const polled = (): Promise<void> => new Promise(afterPoll);

describe("a callback after a poll", () => {
  it.each([
    ["a poll", () => stat(".")],
    ["a check", () => new Promise((resolve) => setImmediate(resolve))],
  ] as const)(
    "runs after data that waited in the kernel was read, also when it is registered from %s",
    async (_where, there) => {
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
    },
  );

  it("runs once, in the order of registration", async () => {
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
