/** A case in sentences that an officer reads: what was asked for, in which way the journal knows the person, and how it ended. */
import type { Case, CaseRequest, Reason } from "../case.ts";
import type { Facts } from "../story.ts";

export const END_WORDS = [
  "confirmed",
  "rejected by OCS",
  "refused",
  "not sent",
  "in doubt",
  "without an outcome yet",
] as const;
export type End = (typeof END_WORDS)[number];

export const endOf = ({ kinds, state, suspected, status, action }: Facts): End => {
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
    case "open":
      return "without an outcome yet";
    default:
      return "in doubt";
  }
};

type Sort = "phone" | "customer_id";
const wordOf = (sort: Sort): string => (sort === "phone" ? "number" : "customer id");

/** In two sentences or three. `sort`: what was looked for. */
export const sentenceOf = (request: CaseRequest, sort: Sort): string => {
  const { story, facts, reason, open } = request;
  const [first] = story.entries;
  const time = story.entries[0]?.time ?? "";
  const who = `${facts.client ?? "a client that is not known"} (${facts.tenant ? `tenant ${facts.tenant.name}` : "its tenant is not known"})`;
  const still = open ? " This Do-Not-Call is still open: OCS has not confirmed it since." : "";
  const said = `${who} ${whatOf(facts)} ${reasonOf(reason, sort)}`;
  if (first?.kind === "flood")
    return `${secondOf(first.second)}, within ${first.seconds ?? 1} s: ${said}, ${first.count} more ${first.count === 1 ? "time" : "times"}, as in an earlier request. The gateway refused ${first.count === 1 ? "it" : "them all"}; nothing was sent to OCS.`;
  return `${secondOf(time)}: ${said}. ${endSentence(facts)}${still}`;
};

const secondOf = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 19)}Z`;

const whatOf = ({ action, resource, record, list, campaign }: Facts): string => {
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
  return [asked, by[resource as keyof typeof by], scope === "" ? "" : `for ${scope} alone`].filter(Boolean).join(" ");
};

const reasonOf = (reason: Reason, sort: Sort): string => {
  const other = wordOf(sort === "phone" ? "customer_id" : "phone");
  switch (reason.by) {
    case "named":
      return `and named this ${wordOf(sort)}`;
    case "announced":
      return `on a record that OCS had announced with this ${wordOf(sort)}`;
    case "joined-token":
      return `and named a ${other} that entry ${reason.with} has beside this ${wordOf(sort)}`;
    case "record":
      return `on the record that entry ${reason.with} is about`;
  }
};

const endSentence = (facts: Facts): string => {
  const { status, code, warning, delivery } = facts;
  switch (endOf(facts)) {
    case "confirmed":
      return `OCS confirmed it with ${status}.`;
    case "rejected by OCS":
      return `OCS rejected it with ${status}${warning === undefined ? "" : ` (error ${warning})`}.`;
    case "refused":
      return `The gateway refused it (${code ?? status}); nothing was sent to OCS.`;
    case "not sent":
      return "The client hung up while the request waited; nothing was sent to OCS.";
    case "without an outcome yet":
      return "The journal has no outcome of it yet.";
    case "in doubt":
      return `It is in doubt whether OCS acted: ${doubtOf(facts, delivery)}.`;
  }
};

const doubtOf = ({ state, suspected, status }: Facts, delivery: string | undefined): string => {
  if (suspected) return `OCS's answer ${status} may belong to another request`;
  if (state === "in-doubt") return "the gateway ended before it had an outcome on disk";
  return delivery === "sent-no-answer"
    ? "the request was sent and no answer came"
    : `the outcome says ${status ?? "nothing"}`;
};

/** What was counted behind an identical one is one entry and several requests. */
export const numberOf = (requests: readonly CaseRequest[]): number =>
  requests.reduce(
    (
      sum,
      {
        story: {
          entries: [first],
        },
      },
    ) => sum + (first?.kind === "flood" ? first.count : 1),
    0,
  );

/** The answer in short: the Do-Not-Calls by how they ended, and whether one stands. */
export const inShort = ({ requests, complete }: Case): string[] => {
  const asked = requests.filter(({ facts }) => facts.action === "DoNotCall");
  const others = numberOf(requests) - numberOf(asked);
  const ends = END_WORDS.map(
    (end) => [numberOf(asked.filter(({ facts }) => endOf(facts) === end)), end] as const,
  ).filter(([count]) => count > 0);
  const open = asked.filter((each) => each.open).length;
  const last = asked.findLast(({ facts }) => endOf(facts) === "confirmed");
  const known = complete ? "" : ", as far as the journal covers";
  return [
    `${numberOf(asked)} Do-Not-Call${numberOf(asked) === 1 ? "" : "s"} asked for${ends.length === 0 ? "" : `: ${ends.map(([count, end]) => `${count} ${end}`).join(", ")}`}${known}.`,
    `${open} of them ${open === 1 ? "is" : "are"} still open: asked for by a known client, and not confirmed by OCS since.`,
    last
      ? `OCS last confirmed a Do-Not-Call on ${last.story.entries.at(-1)!.time.slice(0, 19).replace("T", " ")}Z, for tenant ${last.facts.tenant?.name ?? "not known"} (request ${last.facts.id}).`
      : `No Do-Not-Call is confirmed${known}.`,
    `${others} other request${others === 1 ? "" : "s"}.`,
  ];
};
