/**
 * One clock for all streams, so that they ask for the same entries at the same moment. It runs while somebody waits.
 */

/** `ms`: from beat to beat. */
export const createBeat = (ms: number): (() => Promise<void>) => {
  let next: Promise<void> | undefined;
  return () =>
    (next ??= new Promise((resolve) => {
      setTimeout(
        () => {
          next = undefined;
          resolve();
        },
        ms - (performance.now() % ms),
      );
    }));
};
