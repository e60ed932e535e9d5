/** Waits that can be cancelled. */

/**
 * Calls `then` once: after `ms` (never, when undefined) or as soon as the signal aborts. Does not keep the process
 * alive.
 */
export const callAfter = (ms: number | undefined, cut: AbortSignal, then: (early: boolean) => void): void => {
  if (cut.aborted) return then(true);
  const end = (early: boolean): void => {
    clearTimeout(timer);
    cut.removeEventListener("abort", onCut);
    then(early);
  };
  const onCut = (): void => {
    end(true);
  };
  const timer = ms === undefined ? undefined : setTimeout(end, ms, false).unref();
  cut.addEventListener("abort", onCut);
};

/** How a wait ended: its time elapsed, its fault was removed, or the client disconnected. */
export type Waited = "elapsed" | "released" | "gone";

export const cancellableWait = (
  ms: number | undefined,
  { released, gone }: { readonly released: AbortSignal; readonly gone: AbortSignal },
): Promise<Waited> =>
  new Promise((resolve) => {
    const done = new AbortController();
    const settle = (how: Waited): void => {
      resolve(how);
      done.abort();
    };
    for (const [cut, how] of [
      [gone, "gone"],
      [released, "released"],
    ] as const) {
      if (cut.aborted) settle(how);
      cut.addEventListener(
        "abort",
        () => {
          settle(how);
        },
        { signal: done.signal },
      );
    }
    callAfter(ms, done.signal, (early) => {
      if (!early) settle("elapsed");
    });
  });
