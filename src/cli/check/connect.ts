/**
 * `ocsgw check --connect`: tests addresses, disk, issuers, the OpenID provider, OCS, the destinations of audit.forward,
 * the shared database and clock, without changing anything.
 */
import type { Settings } from "../../settings/schema/schema.ts";
import { bypassRow } from "./connect/bypass.ts";
import { diskRow } from "./connect/disk.ts";
import { forwardRows } from "./connect/forward.ts";
import { clockRow, issuerRows } from "./connect/issuers.ts";
import { listenerRows } from "./connect/listeners.ts";
import { oidcRows } from "./connect/oidc.ts";
import { outsideRows } from "./connect/outside.ts";
import { sharedRows } from "./connect/shared.ts";
import type { Row } from "./connect/row.ts";
import { telemetryRows } from "./connect/telemetry.ts";
import { upstreamRows } from "./connect/upstreams.ts";

/** `recordUri`: a GSW_RECORD_URI that a strategy received. */
export const testConnections = async (settings: Settings, recordUri: string | undefined): Promise<readonly Row[]> => {
  const [disk, listeners, issuers, upstreams, outside, forward, telemetry, oidc, shared, bypass] = await Promise.all([
    diskRow(settings.audit),
    listenerRows(settings),
    issuerRows(settings),
    upstreamRows(settings),
    outsideRows(settings),
    forwardRows(settings),
    telemetryRows(settings),
    oidcRows(settings),
    sharedRows(settings),
    recordUri === undefined ? [] : bypassRow(recordUri, settings),
  ]);
  const tested = [...issuers, ...upstreams];
  return [
    disk,
    clockRow(
      tested.map(({ clock }) => clock),
      settings,
    ),
    ...listeners,
    ...tested.map(({ row }) => row),
    ...outside,
    ...forward,
    ...telemetry,
    ...oidc,
    ...shared,
    bypass,
  ].flat();
};
