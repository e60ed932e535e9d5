/** The gateway's end of an in-memory connection, as far as the product uses a socket of Node's. */
import { EventEmitter } from "node:events";

type OnRead = { readonly buffer: Buffer; readonly callback: (length: number) => boolean };

/** What the connection behind the socket does with what the socket is told. */
export type Cable = { readonly write: (bytes: Buffer) => void; readonly close: () => void };

export class SimSocket extends EventEmitter {
  readonly id: number;
  destroyed = false;
  connecting = true;
  /** Bytes that the kernel has not taken yet. */
  writableLength = 0;
  bytesWritten = 0;
  bytesRead = 0;
  /** Milliseconds of silence before the kernel asks whether the peer is there; undefined: never. */
  keepAlive: number | undefined;
  remoteAddress: string | undefined;
  readonly #cable: Cable;
  readonly #onRead: OnRead | undefined;
  #flows = false;
  #unread: Buffer[] = [];

  constructor(id: number, cable: Cable, onRead: OnRead | undefined) {
    super();
    this.id = id;
    this.#cable = cable;
    this.#onRead = onRead;
  }

  get readyState(): string {
    return this.destroyed ? "closed" : this.connecting ? "opening" : "open";
  }

  setKeepAlive(on = false, delay = 0): this {
    this.keepAlive = on ? delay : undefined;
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  resume(): this {
    this.#flows = true;
    for (const bytes of this.#unread.splice(0)) this.emit("data", bytes);
    return this;
  }

  pause(): this {
    this.#flows = false;
    return this;
  }

  write(data: string | Uint8Array, encoding?: BufferEncoding | (() => void), written?: () => void): boolean {
    const bytes =
      typeof data === "string"
        ? Buffer.from(data, typeof encoding === "string" ? encoding : "utf8")
        : Buffer.from(data);
    const done = typeof encoding === "function" ? encoding : written;
    if (this.destroyed) return false;
    this.bytesWritten += bytes.length;
    this.#cable.write(bytes);
    if (done) process.nextTick(done);
    return true;
  }

  end(data?: string | Uint8Array): this {
    if (data !== undefined) this.write(data);
    this.#cable.close();
    return this;
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.connecting = false;
    this.#cable.close();
    process.nextTick(() => {
      if (error) this.emit("error", error);
      this.emit("close", error !== undefined);
    });
    return this;
  }

  connected(address: string): void {
    if (this.destroyed) return;
    this.connecting = false;
    this.remoteAddress = address;
    this.emit("connect");
    this.emit("ready");
  }

  failed(code: string): void {
    this.destroy(Object.assign(new Error(code), { code }));
  }

  came(bytes: Buffer): void {
    if (this.destroyed) return;
    this.bytesRead += bytes.length;
    if (this.#onRead) {
      const { buffer, callback } = this.#onRead;
      bytes.copy(buffer);
      callback(bytes.length);
    } else if (this.#flows) this.emit("data", bytes);
    else this.#unread.push(bytes);
  }

  /** The peer sends no more. Node ends its own side then, too. */
  ended(): void {
    if (this.destroyed) return;
    this.emit("end");
    process.nextTick(() => this.destroy());
  }
}
