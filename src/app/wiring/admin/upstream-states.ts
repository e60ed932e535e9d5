/** The state of each upstream as the admin API shows it: with tenants' names, and what each lane is doing. */
import type { LaneRequest, LaneState, UpstreamState } from "../../../admin/status.ts";
import type { Redactor } from "../../../journal/redact.ts";
import type { Operation } from "../../../ocs/target.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Switchboard, UpstreamStatus } from "../../../upstream/switchboard.ts";

type TenantSettings = Settings["tenants"][number];

/** The tenants of each generation by DBID and upstream, indexed on first use. */
const indexes = new WeakMap<Settings["tenants"], ReadonlyMap<string, TenantSettings>>();

/** The tenant that an upstream knows by its DBID. */
export const tenantAt = (
  tenants: Settings["tenants"],
  upstream: string,
  dbid: string | undefined,
): TenantSettings | undefined => {
  let index = indexes.get(tenants);
  if (!index)
    indexes.set(tenants, (index = new Map(tenants.map((tenant) => [`${tenant.dbid} ${tenant.upstream}`, tenant]))));
  return dbid === undefined ? undefined : index.get(`${dbid} ${upstream}`);
};

/**
 * The state of each upstream, with tenants' names; a tenant that was removed from the settings has its DBID.
 * `identifierOf`: how the journal keeps an identifier.
 */
export const upstreamStates = (
  entries: Iterable<{ readonly switchboard: Pick<Switchboard, "status"> }>,
  { tenants }: Settings,
  identifierOf: Redactor["identifier"],
): UpstreamState[] =>
  [...entries].map(({ switchboard }) => {
    const status = switchboard.status();
    const tenantOf = (dbid: string | undefined): TenantSettings | undefined => tenantAt(tenants, status.name, dbid);
    const laneState = ({ name, state, tenant, endpoint, operation, since }: LaneStatus): LaneState => ({
      name,
      endpoint: state === "idle" ? null : endpoint,
      state,
      ...(tenant !== undefined && { tenant: tenantOf(tenant)?.name ?? tenant, dbid: Number(tenant) }),
      ...(operation && { request: laneRequest(operation, tenantOf(tenant), identifierOf) }),
      since,
    });
    return {
      ...status,
      lanes: status.lanes.map(laneState),
      queue: status.queue.map((each) => ({
        ...each,
        tenant: tenantOf(each.tenant)?.name ?? each.tenant,
        dbid: Number(each.tenant),
      })),
    };
  });

type LaneStatus = UpstreamStatus["lanes"][number];

const laneRequest = (
  { action: { name, resource }, identifier }: Operation,
  tenant: TenantSettings | undefined,
  identifierOf: Redactor["identifier"],
): LaneRequest => ({
  action: name,
  resource,
  identifier:
    identifier === undefined ? null : identifierOf(resource, identifier, tenant?.lists.includes(identifier) ?? false),
});
