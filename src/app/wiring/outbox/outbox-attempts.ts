/** Counts the attempts to send accepted Do-Not-Calls, by tenant and result. */
import type { AttemptResult } from "../../../outbox/attempt.ts";
import type { OutboxItem } from "../../../outbox/item.ts";

export type AttemptCount = {
  readonly upstream: string;
  /** DBID. */
  readonly tenant: number;
  readonly result: AttemptResult["end"];
  readonly count: number;
};

export class OutboxAttempts {
  readonly #counts = new Map<string, AttemptCount>();

  readonly note = ({ upstream, tenant }: OutboxItem, { end: result }: AttemptResult): void => {
    const name = `${upstream}/${tenant}/${result}`;
    const count = (this.#counts.get(name)?.count ?? 0) + 1;
    this.#counts.set(name, { upstream, tenant, result, count });
  };

  get all(): readonly AttemptCount[] {
    return [...this.#counts.values()];
  }
}
