/** The rows that the typed client sends requests by, as text. */
import { STATUSES } from "../../ocs/answer-tables.ts";
import { ATTRIBUTES } from "../../ocs/attributes.ts";
import { CATALOG, type Action } from "../../ocs/catalog.ts";
import { clientCall, RESOURCE_FUNCTIONS } from "../names.ts";
import { meaningOf } from "../openapi/answers.ts";

const rowOf = (action: Action): object => ({
  resource: action.resource,
  req: action.name,
  method: action.method,
  repeat: action.repeat,
  required: action.required,
  fields: action.userFields,
  answersBody: action.answersBody,
});

const readingsOf = (action: Action): object =>
  Object.fromEntries(
    STATUSES[action.resource].filter((status) => status >= 400).map((status) => [status, meaningOf(action, status)]),
  );

export const tableFile = (): string => {
  const resources = Object.values(CATALOG);
  const rows = Object.fromEntries(
    resources.map(({ name, actions }) => [
      RESOURCE_FUNCTIONS[name],
      Object.fromEntries(Object.values(actions).map((action) => [clientCall(action).method, rowOf(action)])),
    ]),
  );
  const readings = Object.fromEntries(
    resources.map(({ name, actions }) => [name, readingsOf(Object.values(actions)[0]!)]),
  );
  return `// Generated from the action table by \`node src/contract/client/write-client.ts\`. Do not edit.

export type ResourceFunction = ${Object.values(RESOURCE_FUNCTIONS)
    .map((name) => `"${name}"`)
    .join(" | ")};

export type ActionRow = {
  readonly resource: ${resources.map(({ name }) => `"${name}"`).join(" | ")};
  readonly req: string;
  readonly method: "GET" | "POST";
  /** After a request that was sent and got no answer. */
  readonly repeat: "safe" | "check-first" | "no";
  readonly required: readonly string[];
  /** Whether the body may have fields of the calling list. */
  readonly fields: boolean;
  readonly answersBody: boolean;
};

/** By function and method of the client. */
export const ACTIONS: Readonly<Record<ResourceFunction, Readonly<Record<string, ActionRow>>>> = ${JSON.stringify(rows)};

/** OCS's names in bodies. */
export const ATTRIBUTE_NAMES: ReadonlySet<string> = new Set(${JSON.stringify(Object.keys(ATTRIBUTES))});

/** What the manual says of OCS's statuses. */
export const READINGS: Readonly<Record<ActionRow["resource"], Readonly<Record<number, string>>>> =
  ${JSON.stringify(readings)};
`;
};
