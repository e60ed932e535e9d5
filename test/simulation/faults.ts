/**
 * Each kind of fault, and how it is brought about. A fault ends by itself, or with the calm. What OCS does by itself
 * is in `upheavals.ts`.
 */
import type { Connection } from "./network.ts";
import type { Ocs } from "./ocs.ts";
import type { Random } from "./random.ts";
import { DATABASE_FAULTS, type DatabaseFault } from "./database/faults.ts";
import { UPHEAVALS, type Upheaval } from "./upheavals.ts";
import type { World } from "./world.ts";

export type Scene = {
  readonly world: World;
  readonly pair: readonly [Ocs, Ocs];
  /** Milliseconds. */
  readonly lasts: number;
  readonly random: Random;
  readonly isCalm: () => boolean;
};
export type Bring = (scene: Scene) => void;

export const activeOf = ({ pair }: Pick<Scene, "pair">): Ocs => pair.find(({ role }) => role === "active") ?? pair[0];

export const note = ({ world }: Scene, what: string): void => world.trace.note("NEMESIS", what);

/** Undone after its time, unless the calm has done so. */
export const later = ({ world, lasts, isCalm }: Scene, undo: () => void): void =>
  world.after(lasts, () => {
    if (!isCalm()) undo();
  });

const connectionsOf = (scene: Scene): Connection[] => scene.world.network.connectionsTo(activeOf(scene).parts.host);

type NetworkFault =
  | "refuse"
  | "resetOne"
  | "resetAll"
  | "closeAll"
  | "partition"
  | "trap"
  | "oneWay"
  | "slowNetwork"
  | "slowOcs"
  | "strayBytes";

const NETWORK: Readonly<Record<NetworkFault, Bring>> = {
  refuse: (scene) => {
    const refuses = {
      code: scene.random.pick(["ECONNREFUSED", "EMFILE", "EADDRNOTAVAIL", "ETIMEDOUT"]),
      left: scene.random.pick([1, 1, 2, 5]),
    };
    note(scene, `lets ${refuses.left} connections fail with ${refuses.code}`);
    activeOf(scene).parts.host.refuses = refuses;
    // The connections that there are end, so that new ones are tried.
    if (scene.random.chance(0.5))
      connectionsOf(scene)
        .slice(0, 2)
        .forEach((connection) => scene.world.network.reset(connection));
  },
  resetOne: (scene) => {
    const all = connectionsOf(scene);
    if (all.length === 0) return;
    const connection = scene.random.pick(all);
    note(scene, `resets connection ${connection.id}`);
    scene.world.network.reset(connection);
  },
  resetAll: (scene) => {
    note(scene, "resets every connection");
    connectionsOf(scene).forEach((connection) => scene.world.network.reset(connection));
  },
  closeAll: (scene) => {
    note(scene, "closes every connection in order");
    connectionsOf(scene).forEach((connection) => connection.accepted?.close());
  },
  partition: (scene) => {
    const { host, name } = activeOf(scene).parts;
    note(scene, `lets ${name} be unreachable for ${Math.round(scene.lasts)} ms`);
    host.isDark = true;
    later(scene, () => {
      note(scene, `lets ${name} be reachable again`);
      scene.world.network.lighten(host, false);
    });
  },
  trap: (scene) => {
    const trap = {
      towards: scene.random.pick(["server", "client"] as const),
      after: scene.random.below(260),
      effect: scene.random.pick(["stick", "reset", "crawl"] as const),
    };
    note(scene, `lets a direction ${trap.effect} after ${trap.after} bytes towards the ${trap.towards}`);
    const all = connectionsOf(scene);
    if (all.length === 0 || scene.random.chance(0.3)) {
      activeOf(scene).parts.host.trap = trap;
      return;
    }
    const connection = scene.random.pick(all);
    (trap.towards === "server" ? connection.toServer : connection.toClient).trap = trap;
  },
  oneWay: (scene) => {
    const directions = connectionsOf(scene).map(
      (connection) => connection[scene.random.pick(["toServer", "toClient"] as const)],
    );
    note(scene, `lets ${directions.length} connections be stuck in one direction for ${Math.round(scene.lasts)} ms`);
    for (const direction of directions) direction.stuck = true;
    later(scene, () => directions.forEach((direction) => direction.release()));
  },
  slowNetwork: (scene) => {
    const { host } = activeOf(scene).parts;
    note(scene, "makes the network slow");
    host.latency = { typical: 30, longest: 900 };
    later(scene, () => {
      host.latency = { typical: 0.4, longest: 4 };
    });
  },
  slowOcs: (scene) => {
    const ocs = activeOf(scene);
    note(scene, "makes OCS slow");
    ocs.service = { typical: 200, longest: 6000 };
    later(scene, () => {
      ocs.service = { typical: 2, longest: 40 };
    });
  },
  strayBytes: (scene) => {
    const all = connectionsOf(scene);
    if (all.length === 0) return;
    const connection = scene.random.pick(all);
    note(scene, `sends an answer that nobody asked for on connection ${connection.id}`);
    scene.world.checks.causes.add("stray bytes");
    scene.world.checks.strayed.add(connection.id);
    connection.accepted?.send(Buffer.from("HTTP/1.1 200 OK\r\nContent-length: 0\r\n\r\n"));
  },
};

type HouseFault =
  | "kill"
  | "powerCut"
  | "terminate"
  | "killAtNext200"
  | "store"
  | "disk"
  | "validator"
  | "clock"
  | "reload"
  | "swap"
  | "revoke";

const HOUSE: Readonly<Record<HouseFault, Bring>> = {
  kill: ({ world, random }) => world.any(random).kill(false, random.latency(300, 4000)),
  powerCut: ({ world, random }) => world.any(random).kill(true, random.latency(800, 6000)),
  terminate: ({ world, random }) => world.any(random).terminate(random.latency(300, 4000)),
  killAtNext200: ({ world, random }) => {
    world.trace.note("NEMESIS", "waits for OCS to hear the next 200");
    world.onNext200 = () => world.any(random).kill(random.chance(0.5), random.latency(300, 4000));
  },
  store: (scene) => {
    const { world, random } = scene;
    const fault = random.pick(["locked", "full", "slow"] as const);
    note(scene, `lets the ownership store be ${fault} for ${Math.round(scene.lasts)} ms`);
    for (const { storeFile } of world.machines) storeFile.fault = fault;
    world.checks.causes.add("store");
    later(scene, () => {
      for (const { storeFile } of world.machines) storeFile.fault = undefined;
    });
  },
  disk: (scene) => {
    const { world, random } = scene;
    const fault = random.pick(["fails", "short", "hangs", "slow"] as const);
    const { disk } = world.any(random);
    note(scene, `lets the disk ${fault} for ${Math.round(scene.lasts)} ms`);
    disk.fault = fault;
    world.checks.causes.add("disk");
    later(scene, () => disk.mend());
  },
  validator: (scene) => {
    const { world, random } = scene;
    const fault = random.pick(["slow", "away", "refuses"] as const);
    note(scene, `lets the validator be ${fault} for ${Math.round(scene.lasts)} ms`);
    world.validator.fault = fault;
    world.checks.causes.add("validator");
    later(scene, () => {
      world.validator.fault = undefined;
    });
  },
  clock: (scene) => {
    const ms = scene.random.pick([-3_600_000, -90_000, -1500, 1500, 90_000, 3_600_000]);
    note(scene, `sets the wall clock by ${ms} ms`);
    scene.world.any(scene.random).stepClock(ms);
  },
  reload: ({ world, random }) =>
    world.reload({
      ...world.variant,
      ...random.pick([
        { connections: 1 },
        { connections: 2 },
        { connections: 4 },
        { connectTimeout: 1000 + random.below(2000) },
      ]),
    }),
  swap: ({ world }) => world.reload({ ...world.variant, isSwapped: !world.variant.isSwapped }),
  revoke: ({ world, random, lasts }) => world.revoke(random.pick(["alpha", "beta", "cluster"]), Math.min(lasts, 4000)),
};

/** Those of a gateway alone, in the order in which plans choose among them. */
export const LONE_FAULTS = { ...NETWORK, ...HOUSE, ...UPHEAVALS } satisfies Readonly<Record<string, Bring>>;

export type FaultKind = NetworkFault | HouseFault | Upheaval | DatabaseFault;

export const FAULTS: Readonly<Record<FaultKind, Bring>> = { ...LONE_FAULTS, ...DATABASE_FAULTS };
