/**
 * Draining: the gateway stops taking requests without losing one. It accepts no new connections. Existing connections
 * stay, because a client may send its next request at any moment: that request is served, with `Connection: close` in
 * the reply. Draining ends when no request is in flight and none came for QUIET_MS, or at the latest after the longest
 * `max_wait` plus the longest `answer`.
 */
import type { Listener } from "../edge/listener.ts";
import type { StopTime } from "../settings/stop-time.ts";
import type { UpstreamEntry } from "./wiring/upstreams.ts";

/** Milliseconds without a request. */
export const QUIET_MS = 2000;
const POLL_MS = 20;
/** Milliseconds to send a reply that is ready. */
const FINAL_REPLY_MS = 1000;
/** A request that comes in these last milliseconds of the drain is refused: OCS's answer might come too late. */
const TOO_LATE_MS = 5000;

export type Draining = {
  readonly listeners: readonly Listener[];
  readonly upstreams: readonly Pick<UpstreamEntry, "switchboard">[];
  /** Requests in progress, whether or not their clients still wait. */
  readonly inFlight: () => number;
  readonly longest: Pick<StopTime, "maxWait" | "answer">;
  /** Milliseconds; QUIET_MS except in tests. */
  readonly quiet: number;
};

/** Resolves when no client is connected and no request is in progress, with the switchboards closed. */
export const drain = async (draining: Draining): Promise<void> => {
  const {
    listeners,
    upstreams,
    longest: { maxWait, answer },
  } = draining;
  const end = performance.now() + maxWait + answer;
  for (const listener of listeners) listener.drain();
  for (const { switchboard } of upstreams) switchboard.setDeadline(end);
  await untilQuiet(draining, end - Math.min(answer, TOO_LATE_MS));
  // Queued and new requests are refused as not sent. Requests that were sent get OCS's answer.
  const closed = Promise.all(upstreams.map(({ switchboard }) => switchboard.close()));
  await untilQuiet(draining, end);
  await stopAll(listeners, end);
  await closed;
};

/** Drains listeners that a reload removes. The gateway keeps serving and refuses no request because of it. */
export const drainListeners = async (
  listeners: readonly Listener[],
  { maxWait, answer }: Draining["longest"],
  quiet = QUIET_MS,
): Promise<void> => {
  if (listeners.length === 0) return;
  const end = performance.now() + maxWait + answer;
  for (const listener of listeners) listener.drain();
  await untilQuiet({ listeners, inFlight: () => 0, quiet }, end);
  await stopAll(listeners, end);
};

const stopAll = async (listeners: readonly Listener[], end: number): Promise<void> => {
  const left = Math.max(FINAL_REPLY_MS, end - performance.now());
  await Promise.all(listeners.map((listener) => listener.stop(left)));
};

type Watched = Pick<Draining, "listeners" | "inFlight" | "quiet">;

const untilQuiet = async ({ listeners, inFlight, quiet }: Watched, until: number): Promise<void> => {
  const isQuiet = (): boolean => inFlight() === 0 && listeners.every((listener) => listener.idleFor() >= quiet);
  while (!isQuiet() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
};
