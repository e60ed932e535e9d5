/**
 * The verdict of each stage on one request, derived from its entries: the stages before the one that refused it passed
 * it, and later stages did not see it.
 */
import { REFUSALS } from "../gateway/refusals.ts";
import type { Recorded, Stage } from "../journal/entry.ts";
import { fieldsOf, type Fields, type Transaction } from "../journal/search/transaction.ts";
import { isInternalError, refusalRow } from "./refusal-row.ts";

export const STAGES: readonly Stage[] = [
  "message",
  "identity",
  "operation",
  "policy",
  "body",
  "scope",
  "key",
  "journal",
  "queue",
  "ocs",
];

export type Verdict = {
  readonly stage: Stage;
  readonly verdict: "ok" | "deny" | "no" | "?" | "–";
  readonly says: string;
};

type Judged = Omit<Verdict, "stage">;

const NOT_REACHED: Judged = { verdict: "–", says: "not reached" };
const NOT_RECORDED: Judged = { verdict: "?", says: "not recorded" };

export const verdictsOf = (transaction: Transaction): Verdict[] => {
  const fields = fieldsOf(transaction);
  const judged =
    fields.state === "refused"
      ? refused(transaction, fields)
      : (stage: Stage): Judged => passed(stage, fields, transaction.entries[0]);
  return STAGES.map((stage) => ({ stage, ...judged(stage) }));
};

const refused = ({ entries }: Transaction, fields: Fields): ((stage: Stage) => Judged) => {
  const [first] = entries;
  const detail = fields.reason ?? (first?.kind === "refusal" ? first.detail : undefined) ?? refusalRow(fields)?.title;
  const says = `${fields.code}  ${detail ?? ""}`.trimEnd();
  const isStageRecorded = fields.stage !== undefined && STAGES.includes(fields.stage);
  const end = STAGES.indexOf(isStageRecorded ? fields.stage! : firstUnproven(first?.kind === "intent", fields));
  return (stage) => {
    const at = STAGES.indexOf(stage);
    if (at < end) return passed(stage, fields, first);
    if (isStageRecorded) return at === end ? { verdict: "deny", says } : NOT_REACHED;
    return at === end ? { verdict: "?", says: `refused here or at a later stage: ${says}` } : NOT_RECORDED;
  };
};

/** Entries of earlier versions name no stage: returns the first stage that the entry's other fields do not prove. */
const firstUnproven = (hasIntent: boolean, { client, action }: Fields): Stage =>
  hasIntent ? "queue" : client === undefined ? "message" : action === undefined ? "operation" : "policy";

const passed = (stage: Stage, fields: Fields, first: Recorded | undefined): Judged => {
  const { client, credential, source, tenant, action, resource, config } = fields;
  const ok = (says: string): Judged => ({ verdict: "ok", says });
  switch (stage) {
    case "message":
      return ok("one HTTP/1.1 request, addressed to this gateway");
    case "identity": {
      if (client === undefined) return ok(source === undefined ? "" : `accepted from ${source}`);
      const who = `${credential?.replace("/", " ") ?? "credential"} -> client ${client}`;
      return ok(tenant ? `${who}, tenant ${tenant.name} (${tenant.dbid})` : who);
    }
    case "operation":
      return ok(action === undefined ? "" : `${action} on ${resource}`);
    case "policy":
      return ok(client === undefined || action === undefined ? "" : `${client} may ${action}`);
    case "body":
      return ok("valid for this action");
    case "scope":
      return ok(`everything in the request belongs to ${tenant?.name ?? "the tenant"}`);
    case "key":
      return keyed(fields, first);
    case "journal":
      if (fields.state === "replayed") return NOT_REACHED;
      return ok(`intent on disk before OCS${config === undefined ? "" : `, under config ${config.slice(0, 12)}`}`);
    case "queue":
      return queued(fields);
    case "ocs":
      return atOcs(fields);
  }
};

const keyed = ({ state }: Fields, first: Recorded | undefined): Judged => {
  if (first?.kind === "replay")
    return { verdict: "ok", says: `a repeat of request ${first.first}: the client got its reply again` };
  if (first?.kind === "intent" && first.idempotency_key !== undefined)
    return { verdict: "ok", says: "the first request with its Idempotency-Key" };
  // A refusal at a later stage does not say whether it had one.
  const isKnown = state !== "refused" || first?.kind === "intent";
  return { verdict: "ok", says: `no Idempotency-Key${isKnown ? "" : ", or the first request with it"}` };
};

const queued = (fields: Fields): Judged => {
  const { state, queue, lane } = fields;
  if (state === "replayed") return NOT_REACHED;
  if (state === "accepted")
    return { verdict: "–", says: "accepted with 202: each attempt waits for a turn of its own" };
  if (state === "abandoned") return { verdict: "no", says: `the client hung up after ${queue} ms` };
  if (queue === undefined || isInternalError(fields)) return { verdict: "?", says: "not known" };
  const says = `waited ${queue} ms${lane === undefined ? "" : ` for lane ${lane}`}`;
  return { verdict: state === "open" || state === "in-doubt" ? "?" : "ok", says };
};

const atOcs = (fields: Fields): Judged => {
  const { state, status, warning, ocs } = fields;
  switch (state) {
    case "ok":
    case "ocs-no":
      return {
        verdict: state === "ok" ? "ok" : "no",
        says: `${status}${warning === undefined ? "" : `, Warning ${warning}`}${endpointIn(fields)} after ${ocs} ms`,
      };
    case "no-answer":
      return { verdict: "?", says: `${fields.code}  ${withoutAnswer(fields)}` };
    case "in-doubt":
      return { verdict: "?", says: "not known: the gateway's process ended before an outcome was on disk" };
    case "accepted":
      return { verdict: "–", says: "not sent by this request: its attempts are requests of their own" };
    case "open":
      return { verdict: "?", says: "not known yet: the request is under way, or the process ended" };
    default:
      return NOT_REACHED;
  }
};

const withoutAnswer = (fields: Fields): string => {
  const { ocs } = fields;
  const where = endpointIn(fields);
  switch (refusalRow(fields)) {
    case REFUSALS["connection-lost"]:
      return `the connection ended after ${ocs} ms, without a complete answer${where}`;
    case REFUSALS["malformed-response"]:
      return `no complete HTTP answer${where} after ${ocs} ms`;
    case REFUSALS["internal-error"]:
      return "internal error of the gateway: how far the request got is not known";
    default:
      return `no answer${where} within ${ocs} ms`;
  }
};

const endpointIn = ({ endpoint }: Fields): string => (endpoint === undefined ? "" : ` from ${endpoint}`);
