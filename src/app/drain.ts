/**
 * How the gateway stops taking requests without losing one. No connection is taken any more. Those that stand stay,
 * because a client may write its next request at any moment: it is served, and the reply says `Connection: close`. That
 * ends when no request is in flight and none came for QUIET_MS, at the latest after the longest `max_wait` plus the
 * longest `answer`.
 */
import type { Listener } from "../edge/listener.ts";
import type { StopTime } from "../settings/stop-time.ts";
import type { Board } from "./upstreams.ts";

/** For so long nobody has asked. */
export const QUIET_MS = 2000;
const LOOK_MS = 20;
/** A reply that is decided has so long to leave. */
const LAST_WORDS_MS = 1000;
/** A request that came later than this before the end might be sent and have no answer: it is refused instead. */
const TOO_LATE_MS = 5000;

export type Draining = {
  readonly listeners: readonly Listener[];
  readonly boards: readonly Pick<Board, "switchboard">[];
  /** How many requests are under way, whether or not a client still waits for them. */
  readonly live: () => number;
  readonly longest: Pick<StopTime, "maxWait" | "answer">;
  /** Milliseconds; QUIET_MS but for tests. */
  readonly quiet: number;
};

/** Resolves when no client is connected and no request is under way. The boards are closed then. */
export const drain = async (draining: Draining): Promise<void> => {
  const {
    listeners,
    boards,
    longest: { maxWait, answer },
  } = draining;
  const end = performance.now() + maxWait + answer;
  for (const listener of listeners) listener.drain();
  for (const { switchboard } of boards) switchboard.endBy(end);
  await untilQuiet(draining, end - Math.min(answer, TOO_LATE_MS));
  // What waits now, and what still comes, hears that it was not sent. What was sent has its answer.
  const closed = Promise.all(boards.map(({ switchboard }) => switchboard.close()));
  await untilQuiet(draining, end);
  await stopAll(listeners, end);
  await closed;
};

/** The same for listeners that a reload removes. The gateway goes on and refuses no request because of it. */
export const drainListeners = async (
  listeners: readonly Listener[],
  { maxWait, answer }: Draining["longest"],
  quiet = QUIET_MS,
): Promise<void> => {
  if (listeners.length === 0) return;
  const end = performance.now() + maxWait + answer;
  for (const listener of listeners) listener.drain();
  await untilQuiet({ listeners, live: () => 0, quiet }, end);
  await stopAll(listeners, end);
};

const stopAll = async (listeners: readonly Listener[], end: number): Promise<void> => {
  const left = Math.max(LAST_WORDS_MS, end - performance.now());
  await Promise.all(listeners.map((listener) => listener.stop(left)));
};

type Watched = Pick<Draining, "listeners" | "live" | "quiet">;

const untilQuiet = async ({ listeners, live, quiet }: Watched, until: number): Promise<void> => {
  const isQuiet = (): boolean => live() === 0 && listeners.every((listener) => listener.quietFor() >= quiet);
  while (!isQuiet() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
};
