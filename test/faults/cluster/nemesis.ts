/** What goes wrong among several gateways, one fault after the other, at moments that a seed decides. */
import { TROUBLES, type RecordingOcs } from "../../kit/recording-ocs.ts";
import type { PostgresServer } from "../../kit/postgres-server.ts";
import type { Held } from "../../kit/relay.ts";
import { below, between } from "../random.ts";
import { rest } from "./clients.ts";
import type { LaneCount } from "./lane-count.ts";
import type { ClusterNode, Side } from "./node.ts";
import type { Records } from "./records.ts";

export type Battlefield = {
  readonly nodes: readonly ClusterNode[];
  readonly postgres: PostgresServer;
  readonly ocs: RecordingOcs;
  readonly records: Records;
  readonly lanes: LaneCount;
  readonly random: () => number;
};

/** `from`, `to`: performance.now(). */
export type Fault = { readonly name: string; readonly from: number; readonly to: number };

type Nemesis = { readonly name: string; readonly strike: (field: Battlefield) => Promise<void> };

const some = ({ nodes, random }: Battlefield): ClusterNode => nodes[below(random, nodes.length)]!;
const lasting = ({ random }: Battlefield, from: number, to: number): Promise<void> => rest(between(random, from, to));

const cut = (side: Side, held: Held): Nemesis => ({
  name: `${side} cut off, ${held === "both" ? "both ways" : held === "to" ? "requests only" : "answers only"}`,
  strike: async (field) => {
    const relays = some(field).side(side);
    for (const relay of relays) relay.hold(held);
    await lasting(field, 300, 3000);
    for (const relay of relays) {
      relay.release();
      // What was held back comes first; then the network forgets the connections.
      await rest(20);
      relay.reset();
    }
  },
});

const CLOCKS_OFF_MS = [-240_000, -60_000, 0, 60_000, 240_000];

export const NEMESES: readonly Nemesis[] = [
  {
    name: "gateway killed",
    strike: async (field) => {
      const node = some(field);
      await node.end("SIGKILL");
      await lasting(field, 100, 2500);
      node.clockOff = CLOCKS_OFF_MS[below(field.random, CLOCKS_OFF_MS.length)]!;
      await node.run();
    },
  },
  {
    name: "gateway restarted in order",
    strike: async (field) => {
      const node = some(field);
      await node.end("SIGTERM");
      await node.run();
    },
  },
  {
    name: "gateway stands still",
    strike: async (field) => {
      const node = some(field);
      node.pause();
      await lasting(field, 300, 4000);
      node.resume();
    },
  },
  ...(["database", "ocs", "clients", "callbacks"] as const).flatMap((side) =>
    (["both", "to", "from"] as const).map((held) => cut(side, held)),
  ),
  {
    name: "database restarted",
    strike: async ({ postgres, random }) => {
      await postgres.stop(random() < 0.5 ? "SIGINT" : "SIGQUIT");
      await rest(between(random, 0, 1500));
      await postgres.run();
    },
  },
  {
    name: "database stands still",
    strike: async (field) => {
      field.postgres.pause();
      await lasting(field, 300, 3000);
      field.postgres.resume();
    },
  },
  {
    name: "database slow",
    strike: async (field) => {
      for (const { relays } of field.nodes) relays.database.delay = between(field.random, 20, 150);
      await lasting(field, 500, 2000);
      for (const { relays } of field.nodes) relays.database.delay = 0;
    },
  },
  ...TROUBLES.map((kind): Nemesis => ({
    name: `OCS: ${kind}`,
    strike: async (field) => {
      field.ocs.trouble = { kind, share: 0.4 };
      await lasting(field, 100, 400);
      field.ocs.trouble = undefined;
    },
  })),
  { name: "OCS resets all", strike: ({ ocs }) => Promise.resolve(ocs.resetConnections()) },
  {
    name: "OCS restarted",
    strike: async (field) => {
      await field.ocs.bothDown();
      field.records.newLife(false);
      await lasting(field, 50, 500);
      await field.ocs.backUp();
    },
  },
  {
    name: "switchover",
    strike: async ({ ocs, records }) => {
      const over = ocs.switchOver();
      records.newLife(true);
      await over;
    },
  },
];

/** Strikes about once a second until `isOver`; every kind once before any comes again. */
export const rage = async (field: Battlefield, faults: Fault[], isOver: () => boolean): Promise<void> => {
  let left: Nemesis[] = [];
  while (!isOver()) {
    await rest(between(field.random, 200, 1000));
    if (isOver()) return;
    if (left.length === 0) left = [...NEMESES];
    const [nemesis] = left.splice(below(field.random, left.length), 1) as [Nemesis];
    const from = performance.now();
    await nemesis.strike(field);
    faults.push({ name: nemesis.name, from, to: performance.now() });
  }
};
