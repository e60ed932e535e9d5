/** A TCP relay in front of the admin listener, which can fall silent, lose all its connections, or change replies. */
import { Transform } from "node:stream";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export type Relay = {
  readonly url: string;
  /** Nothing passes any more, and no connection ends: as when a firewall forgets them. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Resets all connections, and refuses new ones until `thaw`. */
  readonly cut: () => void;
  readonly close: () => Promise<void>;
};

/** `change`: what becomes of a piece of a reply; it keeps its length. */
export const aRelay = async (to: number, change?: (reply: string) => string): Promise<Relay> => {
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: "open" | "frozen" | "cut" = "open";
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    if (state === "cut") return void socket.destroy();
    const onward = connect(to, "127.0.0.1").on("error", () => undefined);
    const pair = [socket, onward] as const;
    pairs.add(pair);
    socket.pipe(onward).pipe(changing(change)).pipe(socket);
    for (const each of pair) each.once("close", () => (socket.destroy(), onward.destroy(), pairs.delete(pair)));
    if (state === "frozen") for (const each of pair) each.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => {
      state = "frozen";
      for (const pair of pairs) for (const each of pair) each.pause();
    },
    thaw: () => {
      state = "open";
      for (const pair of pairs) for (const each of pair) each.resume();
    },
    cut: () => {
      state = "cut";
      for (const [socket] of pairs) socket.destroy();
    },
    close: async () => {
      for (const [socket] of pairs) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const changing = (change: (reply: string) => string = (reply) => reply): Transform =>
  new Transform({
    transform: (bytes: Buffer, _encoding, done) => done(null, Buffer.from(change(bytes.toString("latin1")), "latin1")),
  });
