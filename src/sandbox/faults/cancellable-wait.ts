/** Waiting that can be cut short. */

/** Calls `then` once: after so many milliseconds (never, when undefined) or as soon as the signal aborts. Keeps no process alive. */
export const lapse = (ms: number | undefined, cut: AbortSignal, then: (early: boolean) => void): void => {
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

/** How a wait ended: its time came, its reason went away, or the client did. */
export type Waited = "elapsed" | "released" | "gone";

export const wait = (
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
    lapse(ms, done.signal, (early) => {
      if (!early) settle("elapsed");
    });
  });
