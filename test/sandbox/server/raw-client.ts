/** A socket that sends bytes as they are and reads answers by Content-length. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export type RawClient = {
  readonly socket: Socket;
  readonly send: (bytes: string | Uint8Array) => void;
  /** The next answer: status line, headers and body. Rejects when the connection ends first. */
  readonly answer: () => Promise<{ readonly head: string; readonly body: string }>;
  /** What came and was not taken as an answer yet. */
  readonly rest: () => string;
  /** Resolves to the error code when the connection is broken, to "closed" when it ends in good order. */
  readonly end: Promise<string>;
};

export const open = async (url: string, ca?: string): Promise<RawClient> => {
  const { hostname, port } = new URL(url);
  const socket =
    ca === undefined ? connect(Number(port), hostname) : connectTls({ host: hostname, port: Number(port), ca });
  let received = Buffer.alloc(0);
  let failure: string | undefined;
  const end = new Promise<string>((resolve) => {
    socket.on("close", () => {
      resolve(failure ?? "closed");
    });
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    failure = error.code ?? error.message;
  });
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  await once(socket, ca === undefined ? "connect" : "secureConnect");

  const take = (): { head: string; body: string } | undefined => {
    const head = received.indexOf("\r\n\r\n");
    if (head === -1) return undefined;
    const text = received.subarray(0, head).toString("latin1");
    const total = head + 4 + Number(/^content-length: ([0-9]+)$/im.exec(text)?.[1]);
    if (received.length < total) return undefined;
    const body = received.subarray(head + 4, total).toString("utf8");
    received = received.subarray(total);
    return { head: text, body };
  };

  const answer = async (): Promise<{ head: string; body: string }> => {
    for (;;) {
      const taken = take();
      if (taken) return taken;
      if (socket.destroyed) throw new Error(`the connection ended: ${failure ?? "closed"}`);
      await Promise.race([once(socket, "data"), end]);
    }
  };
  return {
    socket,
    send: (bytes) => {
      socket.write(bytes);
    },
    answer,
    rest: () => received.toString("latin1"),
    end,
  };
};

export const request = (
  target: string,
  { method = "POST", body = "", headers = [] as readonly string[] } = {},
): string =>
  [
    `${method} ${target} HTTP/1.1`,
    "Host: ocs",
    ...headers,
    ...(body === "" ? [] : ["Content-type: application/json"]),
    `Content-length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n");
