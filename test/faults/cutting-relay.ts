/** A TCP relay between gateway and OCS that resets both sides once so many bytes of one direction have passed. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export type Direction = "request" | "answer";
/** `after` counts bytes from when it was set. */
export type Cut = { readonly direction: Direction; readonly after: number };

export type CuttingRelay = {
  readonly url: string;
  /** Where the link is to be cut, once. */
  arm: (cut: Cut) => void;
  /** Resolves when the armed cut has happened. */
  readonly done: () => Promise<void>;
  /** Connections that were taken. */
  readonly connections: () => number;
  /** Bytes that passed in each direction since `arm`, or since the start. */
  readonly passed: () => Readonly<Record<Direction, number>>;
  readonly close: () => Promise<void>;
};

/** What was let through arrives before the reset does. */
const SETTLE_MS = 2;

export const cuttingRelay = async (to: string): Promise<CuttingRelay> => {
  const sockets = new Set<Socket>();
  const port = Number(new URL(to).port);
  let count = 0;
  let passed = { request: 0, answer: 0 };
  let cut: Cut | undefined;
  let done = Promise.withResolvers<void>();
  const server = createServer((near) => {
    count++;
    const far = connect(port, "127.0.0.1");
    const both = [near, far];
    let over = false;
    for (const socket of both) {
      sockets.add(socket);
      socket
        .setNoDelay(true)
        .on("error", () => undefined)
        .once("close", () => {
          sockets.delete(socket);
          for (const each of both) each.destroy();
        });
    }
    const forward =
      (direction: Direction, target: Socket) =>
      (chunk: Buffer): void => {
        if (over) return;
        const left = cut?.direction === direction ? cut.after - passed[direction] : Number.POSITIVE_INFINITY;
        const part = chunk.subarray(0, Math.min(chunk.length, left));
        passed[direction] += part.length;
        if (chunk.length < left) return void target.write(part);
        over = true;
        cut = undefined;
        target.write(part, () =>
          setTimeout(() => {
            for (const each of both) each.resetAndDestroy();
            if (near.closed) done.resolve();
            else near.once("close", () => done.resolve());
          }, SETTLE_MS),
        );
      };
    near.on("data", forward("request", far));
    far.on("data", forward("answer", near));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arm: (wanted) => {
      passed = { request: 0, answer: 0 };
      cut = wanted;
      done = Promise.withResolvers();
    },
    done: () => done.promise,
    connections: () => count,
    passed: () => passed,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
};
