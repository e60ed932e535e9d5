/** `ocsgw check --connect`: what a file cannot tell. Addresses, disk, issuers, OCS and the clock are tried; nothing is changed anywhere. */
import type { Settings } from "../settings/schema.ts";
import { bypassRow } from "./connect/bypass.ts";
import { diskRow } from "./connect/disk.ts";
import { clockRow, issuerRows } from "./connect/issuers.ts";
import { listenerRows } from "./connect/listeners.ts";
import { outsideRows } from "./connect/outside.ts";
import type { Row } from "./connect/row.ts";
import { upstreamRows } from "./connect/upstreams.ts";

/** `recordUri`: a GSW_RECORD_URI as a strategy gets it. */
export const tryOut = async (settings: Settings, recordUri: string | undefined): Promise<readonly Row[]> => {
  const [disk, listeners, issuers, upstreams, outside, bypass] = await Promise.all([
    diskRow(settings.audit.dir),
    listenerRows(settings),
    issuerRows(settings),
    upstreamRows(settings),
    outsideRows(settings),
    recordUri === undefined ? [] : bypassRow(recordUri, settings),
  ]);
  const heard = [...issuers, ...upstreams];
  return [
    disk,
    clockRow(
      heard.map(({ clock }) => clock),
      settings,
    ),
    ...listeners,
    ...heard.map(({ row }) => row),
    ...outside,
    bypass,
  ].flat();
};
