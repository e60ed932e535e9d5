/**
 * What several watchers see of the journal as it grows. One reader follows its end and keeps the newest flows for all;
 * a watcher that is further behind has a reader of its own until it has caught up. The journal's files are the only
 * source, for what is new and for what a watcher missed, so nothing is shown twice or left out.
 */
import { compressedPart, type GzipPart } from "../../common/gzip-parts.ts";
import { stringify } from "../entry-line.ts";
import { evaluate, parseFilter, type Expression } from "../search/filter/filter.ts";
import { partToJson, type Scope } from "../search/scope/part.ts";
import { matchingPart } from "../search/scope/scoped-filter.ts";
import { toJson } from "../search/to-json.ts";
import { fieldsOf, type Fields } from "../search/transaction.ts";
import { Cursors, type Place } from "./cursor.ts";
import { FlowReader, microsAt, type Flow } from "./flow-reader.ts";

/**
 * `scope`: only what people of this scope may see, and cursors that are sealed for them. `isPacked`: portions are
 * compressed.
 */
export type Watching = {
  readonly filter: string;
  readonly place: Place;
  readonly scope?: Scope | undefined;
  readonly isPacked?: boolean;
};
/** `to`: the size of the journal. `deletedTo`: retention deleted the segments below this index. */
export type Known = { readonly to: number; readonly deletedTo: number };

export type Portion = {
  /** Server-sent events, UTF-8; as a part of a gzip stream if there is `plain`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly plain?: Omit<GzipPart, "bytes">;
  /** Matching flows in `bytes`, and flows that did not match. */
  readonly sent: number;
  readonly passed: number;
  /** The index after the last entry that was considered, and the cursor of that place. */
  readonly next: number;
  readonly cursor: string;
};

/** Where one reading began: the cursors of its flows are written from there. */
type Start = { readonly place: Place; readonly cursor: string };
type Kept = { readonly flow: Flow; readonly start: Start; fields?: Fields; event?: string };
/** `bytes`: of the lines of `flows`, which begin behind the index `from`. */
type Tail = { readonly reader: FlowReader; from: number; flows: Kept[]; bytes: number };
/** `own`: the reader of a watcher that catches up, and what it has read and the watcher has not got yet. */
type Watcher = {
  readonly filter: Expression;
  readonly scope: Scope | undefined;
  readonly isPacked: boolean;
  /** The same for watchers that see the same. */
  readonly sight: string;
  place: Place;
  own?: { readonly reader: FlowReader; flows: readonly Kept[] } | undefined;
};
type Filling = { readonly parts: string[]; bytes: number; sent: number; passed: number; place: Place };

/** Lines that one question reads, so that no watcher delays another for long. */
const MOST_LINES = 5000;
const MOST_KEPT = 5000;
const MOST_KEPT_BYTES = 16 << 20;
/** When the end has moved on by more, each watcher catches up by itself. */
const MOST_BEHIND = 20_000;
const MOST_BYTES = 1 << 20;
/** Compressed to a few hundred KiB. */
const MOST_PACKED_BYTES = 4 << 20;

export class SharedFeed {
  readonly #dir: string;
  readonly #cursors: Cursors;
  readonly #watchers = new Map<number, Watcher>();
  #tail: Tail | undefined;

  constructor(dir: string, secret: Uint8Array) {
    this.#dir = dir;
    this.#cursors = new Cursors(secret);
  }

  /** Resolves to the cursor of the place; to undefined if this journal has another entry there. Throws FilterError. */
  async open(id: number, { filter, place, scope, isPacked = false }: Watching): Promise<string | undefined> {
    const { expression } = parseFilter(filter);
    const micros = place.next === 0 ? undefined : await microsAt(this.#dir, place.next - 1);
    if (place.micros !== 0 && micros !== undefined && micros !== place.micros) return undefined;
    const from = { next: place.next, micros: micros ?? place.micros };
    const sight = JSON.stringify([filter, scope, isPacked]);
    this.#watchers.set(id, { filter: expression, scope, isPacked, sight, place: from });
    return this.#cursorOf(from, scope);
  }

  async read(id: number, known: Known): Promise<Portion> {
    const watcher = this.#watcher(id);
    const tail = await this.#follow(known);
    if (watcher.place.next >= tail.from) return this.#next(watcher, tail);
    const filling = emptyFrom(watcher.place);
    await this.#catchUp(watcher, filling, { ...known, to: tail.from });
    return this.#portionOf(watcher, filling);
  }

  /**
   * The portions of those of these watchers that have caught up. Watchers that see the same from the same place on get
   * the same bytes, made once. None for a watcher that is unknown, or whose portion cannot be made:
   * the fault is its own, and `read` says it.
   */
  async readTogether(ids: readonly number[], known: Known): Promise<ReadonlyMap<number, Portion>> {
    const tail = await this.#follow(known);
    const made = new Map<string, { readonly portion: Portion; readonly place: Place }>();
    const portions = new Map<number, Portion>();
    for (const id of ids) {
      const watcher = this.#watchers.get(id);
      if (!watcher || watcher.place.next < tail.from) continue;
      const key = `${watcher.place.next} ${watcher.place.micros} ${watcher.sight}`;
      const shared = made.get(key) ?? this.#tryNext(watcher, tail);
      if (!shared) continue;
      made.set(key, shared);
      watcher.place = shared.place;
      portions.set(id, shared.portion);
    }
    return portions;
  }

  #tryNext(watcher: Watcher, tail: Tail): { readonly portion: Portion; readonly place: Place } | undefined {
    const { place } = watcher;
    try {
      return { portion: this.#next(watcher, tail), place: watcher.place };
    } catch {
      watcher.place = place;
      return undefined;
    }
  }

  #watcher(id: number): Watcher {
    const watcher = this.#watchers.get(id);
    if (!watcher) throw new Error("unknown watcher");
    return watcher;
  }

  /** What the tail has after the watcher's place. */
  #next(watcher: Watcher, { flows, reader }: Tail): Portion {
    const filling = emptyFrom(watcher.place);
    this.#fill(watcher, filling, flows.slice(indexFrom(flows, watcher.place.next)), reader);
    return this.#portionOf(watcher, filling);
  }

  #portionOf(watcher: Watcher, { parts, sent, passed, place }: Filling): Portion {
    watcher.place = place;
    const text = new TextEncoder().encode(parts.join(""));
    const { bytes, ...plain } = watcher.isPacked && text.length > 0 ? compressedPart(text) : { bytes: text };
    return {
      bytes,
      ...("crc" in plain && { plain }),
      sent,
      passed,
      next: place.next,
      cursor: this.#cursorOf(place, watcher.scope),
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
        const start = this.#startOf(tail.reader);
        for (const flow of await tail.reader.read({ to, deletedTo, most: MOST_LINES })) {
          tail.flows.push({ flow, start });
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
      if (own.flows.length === 0) {
        const start = this.#startOf(own.reader);
        own.flows = (await own.reader.read({ to, deletedTo, most: MOST_LINES })).map((flow) => ({ flow, start }));
      }
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
    const most = watcher.isPacked ? MOST_PACKED_BYTES : MOST_BYTES;
    for (const [at, kept] of flows.entries()) {
      if (filling.bytes >= most) return flows.slice(at);
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
      ? this.#textOf(kept, undefined, "flow", stringify(toJson(flow.transaction)))
      : this.#textOf(kept, undefined, "missing", JSON.stringify(flow.missing)));
  }

  #scopedEvent(kept: Kept, filter: Expression, scope: Scope): string | undefined {
    const { flow } = kept;
    // How many entries are missing counts those of all tenants.
    if (!flow.transaction) return this.#textOf(kept, scope, "missing", JSON.stringify({ reason: flow.missing.reason }));
    const part = matchingPart(scope, filter, flow.transaction);
    return part && this.#textOf(kept, scope, "flow", stringify(partToJson(part)));
  }

  #textOf({ flow, start }: Kept, scope: Scope | undefined, name: string, data: string): string {
    const place = { next: flow.end + 1, micros: flow.micros };
    const cursor = scope ? this.#cursorOf(place, scope) : this.#cursors.near(start, place);
    return `id: ${cursor}\nevent: ${name}\ndata: ${data}\n\n`;
  }

  #startOf({ next, micros }: FlowReader): Start {
    return { place: { next, micros }, cursor: this.#cursors.write({ next, micros }) };
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

const emptyFrom = (place: Place): Filling => ({ parts: [], bytes: 0, sent: 0, passed: 0, place });

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
