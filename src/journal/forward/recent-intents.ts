/**
 * The intents of requests that have not ended: an outcome has the request's id alone, and a receiver wants to know
 * whose request it was.
 */
import type { Intent, Recorded } from "../entry.ts";

export type Request = Pick<
  Intent,
  "tenant" | "client" | "credential" | "source" | "resource" | "identifier" | "action"
>;

/** Beyond it the oldest are forgotten. */
const MOST = 20_000;

const ENDS: ReadonlySet<string> = new Set(["outcome", "abandoned", "in-doubt"]);

export class RecentIntents {
  readonly #open = new Map<string, Request>();

  /** To be called with each entry, in order. Returns the intent of the request that the entry ends, if it is known. */
  take(entry: Recorded): Request | undefined {
    if (entry.kind === "intent") return this.#keep(entry);
    if (!ENDS.has(entry.kind) || !("id" in entry)) return undefined;
    const request = this.#open.get(entry.id);
    this.#open.delete(entry.id);
    return request;
  }

  /** The intent of the request that the entry ends, if it is known; it stays known. */
  of(entry: Recorded): Request | undefined {
    return ENDS.has(entry.kind) && "id" in entry ? this.#open.get(entry.id) : undefined;
  }

  #keep({ id, tenant, client, credential, source, resource, identifier, action }: Intent): undefined {
    this.#open.set(id, { tenant, client, credential, source, resource, identifier, action });
    if (this.#open.size > MOST) this.#open.delete(this.#open.keys().next().value!);
    return undefined;
  }
}
