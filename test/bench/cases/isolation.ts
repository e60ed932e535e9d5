/** What it costs that a lane changes tenant only by a new connection: many active tenants on few lanes, both ways, and with longer turns. */
import { startGateway } from "../peers/gateway.ts";
import { linesFor } from "../rig/requests.ts";
import type { Case } from "./case.ts";
import { dismiss, gather, medianOf, takeTurns, type Turn } from "./turns.ts";

const TENANTS = 32;
const LANES = 4;
const CONNECTIONS = 256;
/** A shortest turn is 14 × share requests, so equal shares other than 1 are longer turns and nothing else. */
const WAYS = [["tenant", 1], ["tenant", 4], ["none", 1]] as const;

export const isolation: Case = {
  name: "isolation",
  run: async (rig, { rounds, turn, warmUp }) => {
    const whos = Array.from({ length: TENANTS }, (_, index) => ({ tenant: index + 1 }));
    const started = [];
    for (const [kind, share] of WAYS) {
      const upstream = await rig.upstream(0);
      const { port, child } = await startGateway(rig, upstream, {
        name: `gateway-isolation-${kind}-${share}`, tenants: TENANTS, lanes: LANES, isolation: kind, shares: whos.map(() => share),
      });
      const name = `lane_isolation: ${kind}${share === 1 ? "" : `, turns of ${share} times the length`}`;
      const lines = linesFor(rig.issuer, whos, CONNECTIONS, port);
      const runner = await gather(rig, { name, child, upstream, warmUp }, { port, lines });
      started.push(runner);
    }
    const turns = await takeTurns(started, { rounds, run: { kind: "closed", ms: turn } });
    const rows = [];
    for (const { name, upstream } of started) {
      const { requests, connections } = await upstream.counts();
      const list = turns.get(name)!;
      rows.push([name, medianOf(list, ({ perSecond }) => perSecond), medianOf(list, ({ cpu }) => cpu), medianOf(list, p50), medianOf(list, p99), requests / connections]);
    }
    await dismiss(started);
    return {
      title: `${TENANTS} active tenants on ${LANES} lanes, an upstream that answers at once`,
      columns: ["", "requests/s", "CPU µs", "p50 ms", "p99 ms", "requests per connection"],
      rows,
      goals: [],
      notes: [`${rounds} turns of ${turn} ms each, in rotation, medians; ${CONNECTIONS} client connections in a closed loop; p50 and p99 of the slowest tenant.`,
        `${CONNECTIONS / TENANTS} clients a tenant, so that many of its requests can wait for one turn.`],
    };
  },
};

const p50 = ({ outcome }: Turn): number => Math.max(...Object.values(outcome.labels).map((numbers) => numbers.p50));
const p99 = ({ outcome }: Turn): number => Math.max(...Object.values(outcome.labels).map((numbers) => numbers.p99));
