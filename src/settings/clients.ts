/** The names of all clients that can authenticate: the tenants' clients, and the registrars of callbacks. */
import type { Settings, TenantSettings, UpstreamSettings } from "./schema/schema.ts";

export const clientNames = (
  tenants: readonly TenantSettings[],
  upstreams: readonly UpstreamSettings[],
): ReadonlySet<string> =>
  new Set([
    ...tenants.flatMap(({ clients }) => Object.keys(clients)),
    ...upstreams.flatMap(({ callbacks }) => callbacks?.registrars.map(({ client }) => client) ?? []),
  ]);

export const clientsIn = ({ tenants, upstreams }: Settings): ReadonlySet<string> =>
  clientNames(tenants, Object.values(upstreams));
