/** One request, one straight line: the order of the lines is the order of a request. */
import { readTarget } from "../ocs/target.ts";
import type { Arrival, Handler } from "../common/message.ts";
import { FOR_FAULT, refuse } from "./refused.ts";
import { lookUpRequest, requestIdIn, type LookUpDeps } from "./requests/look-up-request.ts";
import { respond, type RespondDeps } from "./respond.ts";
import { authenticate, type AuthenticateDeps } from "./stages/authenticate.ts";
import { authorize, type AuthorizeDeps } from "./stages/authorize.ts";
import { claimKey, isRepeat, unlessRepeated, type ClaimKeyDeps } from "./stages/claim-key.ts";
import { filterAnswer, replayAnswer } from "./stages/filter-answer.ts";
import { isolate, type IsolateDeps } from "./stages/isolate.ts";
import { parseBody, type ParseBodyDeps } from "./stages/parse-body.ts";
import { resolveTenant, type ResolveTenantDeps } from "./stages/resolve-tenant.ts";
import { handOver, isHandedOver, type HandOverDeps } from "./stages/hand-over.ts";
import { sendJournaled, type SendJournaledDeps } from "./stages/send-journaled.ts";
import type { ChargedTenant, Trace } from "./types.ts";

export type PipelineDeps = AuthenticateDeps &
  AuthorizeDeps &
  ParseBodyDeps &
  ResolveTenantDeps &
  IsolateDeps &
  ClaimKeyDeps &
  LookUpDeps &
  SendJournaledDeps &
  HandOverDeps &
  RespondDeps;

export const createPipeline = (deps: PipelineDeps): Handler =>
  respond(deps, async (trace) => {
    const arrival = requireWellFormed(trace.arrival); // one unambiguous request, addressed to us?
    trace.stage = "identity";
    const caller = (trace.caller = await authenticate(deps, arrival)); // who is asking?
    trace.stage = "operation";
    const requestId = deps.requests && requestIdIn(arrival);
    if (requestId !== undefined) return lookUpRequest(deps, arrival, caller, requestId);
    const operation = (trace.operation = readTarget(arrival.method, arrival.target)); // for what, by method and URI?
    trace.stage = "policy";
    const grant = await authorize(deps, arrival, caller, operation); // for which of its tenants may it ask that?
    if (grant.charged) traceTenant(trace, grant.charged);
    trace.stage = "body";
    const command = await parseBody(deps, arrival, grant); // does the body say it as OCS would?
    trace.stage = "scope";
    const permit = await resolveTenant(deps, grant, command); // for which of these tenants does it ask?
    if (!grant.charged) traceTenant(trace, permit);
    const order = await unlessRepeated(deps, arrival, permit, command, isolate); // is it about this tenant alone?
    if (isRepeat(order)) return replayAnswer((trace.key = order).answer);
    deps.requests?.running.add(order);
    trace.wouldRefuse = order.wouldRefuse;
    trace.lease = order.lease;
    trace.decided = performance.now() - arrival.at;
    trace.stage = "key";
    const key = await claimKey(deps, arrival, order); // is it a repeat of an earlier request?
    trace.key = key;
    deps.requests?.running.keyed(order.id, key);
    if (isRepeat(key)) return replayAnswer(key.answer);
    trace.stage = "journal";
    if (isHandedOver(deps, arrival, operation)) return handOver(deps, arrival, order, trace); // stored, and sent later
    const exchange = await sendJournaled(deps, arrival, order, key); // intent on disk, one exchange, outcome on disk
    Object.assign(trace, exchange);
    return filterAnswer(arrival, order, exchange.answer); // what of the answer may this tenant see?
  });

const traceTenant = (trace: Trace, { tenant, charge, wouldRefuse }: ChargedTenant): void => {
  trace.tenant = tenant;
  trace.charge = charge;
  trace.wouldRefuse = wouldRefuse;
};

const requireWellFormed = (arrival: Arrival): Arrival =>
  arrival.fault
    ? refuse(FOR_FAULT[arrival.fault.kind], {
        detail: arrival.fault.detail,
        close: arrival.fault.kind !== "foreign-authority",
      })
    : arrival;
