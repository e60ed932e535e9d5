/** An internal error of the gateway: the client gets no details; the log has them with the request's id. */
import { events } from "../common/log/events.ts";
import type { Delivery } from "../journal/entry.ts";
import { Refused, type RefusalDetails } from "./refused.ts";

export const internalError = (
  error: unknown,
  id: string,
  delivery: Delivery,
  found: RefusalDetails["found"] = {},
): Refused => {
  events.internalError({ id, error });
  return new Refused("internal-error", {
    detail: "internal error of the gateway; the log has it under this request id",
    delivery,
    close: true,
    found,
  });
};
