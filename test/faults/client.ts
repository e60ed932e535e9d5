/**
 * A client with one connection at a time: it asks in small bursts, pipelined, and writes down what it saw of each
 * request, in order.
 */
import { connect, type Socket } from "node:net";
import { anAsk, type Ask } from "./world.ts";
import { below, between } from "./random.ts";

/** A reply as the client read it. `at` is performance.now(). */
export type Seen = {
  readonly at: number;
  readonly status: number;
  readonly id: string;
  readonly origin: string;
  readonly delivery: string;
  readonly warning: string | undefined;
  readonly code: string | undefined;
  readonly body: string;
};

/** One line of a client's ledger. */
export type Asked = {
  readonly marker: string;
  readonly tenant: number;
  readonly group: number | undefined;
  /** Numbers every connection that any client ever made. */
  readonly connection: number;
  readonly issued: number;
  /** The client hung up on it. */
  hungUp: boolean;
  seen: Seen | undefined;
};

export type Shift = {
  readonly port: number;
  readonly tenant: number;
  readonly seat: number;
  readonly random: () => number;
  readonly ledger: Asked[];
  /** True while there is more to ask; each call takes one request from what is left. */
  readonly more: () => boolean;
  /** Milliseconds between bursts, in the mean. */
  readonly think: number;
};

const HANG_UP = 0.004;
const BURST = 3;
let connections = 0;

export const work = async (shift: Shift): Promise<void> => {
  const { random, tenant, seat, more, think } = shift;
  let line: ClientConnection | undefined;
  for (let count = 0, left = true; left;) {
    const asks: Ask[] = [];
    for (let wanted = 1 + below(random, BURST); wanted > 0 && (left = more()); wanted--)
      asks.push(anAsk(tenant, seat, count++, random));
    if (asks.length === 0) break;
    if (!line?.open) line = await ClientConnection.to(shift.port);
    const hangsUp = random() < HANG_UP && asks.every(({ group }) => group === undefined);
    const entries = asks.map((ask) => line!.enter(tenant, ask, hangsUp));
    shift.ledger.push(...entries);
    const replies = line.ask(asks.map(({ bytes }) => bytes).join(""), entries);
    if (hangsUp) {
      await rest(between(random, 0, 30));
      line.hangUp();
    }
    await replies;
    await rest(between(random, 0, 2 * think));
  }
  line?.hangUp();
};

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One connection of a client. */
export class ClientConnection {
  readonly number = ++connections;
  open = true;
  readonly #socket: Socket;
  readonly #waiting: Asked[] = [];
  #received = "";
  #done: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket
      .setNoDelay(true)
      .on("error", () => undefined)
      .on("data", (chunk: Buffer) => this.#read(chunk.toString("latin1")));
    for (const event of ["end", "close"]) socket.on(event, () => this.#end());
  }

  static to(port: number): Promise<ClientConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new ClientConnection(socket))).once("error", reject);
    });
  }

  /** A line for the ledger: to be asked now, on this connection. */
  enter(tenant: number, { marker, group }: Ask, hungUp = false): Asked {
    return { marker, tenant, group, connection: this.number, issued: performance.now(), hungUp, seen: undefined };
  }

  /** Resolves when each has its reply, or the connection is over. */
  ask(bytes: string, entries: readonly Asked[]): Promise<void> {
    this.#waiting.push(...entries);
    this.#socket.write(bytes);
    return new Promise((resolve) => (this.#done = resolve));
  }

  hangUp(): void {
    this.#socket.destroy();
    this.#end();
  }

  #end(): void {
    this.open = false;
    this.#done();
  }

  #read(text: string): void {
    this.#received += text;
    for (let reply = this.#take(); reply; reply = this.#take()) {
      const asked = this.#waiting.shift();
      if (!asked) throw new Error(`a reply that nobody asked for: ${JSON.stringify(reply)}`);
      asked.seen = reply;
      if (this.#waiting.length === 0) this.#done();
    }
  }

  #take(): Seen | undefined {
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const head = this.#received.slice(0, end);
    const header = (name: string): string | undefined => new RegExp(`\\r\\n${name}: ([^\\r]*)`, "i").exec(head)?.[1];
    const until = end + 4 + Number(header("Content-Length") ?? 0);
    if (this.#received.length < until) return undefined;
    const body = this.#received.slice(end + 4, until);
    this.#received = this.#received.slice(until);
    return {
      at: performance.now(),
      status: Number(head.slice(9, 12)),
      body,
      warning: header("Warning"),
      code: header("Ocsgw-Code"),
      id: header("Ocsgw-Request-Id") ?? "",
      origin: header("Ocsgw-Origin") ?? "",
      delivery: header("Ocsgw-Delivery") ?? "",
    };
  }
}
