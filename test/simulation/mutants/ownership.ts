/** Faults of ownership: who may use a record handle, and for how long. */
import { Handles } from "../../../src/tenants/ownership/handles.ts";
import { Ownership, type Answer } from "../../../src/tenants/ownership.ts";
import type { Ear, Records } from "../../../src/assemble/ownership.ts";
import { UPSTREAM } from "../config.ts";
import { methodOf, replaced, type Mutant } from "./mutant.ts";

type Asked = Parameters<Ownership["ask"]>;

/** The same ownership with another answer to the question who may use a handle. */
const asking = (records: Records, answer: (given: Answer, asked: Asked, records: Records) => Answer): Records => {
  const real = records.ownership.ask;
  Object.assign(records.ownership, { ask: (...asked: Asked): Answer => answer(real(...asked), asked, records) });
  return records;
};

const hearing = (records: Records, hear: (ear: Ear) => Ear["hear"]): Records => ({
  ...records,
  earFor: (upstream, origins) => {
    const ear = records.earFor(upstream, origins);
    return { ...ear, hear: hear(ear) };
  },
});

export const OWNERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: "a-a-refused-lane-connection-begins-an-epoch",
    breaks: ["I8", "I2"],
    install: (world) => {
      world.network.refused = (connection) => {
        const { gateway, life } = world;
        if (connection.owner === life && life.isAlive)
          gateway?.records.ownership.newEpoch(UPSTREAM, `http://${connection.host.address}`);
      };
      return () => undefined;
    },
  },
  { name: "b-restored-handles-are-live", breaks: ["I1"], variant: { grace: "1h" } },
  {
    name: "b-handles-stay-live-when-all-connections-were-lost",
    // An announcement for another tenant is then taken for a contradiction of the same life.
    breaks: ["I1", "I5", "I6"],
    records: (records) =>
      hearing(
        records,
        ({ hear }) =>
          (settled) =>
            hear(settled && settled.how === "reconnected" ? { ...settled, how: "start" } : settled),
      ),
  },
  {
    name: "b-no-handle-proves-a-new-life",
    breaks: ["I1", "I5"],
    install: () => replaced(Handles.prototype, { provesNewLife: () => false }),
  },
  {
    name: "e-a-second-finalizer-gets-410-at-once",
    breaks: ["I2"],
    records: (records) =>
      asking(records, (given, [, , finalizes]) =>
        "lease" in given && finalizes && given.lease.after() ? { denied: { why: "unknown" }, slow: false } : given,
      ),
  },
  {
    name: "f-an-old-200-ends-the-newer-attempt",
    breaks: ["I2"],
    records: (records) =>
      asking(records, (given, [tenant, identifier, finalizes], { ownership }) => {
        if (!("lease" in given)) return given;
        const { settle } = given.lease;
        return {
          lease: Object.assign(given.lease, {
            settle: (status: number | undefined, by?: string): void => {
              settle(status, by);
              if (finalizes && status === 200) void ownership.end(tenant.upstream, Number(identifier), "finished");
            },
          }),
        };
      }),
  },
  {
    name: "f-a-call-report-ends-the-newer-attempt",
    breaks: ["I2"],
    install: () => {
      const end = methodOf(Ownership.prototype, "end");
      return replaced(Ownership.prototype, {
        end(this: Ownership, upstream, handle, ending) {
          return end.call(this, upstream, handle, ending);
        },
      });
    },
  },
  {
    name: "h-a-conflict-has-one-entry-a-minute-for-all-handles",
    breaks: ["I6"],
    records: (records) => {
      let last = -Infinity;
      const { raise } = records.alarms;
      Object.assign(records.alarms, {
        raise: (alarm: Parameters<typeof raise>[0]): void => {
          if (performance.now() - last < 60_000) return;
          last = performance.now();
          raise(alarm);
        },
      });
      return records;
    },
  },
  {
    name: "j-a-reload-forgets-what-it-interrupts",
    breaks: ["I1", "I5", "I6"],
    records: (records) =>
      hearing(records, (ear) => {
        let isFirst = true;
        return (settled) => {
          ear.hear(settled && isFirst ? { ...settled, how: "start" } : settled);
          if (settled) isFirst = false;
        };
      }),
  },
];
