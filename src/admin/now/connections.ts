/** Lanes and queues as a person may see them: those of the visible tenants. */
import type { Connections, Lane, Waiting } from "../api/now-schema.ts";
import type { EndpointState, LaneState, UpstreamState } from "../status.ts";
import { sees, seesAll, type Sight } from "./sight.ts";

export const connectionsOf = (sight: Sight, state: UpstreamState): Connections => ({
  name: state.name,
  up: isUp(state),
  endpoints: state.endpoints.map(endpointOf),
  lanes: lanesOf(sight, state),
  waiting: waitingOf(sight, state),
});

export const isUp = ({ endpoints }: UpstreamState): boolean => endpoints.some(({ up }) => up);

/** A lane without a tenant belongs to nobody, so that their number would show how many lanes other tenants have. */
export const lanesOf = (sight: Sight, { lanes }: UpstreamState): Lane[] =>
  lanes.filter(({ dbid }) => seesAll(sight) || sees(sight, dbid)).map(laneOf);

const laneOf = ({ name, state, since, endpoint, tenant, dbid, request }: LaneState): Lane => ({
  name,
  state,
  since_ms: Math.round(since),
  endpoint,
  tenant: tenant === undefined || dbid === undefined ? null : { dbid, name: tenant },
  request: request ?? null,
});

/** The longest wait first. */
export const waitingOf = (sight: Sight, { queue }: UpstreamState): Waiting[] =>
  queue
    .filter(({ dbid }) => sees(sight, dbid))
    .map(({ tenant, dbid, waiting, oldest }) => ({
      tenant: { dbid, name: tenant },
      waiting,
      oldest_ms: Math.round(oldest),
    }))
    .toSorted((one, other) => other.oldest_ms - one.oldest_ms);

export const endpointOf = ({ standby, ...endpoint }: EndpointState): Connections["endpoints"][number] => ({
  ...endpoint,
  standby: standby
    ? {
        seen: standby.seen,
        expected: standby.expected ?? null,
        healthy: standby.healthy,
        since_ms: Math.round(standby.since),
      }
    : null,
});
