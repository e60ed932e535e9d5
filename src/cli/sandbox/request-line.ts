/** What the sandbox's screen says of each request: one line, with no more of a person than the last four characters of a number. */
import type { Ending } from "../console/counts.ts";
import type { Seen } from "../gateway/words.ts";
import { lastFour, maskNumbers } from "../mask.ts";

export type Shown = Pick<Seen, "caller" | "operation" | "waits"> & {
  readonly arrival: Pick<Seen["arrival"], "id" | "method">;
};

/** Without the line's end. */
export const requestLine = (
  { arrival, caller, operation, waits }: Shown,
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

const resourceOf = (operation: Shown["operation"]): string => {
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
