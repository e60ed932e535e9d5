/** Notifications (LISTEN) of the shared database, over one connection that is made again when it breaks. */
import type pg from "pg";

type Channel = { readonly onPayload: (payload: string) => void; readonly onConnected: (() => void) | undefined };

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

export class Listener {
  readonly #newClient: () => pg.Client;
  readonly #channels = new Map<string, Set<Channel>>();
  #client: pg.Client | undefined;
  #isConnected = false;
  #pause = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(newClient: () => pg.Client) {
    this.#newClient = newClient;
  }

  listen(name: string, onPayload: Channel["onPayload"], onConnected?: () => void): () => void {
    const channel: Channel = { onPayload, onConnected };
    const isNew = !this.#channels.has(name);
    const channels = this.#channels.get(name) ?? new Set();
    this.#channels.set(name, channels.add(channel));
    if (!this.#client && !this.#timer) this.#connect();
    else if (this.#isConnected) void this.#begin(this.#client!, isNew ? [name] : [], [channel]);
    return () => void channels.delete(channel);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#client?.end().catch(() => undefined);
  }

  #connect(): void {
    this.#timer = undefined;
    const client = this.#newClient();
    this.#client = client;
    client.on("error", () => this.#lose(client));
    client.on("end", () => this.#lose(client));
    client.on("notification", ({ channel, payload = "" }) => {
      for (const each of this.#channels.get(channel) ?? []) each.onPayload(payload);
    });
    client.connect().then(
      async () => {
        const all = [...this.#channels.values()].flatMap((channels) => [...channels]);
        await this.#begin(client, [...this.#channels.keys()], all);
        if (this.#client !== client) return;
        this.#isConnected = true;
        this.#pause = FIRST_PAUSE_MS;
      },
      () => this.#lose(client),
    );
  }

  async #begin(client: pg.Client, names: readonly string[], channels: readonly Channel[]): Promise<void> {
    try {
      for (const name of names) await client.query(`LISTEN ${client.escapeIdentifier(name)}`);
    } catch {
      return this.#lose(client);
    }
    for (const { onConnected } of channels) onConnected?.();
  }

  #lose(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#isConnected = false;
    client.end().catch(() => undefined);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#connect(), this.#pause).unref();
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}
