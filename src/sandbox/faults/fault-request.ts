/** Reads and validates a fault from JSON or a command line. */
import { ACTION_NAMES, type ActionName } from "../../ocs/catalog.ts";
import { ControlError } from "../control/error.ts";
import { KIND_NAMES, kindOf, type FaultKind } from "./kinds.ts";
import { DURATION_EXPECTED, readDuration } from "./values.ts";
import type { FaultSpec } from "./faults.ts";

export const MEMBERS = ["kind", "value", "action", "tenant", "count", "probability", "seed", "for"] as const;
export type FaultRequest = Readonly<Partial<Record<(typeof MEMBERS)[number], unknown>>>;

/** The tenant is a name or a DBID, not yet looked up. */
export type AskedFault = Omit<FaultSpec, "tenant"> & { readonly tenant?: string | number };

const MAX_COUNT = 1_000_000;
const MAX_SEED = 4_294_967_295;

/** Throws a ControlError that names the invalid member. */
export const readFault = (request: FaultRequest): AskedFault => {
  const kind = readKind(request.kind);
  const asked = { kind, ...readValue(kind, request.value), ...readWhere(kind, request), ...readHowOften(request) };
  if (request.for === undefined) return asked;
  const ms = readDuration(request.for) ?? wrong("for", DURATION_EXPECTED, request.for);
  return { ...asked, for: { given: request.for as string, ms } };
};

/** Events happen at once unless a selector limits them to some requests. */
export const happensAtOnce = ({ kind, action, tenant, count, probability }: AskedFault): boolean =>
  kindOf(kind).event !== undefined && [action, tenant, count, probability].every((selector) => selector === undefined);

const readKind = (value: unknown): FaultKind =>
  KIND_NAMES.find((name) => name === value) ?? wrong("kind", `one of ${KIND_NAMES.join(", ")}`, value);

const readValue = (kind: FaultKind, given: unknown): Pick<AskedFault, "value"> => {
  const rule = kindOf(kind).value;
  if (given === undefined && (rule === undefined || rule.optional)) return {};
  if (!rule) throw new ControlError(400, `value: the fault ${kind} takes no value; leave it out`);
  const read = rule.read(given) ?? wrong("value", `${rule.expected}, for ${kind}`, given);
  return { value: { given: given as string | number, read } };
};

const readWhere = (kind: FaultKind, { action, tenant }: FaultRequest): Pick<AskedFault, "action" | "tenant"> => {
  if (kindOf(kind).selects === "connections" && (action !== undefined || tenant !== undefined)) {
    throw new ControlError(
      400,
      `${action === undefined ? "tenant" : "action"}: ${kind} applies to connections, before any request; leave it out`,
    );
  }
  return {
    ...(action !== undefined && { action: readAction(action) }),
    ...(tenant !== undefined && { tenant: readTenant(tenant) }),
  };
};

const readAction = (value: unknown): ActionName =>
  ACTION_NAMES.find((name) => name === value) ?? wrong("action", `one of ${ACTION_NAMES.join(", ")}`, value);

const readTenant = (value: unknown): string | number =>
  (typeof value === "string" && value !== "") || Number.isSafeInteger(value)
    ? (value as string | number)
    : wrong("tenant", "a name or a DBID", value);

const readHowOften = ({ count, probability, seed }: FaultRequest): Pick<AskedFault, "count" | "probability"> => {
  if (count !== undefined && !isWhole(count, 1, MAX_COUNT))
    wrong("count", `a whole number from 1 to ${MAX_COUNT}`, count);
  if (probability === undefined && seed !== undefined)
    throw new ControlError(400, "seed: give a probability too, or leave seed out");
  return {
    ...(count !== undefined && { count: count as number }),
    ...(probability !== undefined && { probability: readProbability(probability, seed) }),
  };
};

const readProbability = (of: unknown, seed: unknown = 1): { of: number; seed: number } => {
  if (typeof of !== "number" || !(of >= 0 && of <= 1)) return wrong("probability", "a number from 0 to 1", of);
  return { of, seed: isWhole(seed, 0, MAX_SEED) ? seed : wrong("seed", `a whole number from 0 to ${MAX_SEED}`, seed) };
};

const isWhole = (value: unknown, min: number, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

const wrong = (member: string, expected: string, found: unknown): never => {
  throw new ControlError(
    400,
    `${member}: expected ${expected}; found ${found === undefined ? "nothing" : JSON.stringify(found)}`,
  );
};
