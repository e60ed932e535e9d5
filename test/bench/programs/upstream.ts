/**
 * The OCS of the bench: `node upstream.ts <delay ms> [<certificate> <key>]`, over HTTPS with the two PEM files.
 * It answers 200 without a body to every request, counts requests and connections, and does nothing else, so that it
 * is never what is measured. On the machine it was chosen on it took 11 µs of CPU a request where nginx's `return 200`
 * took 9.
 */
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** `connections`: TCP connections accepted so far. */
export type Counts = { readonly requests: number; readonly connections: number };

const OK = Buffer.from("HTTP/1.1 200 OK\r\nServer: OCS\r\nContent-length: 0\r\n\r\n", "latin1");
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const [delayText = "0", cert, key] = process.argv.slice(2);
const delay = Number(delayText);
let requests = 0;
let connections = 0;

/** What is left of the text behind its last whole request; calls `each` for every whole one. */
const takeRequests = (text: string, each: () => void): string => {
  for (let start = 0; ;) {
    const end = text.indexOf("\r\n\r\n", start);
    if (end < 0) return text.slice(start);
    const next = end + 4 + Number(LENGTH.exec(text.slice(start, end))?.[1] ?? 0);
    if (next > text.length) return text.slice(start);
    start = next;
    each();
  }
};

const answer = (socket: Socket): void => {
  requests++;
  if (delay === 0) socket.write(OK);
  else setTimeout(() => socket.writable && socket.write(OK), delay);
};

const serve = (socket: Socket): void => {
  let pending = "";
  socket
    .on("error", () => undefined)
    .on("data", (chunk: Buffer) => {
      pending = takeRequests(pending + chunk.toString("latin1"), () => answer(socket));
    });
};

const server =
  cert === undefined || key === undefined
    ? createServer({ noDelay: true }, serve)
    : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key), noDelay: true }, serve);
server.on("connection", () => connections++);
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
process
  .on("message", () => process.send!({ requests, connections } satisfies Counts))
  .on("disconnect", () => process.exit());
