/** Two limits on the same requests: a request takes a point of both, or of neither. */
import type { TakeResult } from "./shared-window.ts";

export type Window = {
  /** The used fraction of its points, from 0 to 1. */
  readonly used: number;
  readonly prepare?: () => void;
  readonly take: () => Promise<TakeResult>;
  readonly giveBack: () => Promise<void>;
};

export class BothWindows implements Window {
  readonly #first: Window;
  readonly #second: Window;

  constructor(first: Window, second: Window) {
    [this.#first, this.#second] = [first, second];
  }

  get used(): number {
    return Math.max(this.#first.used, this.#second.used);
  }

  async take(): Promise<TakeResult> {
    const first = await this.#first.take();
    if (first.left < 0) return first;
    const second = await this.#second.take();
    if (second.left < 0) await this.#first.giveBack();
    return second.left < first.left ? second : first;
  }

  async giveBack(): Promise<void> {
    await Promise.all([this.#first.giveBack(), this.#second.giveBack()]);
  }
}
