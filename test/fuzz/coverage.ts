/** Which places of our own code run, by V8's precise coverage: blocks of `src/ocs` and `src/edge`. */
import { Session } from "node:inspector";

type Range = { readonly startOffset: number; readonly endOffset: number; readonly count: number };
type Taken = {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly Range[] }[];
  }[];
};

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Those that ran since the last look and never before they were added. */
  look(): string[] {
    const places: string[] = [];
    this.#session.post("Profiler.takePreciseCoverage", (error, taken) => {
      if (error) throw error;
      for (const { url, functions } of (taken as Taken).result) {
        const file = /\/src\/((?:ocs|edge)\/.*)$/.exec(url)?.[1];
        if (file === undefined) continue;
        for (const { ranges } of functions)
          for (const { startOffset, endOffset, count } of ranges)
            if (count > 0) places.push(`${file} ${startOffset}-${endOffset}`);
      }
    });
    return places.filter((place) => !this.#seen.has(place));
  }

  add(places: readonly string[]): void {
    for (const place of places) this.#seen.add(place);
  }

  get places(): number {
    return this.#seen.size;
  }

  end(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }
}
