/**
 * A few connections for statements. While the database does not answer, it is not flooded: one connection is tried at a
 * time, and all statements that wait for one fail with it. When one connection breaks, the idle ones are dropped too,
 * because they most likely lead to the same server.
 */
import type pg from "pg";
import { drop, type Connector } from "./connect.ts";
import { DatabaseUnavailable } from "./database-unavailable.ts";

type Waiting = {
  readonly resolve: (client: pg.Client) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
};

/** After a failed attempt to connect, statements fail for this time without another attempt. */
const PAUSE_MS = 100;

export class Pool {
  readonly #connector: Pick<Connector, "connect">;
  readonly #most: number;
  /** Milliseconds that a statement waits for a connection. */
  readonly #patience: number;
  readonly #now: () => number;
  readonly #idle: pg.Client[] = [];
  readonly #waiting: Waiting[] = [];
  /** In use and idle. */
  readonly #open = new Set<pg.Client>();
  #isConnecting = false;
  #failed: { readonly error: unknown; readonly at: number } | undefined;
  #isClosed = false;
  #onDrained: (() => void) | undefined;

  constructor(
    connector: Pick<Connector, "connect">,
    { most, patience, now = () => performance.now() }: { most: number; patience: number; now?: () => number },
  ) {
    this.#connector = connector;
    this.#most = most;
    this.#patience = patience;
    this.#now = now;
  }

  /** Number of statements that wait for a connection. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Number of connections, by what they do. */
  get connections(): { readonly idle: number; readonly busy: number } {
    return { idle: this.#idle.length, busy: this.#open.size - this.#idle.length };
  }

  take(): Promise<pg.Client> {
    if (this.#isClosed) return Promise.reject(new DatabaseUnavailable("the gateway is stopping", false));
    const idle = this.#idle.pop();
    if (idle) return Promise.resolve(idle);
    if (this.#failed && this.#now() - this.#failed.at < PAUSE_MS) return Promise.reject(this.#failed.error as Error);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new DatabaseUnavailable("no connection was free in time", false));
      }, this.#patience).unref();
      const waiting: Waiting = { resolve, reject, timer };
      this.#waiting.push(waiting);
      void this.#connect();
    });
  }

  /** Gives a connection back. `isBroken`: it is not used again. */
  give(client: pg.Client, isBroken = false): void {
    if (isBroken || this.#isClosed || !this.#open.has(client)) this.#end(client);
    else this.#serve(client);
    if (isBroken) this.dropIdle();
    void this.#connect();
  }

  /** The next statements connect anew. */
  dropIdle(): void {
    for (const client of this.#idle.splice(0)) this.#end(client);
  }

  /** Waits for the statements in progress. Each has a time limit. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const stopping = new DatabaseUnavailable("the gateway is stopping", false);
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(stopping);
    }
    const closed = this.#idle.splice(0).map((client) => {
      this.#open.delete(client);
      return Promise.race([client.end(), new Promise((resolve) => setTimeout(resolve, PAUSE_MS).unref())]).finally(() =>
        drop(client),
      );
    });
    await Promise.all(closed);
    if (this.#open.size > 0 || this.#isConnecting) await new Promise<void>((resolve) => (this.#onDrained = resolve));
  }

  async #connect(): Promise<void> {
    if (this.#isConnecting || this.#waiting.length === 0 || this.#open.size >= this.#most) return;
    this.#isConnecting = true;
    try {
      const client = await this.#connector.connect();
      this.#failed = undefined;
      this.#open.add(client);
      client.on("error", () => this.#lose(client));
      client.on("end", () => this.#lose(client));
      if (this.#isClosed) this.#end(client);
      else this.#serve(client);
    } catch (error) {
      this.#failed = { error, at: this.#now() };
      for (const { reject, timer } of this.#waiting.splice(0)) {
        clearTimeout(timer);
        reject(error);
      }
    } finally {
      this.#isConnecting = false;
      this.#tellDrained();
    }
    await this.#connect();
  }

  #serve(client: pg.Client): void {
    const first = this.#waiting.shift();
    if (!first) return void this.#idle.push(client);
    clearTimeout(first.timer);
    first.resolve(client);
  }

  /** An idle connection broke. One in use fails with its statement. */
  #lose(client: pg.Client): void {
    const at = this.#idle.indexOf(client);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#end(client);
    this.dropIdle();
  }

  #end(client: pg.Client): void {
    this.#open.delete(client);
    drop(client);
    this.#tellDrained();
  }

  #tellDrained(): void {
    if (this.#isClosed && this.#open.size === 0 && !this.#isConnecting) this.#onDrained?.();
  }
}
