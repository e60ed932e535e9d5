/** What the shared database knows of one gateway's lanes to one upstream, and when such a lease has ended. */

export type Holder = {
  readonly node: string;
  /** Of one run of the gateway. */
  readonly instance: string;
  /** The lock that this run keeps until its process ends: a later run that has it proves that this one is over. */
  readonly lock: string | null;
  /** The most lanes that it may have open. */
  readonly held: number;
  /** `connections` in its config. */
  readonly total: number;
  /** Milliseconds from the end of its lease until its surplus lanes are closed. */
  readonly grace: number;
  /** Raised with each renewal. */
  readonly beat: number;
  readonly demands: readonly Demand[];
};

/** The lanes that one tenant's requests could use now: those that run and those that wait, averaged. */
export type Demand = { readonly tenant: string; readonly share: number; readonly lanes: number };

/** Milliseconds from a renewal until the gateway has to be content with one lane; each measures its own. */
export const LANE_LEASE_MS = 10_000;
/** The number of lanes that a gateway keeps without a lease. Nobody takes them while its row is there. */
export const RESERVED = 1;

/** For clocks that differ by up to 5 %, and for a process that is late. */
const CLOCKS = 1.05;
const LATE_MS = 1000;

/** Milliseconds after which others may take a holder's lanes, if it did not renew its lease meanwhile. */
export const expiresAfter = ({ grace }: Pick<Holder, "grace">): number => (LANE_LEASE_MS + grace) * CLOCKS + LATE_MS;

/** The tenants with the highest demand stay; the others become one, so that a row stays small. */
const MOST_DEMANDS = 100;

/** By tenant. Rounded to hundredths. */
export const fewDemands = (demands: Iterable<Demand>, node: string): Demand[] => {
  const all = [...demands]
    .map((each) => ({ ...each, lanes: Math.round(each.lanes * 100) / 100 }))
    .filter(({ lanes }) => lanes > 0)
    .sort((one, other) => other.lanes - one.lanes);
  const rest = all.splice(MOST_DEMANDS);
  if (rest.length === 0) return all;
  const sum = (valueOf: (demand: Demand) => number): number => rest.reduce((before, each) => before + valueOf(each), 0);
  return [...all, { tenant: `others at ${node}`, share: sum(({ share }) => share), lanes: sum(({ lanes }) => lanes) }];
};
