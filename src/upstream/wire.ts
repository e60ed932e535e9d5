/** One connection to OCS: what is written leaves in one piece, and what comes is given on at once, with nothing in between that could keep any of it. */
import type { Socket } from "node:net";
import { connectTo, type Endpoint } from "./endpoint.ts";

type Told = {
  /** It can carry a request. */
  readonly ready: () => void;
  /** It could not be made. */
  readonly failed: (error: Error) => void;
  /** The bytes are only lent. */
  readonly took: (bytes: Buffer) => void;
  /** It has ended, and not we have ended it. */
  readonly gone: () => void;
};

/** What libuv counts, in bytes: all that was given to it, and what of that the kernel has not taken yet. */
type Counted = { readonly bytesWritten: number; readonly writeQueueSize: number };
/** Node's handle of a TLS socket: `writeQueueSize` is ciphertext that it has not seen leave, and `_parent` the TCP connection below. */
type TlsHandle = Counted & { readonly _parent: Counted };

const ENDS = ["end", "error", "close"] as const;

export class Wire {
  readonly #told: Told;
  #socket: Socket | undefined;
  #tls: TlsHandle | undefined;
  /** The TCP connection under TLS has sent all that was written once it has sent so many bytes. */
  #due = 0;
  #over = false;

  /** Begins to connect. Nothing is told any more after `destroy`, `failed` or `gone`. */
  constructor(endpoint: Endpoint, told: Told) {
    this.#told = told;
    connectTo(
      endpoint,
      (error, socket) => this.#connected(error, socket),
      (bytes) => this.#over || told.took(bytes),
    );
  }

  /** It can carry a request. */
  get isReady(): boolean {
    return this.#socket !== undefined;
  }

  /**
   * The kernel has taken all that was written. A TLS socket reports its write as done one turn of the event loop after that, when the answer
   * may have come already; so the bytes are counted on the TCP connection below it.
   */
  get isFlushed(): boolean {
    const tcp = this.#tls?._parent;
    return tcp ? tcp.bytesWritten - tcp.writeQueueSize >= this.#due : this.#socket?.writableLength === 0;
  }

  /** Encryption is done when it returns: what `writeQueueSize` has grown by is this text's ciphertext. */
  write(text: string): void {
    const tls = this.#tls;
    const before = tls ? tls._parent.bytesWritten - tls.writeQueueSize : 0;
    this.#socket!.write(text, "utf8");
    if (tls) this.#due = before + tls.writeQueueSize;
  }

  destroy(): void {
    this.#over = true;
    this.#tls = undefined;
    this.#socket?.destroy();
  }

  #connected(error: Error | null, socket: Socket | null): void {
    if (this.#over) return void socket?.destroy();
    if (!socket) {
      this.#over = true;
      return this.#told.failed(error ?? new Error("no connection"));
    }
    this.#socket = socket;
    this.#tls = tlsHandleOf(socket);
    for (const end of ENDS) socket.once(end, () => this.#gone());
    this.#told.ready();
  }

  #gone(): void {
    if (this.#over) return;
    this.destroy();
    this.#told.gone();
  }
}

/** Undefined without TLS. Node shows these counts nowhere else; `wire.test.ts` holds a new version of Node to them. */
const tlsHandleOf = (socket: Socket): TlsHandle | undefined => {
  const { _handle: handle } = socket as unknown as { readonly _handle?: Partial<TlsHandle> };
  return typeof handle?._parent?.writeQueueSize === "number" ? (handle as TlsHandle) : undefined;
};
