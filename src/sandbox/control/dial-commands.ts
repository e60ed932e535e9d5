/** The control API's commands for the dialer: retrieve or dial records now, read and change its settings. */
import { ControlError } from "./error.ts";
import { fields } from "./body.ts";
import type { Command, ControlParts } from "./command.ts";
import type { DialerSettings, DialRequest } from "../dialer/dialer.ts";
import { diallingLists, type Retrieved } from "../dialer/retrieve-records.ts";
import { listByName, type CallingList } from "../world/directory.ts";
import { runningGroupOfList } from "../world/groups.ts";
import { CALL_RESULT_NUMBERS } from "../world/codes.ts";
import { waitingIn } from "../dialer/waiting.ts";
import type { World } from "../world/world.ts";

const MAX_COUNT = 1000;
const MAX_RATE = 10_000;

/** `{ list?, count? }`: retrieves records regardless of their calling hours; answers their handles. */
export const open: Command = async (parts, body) => {
  const { list, count } = fields(body, ["list", "count"]);
  const { retrieved, held: blockedBy } = await parts.dialer.dial({
    ...dialRequestOf(parts, { list, count }),
    hours: "any",
  });
  if (retrieved.length === 0 && blockedBy !== undefined) throw new ControlError(409, blockedBy);
  return retrieved.map(opened);
};

const opened = ({ handle, record, list, campaign, tenant, group }: Retrieved): object => ({
  handle,
  phone: record.contact_info,
  list: list.name,
  campaign: campaign.name,
  tenant: tenant.name,
  group: group.dbid,
});

/** `{ list?, count?, to? }`: dials records; answers all events, and why fewer than `count` were dialed. */
export const dial: Command = async (parts, body) => {
  const { list, count, to } = fields(body, ["list", "count", "to"]);
  const request: DialRequest = {
    ...dialRequestOf(parts, { list, count }),
    to: to === undefined ? undefined : urlIn("to", to),
  };
  const { events, retrieved, held: blockedBy } = await parts.dialer.dial(request);
  const short =
    retrieved.length < request.count
      ? (blockedBy ?? waitingIn(parts.world, request.lists ?? diallingLists(parts.world)))
      : undefined;
  return {
    dialed: retrieved.length,
    events: events.map(({ id, type, data }) => ({ id, type, ...(JSON.parse(data) as object) })),
    ...(short !== undefined && { short }),
  };
};

const dialRequestOf = (
  { world }: ControlParts,
  { list: name, count = 1 }: { readonly list?: unknown; readonly count?: unknown },
): DialRequest => {
  if (name !== undefined && typeof name !== "string")
    throw new ControlError(400, "list: expected the name of a calling list");
  if (!Number.isInteger(count) || (count as number) < 1 || (count as number) > MAX_COUNT)
    throw new ControlError(400, `count: expected a whole number from 1 to ${MAX_COUNT}`);
  return { count: count as number, ...(name !== undefined && { lists: [dialledList(world, name)] }) };
};

const dialledList = (world: World, name: string): CallingList => {
  const list = listByName(world, name);
  if (!list) throw new ControlError(404, "list: unknown calling list");
  if (!runningGroupOfList(world, list.dbid))
    throw new ControlError(409, "list: no running campaign group uses this calling list");
  return list;
};

export const showDialer: Command = ({ dialer }) => shown(dialer.settings());

/** Changes settings, named like OCS's options where OCS has them; null turns off a setting that can be off. */
export const setDialer: Command = ({ dialer }, body) => {
  const given = fields(body, Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]);
  const changes = Object.entries(given).map(([name, value]) => SETTINGS[name as keyof typeof SETTINGS](name, value));
  dialer.configure(Object.assign({}, ...changes) as Partial<DialerSettings>);
  return shown(dialer.settings());
};

type Setting = (name: string, value: unknown) => Partial<DialerSettings>;

const SETTINGS = {
  rate: (name, value) => ({ rate: numberIn(name, value, [0, MAX_RATE], "records per second") }),
  "validation-uri": (name, value) => ({ validationUri: value === null ? undefined : urlIn(name, value) }),
  "history-uri": (name, value) => ({ historyUri: value === null ? undefined : urlIn(name, value) }),
  webhook: (name, value) => ({ webhook: value === null ? undefined : urlIn(name, value) }),
  advertise: (name, value) => ({ recordBase: value === null ? undefined : new URL(urlIn(name, value)).origin }),
  "http-response-timeout": (name, value) => ({ responseTimeout: numberIn(name, value, [0.01, 600], "seconds") * 1000 }),
  "validation-timeout-call-result": (name, value) => {
    if (!CALL_RESULT_NUMBERS.has(value as number))
      throw new ControlError(400, `${name}: expected the number of a GSW_CALL_RESULT, such as 3`);
    return { timeoutCallResult: value as number };
  },
} as const satisfies Record<string, Setting>;

const shown = ({
  rate,
  validationUri,
  historyUri,
  webhook,
  recordBase,
  responseTimeout,
  timeoutCallResult,
}: DialerSettings): Readonly<Record<keyof typeof SETTINGS, unknown>> => ({
  rate,
  "validation-uri": validationUri ?? null,
  "history-uri": historyUri ?? null,
  webhook: webhook ?? null,
  advertise: recordBase ?? null,
  "http-response-timeout": responseTimeout / 1000,
  "validation-timeout-call-result": timeoutCallResult,
});

const numberIn = (name: string, value: unknown, [min, max]: readonly [number, number], unit: string): number => {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new ControlError(400, `${name}: expected ${unit}, a number from ${min} to ${max}`);
};

const urlIn = (name: string, value: unknown): string => {
  if (typeof value === "string" && /^https?:\/\//.test(value) && URL.canParse(value)) return value;
  throw new ControlError(400, `${name}: expected an http or https URL`);
};
