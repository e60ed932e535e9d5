/**
 * What it costs that a lane changes tenant only by a new connection: more active tenants than lanes, over HTTPS, with
 * and without isolation.
 */
import { startGateway } from "../peers/gateway.ts";
import { atMost, type Goal, type Section } from "../report.ts";
import { linesFor } from "../rig/requests.ts";
import type { Rig } from "../rig/rig.ts";
import type { Case, Pace } from "./case.ts";
import { dismiss, gather, medianOf, ratioOf, takeTurns, type Runner, type Turn } from "./turns.ts";

const TENANTS = [8, 32] as const;
const LANES = 4;
/** So that a turn, of 14 requests or more, is filled: 8 clients have 8 requests at most for it. */
const CLIENTS_PER_TENANT = 16;
const KINDS = ["tenant", "none"] as const;

type Turns = ReadonlyMap<string, readonly Turn[]>;

/**
 * `answerMs`: of OCS. At 0 the processor is the limit, and pays for new connections with requests; at 5 the lanes are.
 */
const caseOf = (name: string, answerMs: number): Case => ({
  name,
  run: async (rig, pace) => {
    const { rounds, long } = pace;
    const runners: Runner[] = [];
    for (const tenants of TENANTS)
      for (const kind of KINDS) runners.push(await enter(rig, pace, { tenants, kind, answerMs }));
    const turns = await takeTurns(runners, { rounds, run: { kind: "closed", ms: long } });
    await dismiss(runners);
    return section(turns, answerMs, [
      `${rounds} turns of ${long} ms each, in rotation, medians; ${CLIENTS_PER_TENANT} client connections a tenant ` +
        "in a closed loop; p50 and p99 of the slowest tenant.",
      "New connections: accepted by the upstream in those turns, the warm-up left out.",
    ]);
  },
});

export const isolation = caseOf("isolation", 0);
export const isolationPaced = caseOf("isolation-paced", 5);

type Entered = { readonly tenants: number; readonly kind: (typeof KINDS)[number]; readonly answerMs: number };

const nameOf = (tenants: number, kind: (typeof KINDS)[number]): string => `${tenants} tenants, lane_isolation: ${kind}`;

const enter = async (rig: Rig, { warmUp }: Pace, { tenants, kind, answerMs }: Entered): Promise<Runner> => {
  const whos = Array.from({ length: tenants }, (_, index) => ({ tenant: index + 1 }));
  const upstream = await rig.upstream(answerMs, true);
  const { port, child } = await startGateway(rig, upstream, {
    name: `gateway-isolation-${tenants}-${kind}`,
    tenants,
    lanes: LANES,
    isolation: kind,
  });
  return gather(
    rig,
    { name: nameOf(tenants, kind), child, upstream, warmUp },
    { port, lines: linesFor(rig.issuer, whos, tenants * CLIENTS_PER_TENANT, port) },
  );
};

const p50 = ({ outcome }: Turn): number => Math.max(...Object.values(outcome.labels).map((numbers) => numbers.p50));
const p99 = ({ outcome }: Turn): number => Math.max(...Object.values(outcome.labels).map((numbers) => numbers.p99));
const per100 = ({ newConnections }: Turn): number => newConnections / 10;

const section = (turns: Turns, answerMs: number, notes: readonly string[]): Section => ({
  title:
    `More active tenants than the ${LANES} lanes, over HTTPS to an upstream that answers ` +
    `${answerMs === 0 ? "at once" : `after ${answerMs} ms`}`,
  columns: ["", "requests/s", "CPU µs", "p50 ms", "p99 ms", "new connections per 100"],
  rows: [...turns].map(([name, list]) => [
    name,
    medianOf(list, ({ perSecond }) => perSecond),
    medianOf(list, ({ cpu }) => cpu),
    medianOf(list, p50),
    medianOf(list, p99),
    medianOf(list, per100),
  ]),
  goals: TENANTS.flatMap((tenants): Goal[] => [
    atMost(
      `new connections per 100 requests of ${tenants} tenants`,
      medianOf(turns.get(nameOf(tenants, "tenant"))!, per100),
      8,
    ),
    atMost(
      `p99 of ${tenants} tenants to that without isolation`,
      ratioOf(turns, [nameOf(tenants, "tenant"), nameOf(tenants, "none")], p99),
      1.4,
    ),
  ]),
  notes: [...notes],
});
