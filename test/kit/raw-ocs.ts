/** An OCS that is nothing but a socket: it records every byte, and answers as the test says. No HTTP library stands between. */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

export type RawConnection = { readonly number: number; readonly socket: Socket; received: string; requests: number };

/** Called once per request whose announced body is whole. Returns what to write, or nothing to stay silent. */
export type Script = (request: { readonly head: string; readonly body: string; readonly connection: RawConnection; readonly count: number }) => string | undefined | void;

export type RawOcs = {
  readonly url: string;
  readonly port: number;
  readonly connections: readonly RawConnection[];
  /** Everything that ever arrived, over all connections. */
  readonly bytes: () => string;
  readonly requests: () => number;
  script: Script;
  readonly close: () => Promise<void>;
};

export const OK = "HTTP/1.1 200 OK\r\nServer: OCS/8.1.524.04\r\nContent-length: 0\r\n\r\n";

export const rawOcs = async (script: Script = () => OK): Promise<RawOcs> => {
  const connections: RawConnection[] = [];
  let count = 0;
  const server: Server = createServer((socket) => {
    const connection: RawConnection = { number: connections.length + 1, socket, received: "", requests: 0 };
    connections.push(connection);
    let pending = "";
    socket.on("error", () => undefined).on("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      connection.received += text;
      pending += text;
      for (let end = pending.indexOf("\r\n\r\n"); end >= 0; end = pending.indexOf("\r\n\r\n")) {
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(pending.slice(0, end))?.[1] ?? 0);
        if (pending.length < end + 4 + length) return;
        const head = pending.slice(0, end);
        const body = pending.slice(end + 4, end + 4 + length);
        pending = pending.slice(end + 4 + length);
        connection.requests++;
        const answer = self.script({ head, body, connection, count: ++count });
        if (answer !== undefined && socket.writable) socket.write(answer, "latin1");
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const self: RawOcs = {
    url: `http://127.0.0.1:${port}`,
    port,
    connections,
    bytes: () => connections.map(({ received }) => received).join(""),
    requests: () => count,
    script,
    close: () => new Promise((resolve) => {
      for (const { socket } of connections) socket.destroy();
      server.close(() => resolve());
    }),
  };
  return self;
};
