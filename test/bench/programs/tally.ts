/** What the answers of one run add up to. */
import { momentsOf, quantile } from "../statistics.ts";
import type { Numbers, Outcome } from "./client-words.ts";
import type { Answered } from "./connection.ts";

type Series = { readonly ms: number[]; readonly queue: number[]; readonly ocs: number[] };

const TIMING = /\r\nserver-timing: [^\r]*queue;dur=([\d.]+), ocs;dur=([\d.]+)/i;

export class Tally {
  readonly #startedAt = performance.now();
  readonly #statuses: Record<string, number> = {};
  readonly #labels = new Map<string, Series>();
  #done = 0;

  add({ line, status, head, since, at }: Answered): void {
    this.#done++;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    let series = this.#labels.get(line.label);
    if (!series) this.#labels.set(line.label, (series = { ms: [], queue: [], ocs: [] }));
    series.ms.push(at - since);
    const [, queue, ocs] = TIMING.exec(head) ?? [];
    if (queue === undefined) return;
    series.queue.push(Number(queue));
    series.ocs.push(Number(ocs));
  }

  outcome(): Outcome {
    return {
      seconds: (performance.now() - this.#startedAt) / 1000,
      done: this.#done,
      statuses: this.#statuses,
      labels: Object.fromEntries([...this.#labels].map(([label, series]) => [label, numbersOf(series)])),
    };
  }
}

const numbersOf = ({ ms, queue, ocs }: Series): Numbers => ({
  done: ms.length,
  ...momentsOf(ms),
  p50: quantile(ms, 0.5),
  p99: quantile(ms, 0.99),
  max: quantile(ms, 1),
  queueP99: quantile(queue, 0.99),
  ocsP50: quantile(ocs, 0.5),
});
