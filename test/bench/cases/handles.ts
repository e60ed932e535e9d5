/**
 * Can a tenant tell by the time of the answer whether a record handle is another's or nobody's? Welch's t over samples
 * in alternation.
 */
import { startGateway } from "../peers/gateway.ts";
import { atMost } from "../report.ts";
import type { Line, Outcome } from "../programs/client-words.ts";
import { announcementOf, clientName, recordRequestOf } from "../rig/requests.ts";
import type { Opened } from "../rig/rig.ts";
import { pooled, welch, type Sample } from "../statistics.ts";
import type { Case } from "./case.ts";

const SAMPLES = 20_000;
const AT_A_TIME = 400;
/** So many ask in turn that none is slowed for asking too often. */
const ASKERS = 400;
const OWNED = 1000;
const FIRST_FOREIGN = 100_001;
const FIRST_ABSENT = 200_001;

export const handles: Case = {
  name: "handles",
  run: async (rig) => {
    const gateway = await startGateway(rig, await rig.upstream(0), {
      name: "gateway-handles",
      tenants: ASKERS + 1,
      lanes: 4,
      callbacks: true,
    });
    const owner: Line = {
      label: "OCS",
      requests: Array.from({ length: OWNED }, (_, at) => announcementOf(1, FIRST_FOREIGN + at, gateway.callbacks)),
    };
    const ocs = await rig.open({ port: gateway.callbacks, lines: [owner] });
    refuseOther("200", await ocs.run({ kind: "closed", ms: Infinity, requests: OWNED }));
    await ocs.close();
    const tokens = Array.from({ length: ASKERS }, (_, at) => rig.issuer.token(clientName(at + 2)));
    const lineFrom = (first: number): Line => ({
      label: "asked",
      requests: Array.from({ length: OWNED }, (_, at) =>
        recordRequestOf(first + at, tokens[at % ASKERS]!, gateway.port),
      ),
    });
    const [foreign, absent] = [
      await rig.open({ port: gateway.port, lines: [lineFrom(FIRST_FOREIGN)] }),
      await rig.open({ port: gateway.port, lines: [lineFrom(FIRST_ABSENT)] }),
    ];
    for (const warming of [foreign, absent, foreign, absent]) await sampleOf(warming);
    let [ofForeign, ofAbsent] = [await sampleOf(foreign), await sampleOf(absent)];
    while (ofForeign.n < SAMPLES) {
      ofForeign = pooled(ofForeign, await sampleOf(foreign));
      ofAbsent = pooled(ofAbsent, await sampleOf(absent));
    }
    await Promise.all([foreign.close(), absent.close()]);
    await gateway.child.stop();
    const t = Math.abs(welch(ofForeign, ofAbsent));
    return {
      title: `Answer times for handles of another tenant and of nobody, ${SAMPLES} samples each`,
      columns: ["", "mean ms", "standard deviation ms"],
      rows: [
        ["another tenant's", ofForeign.mean, Math.sqrt(ofForeign.variance)],
        ["nobody's", ofAbsent.mean, Math.sqrt(ofAbsent.variance)],
      ],
      goals: [atMost("Welch's t of the two, absolute", t, 4.5)],
      notes: [
        `One request at a time, ${AT_A_TIME} of one kind and then of the other, by ${ASKERS} tenants in turn, all ` +
          "answered 410.",
      ],
    };
  },
};

const sampleOf = async (asker: Opened): Promise<Sample> => {
  const outcome = await asker.run({ kind: "closed", ms: Infinity, requests: AT_A_TIME });
  refuseOther("410", outcome);
  const { done, mean, variance } = outcome.labels["asked"]!;
  return { n: done, mean, variance };
};

const refuseOther = (wanted: string, { statuses }: Outcome): void => {
  if (Object.keys(statuses).some((status) => status !== wanted))
    throw new Error(`not all were answered ${wanted}: ${JSON.stringify(statuses)}`);
};
