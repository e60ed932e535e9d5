/**
 * Notifications (LISTEN) of the shared database, over one connection that is made again when it breaks, or when the
 * server does not answer on it.
 */
import pg from "pg";
import { drop, type Connector } from "./connect.ts";

type Channel = { readonly onPayload: (payload: string) => void; readonly onConnected: (() => void) | undefined };

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;
/** A connection that a firewall forgot shows no error by itself. */
const CHECK_EVERY_MS = 5000;

export class Listener {
  readonly #connector: Pick<Connector, "connect">;
  readonly #channels = new Map<string, Set<Channel>>();
  #client: pg.Client | undefined;
  #isConnecting = false;
  #pause = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #check: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(connector: Pick<Connector, "connect">) {
    this.#connector = connector;
  }

  listen(name: string, onPayload: Channel["onPayload"], onConnected?: () => void): () => void {
    const channel: Channel = { onPayload, onConnected };
    const channels = this.#channels.get(name) ?? new Set();
    this.#channels.set(name, channels.add(channel));
    if (this.#client) void this.#begin(this.#client, [name], [channel]);
    else if (!this.#timer) void this.#connect();
    return () => void channels.delete(channel);
  }

  reconnect(): void {
    if (this.#client) this.#lose(this.#client);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#check);
    const client = this.#client;
    this.#client = undefined;
    if (client) drop(client);
  }

  async #connect(): Promise<void> {
    if (this.#isConnecting || this.#isClosed) return;
    this.#isConnecting = true;
    this.#timer = undefined;
    const client = await this.#connector.connect().catch(() => undefined);
    this.#isConnecting = false;
    if (!client) return this.#retry();
    if (this.#isClosed) return drop(client);
    this.#client = client;
    client.on("error", () => this.#lose(client));
    client.on("end", () => this.#lose(client));
    client.on("notification", ({ channel, payload = "" }) => {
      for (const each of this.#channels.get(channel) ?? []) each.onPayload(payload);
    });
    this.#check = setInterval(() => void client.query("SELECT 1").catch(() => this.#lose(client)), CHECK_EVERY_MS);
    this.#check.unref();
    const all = [...this.#channels.values()].flatMap((channels) => [...channels]);
    if (await this.#begin(client, [...this.#channels.keys()], all)) this.#pause = FIRST_PAUSE_MS;
  }

  /** True if all channels are heard. */
  async #begin(client: pg.Client, names: readonly string[], channels: readonly Channel[]): Promise<boolean> {
    try {
      for (const name of names) await client.query(`LISTEN ${pg.escapeIdentifier(name)}`);
    } catch {
      this.#lose(client);
      return false;
    }
    for (const { onConnected } of channels) onConnected?.();
    return true;
  }

  #lose(client: pg.Client): void {
    drop(client);
    if (this.#client !== client) return;
    this.#client = undefined;
    clearInterval(this.#check);
    this.#retry();
  }

  #retry(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), this.#pause).unref();
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}
