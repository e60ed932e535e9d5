/**
 * Compares an answer with the manual and, behind a gateway, checks the gateway's headers. Each function returns the
 * first problem as text.
 */
import { OUTCOME_DELAYED } from "../../gateway/refusals.ts";
import { headerOf } from "../../common/message.ts";
import { isUlid } from "../../common/ulid.ts";
import { GROUP_STATUS_ATTRIBUTES, lengthOf, MESSAGE_TYPE_OF, type ExampleAnswer } from "../../ocs/examples.ts";
import type { Answer } from "./connection.ts";

type Problem = string | undefined;
type Json = Readonly<Record<string, unknown>>;

const REFUSAL_CODE = /^OCSGW-\d{4}$/;

const codeOf = ({ headers }: Answer): string | undefined => headerOf(headers, "Ocsgw-Code");

/** The gateway's own code; undefined for what OCS answered. */
export const refusalCodeOf = (answer: Answer): string | undefined => {
  const code = codeOf(answer);
  return code === OUTCOME_DELAYED ? undefined : code;
};

/** What every reply of a gateway must carry, its own and OCS's. */
export const gatewayProblem = (answer: Answer): Problem => {
  const header = (name: string): string => headerOf(answer.headers, name) ?? "";
  const code = codeOf(answer);
  if (!isUlid(header("Ocsgw-Request-Id"))) return "Ocsgw-Request-Id is missing or not a ULID";
  if (!["not-sent", "answered", "sent-no-answer"].includes(header("Ocsgw-Delivery")))
    return "Ocsgw-Delivery is missing or has an unknown value";
  if (header("Server-Timing") === "") return "Server-Timing is missing";
  if (code !== undefined && !REFUSAL_CODE.test(code)) return "Ocsgw-Code does not have the form OCSGW-nnnn";
  const problem = repeatProblem(answer, code, header("Ocsgw-Repeat"));
  if (problem !== undefined) return problem;
  // OCS's own answer, whose outcome could not be written to the journal yet.
  const origin = code === undefined || code === OUTCOME_DELAYED ? "ocs" : "gateway";
  return header("Ocsgw-Origin") === origin ? undefined : `Ocsgw-Origin is missing or not ${origin}`;
};

/** Ocsgw-Repeat must be on the gateway's own replies with 429 and 5xx, and on 5102. */
const repeatProblem = ({ status }: Answer, code: string | undefined, repeat: string): Problem => {
  const isSaid = code === OUTCOME_DELAYED || (code !== undefined && (status === 429 || status >= 500));
  if (!isSaid) return repeat === "" ? undefined : "unexpected Ocsgw-Repeat";
  return ["safe", "check-first", "no"].includes(repeat) ? undefined : "Ocsgw-Repeat is missing or has an unknown value";
};

/** `expected`: alternatives. A gateway's own answer has OCS's status, but no Warning. */
export const answerProblem = (answer: Answer, expected: readonly ExampleAnswer[], screened: boolean): Problem => {
  const wanted = expected.find(({ status }) => status === answer.status);
  if (!wanted) return "unexpected status";
  if (refusalCodeOf(answer) !== undefined) return answer.status < 400 ? "a refusal with a success status" : undefined;
  return headProblem(answer, wanted) ?? bodyProblem(answer, wanted, screened);
};

const headProblem = ({ headers }: Answer, { warning }: ExampleAnswer): Problem => {
  const got = headerOf(headers, "Warning");
  if (headerOf(headers, "Server") === undefined) return "Server is missing";
  if (headerOf(headers, "Content-length") === undefined) return "Content-length is missing";
  if (warning !== undefined && got !== `${warning}`) return `Warning ${warning} was expected`;
  return got !== undefined && !/^\d+$/.test(got) ? "Warning is not an integer" : undefined;
};

const bodyProblem = (answer: Answer, { body }: ExampleAnswer, screened: boolean): Problem => {
  const type = headerOf(answer.headers, "Content-type") ?? "";
  switch (body) {
    case "none":
      return lengthOf(answer.body) === 0 ? undefined : "a successful answer to a POST must have no body";
    case "page":
      return answer.body === "" || /^text\/(?:plain|html)\b/i.test(type)
        ? undefined
        : "the text of an error must be text/plain or text/html";
    case "group":
    case "groups":
      if (!/^application\/json\b/i.test(type)) return "Content-type is not application/json";
      if (headerOf(answer.headers, "Etag") === undefined) return "Etag is missing";
      return statusProblem(body, objectIn(answer.body), screened);
  }
};

/** The gateway shows only a caller's own groups, without attributes that reveal others, such as OCS's application. */
const statusProblem = (body: "group" | "groups", status: Json | undefined, screened: boolean): Problem => {
  if (!status) return "the body is not a JSON object";
  if (status["GSW_CM_MessageType"] !== MESSAGE_TYPE_OF[body])
    return `GSW_CM_MessageType ${MESSAGE_TYPE_OF[body]} was expected`;
  if (!screened && !Number.isInteger(status["GSW_CM_AttrOriginAppID"])) return "GSW_CM_AttrOriginAppID is missing";
  if (body === "group") return groupProblem(status);
  const groups = asObject(status["CampaignGroups"]);
  if (!groups) return "CampaignGroups is missing";
  const wrong = Object.entries(groups).find(
    ([name, group]) => !name.includes("@") || groupProblem(asObject(group)) !== undefined,
  );
  return wrong
    ? `in CampaignGroups, ${JSON.stringify(wrong[0])}: ` +
        `${groupProblem(asObject(wrong[1])) ?? "the name is not <Campaign>@<Group>"}`
    : undefined;
};

const groupProblem = (group: Json | undefined): Problem => {
  const missing = GROUP_STATUS_ATTRIBUTES.find((name) => !Number.isInteger(group?.[name]));
  return missing === undefined ? undefined : `${missing} is missing or not an integer`;
};

const asObject = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** The body as a JSON object; undefined if it is not one. */
export const objectIn = (body: string): Json | undefined => {
  try {
    return asObject(JSON.parse(body));
  } catch {
    return undefined;
  }
};
