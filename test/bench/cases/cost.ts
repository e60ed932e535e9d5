/** CPU for each request, and requests per second on one core. */
import { atMost, type Section } from "../report.ts";
import type { Case } from "./case.ts";
import { CONNECTIONS, lineUp, NAMES } from "./line-up.ts";
import { dismiss, medianOf, ratioOf, takeTurns, type Turn } from "./turns.ts";

/** A peer that has used less of its core than this could have done more. */
const FULL = 0.93;

export const cost: Case = {
  name: "cost",
  run: async (rig, pace) => {
    const { rounds, turn } = pace;
    const { runners, missing } = await lineUp(rig, pace);
    const turns = await takeTurns(runners, { rounds, run: { kind: "closed", ms: turn } });
    await dismiss(runners);
    return { ...section(turns), notes: [...missing, ...NOTES(rounds, turn)] };
  },
};

const NOTES = (rounds: number, turn: number): string[] => [
  `${rounds} turns of ${turn} ms each, in rotation, medians; ${CONNECTIONS} keep-alive connections in a closed loop, ` +
    "4 clients of 4 tenants, a POST of some 70 bytes.",
  "CPU: user and system of the peer's processes with all threads, from /proc/<pid>/stat. It does not hold what the " +
    "kernel does for a flush in threads of its own.",
  `The gateway has ${CONNECTIONS} lanes here, because the others are not limited to 4 upstream connections; the ` +
    "gateway remembers a verified token for a minute.",
  "≥: the peer had not used up its core: clients and upstream, its own flushes or neighbours on this machine were in " +
    "the way.",
];

const section = (turns: ReadonlyMap<string, readonly Turn[]>): Omit<Section, "notes"> => {
  const cheapest = [...turns.keys()][0]!;
  return {
    title: "CPU for each request, and requests per second on one core",
    columns: ["peer", "CPU µs", `to ${cheapest.split(",")[0]}`, "requests/s", "p50 ms", "p99 ms"],
    rows: [...turns].map(([name, list]) => [
      name,
      medianOf(list, ({ cpu }) => cpu),
      ratioOf(turns, [name, cheapest], ({ cpu }) => cpu),
      (medianOf(list, ({ peerBusy }) => peerBusy) < FULL ? "≥ " : "") +
        medianOf(list, ({ perSecond }) => perSecond).toFixed(0),
      medianOf(list, slowest("p50")),
      medianOf(list, slowest("p99")),
    ]),
    goals: [...goalAgainst(turns, NAMES.haproxyTokens, 0.6), ...goalAgainst(turns, NAMES.passThrough, 1.8)],
  };
};

const goalAgainst = (turns: ReadonlyMap<string, readonly Turn[]>, peer: string, limit: number) =>
  turns.has(peer)
    ? [
        atMost(
          `CPU of the full job to ${peer}`,
          ratioOf(turns, [NAMES.gateway, peer], ({ cpu }) => cpu),
          limit,
        ),
      ]
    : [];

const slowest =
  (which: "p50" | "p99") =>
  ({ outcome }: Turn): number =>
    Math.max(...Object.values(outcome.labels).map((numbers) => numbers[which]));
