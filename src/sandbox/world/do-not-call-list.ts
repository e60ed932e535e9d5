/** The do-not-call list of each tenant: written by requests, checked before every dial. */
import { ASSUMED } from "../assumptions.ts";
import { secondsOf } from "./clock.ts";
import { endHandle } from "./handles.ts";
import { CALL_RESULT, RECORD_TYPE } from "./codes.ts";
import { processRecord } from "./records.ts";
import type { CallingRecord } from "./schema.ts";
import type { World } from "./world.ts";

export type Ban = {
  readonly tenant: number;
  readonly phone?: string | undefined;
  readonly customerId?: string | undefined;
  readonly campaign?: number | undefined;
  readonly list?: number | undefined;
};

/** Adds an entry unless the tenant already has one for this phone and customer id. */
export const banFromCalls = (world: World, { tenant, phone, customerId, campaign, list }: Ban): void => {
  const known = world.db.get(
    "SELECT 1 FROM do_not_call_list WHERE tenant_dbid = ? AND phone IS ? AND customer_id IS ?",
    tenant,
    phone ?? null,
    customerId ?? null,
  );
  if (known) return;
  world.db.run(
    "INSERT INTO do_not_call_list (phone, customer_id, tenant_dbid, campaign_dbid, list_dbid, is_internal, " +
      "time_stamp) VALUES (?, ?, ?, ?, ?, 1, ?)",
    phone ?? null,
    customerId ?? null,
    tenant,
    campaign ?? null,
    list ?? null,
    secondsOf(world.clock),
  );
};

/** True when the tenant's list has the record's phone or customer id. */
export const isBanned = ({ db }: World, tenant: number, { contact_info, customer_id }: CallingRecord): boolean =>
  db.get("SELECT 1 FROM do_not_call_list WHERE tenant_dbid = ? AND phone = ?", tenant, contact_info) !== undefined ||
  db.get("SELECT 1 FROM do_not_call_list WHERE tenant_dbid = ? AND customer_id = ?", tenant, customer_id) !== undefined;

/** Ends a record that must not be called: type NoCall, result Do Not Call, no handle. */
export const stopRecord = (world: World, record: CallingRecord): void => {
  processRecord(world, record.record_id, {
    record_type: RECORD_TYPE.noCall,
    call_result: CALL_RESULT.doNotCall,
    record_status: ASSUMED.blockedStatus.value,
  });
  endHandle(world, record);
};
