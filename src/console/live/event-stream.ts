/**
 * Follows a stream of server-sent events by fetch, which unlike EventSource can send a token and sees why a stream is
 * refused. Connects again with the id of the last event, so that nothing is lost and nothing comes twice.
 */
import { ApiError, send } from "../api.ts";

export type StreamEvent = { readonly id: string; readonly name: string; readonly data: unknown };

/** `since`: on the page's clock. `stalled`: connected or connecting, but nothing comes. */
export type StreamState =
  | { readonly is: "connecting" }
  | { readonly is: "live" }
  | { readonly is: "stalled"; readonly since: number; readonly why: string | undefined }
  /** The gateway refused the stream; it is asked again unless `isFinal`. */
  | { readonly is: "refused"; readonly error: ApiError; readonly isFinal: boolean };

type Options = {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The id of the last event that is known already. */
  readonly cursor?: string | undefined;
  readonly onEvent: (event: StreamEvent) => void;
  readonly onState: (state: StreamState) => void;
  /** The gateway no longer knows the cursor: what came since is found by a search only. */
  readonly onLostCursor: () => void;
};

/** The gateway sends something every 2 s; after this long without, the stream is stalled. */
export const STALL_MS = 4000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

/** Follows until the returned function is called. */
export const followStream = (options: Options): (() => void) => {
  const stopped = new AbortController();
  void follow(options, stopped.signal);
  return () => stopped.abort();
};

const follow = async (options: Options, stopped: AbortSignal): Promise<void> => {
  const { onState, onEvent, onLostCursor } = options;
  let { cursor } = options;
  let pause = FIRST_PAUSE_MS;
  let lastByte = performance.now();
  onState({ is: "connecting" });
  while (!stopped.aborted) {
    let why: string | undefined;
    try {
      await readOnce({ ...options, cursor }, stopped, {
        onByte: () => (lastByte = performance.now()),
        onEvent: (event) => {
          [cursor, pause] = [event.id, FIRST_PAUSE_MS];
          onState({ is: "live" });
          if (event.name === "end") why = reasonIn(event.data);
          onEvent(event);
        },
      });
    } catch (error) {
      if (stopped.aborted) return;
      if (error instanceof ApiError && error.status > 0) {
        const isLost = cursor !== undefined && (error.status === 410 || (error.status === 400 && !error.filter));
        if (isLost) {
          cursor = undefined;
          onLostCursor();
          continue;
        }
        const isFinal = error.status < 500 && error.status !== 429;
        onState({ is: "refused", error, isFinal });
        if (isFinal) return;
        pause = Math.max(pause, Math.min(error.retryAfter, 30) * 1000);
        await sleep(pause, stopped);
        continue;
      }
    }
    if (stopped.aborted) return;
    onState({ is: "stalled", since: lastByte, why });
    await sleep(pause, stopped);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
};

type Reading = { readonly onByte: () => void; readonly onEvent: (event: StreamEvent) => void };

/** Resolves when the stream ends; rejects when it cannot be opened, breaks, or falls silent. */
const readOnce = async (
  { path, query, cursor }: Pick<Options, "path" | "query" | "cursor">,
  stopped: AbortSignal,
  { onByte, onEvent }: Reading,
): Promise<void> => {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), STALL_MS);
  const listen = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), STALL_MS);
  };
  try {
    const signal = AbortSignal.any([stopped, silent.signal]);
    const headers = { Accept: "text/event-stream", ...(cursor !== undefined && { "Last-Event-ID": cursor }) };
    const response = await send("GET", path, { query, headers, signal });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      onByte();
      listen();
      const frames = (text + value).split("\n\n");
      text = frames.pop()!;
      for (const event of frames.map(eventIn)) if (event) onEvent(event);
    }
  } finally {
    clearTimeout(timer);
  }
};

/** Undefined for a comment, or a frame without data. Exported for its test. */
export const eventIn = (frame: string): StreamEvent | undefined => {
  const fields = new Map(
    frame.split("\n").flatMap((line): [string, string][] => {
      const colon = line.indexOf(": ");
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 2)]] : [];
    }),
  );
  const [id, name, data] = [fields.get("id"), fields.get("event"), fields.get("data")];
  if (id === undefined || name === undefined || data === undefined) return undefined;
  return { id, name, data: JSON.parse(data) as unknown };
};

const reasonIn = (data: unknown): string | undefined => {
  const { message } = data as { readonly message?: unknown };
  return typeof message === "string" ? message : undefined;
};

const sleep = (ms: number, stopped: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stopped.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
