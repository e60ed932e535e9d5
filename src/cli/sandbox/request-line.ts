/** The line of each request on the sandbox's screen. Phone numbers and customer ids are masked to four characters. */
import type { Ending } from "../../admin/counters.ts";
import type { Trace } from "../../gateway/types.ts";
import { lastFour, maskNumbers } from "../../common/mask.ts";

export type ShownRequest = Pick<Trace, "caller" | "operation" | "waits"> & {
  readonly arrival: Pick<Trace["arrival"], "id" | "method">;
};

/** Without a line break. */
export const requestLine = (
  { arrival, caller, operation, waits }: ShownRequest,
  { status, code }: Ending,
  at: Date = new Date(),
): string =>
  [
    at.toISOString().slice(11, 23),
    String(status),
    (code === undefined ? "ocs" : "gateway").padEnd(7),
    (caller?.client ?? "-").padEnd(9),
    (operation?.action.name ?? arrival.method).padEnd(17),
    resourceOf(operation).padEnd(22),
    code ?? `queue ${tenths(waits?.queue)}  ocs ${tenths(waits?.ocs)} ms`,
    arrival.id,
  ].join("  ");

const resourceOf = (operation: ShownRequest["operation"]): string => {
  if (!operation) return "-";
  const {
    action: { resource },
    identifier,
  } = operation;
  if (identifier === undefined) return resource;
  const isPersons = resource === "phones" || resource === "customer_ids";
  return `${resource}/${isPersons ? lastFour(identifier) : maskNumbers(identifier)}`;
};

const tenths = (ms = 0): string => ms.toFixed(1);
