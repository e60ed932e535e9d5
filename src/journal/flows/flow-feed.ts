/**
 * What several watchers see of the journal as it grows. One reader follows its end and keeps the newest flows for all;
 * a watcher that is further behind has a reader of its own until it has caught up. The journal's files are the only
 * source, for what is new and for what a watcher missed, so nothing is shown twice or left out.
 */
import { stringify } from "../entry-line.ts";
import { evaluate, parseFilter, type Expression } from "../search/filter/filter.ts";
import { partToJson, type Scope } from "../search/scope/part.ts";
import { matchingPart } from "../search/scope/scoped-filter.ts";
import { toJson } from "../search/to-json.ts";
import { fieldsOf, type Fields } from "../search/transaction.ts";
import { Cursors, type Place } from "./cursor.ts";
import { FlowReader, microsAt, type Flow } from "./flow-reader.ts";

/** `scope`: only what people of this scope may see, and cursors that are sealed for them. */
export type Watching = {
  readonly filter: string;
  readonly place: Place;
  readonly scope?: Scope | undefined;
};
/** `to`: the size of the journal. `deletedTo`: retention deleted the segments below this index. */
export type Known = { readonly to: number; readonly deletedTo: number };

export type Portion = {
  /** Server-sent events, UTF-8. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Matching flows in `bytes`, and flows that did not match. */
  readonly sent: number;
  readonly passed: number;
  /** The index after the last entry that was considered, and the cursor of that place. */
  readonly next: number;
  readonly cursor: string;
};

type Kept = { readonly flow: Flow; fields?: Fields; event?: string };
/** `bytes`: of the lines of `flows`, which begin behind the index `from`. */
type Tail = { readonly reader: FlowReader; from: number; flows: Kept[]; bytes: number };
/** `own`: the reader of a watcher that catches up, and what it has read and the watcher has not got yet. */
type Watcher = {
  readonly filter: Expression;
  readonly scope: Scope | undefined;
  place: Place;
  own?: { readonly reader: FlowReader; flows: readonly Kept[] } | undefined;
};
type Filling = { readonly parts: string[]; bytes: number; sent: number; passed: number; place: Place };

/** Lines that one question reads, so that no watcher delays another for long. */
const MOST_LINES = 5000;
const MOST_KEPT = 2000;
const MOST_KEPT_BYTES = 16 << 20;
/** When the end has moved on by more, each watcher catches up by itself. */
const MOST_BEHIND = 20_000;
const MOST_BYTES = 1 << 20;

export class FlowFeed {
  readonly #dir: string;
  readonly #cursors: Cursors;
  readonly #watchers = new Map<number, Watcher>();
  #tail: Tail | undefined;

  constructor(dir: string, secret: Uint8Array) {
    this.#dir = dir;
    this.#cursors = new Cursors(secret);
  }

  /** Resolves to the cursor of the place; to undefined if this journal has another entry there. Throws FilterError. */
  async open(id: number, { filter, place, scope }: Watching): Promise<string | undefined> {
    const { expression } = parseFilter(filter);
    const micros = place.next === 0 ? undefined : await microsAt(this.#dir, place.next - 1);
    if (place.micros !== 0 && micros !== undefined && micros !== place.micros) return undefined;
    const from = { next: place.next, micros: micros ?? place.micros };
    this.#watchers.set(id, { filter: expression, scope, place: from });
    return this.#cursorOf(from, scope);
  }

  async read(id: number, known: Known): Promise<Portion> {
    const watcher = this.#watchers.get(id);
    if (!watcher) throw new Error("unknown watcher");
    const tail = await this.#follow(known);
    const filling: Filling = { parts: [], bytes: 0, sent: 0, passed: 0, place: watcher.place };
    if (watcher.place.next < tail.from) await this.#catchUp(watcher, filling, { ...known, to: tail.from });
    else this.#fill(watcher, filling, tail.flows.slice(indexFrom(tail.flows, watcher.place.next)), tail.reader);
    watcher.place = filling.place;
    return {
      bytes: new TextEncoder().encode(filling.parts.join("")),
      sent: filling.sent,
      passed: filling.passed,
      next: watcher.place.next,
      cursor: this.#cursorOf(watcher.place, watcher.scope),
    };
  }

  async close(id: number): Promise<void> {
    const watcher = this.#watchers.get(id);
    this.#watchers.delete(id);
    if (watcher) await this.#stopCatchingUp(watcher);
    if (this.#watchers.size === 0) await this.#dropTail();
  }

  /** Reads what was appended. */
  async #follow({ to, deletedTo }: Known): Promise<Tail> {
    if (this.#tail && to - this.#tail.reader.next > MOST_BEHIND) await this.#dropTail();
    const tail = (this.#tail ??= { reader: new FlowReader(this.#dir, to), from: to, flows: [], bytes: 0 });
    try {
      while (tail.reader.next < to) {
        const before = tail.reader.next;
        for (const flow of await tail.reader.read({ to, deletedTo, most: MOST_LINES })) {
          tail.flows.push({ flow });
          tail.bytes += flow.bytes;
        }
        trim(tail);
        if (tail.reader.next === before) break;
      }
    } catch (error) {
      // What the reader has read is lost with the error: the watchers read it again.
      await this.#dropTail();
      throw error;
    }
    return tail;
  }

  /** With the watcher's own reader. */
  async #catchUp(watcher: Watcher, filling: Filling, { to, deletedTo }: Known): Promise<void> {
    const own = (watcher.own ??= { reader: new FlowReader(this.#dir, watcher.place.next), flows: [] });
    try {
      if (own.flows.length === 0)
        own.flows = (await own.reader.read({ to, deletedTo, most: MOST_LINES })).map((flow) => ({ flow }));
    } catch (error) {
      await this.#stopCatchingUp(watcher);
      throw error;
    }
    own.flows = this.#fill(watcher, filling, own.flows, own.reader);
    if (own.flows.length === 0 && own.reader.next >= to) await this.#stopCatchingUp(watcher);
  }

  async #stopCatchingUp(watcher: Watcher): Promise<void> {
    const { own } = watcher;
    watcher.own = undefined;
    await own?.reader.close();
  }

  /** Returns the flows that did not fit. */
  #fill(watcher: Watcher, filling: Filling, flows: readonly Kept[], reader: FlowReader): readonly Kept[] {
    for (const [at, kept] of flows.entries()) {
      if (filling.bytes >= MOST_BYTES) return flows.slice(at);
      const { flow } = kept;
      filling.place = { next: flow.end + 1, micros: flow.micros };
      const event = watcher.scope ? this.#scopedEvent(kept, watcher.filter, watcher.scope) : this.#event(kept, watcher);
      if (event === undefined) {
        filling.passed++;
        continue;
      }
      if (flow.transaction) filling.sent++;
      filling.parts.push(event);
      filling.bytes += event.length;
    }
    if (reader.next > filling.place.next) filling.place = { next: reader.next, micros: reader.micros };
    return [];
  }

  /** Undefined for a flow that does not match. */
  #event(kept: Kept, { filter }: Watcher): string | undefined {
    const { flow } = kept;
    if (flow.transaction && evaluate(filter, (kept.fields ??= fieldsOf(flow.transaction))) !== true) return undefined;
    return (kept.event ??= flow.transaction
      ? this.#textOf(flow, undefined, "flow", stringify(toJson(flow.transaction)))
      : this.#textOf(flow, undefined, "missing", JSON.stringify(flow.missing)));
  }

  #scopedEvent({ flow }: Kept, filter: Expression, scope: Scope): string | undefined {
    // How many entries are missing counts those of all tenants.
    if (!flow.transaction) return this.#textOf(flow, scope, "missing", JSON.stringify({ reason: flow.missing.reason }));
    const part = matchingPart(scope, filter, flow.transaction);
    return part && this.#textOf(flow, scope, "flow", stringify(partToJson(part)));
  }

  #textOf({ end, micros }: Flow, scope: Scope | undefined, name: string, data: string): string {
    return `id: ${this.#cursorOf({ next: end + 1, micros }, scope)}\nevent: ${name}\ndata: ${data}\n\n`;
  }

  #cursorOf(place: Place, scope: Scope | undefined): string {
    return scope ? this.#cursors.seal(place, { of: "stream", tenants: scope.tenants }) : this.#cursors.write(place);
  }

  async #dropTail(): Promise<void> {
    const reader = this.#tail?.reader;
    this.#tail = undefined;
    await reader?.close();
  }
}

/** Forgets the oldest flows. */
const trim = (tail: Tail): void => {
  let gone = 0;
  while (tail.flows.length - gone > MOST_KEPT || (tail.bytes > MOST_KEPT_BYTES && gone < tail.flows.length))
    tail.bytes -= tail.flows[gone++]!.flow.bytes;
  if (gone === 0) return;
  tail.from = tail.flows[gone - 1]!.flow.end + 1;
  tail.flows = tail.flows.slice(gone);
};

/** The place of the first flow that ends at this index or later. */
const indexFrom = (flows: readonly Kept[], next: number): number => {
  let [low, high] = [0, flows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (flows[middle]!.flow.end < next) low = middle + 1;
    else high = middle;
  }
  return low;
};
