/** Does the heap grow with requests? After a full collection, early and late. */
import { startGateway, type Heap } from "../peers/gateway.ts";
import { atMost } from "../report.ts";
import { linesFor } from "../rig/requests.ts";
import type { Case } from "./case.ts";
import { CONNECTIONS } from "./line-up.ts";
import { refuseOddAnswers } from "./turns.ts";

const MIB = 2 ** 20;

export const memory: Case = {
  name: "memory",
  run: async (rig, { memory: [first, all] }) => {
    const gateway = await startGateway(rig, await rig.upstream(0), {
      name: "gateway-memory",
      tenants: 4,
      lanes: CONNECTIONS,
      heap: true,
    });
    const crowd = await rig.open({
      port: gateway.port,
      lines: linesFor(
        rig.issuer,
        [1, 2, 3, 4].map((tenant) => ({ tenant })),
        CONNECTIONS,
        gateway.port,
      ),
    });
    const heaps: (readonly [string, Heap])[] = [["before the first request", await gateway.heap()]];
    for (const [done, requests] of [
      [first, first],
      [all, all - first],
    ] as const) {
      refuseOddAnswers("the gateway", await crowd.run({ kind: "closed", ms: Infinity, requests }));
      heaps.push([`after ${done} requests`, await gateway.heap()]);
    }
    await crowd.close();
    await gateway.child.stop();
    const [, early, late] = heaps;
    return {
      title: "Memory of the gateway after a full collection, MiB",
      columns: ["when", "heap", "buffers", "resident"],
      rows: heaps.map(([when, { heapUsed, external, rss }]) => [when, heapUsed / MIB, external / MIB, rss / MIB]),
      goals: [atMost(`heap after ${all} requests to heap after ${first}`, late![1].heapUsed / early![1].heapUsed, 1.1)],
      notes: [
        `${CONNECTIONS} connections stay open throughout. Buffers are what lies outside of the heap and is held by it.`,
      ],
    };
  },
};
