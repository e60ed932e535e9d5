/** What each stage of the line said of one request, told from its entries: a stage before the one that refused said yes, one behind it was not reached. */
import { REFUSALS } from "../../gateway/refusals.ts";
import type { Stage } from "../../journal/entry.ts";
import { factsOf, type Facts, type Story } from "../../journal/story.ts";

export const STAGES: readonly Stage[] = [
  "message",
  "identity",
  "operation",
  "policy",
  "body",
  "scope",
  "journal",
  "queue",
  "ocs",
];
export type Verdict = {
  readonly stage: Stage;
  readonly verdict: "ok" | "deny" | "no" | "?" | "–";
  readonly says: string;
};

const BY_CODE: Readonly<Record<string, Stage>> = {
  1001: "operation",
  1002: "operation",
  1003: "body",
  1004: "body",
  1005: "body",
  1006: "body",
  1007: "body",
  1008: "operation",
  1009: "body",
  1010: "message",
  1011: "message",
  2001: "identity",
  2002: "identity",
  2003: "identity",
  2101: "policy",
  2103: "scope",
  2104: "scope",
  2105: "scope",
  2106: "scope",
  2107: "scope",
  2108: "scope",
  3001: "policy",
  3002: "queue",
  3003: "queue",
  4001: "ocs",
  4101: "ocs",
  4102: "ocs",
  4103: "ocs",
  5101: "journal",
  5103: "scope",
};

/** Undefined when nothing refused it. An entry that does not say it is of an older version: then the code tells. */
export const stageOf = ({ code, client, stage: said }: Facts): Stage | undefined => {
  if (said !== undefined && STAGES.includes(said)) return said;
  const stage = code === undefined ? undefined : BY_CODE[code.replace("OCSGW-", "")];
  // A length or a header block is looked at before anyone asks who it is.
  return stage === "body" && client === undefined ? "message" : stage;
};

export const verdictsOf = (story: Story): Verdict[] => {
  const facts = factsOf(story);
  const [first] = story.entries;
  const at = stageOf(facts);
  const end = at === undefined ? STAGES.length : STAGES.indexOf(at);
  const detail = facts.reason ?? (first?.kind === "refusal" ? first.detail : undefined);
  return STAGES.map((stage, place): Verdict => {
    if (place > end) return { stage, verdict: "–", says: "not reached" };
    if (place === end && stage !== "ocs")
      return { stage, verdict: "deny", says: `${facts.code}  ${detail ?? ""}`.trimEnd() };
    return { stage, ...passed(stage, facts) };
  });
};

const passed = (stage: Stage, facts: Facts): Omit<Verdict, "stage"> => {
  const { client, credential, tenant, action, resource, queue, config } = facts;
  switch (stage) {
    case "message":
      return { verdict: "ok", says: "one request of HTTP/1.1, addressed to this gateway" };
    case "identity":
      return {
        verdict: "ok",
        says: `${credential?.replace("/", " ") ?? "credential"} -> client ${client ?? "?"}${tenant ? `, tenant ${tenant.name} (${tenant.dbid})` : ""}`,
      };
    case "operation":
      return { verdict: "ok", says: action === undefined ? "" : `${action} on ${resource}` };
    case "policy":
      return { verdict: "ok", says: `${client} may ${action}` };
    case "body":
      return { verdict: "ok", says: "as the manual has it" };
    case "scope":
      return { verdict: "ok", says: `all that it names is ${tenant?.name ?? "the tenant"}'s` };
    case "journal":
      return {
        verdict: "ok",
        says: `intent on disk before OCS${config === undefined ? "" : `, under config ${config.slice(0, 12)}`}`,
      };
    case "queue":
      return facts.state === "abandoned"
        ? { verdict: "no", says: `the client hung up after ${queue} ms` }
        : {
            verdict: facts.state === "open" || facts.state === "in-doubt" ? "?" : "ok",
            says:
              queue === undefined
                ? "not known"
                : `waited ${queue} ms${facts.lane === undefined ? "" : ` for lane ${facts.lane}`}`,
          };
    case "ocs":
      return ofOcs(facts);
  }
};

/** Only one of them waited in vain. */
const NO_ANSWER: Readonly<Record<string, (where: string, ms: number | undefined) => string>> = {
  [REFUSALS["cut"].code]: (where, ms) => `the connection ended after ${ms} ms, without a whole answer${where}`,
  [REFUSALS["garbled"].code]: (where, ms) => `no whole HTTP answer${where} after ${ms} ms`,
};

const ofOcs = ({ state, status, warning, ocs, endpoint, code }: Facts): Omit<Verdict, "stage"> => {
  const where = endpoint === undefined ? "" : ` from ${endpoint}`;
  switch (state) {
    case "ok":
    case "ocs-no":
      return {
        verdict: state === "ok" ? "ok" : "no",
        says: `${status}${warning === undefined ? "" : `, Warning ${warning}`}${where} after ${ocs} ms`,
      };
    case "no-answer":
      return {
        verdict: "?",
        says: `${code}  ${NO_ANSWER[code ?? ""]?.(where, ocs) ?? `no answer${where} within ${ocs} ms`}`,
      };
    case "abandoned":
      return { verdict: "–", says: "not reached" };
    case "in-doubt":
      return { verdict: "?", says: "not known: the gateway's process ended before an outcome was on disk" };
    case "open":
      return { verdict: "?", says: "not known yet: it is under way, or the process ended" };
    default:
      return { verdict: "deny", says: code ?? "" };
  }
};
