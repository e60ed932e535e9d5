/**
 * How long a request takes at a modest rate, where nobody waits for a core and each request pays for its own two
 * flushes.
 */
import { atMost } from "../report.ts";
import type { Case } from "./case.ts";
import { lineUp, NAMES } from "./line-up.ts";
import { dismiss, medianOf, ratioOf, takeTurns, type Turn } from "./turns.ts";

const PER_SECOND = 200;

export const latency: Case = {
  name: "latency",
  run: async (rig, pace) => {
    const { rounds, turn } = pace;
    const { runners, missing } = await lineUp(rig, pace, [
      NAMES.nginx,
      NAMES.haproxy,
      NAMES.passThrough,
      NAMES.haproxyTokens,
      NAMES.gateway,
      NAMES.gatewayTls,
    ]);
    const turns = await takeTurns(runners, { rounds, run: { kind: "paced", ms: turn, perSecond: PER_SECOND } });
    await dismiss(runners);
    return {
      title: `Latency at ${PER_SECOND} requests per second, milliseconds`,
      columns: ["peer", "p50", "to nginx", "p99", "to nginx"],
      rows: [...turns].map(([name, list]) => [
        name,
        medianOf(list, p50),
        ratioOf(turns, [name, NAMES.nginx], p50),
        medianOf(list, p99),
        ratioOf(turns, [name, NAMES.nginx], p99),
      ]),
      goals: turns.has(NAMES.nginx)
        ? [
            atMost(
              "p50 of the full job with both flushes to nginx, plain proxy",
              ratioOf(turns, [NAMES.gateway, NAMES.nginx], p50),
              3.5,
            ),
          ]
        : [],
      notes: [
        ...missing,
        `${rounds} turns of ${turn} ms each, in rotation, medians of the turns' quantiles. Open loop: requests leave ` +
          "at moments that do not depend on answers (exponential gaps,",
        "the same in every turn), timed by a client in Node from the moment of sending; with no connection free, " +
          "from when it should have been sent.",
      ],
    };
  },
};

/** All labels ask the same way, so the mean of their quantiles, weighted by nothing, is fair. */
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const p50 = ({ outcome }: Turn): number => mean(Object.values(outcome.labels).map((numbers) => numbers.p50));
const p99 = ({ outcome }: Turn): number => Math.max(...Object.values(outcome.labels).map((numbers) => numbers.p99));
