/**
 * Tenants that want more than there is, in front of an upstream that takes its time: who waits how long, and who gets
 * how much.
 */
import type { Numbers, Outcome } from "../programs/client-words.ts";
import { startGateway, type Gateway } from "../peers/gateway.ts";
import { atLeast, atMost } from "../report.ts";
import { linesFor, tenantName } from "../rig/requests.ts";
import type { Rig } from "../rig/rig.ts";
import { jain } from "../statistics.ts";
import type { Case } from "./case.ts";

const SERVICE_MS = 5;
const LANES = 4;
const WARM_UP_MS = 1000;
const FLOOD = 100;

/**
 * Connections of each tenant, from the first; each asks in a closed loop, so this is how many of its requests wait at
 * once.
 */
type Crowding = readonly number[];

const crowded = async (rig: Rig, { port }: Gateway, crowding: Crowding, ms: number): Promise<Outcome> => {
  const lines = crowding.flatMap((count, index) => linesFor(rig.issuer, [{ tenant: index + 1 }], count, port));
  const crowd = await rig.open({ port, lines });
  await crowd.run({ kind: "closed", ms: WARM_UP_MS });
  const outcome = await crowd.run({ kind: "closed", ms });
  await crowd.close();
  return outcome;
};

const withGateway = async <Result>(
  rig: Rig,
  options: { name: string; tenants: number; shares?: readonly number[] },
  use: (gateway: Gateway) => Promise<Result>,
): Promise<Result> => {
  const gateway = await startGateway(rig, await rig.upstream(SERVICE_MS), { ...options, lanes: LANES });
  try {
    return await use(gateway);
  } finally {
    await gateway.child.stop();
  }
};

const refused = ({ statuses, done }: Outcome): string => {
  const others = done - (statuses["200"] ?? 0);
  return others === 0 ? "all answered 200" : `${others} of ${done} refused: ${JSON.stringify(statuses)}`;
};

export const flood: Case = {
  name: "flood",
  run: (rig, { long }) =>
    withGateway(rig, { name: "gateway-flood", tenants: 2 }, async (gateway) => {
      await crowded(rig, gateway, [FLOOD, FLOOD], long);
      const alone = await crowded(rig, gateway, [0, 1], WARM_UP_MS);
      const both = await crowded(rig, gateway, [FLOOD, 1], long);
      const quiet = tenantName(2);
      const [calm, flooded] = [alone.labels[quiet]!, both.labels[quiet]!];
      const bound = 3 * flooded.ocsP50;
      return {
        title:
          `One tenant with ${FLOOD} requests waiting at any time, another with 1; ${LANES} lanes, OCS takes ` +
          `${SERVICE_MS} ms`,
        columns: ["tenant", "requests/s", "p50 ms", "p99 ms", "queue p99 ms", "exchange p50 ms"],
        rows: [
          ["quiet, alone", alone.done / alone.seconds, calm.p50, calm.p99, calm.queueP99, calm.ocsP50],
          ...[tenantName(1), quiet].map((name) => {
            const { done, p50, p99, queueP99, ocsP50 } = both.labels[name]!;
            return [name === quiet ? "quiet, flooded" : "flooder", done / both.seconds, p50, p99, queueP99, ocsP50];
          }),
        ],
        goals: [
          atMost("flooded tenant's p99 wait to (2 active tenants + 1) service times", flooded.queueP99 / bound, 1),
        ],
        notes: [
          "Wait and service time are the gateway's word, Server-Timing's queue and ocs: p99 " +
            `${flooded.queueP99.toFixed(1)} ms of ${bound.toFixed(1)}. The client, who also waits for two flushes`,
          `and for the machine, sees a p99 that is ${(flooded.p99 - calm.p99).toFixed(1)} ms above the one without ` +
            `the flood, and a median that is ${(flooded.p50 - calm.p50).toFixed(1)} ms above.`,
          `One run of ${long} ms; ${refused(both)}.`,
        ],
      };
    }),
};

const UNEQUAL: Crowding = [100, 50, 25, 12];

export const equal: Case = {
  name: "equal",
  run: (rig, { long }) =>
    withGateway(rig, { name: "gateway-equal", tenants: UNEQUAL.length }, async (gateway) => {
      const outcome = await crowded(rig, gateway, UNEQUAL, long);
      const done = UNEQUAL.map((_, index) => outcome.labels[tenantName(index + 1)]!);
      return {
        title:
          `Equal shares: ${UNEQUAL.length} tenants that all want more than their part, some far more; ${LANES} ` +
          `lanes, OCS takes ${SERVICE_MS} ms`,
        columns: ["tenant", "waiting at any time", "requests/s", "p50 ms", "p99 ms"],
        rows: done.map(({ done: count, p50, p99 }, index) => [
          tenantName(index + 1),
          String(UNEQUAL[index]),
          count / outcome.seconds,
          p50,
          p99,
        ]),
        goals: [atLeast(`Jain index over ${long / 1000} s`, jain(done.map(({ done: count }) => count)), 0.99)],
        notes: [`One run of ${long} ms; ${refused(outcome)}.`],
      };
    }),
};

const TWO_TO_ONE = [2, 1] as const;
const WAITING = 50;

export const shares: Case = {
  name: "shares",
  run: (rig, { long }) =>
    withGateway(rig, { name: "gateway-shares", tenants: 2, shares: TWO_TO_ONE }, async (gateway) => {
      const outcome = await crowded(rig, gateway, [WAITING, WAITING], long);
      const [twice, once] = TWO_TO_ONE.map((_, index) => outcome.labels[tenantName(index + 1)]!) as [Numbers, Numbers];
      return {
        title:
          `Shares 2 to 1, both tenants with ${WAITING} requests waiting at any time; ${LANES} lanes, OCS takes ` +
          `${SERVICE_MS} ms`,
        columns: ["tenant", "share", "requests/s", "p50 ms", "p99 ms"],
        rows: [twice, once].map(({ done, p50, p99 }, index) => [
          tenantName(index + 1),
          String(TWO_TO_ONE[index]),
          done / outcome.seconds,
          p50,
          p99,
        ]),
        goals: [
          atMost(
            "distance of the two tenants' requests from 2 to 1, relative",
            Math.abs(twice.done / once.done / 2 - 1),
            0.03,
          ),
        ],
        notes: [`One run of ${long} ms; measured ${(twice.done / once.done).toFixed(3)} to 1; ${refused(outcome)}.`],
      };
    }),
};
