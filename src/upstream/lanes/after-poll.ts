/**
 * Calls back after the event loop's next poll of the kernel, when bytes or a FIN that have arrived by now have been
 * read. All calls in one iteration of the loop share one poll.
 */
type Callback = () => void;

/** Callbacks registered since the last poll, and callbacks due after the next one. */
let registered: Callback[] = [];
let waiting: Callback[] = [];

export const afterPoll = (callback: Callback): void => {
  if (registered.length === 0 && waiting.length === 0) setImmediate(check);
  registered.push(callback);
};

/** Runs after each poll. A callback that was registered during a poll may have been too late for it. */
const check = (): void => {
  const due = waiting;
  waiting = registered;
  registered = [];
  if (waiting.length > 0) setImmediate(check);
  for (const callback of due) callback();
};
