/** The requests that have passed all checks and have no reply yet, for their own clients. */
import { afterSending } from "../repeat.ts";
import type { Order, UsedKey } from "../types.ts";
import type { KnownRequest } from "./request-state.ts";

type Running = { readonly order: Order; isKeyed: boolean; isSent: boolean };

export class RunningRequests {
  readonly #running = new Map<string, Running>();

  add(order: Order): void {
    this.#running.set(order.id, { order, isKeyed: false, isSent: false });
  }

  keyed(id: string, key: UsedKey | undefined): void {
    const running = this.#running.get(id);
    if (running && key) running.isKeyed = true;
  }

  /** To be called before its first byte is written to OCS. */
  sent(id: string): void {
    const running = this.#running.get(id);
    if (running) running.isSent = true;
  }

  /** To be called when its reply is decided; the journal has its end then. */
  end(id: string): void {
    this.#running.delete(id);
  }

  find(id: string): KnownRequest | undefined {
    const running = this.#running.get(id);
    if (!running) return undefined;
    const { order, isKeyed, isSent } = running;
    return {
      client: order.client,
      tenant: { dbid: order.owner.dbid, upstream: order.owner.upstream },
      state: {
        id,
        state: isSent ? "sent" : "queued",
        status: null,
        delivery: isSent ? "sent-no-answer" : "not-sent",
        repeat: isKeyed ? "safe" : afterSending(order.operation.action, order.lease?.isOwned() ?? false),
      },
    };
  }
}
