/** One request in plain words: what happened, and whether its client may send the same request again. */
import { mayBeRepeated, type Repeat } from "../gateway/repeat.ts";
import type { Fields } from "../journal/search/transaction.ts";
import { ACTIONS, type Action } from "../ocs/catalog.ts";
import { isInternalError, refusalRow } from "./refusal-row.ts";

export const whatHappened = (fields: Fields): string => {
  switch (fields.state) {
    case "ok":
      return fields.suspected
        ? "OCS answered 200 and then sent more: the answer may be the one to another request."
        : "OCS carried out the request.";
    case "ocs-no":
      return `OCS answered ${fields.status}: ${meaningOf(fields)}.`;
    case "no-answer":
      return isInternalError(fields)
        ? "The gateway had an internal error after it wrote the intent. OCS may have carried out the request, or " +
            "never have received it."
        : `The request was sent to OCS and got no complete answer: ${titleOf(fields)}${hiddenReason(fields)}. The ` +
            "gateway did not send it again.";
    case "in-doubt":
      return (
        "The gateway's process ended after it wrote the intent and before it wrote an outcome. OCS may have carried " +
        "out the request, or never have received it."
      );
    case "accepted":
      return (
        "The gateway accepted the request with 202 (Prefer: respond-async) and sends it by itself until OCS answers " +
        "200; each attempt is a request of its own. ocsgw outbox -c FILE shows how far it got."
      );
    case "open":
      return "The intent is in the journal, and there is no outcome yet.";
    case "replayed":
      return (
        "The request repeats an earlier one with the same Idempotency-Key, and the client got that one's reply " +
        `again: ${fields.code === undefined ? `OCS's ${fields.status}` : `${fields.status} ${fields.code}`}. It was ` +
        "not sent to OCS."
      );
    case "abandoned":
      return "The client hung up while its request waited for a lane. The request was not sent to OCS.";
    default:
      return `The gateway refused the request: ${titleOf(fields)}${hiddenReason(fields)}. It was not sent to OCS.`;
  }
};

const titleOf = (fields: Fields): string => refusalRow(fields)?.title ?? fields.code ?? "unknown reason";

/** The reason, in more detail than the title. */
const hiddenReason = ({ reason }: Fields): string =>
  reason === undefined ? "" : ` (${reason.replace(/^[a-z-]+: /, "")})`;

/** What OCS means by a status depends on the resource and the action. */
const meaningOf = ({ status, warning, resource, action }: Fields): string => {
  switch (status) {
    case 400:
      return "it rejected the request; its own words are in the client's reply";
    case 404:
      return resource === "campaigngroups" ? "it does not know this group" : "it does not know this list or campaign";
    case 409:
      return resource === "lists" || action === "AddRecord"
        ? "the record was not inserted: its DB Server is down, or SQL rejected the record"
        : "the group is in that state already, or cannot get there from its present state";
    case 410:
      return resource === "campaigngroups"
        ? "the group is configured, but not active"
        : resource === "records" || warning === 112
          ? "the handle is unknown or stale: the record was finished, or timed out"
          : "it found no record for it";
    case 500:
      return "it had an internal error: ask the operator of OCS, with the time and the request id";
    default:
      return "the manual does not list this status here";
  }
};

/**
 * Whether the client may send the same request again, by the action table; undefined if its result is final. A request
 * with an Idempotency-Key is never carried out a second time.
 */
export const repeatOf = (fields: Fields): Repeat | undefined => {
  const { state, code, idempotency_key: key } = fields;
  if (state === "no-answer" || state === "in-doubt" || fields.suspected)
    return key === undefined ? (actionOf(fields)?.repeat ?? "no") : "safe";
  const isSafe = state === "abandoned" || state === "replayed" || (state === "refused" && mayBeRepeated(code));
  return isSafe ? "safe" : undefined;
};

export const actionOf = ({ resource, action }: Fields): Action | undefined =>
  ACTIONS.find((each) => each.resource === resource && each.name === action);
