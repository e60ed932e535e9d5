/** The lanes of one upstream: which are free, and how long a lane that cannot connect pauses. */
import type { Operation } from "../../ocs/target.ts";
import type { Endpoint } from "./endpoint.ts";
import { Lane, type LaneOptions, type LaneState } from "./lane.ts";

/** `since`: milliseconds in this state. */
export type LaneStatus = {
  readonly name: string;
  readonly endpoint: string;
  readonly state: LaneState["name"];
  readonly tenant: string | undefined;
  /** What the request in flight asks for. */
  readonly operation: Operation | undefined;
  readonly since: number;
};

export type LanePoolOptions = Omit<LaneOptions, "endpoint" | "onLost"> & {
  /** The upstream's name: lanes are called `name/1`, `name/2`, and so on. */
  readonly name: string;
  /** Called when OCS has ended the connection of a lane of this pool. */
  readonly onLost: () => void;
};

/** A lane pauses longer after each failure to connect, so that working lanes serve its requests. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 400;

export class LanePool {
  readonly #options: LanePoolOptions;
  readonly free = new Set<Lane>();
  #lanes: Lane[] = [];
  /** Busy lanes that close when they are given back, unless the number of lanes rises again before. */
  #surplus: Lane[] = [];
  /** Milliseconds that a lane pauses after its next failure to connect; absent if it connected last time. */
  readonly #pauses = new WeakMap<Lane, number>();

  constructor(options: LanePoolOptions) {
    this.#options = options;
  }

  get all(): readonly Lane[] {
    return this.#lanes;
  }

  /** Number of lanes, with surplus ones that are still busy. Without those to an OCS that is no longer active. */
  get open(): number {
    return this.#lanes.length + this.#surplus.length;
  }

  has(lane: Lane): boolean {
    return this.#lanes.includes(lane);
  }

  /** True if a lane is connected. */
  get isConnected(): boolean {
    return this.#lanes.some(({ state }) => state.name === "ready" || state.name === "busy");
  }

  /** True if a lane has been connected since before this time of the monotonic clock. */
  isConnectedSince(time: number): boolean {
    return this.#lanes.some(({ connectedAt }) => connectedAt !== undefined && connectedAt < time);
  }

  /** True if no lane is connected and at least one has failed to connect. */
  get cannotConnect(): boolean {
    return !this.isConnected && this.#lanes.some((lane) => this.#pauses.has(lane));
  }

  status(now: number): LaneStatus[] {
    return this.#lanes.map(({ name, endpoint, state, tenant, request, since }) => ({
      name,
      endpoint,
      state: state.name,
      tenant,
      operation: request?.operation,
      since: now - since,
    }));
  }

  /** Replaces all lanes by new ones to this endpoint. Requests in flight on the old ones run to their end. */
  replace(endpoint: Endpoint, count: number): void {
    for (const lane of this.free) lane.close();
    this.free.clear();
    [this.#lanes, this.#surplus] = [[], []];
    this.resize(endpoint, count);
  }

  /** Changes the number of lanes: free ones close first. A busy surplus lane closes when it is given back. */
  resize(endpoint: Endpoint, count: number): void {
    const leaving = this.#lanes
      .toReversed()
      .sort((one, other) => Number(this.free.has(other)) - Number(this.free.has(one)))
      .slice(0, Math.max(0, this.#lanes.length - count));
    if (leaving.length > 0) this.#lanes = this.#lanes.filter((lane) => !leaving.includes(lane));
    for (const lane of leaving) {
      if (this.free.delete(lane)) lane.close();
      else this.#surplus.push(lane);
    }
    while (this.#lanes.length < count) this.#lanes.push(this.#surplus.shift() ?? this.#newLane(endpoint));
  }

  /** Closes busy surplus lanes; their requests end without an answer. */
  closeSurplus(): void {
    for (const lane of this.#surplus) lane.close();
  }

  /** Makes the lane free again; closes it if it no longer belongs to this pool. */
  giveBack(lane: Lane): void {
    if (this.has(lane)) return void this.free.add(lane);
    this.#surplus = this.#surplus.filter((each) => each !== lane);
    lane.close();
  }

  /** Call this when the lane has got an answer. */
  noteSuccess(lane: Lane): void {
    this.#pauses.delete(lane);
  }

  /** Resolves when a lane that could not connect may try again. */
  async pause(lane: Lane): Promise<void> {
    const pause = this.#pauses.get(lane) ?? FIRST_PAUSE_MS;
    this.#pauses.set(lane, Math.min(pause * 2, LONGEST_PAUSE_MS));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
  }

  #newLane(endpoint: Endpoint): Lane {
    const { name, onLost, ...options } = this.#options;
    const taken = new Set([...this.#lanes, ...this.#surplus].map((each) => each.name));
    let number = 1;
    while (taken.has(`${name}/${number}`)) number++;
    const lane: Lane = new Lane(`${name}/${number}`, {
      ...options,
      endpoint,
      onLost: () => this.has(lane) && onLost(),
    });
    this.free.add(lane);
    return lane;
  }
}
