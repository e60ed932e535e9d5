/** Posts an event to a URL as JSON; retries until it gets a 2xx, at most three times in all. */
import type { SandboxEvent } from "../world/event-log.ts";
import type { Poster } from "../dialer/http-post.ts";

const TRIES = 3;
const PAUSE_MS = 500;
const TIMEOUT_MS = 5000;

/** Resolves to true when the event was delivered. `over` aborts the retries. */
export const deliver = async (
  poster: Poster,
  url: string,
  { id, type, data }: SandboxEvent,
  over: AbortSignal,
): Promise<boolean> => {
  const message = { id, type, ...(JSON.parse(data) as object) };
  for (let left = TRIES; left > 0 && !over.aborted; left--) {
    const answer = await poster.post(url, message, TIMEOUT_MS).catch(() => undefined);
    if (answer && answer.status >= 200 && answer.status < 300) return true;
    if (left > 1) await pause(over);
  }
  return false;
};

const pause = (over: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      over.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, PAUSE_MS).unref();
    over.addEventListener("abort", end);
  });
