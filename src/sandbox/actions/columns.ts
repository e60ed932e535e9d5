/** Maps body attributes to the columns of a calling list. */
import { readDateTime } from "../../ocs/date-time.ts";
import type { AttributeName } from "../../ocs/attributes.ts";
import type { Attributes, AttributeValue } from "../../ocs/body.ts";
import { timeZoneByName } from "../world/directory.ts";
import type { Changes } from "../world/records.ts";
import { refuse } from "../refusal.ts";
import { USER_FIELDS, type CallingRecord, type UserField } from "../world/schema.ts";
import { utcSeconds, type TimeZone } from "../world/time-zones.ts";
import type { World } from "../world/world.ts";

const COLUMNS = {
  GSW_AGENT_ID: "agent_id",
  GSW_ATTEMPTS: "attempt",
  GSW_CALL_RESULT: "call_result",
  GSW_CALL_TIME: "call_time",
  GSW_CUSTOMER_ID: "customer_id",
  GSW_FROM: "daily_from",
  GSW_PHONE: "contact_info",
  GSW_PHONE_TYPE: "contact_info_type",
  GSW_RECORD_STATUS: "record_status",
  GSW_RECORD_TYPE: "record_type",
  GSW_UNTIL: "daily_till",
} as const satisfies Partial<Record<AttributeName, keyof CallingRecord>>;

export type ColumnAttribute = keyof typeof COLUMNS;

/** The columns for those of the named attributes that are in the body. */
export const columnsOf = (attributes: Attributes, names: readonly ColumnAttribute[]): Changes =>
  Object.fromEntries(names.filter((name) => attributes.has(name)).map((name) => [COLUMNS[name], attributes.get(name)]));

/** The user-defined columns of the calling list whose keys are in the body. */
export const userColumns = (attributes: Attributes): Changes =>
  Object.fromEntries(
    USER_FIELDS.filter(({ key }) => !(key in COLUMNS) && attributes.has(key)).map((field) => [
      field.column,
      fitting(field, attributes.get(field.key)!),
    ]),
  );

const MAX_INT = 2_147_483_647;
const MAX_VARCHAR = 255;

/** Converts a value to the column's data type: int or varchar(255). Throws Refusal when it does not fit. */
const fitting = ({ key, type }: UserField, value: AttributeValue): string | number => {
  const text =
    typeof value === "object" ? refuse("body", `${key} is neither a string nor an integer`) : value.toString();
  if (type === "varchar")
    return text.length <= MAX_VARCHAR ? text : refuse("body", `${key} is longer than ${MAX_VARCHAR} characters`);
  const number = /^-?[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return Math.abs(number) <= MAX_INT ? number : refuse("body", `${key} is not an integer of 32 bits`);
};

/** The time zone in GSW_TZ_NAME; undefined when absent. Throws Refusal when it is unknown. */
export const namedZone = (world: World, attributes: Attributes): TimeZone | undefined => {
  const name = attributes.get("GSW_TZ_NAME");
  return typeof name === "string" ? (timeZoneByName(world, name) ?? refuse("unknown-time-zone")) : undefined;
};

/** GSW_DATE_TIME, a local time of the zone, in UTC seconds since 1970; undefined when absent. */
export const scheduledTime = (attributes: Attributes, { zone }: TimeZone): number | undefined => {
  const text = attributes.get("GSW_DATE_TIME");
  const dateTime = typeof text === "string" ? readDateTime(text) : undefined;
  return dateTime && utcSeconds(dateTime, zone);
};
