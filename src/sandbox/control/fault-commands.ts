/** The control API's commands for faults, and for the one event of OCS that has a command of its own. */
import { setImmediate } from "node:timers/promises";
import { fields } from "./control-body.ts";
import type { Command } from "./control-commands.ts";
import { ControlError } from "./control-error.ts";
import { tenantByDbid, tenantByName, type Tenant } from "./directory.ts";
import { kindOf } from "./fault-kinds.ts";
import { happensAtOnce, MEMBERS, readFault } from "./fault-request.ts";
import { DURATION_EXPECTED, readDuration } from "./fault-values.ts";
import type { Fault, Faults } from "./faults.ts";
import { TENANTS } from "./seed.ts";
import type { World } from "./world.ts";

const MAX_FAULTS = 1000;

export const listFaults: Command = ({ faults }) => faults.list();

/** `{ kind, value?, action?, tenant?, count?, probability?, seed?, for? }` → the fault. An event that no request sets off has happened by then. */
export const addFault: Command = async ({ world, pair, faults }, body) => {
  const asked = readFault(fields(body, MEMBERS));
  if (faults.list().length >= MAX_FAULTS)
    throw new ControlError(409, `there are ${MAX_FAULTS} faults already; DELETE /sandbox/faults takes them away`);
  const { tenant, ...spec } = asked;
  const { id, firing } = faults.add(
    { ...spec, ...(tenant !== undefined && { tenant: tenantIn(world, tenant) }) },
    happensAtOnce(asked),
  );
  if (firing) kindOf(asked.kind).event!(pair.events, firing);
  return faultOf(faults, id);
};

export const clearFaults: Command = async ({ pair, faults }) => {
  const cleared = faults.clear();
  await effective(pair);
  return { cleared };
};

export const removeFault: Command = async ({ pair, faults }, _, id) => {
  const known = faults.list().map((fault) => fault.id);
  if (!faults.remove(id))
    throw new ControlError(
      404,
      `no such fault; ${known.length > 0 ? `those are ${known.join(", ")}` : "there is none"}`,
    );
  await effective(pair);
  return { cleared: 1 };
};

/** `{ gap? }`: the roles change, and for so long nobody answers. */
export const switchover: Command = ({ pair }, body) => {
  const { gap } = fields(body, ["gap"]);
  if (gap === undefined) return { active: pair.switchover() };
  const value = readDuration(gap);
  if (value === undefined)
    throw new ControlError(400, `gap: expected ${DURATION_EXPECTED}; found ${JSON.stringify(gap)}`);
  return { active: pair.switchover({ value, over: pair.untilReset() }), gap };
};

/** What was held goes on first: requests that stalled are done, listeners are back. */
const effective = async ({ settled }: { readonly settled: () => Promise<unknown> }): Promise<void> => {
  await setImmediate();
  await settled();
};

const faultOf = (faults: Faults, id: string): Fault => faults.list().find((fault) => fault.id === id)!;

const tenantIn = (world: World, tenant: string | number): Tenant => {
  const dbid = typeof tenant === "number" ? tenant : /^\d{1,10}$/.test(tenant) ? Number(tenant) : undefined;
  const found = dbid === undefined ? tenantByName(world, String(tenant)) : tenantByDbid(world, dbid);
  if (found) return found;
  throw new ControlError(
    400,
    `tenant: expected one of ${TENANTS.map(({ dbid: known, name }) => `${name} (${known})`).join(", ")}; found ${JSON.stringify(tenant)}`,
  );
};
