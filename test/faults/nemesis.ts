/** What goes wrong between gateway and OCS, a fault at a time, at moments that a seed decides. */
import { TROUBLES, type RecordingOcs } from "../kit/recording-ocs.ts";
import { below, between } from "./random.ts";

export type Nemesis = {
  readonly name: string;
  /** Milliseconds that it lasts, from and to. */
  readonly lasts: readonly [number, number];
  readonly strike: (ocs: RecordingOcs) => void | Promise<void>;
  readonly relieve: (ocs: RecordingOcs) => void | Promise<void>;
};

/** A fault that was, in performance.now(). */
export type Fault = { readonly name: string; readonly from: number; readonly to: number };

const SHARE = 0.5;
const nothing = (): void => undefined;

export const NEMESES: readonly Nemesis[] = [
  ...TROUBLES.map((kind): Nemesis => ({
    name: kind,
    lasts: [100, 300],
    strike: (ocs) => void (ocs.trouble = { kind, share: SHARE }),
    relieve: (ocs) => void (ocs.trouble = undefined),
  })),
  { name: "reset all", lasts: [0, 0], strike: (ocs) => ocs.resetConnections(), relieve: nothing },
  { name: "close all", lasts: [0, 0], strike: (ocs) => ocs.closeConnections(), relieve: nothing },
  { name: "restart", lasts: [50, 300], strike: (ocs) => ocs.bothDown(), relieve: (ocs) => ocs.backUp() },
  { name: "switchover", lasts: [0, 0], strike: (ocs) => ocs.switchOver(), relieve: nothing },
  { name: "both down", lasts: [500, 1500], strike: (ocs) => ocs.bothDown(), relieve: (ocs) => ocs.backUp() },
];

type Raid = {
  readonly ocs: RecordingOcs;
  readonly random: () => number;
  readonly faults: Fault[];
  readonly over: () => boolean;
};

/** Strikes until `over`, 0.5 to 2 s apart; every kind once before any comes again. */
export const rage = async ({ ocs, random, faults, over }: Raid): Promise<void> => {
  let left: Nemesis[] = [];
  for (;;) {
    await pause(between(random, 500, 2000), over);
    if (over()) return;
    if (left.length === 0) left = [...NEMESES];
    const [nemesis] = left.splice(below(random, left.length), 1) as [Nemesis];
    const from = performance.now();
    await nemesis.strike(ocs);
    await pause(between(random, ...nemesis.lasts), over);
    await nemesis.relieve(ocs);
    faults.push({ name: nemesis.name, from, to: performance.now() });
  }
};

const pause = async (ms: number, over: () => boolean): Promise<void> => {
  const until = performance.now() + ms;
  for (let left = ms; left > 0 && !over(); left = until - performance.now())
    await new Promise((resolve) => setTimeout(resolve, Math.min(50, left)));
};
