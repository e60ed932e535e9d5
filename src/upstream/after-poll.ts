/**
 * Calls back once the event loop has asked the kernel again: whatever bytes or end of a connection waited there by now have been seen then.
 * All who ask in one turn of the loop share one turn of it.
 */
type Callback = () => void;

/** Those who have asked since the last poll, and those who wait for the one that comes. */
let asked: Callback[] = [];
let waiting: Callback[] = [];

export const afterPoll = (callback: Callback): void => {
  if (asked.length === 0 && waiting.length === 0) setImmediate(check);
  asked.push(callback);
};

/** Runs behind each poll. Who asked during a poll may have asked too late for it. */
const check = (): void => {
  const ripe = waiting;
  waiting = asked;
  asked = [];
  if (waiting.length > 0) setImmediate(check);
  for (const callback of ripe) callback();
};
