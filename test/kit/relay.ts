/**
 * A TCP relay between two programs, as a network that fails: it can hold back the bytes of one direction or both while
 * the connections stay open, refuse or reset connections, and delay what passes.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** `to`: bytes towards the target. `from`: bytes that come back. */
export type Held = "to" | "from" | "both";

/** Told of the connections that come to a relay. */
export type Watch = {
  /** A connection has brought its first byte. */
  readonly firstByte: () => void;
  /** Such a connection has ended. */
  readonly ended: () => void;
};

export class Relay {
  readonly #pairs = new Set<readonly [near: Socket, far: Socket]>();
  #server: Server | undefined;
  readonly #host: string;
  #port = 0;
  /** Port of the target on loopback; undefined: every connection is reset. */
  target: number | undefined;
  /** Milliseconds by which each piece is delayed, per direction. */
  delay = 0;
  watch: Watch | undefined;
  #held: Held | undefined;
  #waiting: (() => void)[] = [];

  /** `at`: the address on loopback to listen on, and the port, 0 for a free one. */
  static async start(target?: number, at = { host: "127.0.0.1", port: 0 }): Promise<Relay> {
    const relay = new Relay(at.host);
    relay.target = target;
    relay.#port = at.port;
    await relay.listen();
    return relay;
  }

  private constructor(host: string) {
    this.#host = host;
  }

  get port(): number {
    return this.#port;
  }

  async listen(): Promise<void> {
    if (this.#server) return;
    const server = createServer((near) => this.#join(near));
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(this.#port, this.#host, resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** New connections are refused; those there are go on. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    await Promise.resolve();
  }

  /** Holds the bytes of a direction back until `release`; nothing is lost. */
  hold(what: Held): void {
    this.#held = what;
  }

  release(): void {
    this.#held = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const pass of waiting) pass();
  }

  reset(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    await this.refuse();
    this.release();
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  #join(near: Socket): void {
    near.on("error", () => undefined);
    if (this.target === undefined) return void near.resetAndDestroy();
    const far = connect(this.target, "127.0.0.1");
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const socket of pair)
      socket
        .setNoDelay(true)
        .on("error", () => undefined)
        .once("close", () => {
          this.#pairs.delete(pair);
          for (const each of pair) each.destroy();
        });
    if (this.watch) watchEnd(near, this.watch);
    this.#forward(near, far, "to");
    this.#forward(far, near, "from");
  }

  #forward(source: Socket, sink: Socket, direction: Exclude<Held, "both">): void {
    const pass = (action: () => void): void => {
      const run = (): void => {
        if (this.#held === "both" || this.#held === direction) this.#waiting.push(run);
        else action();
      };
      if (this.delay > 0) setTimeout(run, this.delay).unref();
      else run();
    };
    source.on("data", (chunk: Buffer) => pass(() => sink.writable && sink.write(chunk)));
    source.on("end", () => pass(() => sink.end()));
  }
}

/** The other side's end counts, not that of this side's socket. */
const watchEnd = (near: Socket, { firstByte, ended }: Watch): void => {
  let isCounted = false;
  let isOver = false;
  near.once("data", () => {
    if (isOver) return;
    isCounted = true;
    firstByte();
  });
  const over = (): void => {
    if (isCounted && !isOver) ended();
    isOver = true;
  };
  near.once("end", over).once("close", over);
};
