/** A receiver of streams that reads them strictly, and can be away, cut connections or hang. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { parseSyslog, splitCounted, type Parsed } from "./strict-syslog.ts";

export type Receiver = {
  readonly port: number;
  /** Whole messages, in the order of arrival; of a connection that was cut, those that were read. */
  readonly messages: readonly Buffer[];
  readonly connections: () => number;
  /** How many bytes a connection may bring before it is reset; undefined: no limit. */
  cutAfter: number | undefined;
  readonly close: () => Promise<void>;
};

export type ReceiverOptions = {
  readonly port?: number;
  readonly framing: "counted" | "lines";
  readonly tls?: TlsOptions;
};

export const aReceiver = async ({ port = 0, framing, tls }: ReceiverOptions): Promise<Receiver> => {
  const messages: Buffer[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const onConnection = (socket: Socket): void => {
    connections++;
    sockets.add(socket);
    let rest = Buffer.alloc(0);
    let bytes = 0;
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      const [found, left] = (framing === "counted" ? splitCounted : splitLines)(Buffer.concat([rest, chunk]));
      rest = Buffer.from(left);
      messages.push(...found.map((message) => Buffer.from(message)));
      if (receiver.cutAfter !== undefined && bytes > receiver.cutAfter) socket.resetAndDestroy();
    });
  };
  const server: Server = tls ? createTlsServer(tls, onConnection) : createServer(onConnection);
  server.on("tlsClientError", () => undefined);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const receiver: Receiver = {
    port: (server.address() as AddressInfo).port,
    messages,
    connections: () => connections,
    cutAfter: undefined,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return receiver;
};

const splitLines = (stream: Buffer): readonly [messages: readonly Buffer[], rest: Buffer] => {
  const end = stream.lastIndexOf(0x0a) + 1;
  const lines = stream.toString("utf8", 0, end).split("\n").slice(0, -1);
  return [lines.map((line) => Buffer.from(line)), stream.subarray(end)];
};

export const parsedIn = (messages: readonly Buffer[]): readonly Parsed[] => messages.map(parseSyslog);

export const SD_ID = "ocsgw@32473";

/** The indexes of forwarded entries, and of the entries that gap messages name. */
export const indexesIn = (messages: readonly Buffer[]): readonly number[] =>
  parsedIn(messages).flatMap(({ elements }) => {
    const params = elements.get(SD_ID)!;
    if (params.get("kind") !== "forward-gap") return [Number(params.get("index"))];
    const [from, to] = [Number(params.get("from")), Number(params.get("to"))];
    return Array.from({ length: to - from }, (_, at) => from + at);
  });

/** Without repetitions, which must repeat what came before. Throws at a gap. */
export const distinct = (indexes: readonly number[]): readonly number[] => {
  const found: number[] = [];
  for (const index of indexes) {
    const expected = (found.at(-1) ?? index - 1) + 1;
    if (index > expected) throw new Error(`${index} comes before ${expected}`);
    if (index === expected) found.push(index);
  }
  return found;
};
