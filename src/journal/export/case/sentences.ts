/**
 * Describes a case in sentences for people: what a client requested, how the journal identifies the person, and how
 * each request ended.
 */
import type { Case, CaseRequest, Reason } from "./case.ts";
import type { Fields } from "../../search/transaction.ts";

export const ENDS = [
  "confirmed",
  "rejected by OCS",
  "refused",
  "not sent",
  "a repeat",
  "in doubt",
  "accepted",
  "without an outcome yet",
] as const;
export type End = (typeof ENDS)[number];

export const endOf = ({ kinds, state, suspected, status, action }: Fields): End => {
  if (kinds[0] === "flood") return "refused";
  switch (state) {
    case "ok":
      return suspected || (action === "DoNotCall" && status !== 200) ? "in doubt" : "confirmed";
    case "ocs-no":
      return suspected ? "in doubt" : "rejected by OCS";
    case "refused":
      return "refused";
    case "abandoned":
      return "not sent";
    case "replayed":
      return "a repeat";
    case "accepted":
      return "accepted";
    case "open":
      return "without an outcome yet";
    default:
      return "in doubt";
  }
};

type Sort = "phone" | "customer_id";
const wordOf = (sort: Sort): string => (sort === "phone" ? "number" : "customer id");

/** Two or three sentences. `sort`: what the user searched for. */
export const sentenceOf = (request: CaseRequest, sort: Sort): string => {
  const { transaction, fields, reason, open } = request;
  const [first] = transaction.entries;
  const tenant = fields.tenant ? `tenant ${fields.tenant.name}` : "unknown tenant";
  const client = `${fields.client ?? "an unknown client"} (${tenant})`;
  const accepted = attemptOf(request);
  const who =
    accepted === undefined ? client : `The gateway, for request ${accepted} that it had accepted, of ${client}`;
  const asked = `${who} ${operationOf(fields)} ${reasonOf(reason, sort)}`;
  if (first?.kind === "flood") {
    const isOne = first.count === 1;
    return (
      `${secondOf(first.second)}, within ${first.seconds ?? 1} s: ${asked}, ${first.count} more ` +
      `${isOne ? "time" : "times"}, as in an earlier request. The gateway refused ` +
      `${isOne ? "it" : "all of them"}; nothing was sent to OCS.`
    );
  }
  const stillOpen = open ? " This Do-Not-Call is still open: OCS has not confirmed it since." : "";
  return `${secondOf(first?.time ?? "")}: ${asked}. ${endSentence(fields)}${stillOpen}`;
};

const secondOf = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 19)}Z`;

const operationOf = ({ action, resource, record, list, campaign }: Fields): string => {
  const asked =
    action === "DoNotCall"
      ? "asked for a Do-Not-Call"
      : action === "RequestRecordCancel"
        ? "asked to cancel records"
        : `sent ${action ?? "a request"}`;
  const by = {
    phones: "by phone number",
    customer_ids: "by customer id",
    records: `by record handle ${record}`,
    lists: `to the list ${list}`,
  };
  const scope = [
    campaign === undefined ? "" : `campaign ${campaign}`,
    list === undefined || resource === "lists" ? "" : `list ${list}`,
  ]
    .filter(Boolean)
    .join(", ");
  return [asked, by[resource as keyof typeof by], scope === "" ? "" : `for ${scope} only`].filter(Boolean).join(" ");
};

const reasonOf = (reason: Reason, sort: Sort): string => {
  const other = wordOf(sort === "phone" ? "customer_id" : "phone");
  switch (reason.by) {
    case "named":
      return `and named this ${wordOf(sort)}`;
    case "announced":
      return `on a record that OCS had announced with this ${wordOf(sort)}`;
    case "joined-token":
      return `and named a ${other} that entry ${reason.with} has together with this ${wordOf(sort)}`;
    case "record":
      return `on the same record as entry ${reason.with}`;
  }
};

const endSentence = (fields: Fields): string => {
  const { status, code, warning } = fields;
  switch (endOf(fields)) {
    case "confirmed":
      return `OCS confirmed it with ${status}.`;
    case "rejected by OCS":
      return `OCS rejected it with ${status}${warning === undefined ? "" : ` (error ${warning})`}.`;
    case "refused":
      return `The gateway refused it (${code ?? status}); nothing was sent to OCS.`;
    case "not sent":
      return "The client closed the connection while the request waited; nothing was sent to OCS.";
    case "a repeat":
      return "It repeats an earlier request, whose reply the client got again; nothing was sent to OCS.";
    case "accepted":
      return "The gateway accepted it with 202 and sends it by itself; each attempt is a request of its own.";
    case "without an outcome yet":
      return "The journal has no outcome of it yet.";
    case "in doubt":
      return `It is in doubt whether OCS carried it out: ${doubtOf(fields)}.`;
  }
};

const doubtOf = ({ state, suspected, status, delivery }: Fields): string => {
  if (suspected) return `OCS's answer ${status} may belong to another request`;
  if (state === "in-doubt") return "the gateway ended before the outcome was on disk";
  return delivery === "sent-no-answer"
    ? "the request was sent and no answer came"
    : `the outcome has ${status === undefined ? "no status" : `status ${status}`}`;
};

/** An entry that counts identical requests counts as that many requests. */
export const countRequests = (requests: readonly CaseRequest[]): number =>
  requests.reduce((sum, { transaction: { entries } }) => {
    const [first] = entries;
    return sum + (first?.kind === "flood" ? first.count : 1);
  }, 0);

/** The Do-Not-Calls by how they ended, and whether one is still open. */
export const summaryLines = ({ requests, complete }: Case): string[] => {
  const all = requests.filter(({ fields }) => fields.action === "DoNotCall");
  // An attempt is no request of its own: it says how an accepted request ended.
  const doNotCalls = all.filter((each) => attemptOf(each) === undefined);
  const carriedOut = new Set(all.filter(({ fields }) => endOf(fields) === "confirmed").map(attemptOf));
  const ended = ({ fields }: CaseRequest): End => {
    const end = endOf(fields);
    return end === "accepted" && carriedOut.has(fields.id) ? "confirmed" : end;
  };
  const count = countRequests(doNotCalls);
  const others = countRequests(requests) - countRequests(all);
  const ends = ENDS.flatMap((end) => {
    const those = countRequests(doNotCalls.filter((each) => ended(each) === end));
    return those > 0 ? [`${those} ${end}`] : [];
  });
  const open = doNotCalls.filter((each) => each.open).length;
  const known = complete ? "" : ", as far as the journal covers";
  return [
    `${count} Do-Not-Call${count === 1 ? "" : "s"} ` +
      `requested${ends.length === 0 ? "" : `: ${ends.join(", ")}`}${known}.`,
    `${open} of them ${open === 1 ? "is" : "are"} still open: requested by a known client, and not confirmed by ` +
      "OCS since.",
    lastConfirmed(all) ?? `No Do-Not-Call is confirmed${known}.`,
    `${others} other request${others === 1 ? "" : "s"}.`,
  ];
};

/** The id of the accepted request that this one is an attempt of. */
const attemptOf = ({ transaction }: CaseRequest): string | undefined => {
  const [first] = transaction.entries;
  return first?.kind === "intent" ? first.attempt_of : undefined;
};

const lastConfirmed = (doNotCalls: readonly CaseRequest[]): string | undefined => {
  const last = doNotCalls.findLast(({ fields }) => endOf(fields) === "confirmed");
  if (!last) return undefined;
  const { entries } = last.transaction;
  const { tenant, id } = last.fields;
  return (
    `OCS last confirmed a Do-Not-Call on ${secondOf(entries.at(-1)!.time)}, for ` +
    `${tenant ? `tenant ${tenant.name}` : "an unknown tenant"} (request ${id}).`
  );
};
