/**
 * How many lanes all gateways together have at an OCS, counted where the gateways' sockets end. A connection is a lane
 * from its first byte on: the watch connection and probes send none.
 */
import type { Watch } from "../../kit/relay.ts";

export class LaneCount {
  readonly #lanes = new Map<string, number>();
  /** The most at any instant, and who had how many then. */
  most = 0;
  mostBy = "";

  /** For the relays of one gateway. */
  of(node: string): Watch {
    const add = (count: number): void => {
      this.#lanes.set(node, (this.#lanes.get(node) ?? 0) + count);
      this.#look();
    };
    return { firstByte: () => add(1), ended: () => add(-1) };
  }

  #look(): void {
    const sum = this.#lanes.values().reduce((all, count) => all + count, 0);
    if (sum > this.most) [this.most, this.mostBy] = [sum, [...this.#lanes].map((each) => each.join(" ")).join(", ")];
  }
}
