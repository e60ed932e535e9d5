/** One request, one straight line: the order of the lines is the order of a request. */
import { readTarget } from "../ocs/target.ts";
import type { Arrival, Handler } from "../message.ts";
import { admit } from "./admit.ts";
import { authenticate } from "./authenticate.ts";
import { bracket } from "./bracket.ts";
import { readCommand } from "./command.ts";
import { isolate } from "./isolate.ts";
import { FOR_FAULT, refuse } from "./refusals.ts";
import { rescued } from "./rescue.ts";
import { screen } from "./screen.ts";
import type { Parts } from "./words.ts";

export const createLine = (parts: Parts): Handler =>
  rescued(parts, async (seen) => {
    const arrival = whole(seen.arrival); // is it one unambiguous request, and for us?
    seen.stage = "identity";
    const caller = (seen.caller = await authenticate(parts, arrival)); // who is asking?
    seen.stage = "operation";
    const operation = (seen.operation = readTarget(arrival.method, arrival.target)); // for what, by method and URI?
    seen.stage = "policy";
    const permit = await admit(parts, caller, operation, seen); // may this tenant ask that, now?
    seen.stage = "body";
    const command = await readCommand(parts, permit, seen); // does the body say it as OCS would?
    seen.stage = "scope";
    const order = isolate(parts, command, seen); // is it about this tenant alone?
    seen.decided = performance.now() - arrival.at;
    seen.stage = "journal";
    const answer = (seen.answer = await bracket(parts, order, seen)); // intent on disk, one exchange, outcome on disk
    return screen(order, answer, arrival); // what of it may this tenant see?
  });

const whole = (arrival: Arrival): Arrival =>
  arrival.fault
    ? refuse(FOR_FAULT[arrival.fault.kind], {
        detail: arrival.fault.detail,
        close: arrival.fault.kind !== "foreign-authority",
      })
    : arrival;
