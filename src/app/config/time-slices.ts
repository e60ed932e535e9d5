/** Long work on the thread that serves, a little at a time: requests come in between. */
import type { Steps } from "../tenants/steps.ts";

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
