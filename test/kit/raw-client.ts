/** A client that is nothing but a socket: it sends what the test wrote, as it was written, and reads whatever comes. */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export type RawReply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type RawClient = {
  readonly socket: Socket;
  readonly send: (...pieces: readonly (string | Uint8Array)[]) => Promise<void>;
  /** The next whole reply; rejects when the connection ends before. */
  readonly reply: () => Promise<RawReply>;
  /** Resolves to everything received once the server has ended the connection. */
  readonly ended: () => Promise<string>;
  readonly close: () => void;
};

export const rawClient = async (
  port: number,
  options: { ca?: string; halfOpen?: boolean } = {},
): Promise<RawClient> => {
  const to = { port, host: "127.0.0.1", allowHalfOpen: options.halfOpen ?? false };
  const socket: Socket =
    options.ca === undefined ? connect(to) : connectTls({ ...to, ca: options.ca, servername: "localhost" });
  let received = "";
  let over = false;
  let wake: (() => void)[] = [];
  const stir = (): void => {
    for (const each of wake.splice(0)) each();
  };
  socket.on("data", (chunk: Buffer) => ((received += chunk.toString("latin1")), stir()));
  socket
    .on("close", () => ((over = true), stir()))
    .on("end", () => ((over = true), stir()))
    .on("error", () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once(options.ca === undefined ? "connect" : "secureConnect", () => resolve()).once("error", reject);
  });
  const change = (): Promise<void> => new Promise((resolve) => wake.push(resolve));
  return {
    socket,
    send: async (...pieces) => {
      for (const [index, piece] of pieces.entries()) {
        if (index > 0) await new Promise((resolve) => setTimeout(resolve, 1));
        if (socket.writable) await new Promise((resolve) => socket.write(piece, resolve));
      }
    },
    reply: async () => {
      for (;;) {
        const parsed = take(received);
        if (parsed) {
          received = parsed.rest;
          return parsed.reply;
        }
        if (over) throw new Error(`the connection ended after ${JSON.stringify(received)}`);
        await change();
      }
    },
    ended: async () => {
      while (!over) await change();
      return received;
    },
    close: () => void socket.destroy(),
  };
};

const take = (text: string): { reply: RawReply; rest: string } | undefined => {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [line = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = Number(line.split(" ")[1]);
  const headers = Object.fromEntries(
    lines.map((each) => [each.slice(0, each.indexOf(":")).toLowerCase(), each.slice(each.indexOf(":") + 1).trim()]),
  );
  const length = status === 304 || status < 200 ? 0 : Number(headers["content-length"] ?? 0);
  if (text.length < end + 4 + length) return undefined;
  return {
    reply: { status, headers, body: text.slice(end + 4, end + 4 + length) },
    rest: text.slice(end + 4 + length),
  };
};
