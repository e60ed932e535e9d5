/** Writes replies on Node's response, or on the socket of a client whose request could not be parsed. */
import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { BodyStream, Reply } from "../common/message.ts";

const LINGER_MS = 1000;

/** `isLast`: the connection closes with this reply, which has `Connection: close`. */
export const writeReply = (response: ServerResponse, { status, headers, body }: Reply, isLast: boolean): void => {
  const hasBody = status !== 304 && status !== 204;
  const lines: string[] = [];
  for (const [name, value] of headers) lines.push(name, value);
  if (hasBody) lines.push("Content-Length", String(body.length));
  if (isLast) lines.push("Connection", "close");
  if (isLast && response.socket) lingerOnClose(response.socket);
  response.writeHead(status, lines);
  response.end(hasBody && body.length > 0 ? body : undefined);
};

/** Writes the headers of the last reply of a connection, and returns its body. */
export const beginStream = (response: ServerResponse, { status, headers }: Reply): BodyStream => {
  if (response.socket) lingerOnClose(response.socket);
  response.writeHead(status, [...headers.flat(), "Connection", "close"]);
  response.flushHeaders();
  return {
    write: (bytes) =>
      new Promise((resolve) => {
        if (response.destroyed || response.writableEnded || response.write(bytes)) return resolve();
        const settle = (): void => {
          response.off("drain", settle).off("close", settle);
          resolve();
        };
        response.on("drain", settle).on("close", settle);
      }),
    end: () => void response.end(),
    destroy: () => void response.socket?.destroy(),
  };
};

/** Writes the last reply of a connection without Node's response. */
export const writeRawReply = (socket: Socket, { status, headers, body }: Reply): void => {
  if (!socket.writable) return void socket.destroy();
  const lines = [
    ...headers,
    ["Content-Length", String(body.length)],
    ["Connection", "close"],
    ["Date", new Date().toUTCString()],
  ].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}\r\n`;
  socket.end(Buffer.concat([Buffer.from(head, "latin1"), body]));
  destroyLater(socket);
};

/**
 * Closing a socket with unread bytes resets the connection, and the client may lose the reply: stop sending, read on
 * for a moment, then close.
 */
const lingerOnClose = (socket: Socket): void => {
  socket.destroySoon = () => {
    socket.end();
    destroyLater(socket);
  };
};

/** Clears the timer when the socket closes: otherwise it would keep the socket and its data in memory. */
const destroyLater = (socket: Socket): void => {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => clearTimeout(timer));
};
