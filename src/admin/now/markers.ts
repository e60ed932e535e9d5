/**
 * Markers of charts. Who may see some tenants only gets no marker of the whole gateway: a start or a config change may
 * be another tenant's, and a hash of the config changes with it.
 */
import type { Marker } from "../api/now-schema.ts";
import type { Marker as Noted, Timed } from "../recent/markers.ts";
import { seesAll, type Sight } from "./sight.ts";
import type { NowSources } from "./sources.ts";

const HOUR_MS = 3_600_000;
const HASH_SHOWN = 8;

/** Of the last 60 minutes, the oldest first. `isVisible`: whether the page is about this upstream too. */
export const markersOf = (
  sight: Sight,
  { markers }: Pick<NowSources, "markers">,
  isVisible: (upstream: string) => boolean,
): Marker[] =>
  markers
    .from(Date.now() - HOUR_MS)
    .map(markerOf)
    .filter(({ upstream }) => (upstream === null ? seesAll(sight) : isVisible(upstream)));

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
