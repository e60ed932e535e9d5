/** Gateways that share one log in memory, with fake timers. */
import { afterEach, beforeEach, vi } from "vitest";
import { partsOf } from "../../../src/ownership/replicated/state/replica-state.ts";
import type { SharedOwnershipOptions } from "../../../src/ownership/replicated/options.ts";
import { SharedOwnership } from "../../../src/ownership/replicated/shared-ownership.ts";
import type { OwnershipEvent } from "../../../src/ownership/types.ts";
import { MemoryDatabase, MemoryGateway } from "../../kit/memory-log.ts";

export type Node = {
  readonly name: string;
  readonly gateway: MemoryGateway;
  readonly ownership: SharedOwnership;
  readonly events: OwnershipEvent[];
  /** The state as JSON. */
  readonly state: () => string;
  readonly stop: () => Promise<void>;
  readonly kill: () => void;
};

export const openNode = (
  database: MemoryDatabase,
  name: string,
  options: Partial<SharedOwnershipOptions> = {},
): Node => {
  const gateway = new MemoryGateway(database, name);
  const events: OwnershipEvent[] = [];
  const ownership = new SharedOwnership({
    log: gateway.log,
    gateways: gateway,
    headOf: (upstream) => database.head(upstream),
    staleAfter: () => 1_800_000,
    window: () => 64,
    needsOwners: () => true,
    hasFreeHandles: () => false,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return {
    name,
    gateway,
    ownership,
    events,
    state: () => JSON.stringify(partsOf(ownership.replicaOf("ocs").state)),
    stop: async () => {
      await ownership.close();
      gateway.end(true);
    },
    kill: () => {
      gateway.end(false);
      void ownership.close();
    },
  };
};

/** Passes time until the promise has settled. */
export const settled = async <Value>(promise: Promise<Value>, ms = 10_000): Promise<Value> => {
  let isSettled = false;
  promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  for (let passed = 0; passed < ms && !isSettled; passed += 5) await vi.advanceTimersByTimeAsync(5);
  return isSettled ? promise : Promise.reject(new Error(`not settled within ${ms} ms`));
};

export const pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms));

/** Fake timers for each test, and a database of its own. */
export const memoryCluster = (): {
  readonly database: () => MemoryDatabase;
  readonly node: (name: string, options?: Partial<SharedOwnershipOptions>) => Promise<Node>;
} => {
  let database: MemoryDatabase;
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: [
        "setTimeout",
        "clearTimeout",
        "setInterval",
        "clearInterval",
        "setImmediate",
        "clearImmediate",
        "performance",
        "Date",
      ],
    });
    database = new MemoryDatabase();
  });
  afterEach(() => void vi.useRealTimers());
  return {
    database: () => database,
    node: async (name, options) => {
      const node = openNode(database, name, options);
      await settled(node.ownership.start(["ocs"]));
      node.ownership.onActive("ocs", { endpoint: "http://one", how: "start" });
      await settled(node.ownership.whenAgreed("ocs") ?? Promise.resolve());
      return node;
    },
  };
};
