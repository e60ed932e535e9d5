/**
 * The data that OCS attaches to a call. OCS sends it to the validation-uri, and a client gets it with the call. It does
 * not contain the tenant.
 */
import { createHash } from "node:crypto";
import type { Retrieved } from "./retrieve-records.ts";
import { timeZoneByDbid } from "../world/directory.ts";
import { APPLICATION_DBID } from "../world/seed.ts";
import { USER_FIELDS } from "../world/schema.ts";
import { offsetAt } from "../world/time-zones.ts";
import { valueOf, type World } from "../world/world.ts";

export type AttachedData = Readonly<Record<string, string | number>>;

/** `base`: scheme and authority of GSW_RECORD_URI. */
export const attachedData = (world: World, retrieved: Retrieved, base: string): AttachedData => {
  const { handle, record, group, list, campaign } = retrieved;
  const zone = timeZoneByDbid(world, record.tz_dbid);
  return {
    GSW_RECORD_HANDLE: handle,
    GSW_RECORD_URI: `${base}/records/${handle}`,
    GSW_APPLICATION_ID: APPLICATION_DBID,
    GSW_CAMPAIGN_NAME: campaign.name,
    GSW_CAMPAIGN_GROUP_NAME: group.name,
    GSW_CAMPAIGN_GROUP_DBID: group.dbid,
    GSW_CALLING_LIST: list.name,
    GSW_CALLING_LIST_DBID: list.dbid,
    GSW_PHONE: record.contact_info,
    GSW_PHONE_TYPE: record.contact_info_type,
    GSW_CONTACT_MEDIA_TYPE: "Phone",
    GSW_CHAIN_ID: record.chain_id,
    GSW_CHAIN_N: record.chain_n,
    GSW_ATTEMPTS: record.attempt,
    GSW_TZ_NAME: zone.name,
    GSW_TZ_OFFSET: offsetAt(world.clock.now(), zone.zone) / 1000,
    GSW_SWITCH_DBID: group.switch_dbid,
    GSW_CALL_ATTEMPT_GUID: attemptGuid(world, retrieved),
    ...userFields(retrieved),
  };
};

/** 32 hexadecimal characters, derived from seed, run and handle. */
export const attemptGuid = (world: World, { run, handle }: Retrieved): string =>
  createHash("sha256")
    .update(`${valueOf(world, "seed")} ${run} ${handle}`)
    .digest("hex")
    .slice(0, 32)
    .toUpperCase();

const userFields = ({ record }: Retrieved): AttachedData =>
  Object.fromEntries(
    USER_FIELDS.flatMap(({ column, key }) => {
      const value = record[column];
      return value === null ? [] : [[key, value]];
    }),
  );
