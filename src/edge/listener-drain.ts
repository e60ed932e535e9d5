/** Stops a listener: accepts no new connections, then closes idle ones, and finally busy ones. */
import type { Server } from "node:http";
import { Server as NetServer } from "node:net";
import type { HandshakeQueue } from "./handshake-queue.ts";
import type { RequestIntake } from "./request-intake.ts";

export class ListenerDrain {
  readonly #server: Server;
  readonly #intake: RequestIntake;
  readonly #handshakes: HandshakeQueue | undefined;
  readonly #checkMs: number;
  #closed: Promise<void> | undefined;

  /** `checkMs`: how often connections that have become idle are closed. */
  constructor(server: Server, intake: RequestIntake, handshakes: HandshakeQueue | undefined, checkMs: number) {
    [this.#server, this.#intake, this.#handshakes, this.#checkMs] = [server, intake, handshakes, checkMs];
  }

  /**
   * Resolves when the last connection is closed. Calls TCP's `close`: the HTTP server's own would close idle
   * connections at once, and stop looking for late clients.
   */
  drain(): Promise<void> {
    this.#intake.drain();
    return (this.#closed ??= new Promise((resolve) => NetServer.prototype.close.call(this.#server, () => resolve())));
  }

  /** Milliseconds; see `Listener.idleFor`. */
  idleFor(): number {
    return this.#intake.idleFor(this.#handshakes?.hasWaiting ?? false);
  }

  async stop(graceMs: number): Promise<void> {
    const closed = this.drain();
    this.#handshakes?.close();
    this.#intake.closeSilent();
    // Repeated, because a connection that is sending a reply becomes idle a moment later.
    const idle = setInterval(() => this.#server.closeIdleConnections(), this.#checkMs);
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#intake.closeAll(), graceMs);
    await closed;
    clearInterval(idle);
    clearTimeout(timer);
    // Only the HTTP server's own timer, which looked for late clients, is left to stop.
    this.#server.close(() => undefined);
  }
}
