/** Markers of charts, without what belongs to an upstream of other tenants. */
import type { Marker } from "../api/now-schema.ts";
import type { Marker as Noted, Timed } from "../recent/markers.ts";
import { seesUpstream, type Sight } from "./sight.ts";
import type { NowSources, TenantFacts } from "./sources.ts";

const HOUR_MS = 3_600_000;
const HASH_SHOWN = 8;

/** Of the last 60 minutes, the oldest first. `tenants`: those that the person may see. */
export const markersOf = (sight: Sight, { markers }: Pick<NowSources, "markers">, tenants: readonly TenantFacts[]) => {
  const isVisible = seesUpstream(sight, tenants);
  return markers
    .from(Date.now() - HOUR_MS)
    .map(markerOf)
    .filter(({ upstream }) => upstream === null || isVisible(upstream));
};

const markerOf = (marker: Timed<Noted>): Marker => ({
  time: new Date(marker.time).toISOString(),
  kind: marker.kind,
  upstream: "upstream" in marker ? marker.upstream : null,
  text: textOf(marker),
});

const textOf = (marker: Noted): string => {
  switch (marker.kind) {
    case "start":
      return marker.version;
    case "config":
      return `${marker.outcome} ${marker.config_hash.slice(0, HASH_SHOWN)}`;
    case "switchover":
      return marker.to ?? "";
    case "reconnected":
      return marker.endpoint;
    case "down":
      return "";
    case "fault":
      return marker.fault;
  }
};
