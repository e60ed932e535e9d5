/**
 * The flows of one question: a stream of what comes, and searches for what was, in one list. The stream begins before
 * the first search, so that nothing falls between them.
 */
import type { TransactionJson } from "../../../journal/search/to-json.ts";
import { ApiError, get } from "../../api.ts";
import { followStream, type StreamState } from "../../live/event-stream.ts";
import { FlowList, type FlowRow } from "./flow-list.ts";

/** `range`: how far back the first search goes, such as "15m"; undefined: without limit. */
export type Question = { readonly filter: string; readonly range: string | undefined };

export type Missing = { readonly entries?: number; readonly reason: string };

/** What a page shows of a feed. */
export type FeedState = {
  /** False until the first search has succeeded. */
  readonly isReady: boolean;
  readonly rows: readonly FlowRow[];
  /** New rows that are not shown yet. */
  readonly waiting: number;
  /** Undefined: the filter selects the past, so there is no stream. */
  readonly stream: StreamState | undefined;
  readonly isSearching: boolean;
  readonly error: unknown;
  /** The cursor of older flows; null: there are none in the range. */
  readonly next: string | null;
  readonly warnings: readonly string[];
  readonly missing: Missing | undefined;
  /** Flows of a time without a connection, which a new one brought; undefined when there was no such time. */
  readonly filledIn: number | undefined;
  readonly isCut: boolean;
};

type Page = {
  readonly requests: readonly TransactionJson[];
  readonly next: string | null;
  readonly warnings: readonly string[];
};

type Listener = {
  readonly onChange: (state: FeedState) => void;
  /** What is new, whether it is shown or waits. */
  readonly onArrivals: (rows: readonly FlowRow[]) => void;
};

const PAGE = 200;
/** Rows that come within this time are shown together. */
const SHOW_MS = 100;

/** A filter with a time of its own selects the past; a stream shows what comes. */
export const hasTime = (filter: string): boolean => /(?:^|[\s(-])(?:time|since|until):/i.test(filter);

/** The filter of the searches. */
export const boundedFilter = ({ filter, range }: Question): string => {
  if (range === undefined || hasTime(filter)) return filter;
  return filter.trim() === "" ? `since:${range}` : `since:${range} (${filter})`;
};

export class FlowFeed {
  readonly question: Question;
  readonly #list = new FlowList();
  readonly #to: Listener;
  #state: FeedState = {
    isReady: false,
    rows: [],
    waiting: 0,
    stream: undefined,
    isSearching: false,
    error: undefined,
    next: null,
    warnings: [],
    missing: undefined,
    filledIn: undefined,
    isCut: false,
  };
  #cursor: string | undefined;
  #stop: (() => void) | undefined;
  #searching: AbortController | undefined;
  #fresh: FlowRow[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isHeld = false;
  /** Entries that the stream brings for a time without a connection. */
  #isBehind = false;

  constructor(question: Question, to: Listener) {
    [this.question, this.#to] = [question, to];
  }

  get state(): FeedState {
    return this.#state;
  }

  /** Begins, or continues after `stop` with what came in between. */
  start(): void {
    if (hasTime(this.question.filter)) {
      if (!this.#state.isReady) void this.#search();
      return;
    }
    const { filter } = this.question;
    this.#stop = followStream({
      path: "/api/flows/stream",
      query: filter === "" ? {} : { filter },
      cursor: this.#cursor,
      onState: (stream) => this.#onStream(stream),
      onLostCursor: () => (this.#cursor = undefined),
      onEvent: ({ id, name, data }) => {
        this.#cursor = id;
        this.#onEvent(name, data);
      },
    });
  }

  /** Ends stream and searches; the rows stay. */
  stop(): void {
    this.#stop?.();
    this.#searching?.abort();
    clearTimeout(this.#timer);
    [this.#stop, this.#timer] = [undefined, undefined];
    this.#take();
  }

  /** While held, new rows wait, because the list must not move. */
  hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (!isHeld) this.release();
  }

  /** Shows what waits. */
  release(): void {
    this.#list.release();
    this.#change({});
  }

  /** Empties the list; what comes from now on is shown. */
  clear(): void {
    this.#searching?.abort();
    this.#list.clear();
    this.#change({ isSearching: false, error: undefined, next: null });
  }

  /** The next page of older flows. */
  async older(): Promise<void> {
    const { next, isSearching } = this.#state;
    if (next !== null && !isSearching) await this.#search(next);
  }

  #change(change: Partial<FeedState>): void {
    const { rows, waiting, isCut } = this.#list;
    this.#state = { ...this.#state, ...change, rows, waiting, isCut };
    this.#to.onChange(this.#state);
  }

  #onStream(stream: StreamState): void {
    if (stream.is === "stalled") this.#isBehind = true;
    if (stream.is === "refused") {
      if (stream.error.filter) return this.#change({ error: stream.error });
      // What was can still be searched.
      if (!this.#state.isReady && !this.#state.isSearching) void this.#search();
    }
    if (stream.is !== this.#state.stream?.is || stream.is !== "live") this.#change({ stream });
  }

  #onEvent(name: string, data: unknown): void {
    switch (name) {
      case "begin": {
        const { resumed, behind } = data as { readonly resumed: boolean; readonly behind?: number };
        // Without a cursor the stream begins now: a search finds what came before.
        if (!resumed) void this.#search();
        // Who may see single tenants only does not get the number.
        this.#isBehind &&= behind !== 0;
        return this.#change({ filledIn: this.#isBehind ? 0 : undefined });
      }
      case "flow": {
        this.#fresh.push(data as FlowRow);
        this.#timer ??= setTimeout(() => this.#take(), SHOW_MS);
        return;
      }
      case "missing":
        return this.#change({ missing: data as Missing });
      default:
        this.#isBehind = false;
    }
  }

  #take(): void {
    this.#timer = undefined;
    const news = this.#fresh;
    if (news.length === 0) return;
    this.#fresh = [];
    if (this.#isHeld) this.#list.hold(news);
    else this.#list.add(news);
    const { filledIn } = this.#state;
    this.#change(this.#isBehind && filledIn !== undefined ? { filledIn: filledIn + news.length } : {});
    this.#to.onArrivals(news);
  }

  async #search(from?: string): Promise<void> {
    this.#searching?.abort();
    const controller = (this.#searching = new AbortController());
    this.#change({ isSearching: true, error: undefined });
    try {
      const query = { filter: boundedFilter(this.question), limit: PAGE, ...(from !== undefined && { cursor: from }) };
      const { requests, next, warnings } = await get<Page>("/api/flows", query, controller.signal);
      this.#list.add(requests);
      this.#change({ isReady: true, isSearching: false, next, warnings });
    } catch (error) {
      if (!controller.signal.aborted) this.#change({ isSearching: false, error });
    }
  }
}

/** The place of a fault in the filter that the user wrote: searches have a range before it. */
export const faultIn = (error: unknown, { filter, range }: Question) => {
  if (!(error instanceof ApiError) || !error.filter) return undefined;
  const added = boundedFilter({ filter, range }).indexOf(filter);
  const { at, ...fault } = error.filter;
  return { ...fault, at: Math.max(0, at - (isOfSearch(error) ? Math.max(0, added) : 0)) };
};

/** A search's filter begins with the range. */
const isOfSearch = ({ message }: ApiError): boolean => /^ {2}since:/m.test(message);
