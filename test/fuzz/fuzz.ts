/**
 * Coverage-guided: an input that reaches a place of our code that none reached before is kept, and others are made from
 * it.
 */
import { below, seeded } from "../faults/random.ts";
import { Coverage } from "./coverage.ts";
import { mutated } from "./mutate.ts";
import type { Target } from "./targets.ts";

export type Found = { readonly target: string; readonly input: Uint8Array; readonly error: string };
export type Report = {
  readonly target: string;
  readonly runs: number;
  readonly kept: number;
  readonly places: number;
  readonly found: Found | undefined;
};

export type Bounds = {
  readonly seed: number;
  /** Whichever comes first. */ readonly runs: number;
  readonly milliseconds: number;
};

/** How many inputs share a look at the coverage. */
const BATCH = 256;

/**
 * `about` is told of each input before it is tried: who watches from outside knows which one hung. Stops at the first
 * that does not hold.
 */
export const fuzz = (
  target: Target,
  { seed, runs: most, milliseconds }: Bounds,
  about: (input: Uint8Array) => void = () => undefined,
): Report => {
  const random = seeded(seed);
  const words = target.words.map((word) => Buffer.from(word, "latin1"));
  const kept: Uint8Array[] = [...target.seeds()];
  const coverage = new Coverage();
  const until = performance.now() + milliseconds;
  let [runs, found] = [0, undefined as Found | undefined];
  const holds = (input: Uint8Array): boolean => {
    runs++;
    about(input);
    try {
      target.hold(input);
      return true;
    } catch (error) {
      found ??= {
        target: target.name,
        input,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      };
      return false;
    }
  };
  const any = (): Uint8Array => kept[below(random, kept.length)]!;
  /** Keeps those that went where none had gone: a look is dear, so a batch is halved until it is one. */
  const sift = (batch: readonly Uint8Array[]): void => {
    if (performance.now() >= until || !batch.every(holds)) return;
    const places = coverage.look();
    if (places.length === 0) return;
    if (batch.length > 1)
      for (const half of [batch.slice(0, batch.length / 2), batch.slice(batch.length / 2)]) sift(half);
    else {
      kept.push(batch[0]!);
      coverage.add(places);
    }
  };
  if (kept.every(holds)) coverage.add(coverage.look());
  while (!found && runs < most && performance.now() < until) {
    sift(Array.from({ length: BATCH }, () => mutated(any(), any(), words, random)));
  }
  coverage.end();
  return { target: target.name, runs, kept: kept.length, places: coverage.places, found };
};
