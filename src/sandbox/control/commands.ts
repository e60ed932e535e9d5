/** The commands of the control API: one row each, `METHOD path` under /sandbox/. */
import { ControlError } from "./error.ts";
import { fields } from "./body.ts";
import { dial, open, setDialer, showDialer } from "./dial-commands.ts";
import { addFault, clearFaults, listFaults, removeFault, switchover } from "./fault-commands.ts";
import { settle } from "../world/groups.ts";
import type { Instance } from "../server/recorder.ts";
import { NEXT_HANDLE } from "../world/seed.ts";
import { readState } from "../world/state.ts";
import type { Command } from "./command.ts";
import { setCounter, valueOf } from "../world/world.ts";

const MAX_DELAY = 600_000;

const reset: Command = async (parts, body, id) => {
  await clearFaults(parts, body, id);
  const { world, pair, dialer } = parts;
  const next = valueOf(world, "next_handle");
  pair.resetRoles();
  world.reset();
  // The validation-uri's server may still map old handles to tenants, so only the handles of the seed are reused.
  if (dialer.settings().validationUri !== undefined) setCounter(world, "next_handle", Math.max(next, NEXT_HANDLE));
  pair.recorder.reset();
  for (const wire of [pair.primary, pair.backup]) wire.setDelay(0);
  // Announces the handles of the seed again.
  await dialer.announce();
  return { reset: true };
};

const violations: Command = ({ pair }) => {
  const { primary, backup } = pair.recorder.counters();
  return { count: primary.violations + backup.violations };
};

/** `{ advance: seconds }` or `{ set: "ISO 8601" }`: changes the sandbox's clock; answers the new time. */
const clock: Command = ({ world }, body) => {
  const { advance, set } = fields(body, ["advance", "set"]);
  if ((advance === undefined) === (set === undefined))
    throw new ControlError(400, "expected either advance (seconds) or set (an ISO 8601 date-time)");
  if (advance !== undefined) world.clock.advance(secondsIn(advance) * 1000);
  else world.clock.set(instantIn(set));
  world.db.transaction(() => {
    settle(world);
  });
  return { now: new Date(world.clock.now()).toISOString() };
};

const CENTURY = 3_155_760_000;
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

const secondsIn = (value: unknown): number => {
  if (typeof value === "number" && Number.isFinite(value) && Math.abs(value) <= CENTURY) return value;
  throw new ControlError(400, "advance: expected a number of seconds");
};

const instantIn = (value: unknown): number => {
  const instant = typeof value === "string" && ISO.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(instant))
    throw new ControlError(400, "set: expected an ISO 8601 date-time with an offset, such as 2026-03-08T10:00:00Z");
  return instant;
};

/** `{ ms, instance? }`: delays each answer. */
const delay: Command = ({ pair }, body) => {
  const { ms, instance } = fields(body, ["ms", "instance"]);
  if (!isWhole(ms, 0, MAX_DELAY)) throw new ControlError(400, `ms: expected a whole number from 0 to ${MAX_DELAY}`);
  for (const name of instancesIn(instance)) pair[name].setDelay(ms);
  return { primary: pair.primary.delay(), backup: pair.backup.delay() };
};

const instancesIn = (value: unknown): readonly Instance[] => {
  if (value === undefined) return ["primary", "backup"];
  if (value === "primary" || value === "backup") return [value];
  throw new ControlError(400, "instance: expected primary or backup");
};

const isWhole = (value: unknown, min: number, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

export const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["GET state", ({ world, pair }) => readState(world, pair)],
  ["GET violations", violations],
  ["GET requests", ({ pair }) => pair.recorder.requests()],
  ["POST reset", reset],
  ["POST records/open", open],
  ["POST dial", dial],
  ["GET dialer", showDialer],
  ["POST dialer", setDialer],
  ["POST clock", clock],
  ["POST switchover", switchover],
  ["POST delay", delay],
  ["GET faults", listFaults],
  ["POST faults", addFault],
  ["DELETE faults", clearFaults],
  ["DELETE faults/<id>", removeFault],
] satisfies [string, Command][]);
