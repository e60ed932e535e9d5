import { describe, expect, it } from "vitest";
import { fuzz } from "./fuzz.ts";
import { TARGETS, type Target } from "./targets.ts";
import { watched } from "./watch.ts";

/** Bounded by inputs and not by time, which says more about the machine. */
const BOUNDS = { seed: 20_261_126, runs: 5000, milliseconds: 100_000 };
/** A body is tried by the rule of every action. */
const FEWER = { ...BOUNDS, runs: 500 };

describe("a few thousand inputs of each kind", () => {
  it.each(TARGETS)("$name: everything holds", { timeout: 120_000 }, (target) => {
    const { runs, kept, places, found } = fuzz(target, target.name === "body" ? FEWER : BOUNDS);
    expect(found && { ...found, input: Buffer.from(found.input).toString("latin1") }).toBeUndefined();
    expect(runs).toBeGreaterThan(target.seeds().length);
    // Guided: what it found led to more.
    expect(kept).toBeGreaterThan(target.seeds().length);
    expect(places).toBeGreaterThan(10);
  });
});

describe("the fuzzer", () => {
  const planted = (hold: Target["hold"]): Target => ({ ...TARGETS.find(({ name }) => name === "body")!, hold });

  it("finds a defect that only what it has kept leads to", () => {
    const target = TARGETS.find(({ name }) => name === "json")!;
    const { found } = fuzz(
      {
        ...target,
        seeds: () => [Buffer.from('{"a":1}')],
        hold: (input) => {
          target.hold(input);
          if (/^\s*\[\s*\{/.test(Buffer.from(input).toString("latin1"))) throw new Error("planted");
        },
      },
      { ...BOUNDS, runs: 200_000, milliseconds: 20_000 },
    );
    expect(found?.error).toContain("planted");
  });

  it("does the same for the same seed", () => {
    const seen = [0, 1].map(() => {
      const inputs: string[] = [];
      fuzz(
        planted((input) => void inputs.push(Buffer.from(input).toString("latin1"))),
        { seed: 7, runs: 2000, milliseconds: 20_000 },
      );
      return inputs;
    });
    expect(seen[0]).toEqual(seen[1]);
    expect(new Set(seen[0]).size).toBeGreaterThan(1000);
  });

  it("names the input that hangs, and the one that ends its thread", async () => {
    const program = (text: string): URL =>
      new URL(
        `data:text/javascript,${encodeURIComponent(`
      import { workerData } from "node:worker_threads";
      const { clock, bytes } = workerData.shared;
      new Uint8Array(bytes).set([104, 105]); new Int32Array(clock).set([1, 2]); ${text}`)}`,
      );
    expect(await watched("target", BOUNDS, program("for (;;);"))).toMatchObject({
      found: {
        target: "target",
        input: Uint8Array.from([104, 105]),
        error: expect.stringMatching(/longer than 5000 ms/) as string,
      },
    });
    expect(await watched("target", BOUNDS, program("throw new Error('gone')"))).toMatchObject({
      found: { input: Uint8Array.from([104, 105]), error: expect.stringMatching(/gone/) as string },
    });
  });
});
