/** Is an answer what the manual says, and, behind a gateway, does it say who answered? Each function gives the first problem, in words. */
import { OUTCOME_DELAYED } from "../../gateway/refusals.ts";
import { headerOf } from "../../message.ts";
import { GROUP_STATUS_ATTRIBUTES, lengthOf, MESSAGE_TYPE_OF, type ExampleAnswer } from "../../ocs/examples.ts";
import type { Answer } from "./connection.ts";

type Problem = string | undefined;
type Json = Readonly<Record<string, unknown>>;

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
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
  if (!ULID.test(header("Ocsgw-Request-Id"))) return "Ocsgw-Request-Id is missing or no ULID";
  if (!["not-sent", "answered", "sent-no-answer"].includes(header("Ocsgw-Delivery")))
    return "Ocsgw-Delivery is missing or none of its three words";
  if (header("Server-Timing") === "") return "Server-Timing is missing";
  if (code !== undefined && !REFUSAL_CODE.test(code)) return "Ocsgw-Code is no OCSGW-nnnn";
  const problem = repeatProblem(answer, code, header("Ocsgw-Repeat"));
  if (problem !== undefined) return problem;
  // OCS's own answer, of which the journal could not take the outcome yet.
  const origin = code === undefined || code === OUTCOME_DELAYED ? "ocs" : "gateway";
  return header("Ocsgw-Origin") === origin ? undefined : `Ocsgw-Origin is missing or not ${origin}`;
};

/** May the same request be sent again? Said where the gateway itself answers 429 or 5xx, and with 5102. */
const repeatProblem = ({ status }: Answer, code: string | undefined, repeat: string): Problem => {
  const isSaid = code === OUTCOME_DELAYED || (code !== undefined && (status === 429 || status >= 500));
  if (!isSaid) return repeat === "" ? undefined : "Ocsgw-Repeat stands where nothing is to be repeated";
  return ["safe", "check-first", "no"].includes(repeat)
    ? undefined
    : "Ocsgw-Repeat is missing or none of its three words";
};

/** The expected answers are alternatives. A gateway's own answer has the status of OCS's, and no Warning. */
export const answerProblem = (answer: Answer, expected: readonly ExampleAnswer[], screened: boolean): Problem => {
  const wanted = expected.find(({ status }) => status === answer.status);
  if (!wanted) return "another status was expected";
  if (refusalCodeOf(answer) !== undefined)
    return answer.status < 400 ? "a refusal with a status of success" : undefined;
  return headProblem(answer, wanted) ?? bodyProblem(answer, wanted, screened);
};

const headProblem = ({ headers }: Answer, { warning }: ExampleAnswer): Problem => {
  const got = headerOf(headers, "Warning");
  if (headerOf(headers, "Server") === undefined) return "Server is missing";
  if (headerOf(headers, "Content-length") === undefined) return "Content-length is missing";
  if (warning !== undefined && got !== `${warning}`) return `Warning ${warning} was expected`;
  return got !== undefined && !/^\d+$/.test(got) ? "Warning is no bare integer" : undefined;
};

const bodyProblem = (answer: Answer, { body }: ExampleAnswer, screened: boolean): Problem => {
  const type = headerOf(answer.headers, "Content-type") ?? "";
  switch (body) {
    case "none":
      return lengthOf(answer.body) === 0 ? undefined : "a positive answer to a POST has no body";
    case "page":
      return answer.body === "" || /^text\/(?:plain|html)\b/i.test(type)
        ? undefined
        : "an error's text is text/plain or text/html";
    case "group":
    case "groups":
      if (!/^application\/json\b/i.test(type)) return "Content-type is not application/json";
      if (headerOf(answer.headers, "Etag") === undefined) return "Etag is missing";
      return statusProblem(body, objectIn(answer.body), screened);
  }
};

/** The gateway shows a caller's own groups and leaves out what tells of others, such as OCS's application. */
const statusProblem = (body: "group" | "groups", status: Json | undefined, screened: boolean): Problem => {
  if (!status) return "the body is no JSON object";
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
    ? `in CampaignGroups, ${JSON.stringify(wrong[0])}: ${groupProblem(asObject(wrong[1])) ?? "the name is not <Campaign>@<Group>"}`
    : undefined;
};

const groupProblem = (group: Json | undefined): Problem => {
  const missing = GROUP_STATUS_ATTRIBUTES.find((name) => !Number.isInteger(group?.[name]));
  return missing === undefined ? undefined : `${missing} is missing or no integer`;
};

const asObject = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** The JSON object in a body, if it is one. */
export const objectIn = (body: string): Json | undefined => {
  try {
    return asObject(JSON.parse(body));
  } catch {
    return undefined;
  }
};
