import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { callAfter, cancellableWait } from "../../../src/sandbox/faults/cancellable-wait.ts";

const signals = (): { released: AbortController; gone: AbortController } => ({
  released: new AbortController(),
  gone: new AbortController(),
});
const waiting = (ms: number | undefined, { released, gone }: ReturnType<typeof signals>): Promise<string> =>
  cancellableWait(ms, { released: released.signal, gone: gone.signal });

describe("a cancellable wait", () => {
  it("elapses after its time", async () => {
    expect(await waiting(5, signals())).toBe("elapsed");
  });

  it.each(["released", "gone"] as const)(
    "ends when it is %s, before or during the wait, and leaves no listener",
    async (how) => {
      const cut = signals();
      const meanwhile = waiting(undefined, cut);
      cut[how].abort();
      expect([await meanwhile, await waiting(undefined, cut)]).toEqual([how, how]);
      for (const { signal } of Object.values(cut)) expect(getEventListeners(signal, "abort")).toHaveLength(0);
    },
  );

  it("leaves no listener behind when it elapses", async () => {
    const cut = signals();
    await waiting(1, cut);
    for (const { signal } of Object.values(cut)) expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("callAfter", () => {
  it("calls back once, and says whether it was cancelled", async () => {
    const cut = new AbortController();
    const calls: boolean[] = [];
    callAfter(1, cut.signal, (early) => {
      calls.push(early);
    });
    callAfter(undefined, cut.signal, (early) => {
      calls.push(early);
    });
    await expect.poll(() => calls).toEqual([false]);
    cut.abort();
    callAfter(1, cut.signal, (early) => {
      calls.push(early);
    });
    expect(calls).toEqual([false, true, true]);
  });
});
