/**
 * Does a request cost more where more tenants are configured? The same four clients ask, whatever else is in the
 * config.
 */
import { startGateway } from "../peers/gateway.ts";
import { atMost } from "../report.ts";
import { linesFor, type Who } from "../rig/requests.ts";
import type { Rig, Upstream } from "../rig/rig.ts";
import type { Case } from "./case.ts";
import { CONNECTIONS } from "./line-up.ts";
import { dismiss, gather, medianOf, ratioOf, takeTurns, type Runner } from "./turns.ts";

const CONFIGURED = [2, 100, 10_000] as const;
const nameOf = (tenants: number): string => `${tenants} tenants`;

/** Of two tenants two clients each, else one client of each of four. */
const fourClients = (tenants: number): readonly Who[] =>
  tenants < 4
    ? [1, 2].flatMap((tenant) => [1, 2].map((client) => ({ tenant, client })))
    : [1, Math.ceil(tenants / 3), Math.ceil(tenants / 2), tenants].map((tenant) => ({ tenant }));

export const tenants: Case = {
  name: "tenants",
  run: async (rig, { rounds, turn, warmUp }) => {
    const upstream = await rig.upstream(0);
    const runners: (Runner & { readonly startup: number })[] = [];
    for (const count of CONFIGURED) runners.push(await startWith(rig, upstream, { count, warmUp }));
    const turns = await takeTurns(runners, { rounds, run: { kind: "closed", ms: turn } });
    await dismiss(runners);
    const [least, , most] = CONFIGURED.map(nameOf) as [string, string, string];
    return {
      title: "Cost of a request by the number of configured tenants, four clients active",
      columns: ["configured", "CPU µs", `to ${least}`, "requests/s", "start-up ms"],
      rows: runners.map(({ name, startup }) => {
        const list = turns.get(name)!;
        return [
          name,
          medianOf(list, ({ cpu }) => cpu),
          ratioOf(turns, [name, least], ({ cpu }) => cpu),
          medianOf(list, ({ perSecond }) => perSecond),
          startup,
        ];
      }),
      goals: [
        atMost(
          `CPU with ${most} to CPU with ${least}`,
          ratioOf(turns, [most, least], ({ cpu }) => cpu),
          1.1,
        ),
      ],
      notes: [
        `${rounds} turns of ${turn} ms each, in rotation, medians. ${CONNECTIONS} connections, ${CONNECTIONS} lanes.`,
      ],
    };
  },
};

const startWith = async (
  rig: Rig,
  upstream: Upstream,
  { count, warmUp }: { readonly count: number; readonly warmUp: number },
): Promise<Runner & { readonly startup: number }> => {
  const { port, child, startup } = await startGateway(rig, upstream, {
    name: `gateway-${count}`,
    tenants: count,
    lanes: CONNECTIONS,
  });
  const lines = linesFor(rig.issuer, fourClients(count), CONNECTIONS, port);
  const runner = await gather(rig, { name: nameOf(count), child, upstream, warmUp }, { port, lines });
  return { ...runner, startup };
};
