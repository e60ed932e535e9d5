/** Looks up configuration objects: tenants, campaigns, lists, time zones. */
import type { TimeZone } from "./time-zones.ts";
import type { World } from "./world.ts";

export type Tenant = { readonly dbid: number; readonly name: string };
export type Campaign = { readonly dbid: number; readonly name: string; readonly tenant_dbid: number };
export type CallingList = { readonly dbid: number; readonly name: string; readonly tenant_dbid: number };

export const tenantByDbid = ({ db }: World, dbid: number): Tenant | undefined =>
  db.get<Tenant>("SELECT * FROM tenant WHERE dbid = ?", dbid);
export const tenantByName = ({ db }: World, name: string): Tenant | undefined =>
  db.get<Tenant>("SELECT * FROM tenant WHERE name = ?", name);

/** The tenant of a handle's record, in the last run that issued this handle. The handle need not be open. */
export const tenantOfHandle = ({ db }: World, handle: number): Tenant | undefined =>
  db.get<Tenant>(
    `SELECT tenant.* FROM record_handle JOIN record USING (record_id) JOIN calling_list ON calling_list.dbid = list_dbid
      JOIN tenant ON tenant.dbid = tenant_dbid WHERE handle = ? ORDER BY run DESC LIMIT 1`,
    handle,
  );

export const tenantOfList = (world: World, { tenant_dbid }: CallingList): Tenant => tenantByDbid(world, tenant_dbid)!;

export const tenantOfGroup = ({ db }: World, group: number): Tenant | undefined =>
  db.get<Tenant>(
    `SELECT tenant.* FROM campaign_group JOIN campaign ON campaign.dbid = campaign_dbid JOIN tenant
      ON tenant.dbid = tenant_dbid
      WHERE campaign_group.dbid = ?`,
    group,
  );

/** The campaign with this name; without a tenant, the first one of any tenant. */
export const campaignByName = ({ db }: World, name: string, tenant?: Tenant): Campaign | undefined =>
  db.get<Campaign>(
    "SELECT * FROM campaign WHERE name = ? AND tenant_dbid = coalesce(?, tenant_dbid) ORDER BY dbid",
    name,
    tenant?.dbid ?? null,
  );

export const listByName = ({ db }: World, name: string, tenant?: Tenant): CallingList | undefined =>
  db.get<CallingList>(
    "SELECT * FROM calling_list WHERE name = ? AND tenant_dbid = coalesce(?, tenant_dbid) ORDER BY dbid",
    name,
    tenant?.dbid ?? null,
  );

export const listByDbid = ({ db }: World, dbid: number): CallingList | undefined =>
  db.get<CallingList>("SELECT * FROM calling_list WHERE dbid = ?", dbid);

export const campaignUses = ({ db }: World, campaign: Campaign, list: CallingList): boolean =>
  db.get("SELECT 1 FROM campaign_list WHERE campaign_dbid = ? AND list_dbid = ?", campaign.dbid, list.dbid) !==
  undefined;

export const campaignByDbid = ({ db }: World, dbid: number): Campaign =>
  db.get<Campaign>("SELECT * FROM campaign WHERE dbid = ?", dbid)!;

export const timeZoneByName = ({ db }: World, name: string): TimeZone | undefined =>
  db.get<TimeZone>("SELECT * FROM time_zone WHERE name = ?", name);

export const timeZoneByDbid = ({ db }: World, dbid: number): TimeZone =>
  db.get<TimeZone>("SELECT * FROM time_zone WHERE dbid = ?", dbid)!;
