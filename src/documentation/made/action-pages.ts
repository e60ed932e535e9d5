/** One page for each action of OCS, from the action table: request, body, answers, repeat advice, ready requests. */
import { idOf } from "../../contract/names.ts";
import { sampleOf } from "../../contract/snippets/request.ts";
import { snippetsOf } from "../../contract/snippets/snippets.ts";
import { REFUSALS } from "../../gateway/refusals.ts";
import { repeatInWords } from "../../gateway/repeat.ts";
import { ATTRIBUTES, type AttributeName, type Shape } from "../../ocs/attributes.ts";
import { ACTIONS, CATALOG, type Action } from "../../ocs/catalog.ts";
import { parts, table } from "./markdown-text.ts";
import { pageOf, type Page } from "../page.ts";

const FINISHED = `${REFUSALS["no-such-record"].status} ${REFUSALS["no-such-record"].code}`;

export const fileOfAction = (action: Action): string => `actions/${idOf(action)}.md`;

export const actionPages = (): readonly Page[] =>
  ACTIONS.map((action) => pageOf(fileOfAction(action), actionText(action)));

const path = ({ resource, method }: Action): string =>
  method === "GET"
    ? `/${resource} and /${resource}/<${CATALOG[resource].identifier}>`
    : `/${resource}/<${CATALOG[resource].identifier}>`;

export const actionText = (action: Action): string => {
  const { target, body } = sampleOf(action);
  return parts(
    `# ${action.name} on ${action.resource}`,
    `For people who write clients. \`${action.method} ${path(action)}\`${query(action)}`,
    `For example \`${action.method} ${target}\`${body === "" ? "" : ` with the body \`${body}\``}.`,
    action.finalizes
      ? `After OCS's 200 the record handle is finished: every later request for it gets ${FINISHED}.`
      : undefined,
    action.urgent
      ? "It is urgent: it is sent before other requests that wait, and has a rate limit of its own."
      : undefined,
    `## Body\n\n${bodyText(action)}`,
    `## Answers\n\n${answersText(action)}`,
    `## May it be sent again?\n\n${repeatText(action)}`,
    `## Ready requests\n\n${requestsText(action)}`,
  );
};

const query = ({ method, name }: Action): string =>
  method === "GET" ? ", without parameters." : `, with \`?req=${name}\` and no other parameter.`;

const bodyText = (action: Action): string => {
  if (action.method === "GET") return "None.";
  const row = (names: readonly AttributeName[], when: string): string[][] =>
    names.map((name) => [`\`${name}\``, when, inWords(ATTRIBUTES[name].shape)]);
  const rows = [
    ...row(action.required, "required"),
    ...row(action.requiredWhenPredictive, "required in predictive dial modes"),
    ...row(action.optional, "optional"),
  ];
  return parts(
    "A JSON object. Integers may be JSON numbers or decimal strings. Names that do not begin with `GSW_` are fields " +
      "of the calling list (`tenants[].fields`).",
    action.namesTenant
      ? "The tenant (`GSW_TENANT_DBID` or `GSW_TENANT_NAME`) may be left out: the gateway fills in the client's."
      : undefined,
    rows.length === 0 ? undefined : table(["attribute", "", "value"], rows),
  ).trimEnd();
};

const inWords = (shape: Shape): string => {
  switch (shape.kind) {
    case "integer":
      return `an integer from ${shape.min} to ${shape.max}`;
    case "enumeration":
      return [...shape.values].map(([value, name]) => `${value} ${name}`).join(", ");
    case "word":
      return `one of ${shape.words.join(", ")}`;
    case "text":
      return `${shape.expected ?? "text"}, at most ${shape.max} characters`;
    case "properties":
      return "an object";
  }
};

const answersText = (action: Action): string => {
  const codes = [...new Map(Object.values(REFUSALS).map((row) => [row.code, row])).values()];
  return parts(
    action.method === "GET"
      ? "OCS: 200 with the status of campaign groups as JSON; 304 if `If-None-Match` has the present `Etag`. The " +
          "list has the groups of the client's tenants only."
      : "OCS: 200 without a body. Any other status is OCS's refusal, with its text, and passes unchanged; " +
          "`Ocsgw-Origin: ocs` marks it.",
    "The gateway, instead of OCS (`Ocsgw-Origin: gateway`):",
    table(
      ["code", "status", "delivery", "what"],
      codes.map(({ code, status, delivery, title }) => [
        `[${code}](../errors/${code}.md)`,
        String(status),
        `\`${delivery}\``,
        title,
      ]),
    ),
  ).trimEnd();
};

const repeatText = ({ resource, repeat }: Action): string =>
  parts(
    "If nothing was sent (`Ocsgw-Delivery: not-sent`, and `Ocsgw-Repeat: safe`): yes, after `Retry-After`.",
    `If it was sent and no answer came (\`sent-no-answer\`): \`Ocsgw-Repeat: ${repeat}\`. ` +
      repeatInWords(repeat, "sent-no-answer"),
    resource === "records"
      ? "`safe` applies only while the handle belongs to the same record; else the reply says `no`."
      : undefined,
  ).trimEnd();

const requestsText = (action: Action): string =>
  parts(
    "They take the address of the gateway, the client's key and the CA's file from `OCSGW_URL`, `OCSGW_KEY` and " +
      "`OCSGW_CA`, where the language can read its environment.",
    ...snippetsOf(action).map(
      ({ title, fence, tried, text }) =>
        `### ${title}\n\n${tried ? "" : "Not tried by the tests of this package.\n\n"}\`\`\`${fence}\n${text}\`\`\``,
    ),
  ).trimEnd();
