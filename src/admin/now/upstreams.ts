/** The page Upstreams: each OCS with its lanes, queue, switchovers and certificates. */
import type { Upstreams } from "../api/now-schema.ts";
import { seriesOf } from "../recent/series.ts";
import { connectionsOf } from "./connections.ts";
import { windowOf } from "./now.ts";
import { seesAll, seesUpstream, visibleTenants, type Sight } from "./sight.ts";
import type { NowSources } from "./sources.ts";

type Row = Upstreams["upstreams"][number];

/** `step`: the shortest step of the series, in seconds. */
export const upstreamsOf = (sight: Sight, sources: NowSources, step: number): Upstreams => {
  const isVisible = seesUpstream(sight, visibleTenants(sight, sources));
  const states = sources.upstreams().filter(({ name }) => isVisible(name));
  return {
    time: new Date().toISOString(),
    upstreams: states.map((state): Row => {
      const facts = sources.upstreamFacts(state.name);
      return {
        ...connectionsOf(sight, state),
        epoch: state.epoch,
        connections: facts?.connections ?? state.lanes.length,
        lane_isolation: facts?.lane_isolation ?? "tenant",
        queue: { max: facts?.queue.max ?? 0, max_wait_ms: facts?.queue.max_wait ?? 0 },
        switchovers: sources.markers.switchovers(state.name).map(({ time, from, to, epoch, reason }) => ({
          time: new Date(time).toISOString(),
          from,
          to,
          epoch,
          reason,
        })),
        certificates: certificatesOf(sources, state.name),
        series: seesAll(sight) ? totalsOf(sources, state.name, step) : null,
      };
    }),
  };
};

const totalsOf = ({ recent }: NowSources, upstream: string, step: number): Row["series"] => {
  const activity = recent.ofUpstream(upstream);
  return seriesOf(activity ? [activity] : [], recent.all, windowOf(recent, step), Date.now());
};

const certificatesOf = ({ certificates }: NowSources, upstream: string): Row["certificates"] => {
  const place = `upstreams.${upstream}`;
  return certificates()
    .filter(({ of }) => of === place || of === `${place}.callbacks`)
    .map(({ of, what, notAfter, warnFrom }) => ({
      what: `${of}.${what}`.slice(place.length + 1),
      ends: new Date(notAfter).toISOString(),
      warn: Date.now() >= warnFrom,
    }));
};
