/**
 * OCS announces records while many are live: what an announcement costs beside a server that answers 200 and does
 * nothing, and whether it stays so.
 */
import { startGateway } from "../peers/gateway.ts";
import { atMost } from "../report.ts";
import type { Line, Outcome } from "../programs/client-words.ts";
import { announcementOf } from "../rig/requests.ts";
import type { Case } from "./case.ts";

const LIVE = 100_000;
const PER_SECOND = 2000;
/** OCS keeps its connections, and each waits for its answer. */
const CONNECTIONS = 64;
const TENANTS = 4;
const MIB = 2 ** 20;

/** Each handle once before any comes again: so many are live from then on. */
const lines = (port: number): Line[] =>
  Array.from({ length: CONNECTIONS }, (_, line): Line => ({
    label: "OCS",
    requests: Array.from({ length: Math.ceil((LIVE - line) / CONNECTIONS) }, (_each, turn) =>
      announcementOf((line % TENANTS) + 1, 1 + line + turn * CONNECTIONS, port),
    ),
  }));

const of = ({ labels }: Outcome): { p50: number; p99: number } => labels["OCS"]!;

const refuseOdd = ({ statuses }: Outcome): void => {
  if (Object.keys(statuses).some((status) => status !== "200"))
    throw new Error(`not all were answered 200: ${JSON.stringify(statuses)}`);
};

export const announcements: Case = {
  name: "announcements",
  run: async (rig, { long }) => {
    const bare = await rig.upstream(0);
    const gateway = await startGateway(rig, await rig.upstream(0), {
      name: "gateway-announcements",
      tenants: TENANTS,
      lanes: 4,
      heap: true,
      callbacks: true,
    });
    const [toBare, toGateway] = [
      await rig.open({ port: bare.port, lines: lines(bare.port) }),
      await rig.open({ port: gateway.callbacks, lines: lines(gateway.callbacks) }),
    ];
    const paced = { kind: "paced", ms: long, perSecond: PER_SECOND } as const;
    refuseOdd(await toGateway.run({ kind: "closed", ms: Infinity, requests: LIVE }));
    await toBare.run({ kind: "closed", ms: 1000 });
    const [before, cpu] = [await gateway.heap(), gateway.child.cpu()];
    const thirds: Outcome[] = [];
    for (let third = 0; third < 3; third++) thirds.push(await toGateway.run(paced));
    const spent = gateway.child.cpu() - cpu;
    const after = await gateway.heap();
    const peer = await toBare.run(paced);
    thirds.forEach(refuseOdd);
    await Promise.all([toBare.close(), toGateway.close()]);
    await gateway.child.stop();
    const [first, , last] = thirds.map(of);
    const done = thirds.reduce((sum, outcome) => sum + outcome.done, 0);
    return {
      title: `${PER_SECOND} announcements per second over ${(3 * long) / 1000} s with ${LIVE} live handles`,
      columns: ["", "p50 ms", "p99 ms", "p99 to a bare 200"],
      rows: [
        ["a bare 200 responder", of(peer).p50, of(peer).p99, 1],
        ...thirds.map((outcome, third) => [
          `callbacks, third ${third + 1}`,
          of(outcome).p50,
          of(outcome).p99,
          of(outcome).p99 / of(peer).p99,
        ]),
      ],
      goals: [
        atMost("heap after the run to heap before it", after.heapUsed / before.heapUsed, 1.1),
        atMost("p50 of the last third to the first", last!.p50 / first!.p50, 1.25),
      ],
      notes: [
        `Every announcement is on disk (SQLite, synchronous FULL) before its 200. ${(spent / done).toFixed(0)} µs of ` +
          "CPU each, all threads together.",
        `Heap ${(before.heapUsed / MIB).toFixed(1)} MiB before and ${(after.heapUsed / MIB).toFixed(1)} MiB after ` +
          `${done} announcements; resident ${(after.rss / MIB).toFixed(0)} MiB. Handles are announced again in turn, ` +
          "so their number stays.",
      ],
    };
  },
};
