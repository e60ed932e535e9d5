/**
 * An OCS that is nothing but a socket: it records every byte, and answers as the test says. No HTTP library stands
 * between.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** `tcp` is the socket below TLS; without TLS it is the socket itself. */
export type RawConnection = {
  readonly number: number;
  readonly socket: Socket;
  readonly tcp: Socket;
  received: string;
  requests: number;
};

/** Called once per request whose announced body is whole. Returns what to write, or nothing to stay silent. */
export type Script = (request: {
  readonly head: string;
  readonly body: string;
  readonly connection: RawConnection;
  readonly count: number;
}) => string | undefined | void;

export type RawOcs = {
  readonly url: string;
  readonly port: number;
  readonly connections: readonly RawConnection[];
  /** Everything that ever arrived, over all connections. */
  readonly bytes: () => string;
  readonly requests: () => number;
  script: Script;
  /** New connections are refused from now on; those that are open stay. */
  readonly refuseNew: () => void;
  readonly close: () => Promise<void>;
};

export const OK = "HTTP/1.1 200 OK\r\nServer: OCS/8.1.524.04\r\nContent-length: 0\r\n\r\n";

/**
 * With a certificate and its key it speaks TLS. `arrived` is told of each connection, and `tasted` of every piece of a
 * request, whole or not.
 */
export type RawOptions = {
  readonly tls?: { readonly certPem: string; readonly keyPem: string };
  /** A free one when left out. */
  readonly port?: number;
  readonly arrived?: (connection: RawConnection) => void;
  readonly tasted?: (connection: RawConnection) => void;
};

export const rawOcs = async (
  script: Script = () => OK,
  { tls, port: wanted = 0, arrived, tasted }: RawOptions = {},
): Promise<RawOcs> => {
  const connections: RawConnection[] = [];
  const tcp = new Map<number | undefined, Socket>();
  let count = 0;
  const accept = (socket: Socket): void => {
    const connection: RawConnection = {
      number: connections.length + 1,
      socket,
      tcp: tcp.get(socket.remotePort) ?? socket,
      received: "",
      requests: 0,
    };
    connections.push(connection);
    arrived?.(connection);
    let pending = "";
    socket
      .on("error", () => undefined)
      .on("data", (chunk: Buffer) => {
        const text = chunk.toString("latin1");
        connection.received += text;
        pending += text;
        tasted?.(connection);
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
  };
  const server: Server = tls
    ? createTlsServer({ noDelay: true, cert: tls.certPem, key: tls.keyPem, ALPNProtocols: ["http/1.1"] }, accept)
    : createServer({ noDelay: true }, accept);
  server.on("connection", (socket: Socket) =>
    tcp.set(
      socket.remotePort,
      socket.on("error", () => undefined),
    ),
  );
  await new Promise<void>((resolve) => server.listen(wanted, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const self: RawOcs = {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    connections,
    bytes: () => connections.map(({ received }) => received).join(""),
    requests: () => count,
    script,
    refuseNew: () => void server.close(),
    close: () =>
      new Promise((resolve) => {
        for (const socket of [...tcp.values(), ...connections.map((each) => each.socket)]) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return self;
};
