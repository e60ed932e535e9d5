/** A hundred changes of roles under load. */
import { switchOverAndOver } from "../../faults/switchovers.ts";
import { atMost } from "../report.ts";
import { median } from "../statistics.ts";
import type { Case } from "./case.ts";

const TIMES = 100;
const EVERY_MS = 250;
const SEED = 1;

export const switchovers: Case = {
  name: "switchovers",
  run: async () => {
    const { requests, violations, unsaid, gaps } = await switchOverAndOver({
      times: TIMES,
      seed: SEED,
      every: EVERY_MS,
    });
    const twice = violations.filter((violation) => violation.startsWith("H2")).length;
    const longest = Math.max(...gaps);
    return {
      title: `${TIMES} switchovers, one every ${EVERY_MS} ms, under the load of 8 tenants`,
      columns: ["", "requests", "violations of the history", "gap p50 ms", "gap max ms"],
      rows: [["gateway", requests, violations.length, median(gaps), longest]],
      goals: [
        atMost("requests lost without an honest code", unsaid, 0),
        atMost("requests executed twice, and every other violation", Math.max(twice, violations.length), 0),
        atMost("longest service gap in seconds", longest / 1000, 3),
      ],
      notes: [
        "A gap is the time from the change to the answer of the next request that was asked after it; the peer " +
          "accepts at once.",
      ],
    };
  },
};
