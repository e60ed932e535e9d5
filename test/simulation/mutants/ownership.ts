/** Faults of ownership: who may use a record handle, and for how long. */
import { Handles } from "../../../src/ownership/handles/handles.ts";
import { Ownership, type LeaseResponse } from "../../../src/ownership/ownership.ts";
import type { HandleLease } from "../../../src/ownership/handles/lease-decision.ts";
import type { ActiveOcsListener, Records } from "../../../src/app/wiring/ownership.ts";
import { UPSTREAM } from "../config.ts";
import type { Plan } from "../nemesis.ts";
import { methodOf, often, replaced, type Mutant } from "./mutant.ts";

type Asked = Parameters<Ownership["requestLease"]>;

/** The same ownership with another answer to the question who may use a handle. */
const asking = (
  records: Records,
  answer: (given: LeaseResponse, asked: Asked, records: Records) => LeaseResponse,
): Records => {
  const real = records.ownership.requestLease;
  Object.assign(records.ownership, {
    requestLease: (...asked: Asked): LeaseResponse => answer(real(...asked), asked, records),
  });
  return records;
};

const hearing = (records: Records, hear: (ear: ActiveOcsListener) => ActiveOcsListener["onActiveChange"]): Records => ({
  ...records,
  activeListenerFor: (upstream, origins) => {
    const ear = records.activeListenerFor(upstream, origins);
    return { ...ear, onActiveChange: hear(ear) };
  },
});

/** Many records at a time, whose numbers another life of OCS gives to other tenants, often without announcing it. */
const BUSY: Partial<Plan> = {
  reuses: true,
  contiguous: true,
  window: 4,
  registered: 0.6,
  pace: 150,
  agents: { clients: 4, strays: true, abandons: false, slow: 0.5 },
};

export const OWNERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: "a-a-refused-lane-connection-begins-an-epoch",
    shows: "a",
    breaks: ["I8", "I2"],
    plan: { faults: often("refuse") },
    install: (world) => {
      world.network.refused = (connection) => {
        const { gateway, life } = world;
        if (connection.owner === life && life.isAlive)
          gateway?.records.ownership.newEpoch(UPSTREAM, `http://${connection.host.address}`);
      };
      return () => undefined;
    },
  },
  {
    name: "b-restored-handles-are-live",
    shows: "b",
    breaks: ["I1"],
    variant: { grace: "1h" },
    plan: { reuses: true, faults: often("restart", "kill") },
  },
  {
    name: "b-handles-stay-live-when-all-connections-were-lost",
    shows: "b",
    // An announcement for another tenant is then taken for a contradiction of the same life.
    breaks: ["I1", "I5", "I6"],
    plan: { reuses: true, faults: often("restart") },
    records: (records) =>
      hearing(
        records,
        ({ onActiveChange }) =>
          (settled) =>
            onActiveChange(settled && settled.how === "reconnected" ? { ...settled, how: "start" } : settled),
      ),
  },
  {
    name: "b-no-handle-proves-a-new-life",
    shows: "b",
    breaks: ["I8"],
    plan: { reuses: true, contiguous: false, window: 4, faults: often("restart") },
    install: () => replaced(Handles.prototype, { provesNewLife: () => false }),
  },
  {
    name: "e-a-second-finalizer-gets-410-at-once",
    shows: "e",
    breaks: ["I2"],
    records: (records) =>
      asking(records, (given, [, , finalizes]) =>
        "lease" in given && finalizes && given.lease.after()
          ? { denied: { why: "unknown" }, isThrottled: false }
          : given,
      ),
  },
  {
    name: "f-an-old-200-ends-the-newer-attempt",
    shows: "f",
    breaks: ["I2"],
    records: (records) =>
      asking(records, (given, [tenant, identifier, finalizes], { ownership }) => {
        if (!("lease" in given)) return given;
        const { release } = given.lease;
        return {
          lease: Object.assign(given.lease, {
            release: (status: number | undefined, by?: string): void => {
              release(status, by);
              if (finalizes && status === 200) void ownership.end(tenant.upstream, Number(identifier), "finished");
            },
          } satisfies Partial<HandleLease>),
        };
      }),
  },
  {
    name: "f-a-call-report-ends-the-newer-attempt",
    shows: "f",
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
    shows: "h",
    breaks: ["I6"],
    plan: { faults: often("contradict") },
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
    shows: "j",
    breaks: ["I1", "I5", "I6"],
    // With more of them one is likely to be of a host that goes dark, after which a conflict may be said without cause.
    plan: { ...BUSY, faults: often("reloadAndRestart").slice(4, 6) },
    records: (records) =>
      hearing(records, (ear) => {
        let isFirst = true;
        return (settled) => {
          ear.onActiveChange(settled && isFirst ? { ...settled, how: "start" } : settled);
          if (settled) isFirst = false;
        };
      }),
  },
];
