/**
 * One client connection that sends whole requests as they were prepared and reads whole answers. No HTTP library: it
 * must cost little.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Crowd, Line } from "./client-words.ts";

export type Answered = {
  readonly line: Line;
  readonly status: string;
  readonly head: string;
  /** Milliseconds on the monotonic clock. */ readonly since: number;
  readonly at: number;
};

const LENGTH = /\r\ncontent-length: *(\d+)/i;

export class Connection {
  readonly line: Line;
  readonly #socket: Socket;
  readonly #answered: (connection: Connection, answered: Answered) => void;
  readonly #failed: (error: Error) => void;
  #pending = "";
  #next = 0;
  #since = 0;
  #closing = false;

  constructor(
    line: Line,
    socket: Socket,
    handlers: { answered: (connection: Connection, answered: Answered) => void; failed: (error: Error) => void },
  ) {
    this.line = line;
    this.#socket = socket;
    this.#answered = handlers.answered;
    this.#failed = handlers.failed;
    socket.on("data", (chunk: Buffer) => this.#take(chunk.toString("latin1")));
    socket.on("error", (error) => this.#failed(error));
    socket.on("close", () => this.#closing || this.#failed(new Error("the peer closed a connection")));
  }

  /** `since`: from when on the client waits for the answer. */
  send(since = performance.now()): void {
    this.#since = since;
    this.#socket.write(this.line.requests[this.#next]!, "latin1");
    this.#next = (this.#next + 1) % this.line.requests.length;
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    const text = this.#pending + chunk;
    const end = text.indexOf("\r\n\r\n");
    const head = text.slice(0, Math.max(end, 0));
    if (end < 0 || text.length < end + 4 + Number(LENGTH.exec(head)?.[1] ?? 0)) {
      this.#pending = text;
      return;
    }
    this.#pending = "";
    this.#answered(this, {
      line: this.line,
      status: head.slice(9, 12),
      head,
      since: this.#since,
      at: performance.now(),
    });
  }
}

export const dial = ({ port, ca }: Crowd): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket: Socket =
      ca === undefined
        ? connect({ port, host: "127.0.0.1", noDelay: true })
        : connectTls({ port, host: "127.0.0.1", ca }).setNoDelay(true);
    socket
      .once(ca === undefined ? "connect" : "secureConnect", () => {
        socket.off("error", reject);
        resolve(socket);
      })
      .once("error", reject);
  });
