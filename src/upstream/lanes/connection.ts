/** One connection to OCS. It writes a request in one piece, and passes on received bytes at once, without buffering. */
import type { Socket } from "node:net";
import { connectTo, type Endpoint } from "./endpoint.ts";

type ConnectionHandlers = {
  /** Called when the connection can carry a request. */
  readonly onReady: () => void;
  /** Called when the connection could not be made. */
  readonly onFailed: (error: Error) => void;
  /** Called with received bytes. The buffer is reused after the call: copy what you keep. */
  readonly onBytes: (bytes: Buffer) => void;
  /** Called when the connection ends other than by `destroy`. */
  readonly onEnd: () => void;
};

/** Each as `address:port`. */
export type Ends = { readonly from: string; readonly to: string };

/** libuv's counters, in bytes: all that was written, and the part that the kernel has not accepted yet. */
type WriteCounts = { readonly bytesWritten: number; readonly writeQueueSize: number };
/** Node's handle of a TLS socket. `writeQueueSize`: unsent ciphertext; `_parent`: the TCP handle below. */
type TlsHandle = WriteCounts & { readonly _parent: WriteCounts };

const ENDS = ["end", "error", "close"] as const;

export class Connection {
  readonly #handlers: ConnectionHandlers;
  #socket: Socket | undefined;
  #tls: TlsHandle | undefined;
  /** With TLS: the number of bytes that the TCP connection has sent when the last write is complete. */
  #flushedAt = 0;
  #isClosed = false;

  /** Begins to connect. No handler is called after `destroy`, `onFailed` or `onEnd`. */
  constructor(endpoint: Endpoint, handlers: ConnectionHandlers) {
    this.#handlers = handlers;
    connectTo(
      endpoint,
      (error, socket) => this.#connected(error, socket),
      (bytes) => this.#isClosed || handlers.onBytes(bytes),
    );
  }

  /** The connection can carry a request. */
  get isReady(): boolean {
    return this.#socket !== undefined;
  }

  /**
   * True if the kernel has accepted all that was written. A TLS socket reports this one iteration of the event loop
   * later, when the answer may have arrived already, so this counts the bytes of the TCP connection below.
   */
  get isFlushed(): boolean {
    const tcp = this.#tls?._parent;
    return tcp ? tcp.bytesWritten - tcp.writeQueueSize >= this.#flushedAt : this.#socket?.writableLength === 0;
  }

  /** Both ends of the TCP connection; undefined without one. */
  get ends(): Ends | undefined {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket ?? {};
    if (localPort === undefined || remotePort === undefined) return undefined;
    return { from: `${localAddress}:${localPort}`, to: `${remoteAddress}:${remotePort}` };
  }

  /** Node encrypts synchronously: after `write`, `writeQueueSize` includes the ciphertext of this text. */
  write(text: string): void {
    const tls = this.#tls;
    const before = tls ? tls._parent.bytesWritten - tls.writeQueueSize : 0;
    this.#socket!.write(text, "utf8");
    if (tls) this.#flushedAt = before + tls.writeQueueSize;
  }

  destroy(): void {
    this.#isClosed = true;
    this.#tls = undefined;
    this.#socket?.destroy();
  }

  #connected(error: Error | null, socket: Socket | null): void {
    if (this.#isClosed) return void socket?.destroy();
    if (!socket) {
      this.#isClosed = true;
      return this.#handlers.onFailed(error ?? new Error("no connection"));
    }
    this.#socket = socket;
    this.#tls = tlsHandleOf(socket);
    for (const end of ENDS) socket.once(end, () => this.#ended());
    this.#handlers.onReady();
  }

  #ended(): void {
    if (this.#isClosed) return;
    this.destroy();
    this.#handlers.onEnd();
  }
}

/**
 * Undefined without TLS. Node has no public API for these counts; `connection.test.ts` checks each new version of Node.
 */
const tlsHandleOf = (socket: Socket): TlsHandle | undefined => {
  const { _handle: handle } = socket as unknown as { readonly _handle?: Partial<TlsHandle> };
  return typeof handle?._parent?.writeQueueSize === "number" ? (handle as TlsHandle) : undefined;
};
