/** Runs long work on the main thread in slices of 4 ms, so that requests are served in between. */
import type { Steps } from "../../common/steps.ts";

const SLICE_MS = 4;

export const inSlices = async <Result>(steps: Steps<Result>): Promise<Result> => {
  for (let until = performance.now() + SLICE_MS; ;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() < until) continue;
    await new Promise((resolve) => setImmediate(resolve));
    until = performance.now() + SLICE_MS;
  }
};
