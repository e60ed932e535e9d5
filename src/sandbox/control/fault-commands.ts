/** The control API's commands for faults and for a switchover. */
import { setImmediate } from "node:timers/promises";
import { fields } from "./body.ts";
import type { Command } from "./command.ts";
import { ControlError } from "./error.ts";
import { tenantByDbid, tenantByName, type Tenant } from "../world/directory.ts";
import { kindOf } from "../faults/kinds.ts";
import { happensAtOnce, MEMBERS, readFault } from "../faults/fault-request.ts";
import { DURATION_EXPECTED, readDuration } from "../faults/values.ts";
import type { Fault, Faults } from "../faults/faults.ts";
import { TENANTS } from "../world/seed.ts";
import type { World } from "../world/world.ts";

const MAX_FAULTS = 1000;

export const listFaults: Command = ({ faults }) => faults.list();

/**
 * `{ kind, value?, action?, tenant?, count?, probability?, seed?, for? }`: adds a fault and answers it. An event
 * without a selector happens before the answer.
 */
export const addFault: Command = async ({ world, pair, faults }, body) => {
  const asked = readFault(fields(body, MEMBERS));
  if (faults.list().length >= MAX_FAULTS)
    throw new ControlError(409, `too many faults (${MAX_FAULTS}); remove them with DELETE /sandbox/faults`);
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
      `unknown fault; ${known.length > 0 ? `known: ${known.join(", ")}` : "there are no faults"}`,
    );
  await effective(pair);
  return { cleared: 1 };
};

/** `{ gap? }`: switches the roles; neither instance answers during the gap. */
export const switchover: Command = ({ pair }, body) => {
  const { gap } = fields(body, ["gap"]);
  if (gap === undefined) return { active: pair.switchover() };
  const value = readDuration(gap);
  if (value === undefined)
    throw new ControlError(400, `gap: expected ${DURATION_EXPECTED}; found ${JSON.stringify(gap)}`);
  return { active: pair.switchover({ value, over: pair.untilReset() }), gap };
};

/** Waits until the change has taken effect: stalled requests have ended and listeners are open again. */
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
    `tenant: expected one of ${TENANTS.map(({ dbid: known, name }) => `${name} (${known})`).join(", ")}; found ` +
      `${JSON.stringify(tenant)}`,
  );
};
