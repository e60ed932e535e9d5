/** Faults of gateways that share a database: what one does without the others. */
import { Acknowledgements } from "../../../src/ownership/replicated/acknowledgements.ts";
import { Claims } from "../../../src/ownership/replicated/state/claims.ts";
import type { Plan } from "../nemesis.ts";
import { often, replaced, type Mutant } from "./mutant.ts";

/** Two gateways, and many records at a time whose numbers another life of OCS gives to other tenants. */
export const TWO_GATEWAYS: Partial<Plan> = {
  gateways: 2,
  reuses: true,
  recycles: true,
  contiguous: true,
  window: 4,
  registered: 0.1,
  pace: 120,
  agents: { clients: 4, strays: true, abandons: false, slow: 0.5 },
};

export const SHARED_MUTANTS: readonly Mutant[] = [
  {
    name: "m-an-announcement-does-not-wait-for-the-other-gateway",
    shows: "m",
    breaks: ["I1", "I2"],
    plan: { ...TWO_GATEWAYS, faults: often("cutFromDatabase") },
    install: () => replaced(Acknowledgements.prototype, { isKnown: () => true }),
  },
  {
    name: "n-a-finalizing-request-waits-only-on-its-own-gateway",
    shows: "n",
    breaks: ["I10"],
    plan: { ...TWO_GATEWAYS, faults: often("slowOcs") },
    install: () =>
      replaced(Claims.prototype, {
        isFirst: () => true,
        turnOf: () => Promise.resolve(),
      }),
  },
  {
    name: "o-a-handle-that-another-gateway-heard-of-is-unknown",
    shows: "o",
    breaks: ["I2"],
    plan: { ...TWO_GATEWAYS, faults: often("cutFromDatabase", "databaseSlow") },
    records: (records) => {
      const { ownership } = records;
      const { requestLease } = ownership;
      Object.assign(ownership, {
        catchUp: () => undefined,
        requestLease: (...[tenant, identifier, finalizes]: Parameters<typeof requestLease>) =>
          requestLease(tenant, identifier, finalizes, true),
      });
      return records;
    },
  },
];
