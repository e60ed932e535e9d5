/**
 * OpenAPI 3.1 of what clients send to OCS through the gateway, from the action table.
 *
 * OCS selects the action by the parameter `req`; OpenAPI has one operation for a path and a method, and forbids a query
 * in a path. So there are two documents with the same operations:
 *
 * - by resource: valid for every tool. A path has one operation, with `req` as a closed list and a body that is one of
 *   the actions'. Each action's own operation is in `components/pathItems`, and `x-actions` of the path names it.
 * - by action: a path such as `/phones/{phone}?req=DoNotCall` for each action, so that viewers show a page and
 *   generators make a function for each. Not every tool takes a query in a path.
 */
import { CATALOG, type Action, type Resource } from "../../ocs/catalog.ts";
import { caseOf } from "../../ocs/examples.ts";
import { PURPOSES, RESOURCE_MEANINGS } from "../meanings.ts";
import { clientCall, idOf } from "../names.ts";
import { ANSWER_HEADERS, ANSWER_SCHEMAS, answersOf, type Responses } from "./answers.ts";
import { bodyComponents, schemaRef, type JsonSchema } from "./body-schema.ts";
import { IDENTIFIER_NAMES, onceParameters, parameterRef, PARAMETERS } from "./parameters.ts";
import { shareResponses, type PathItems } from "./share-responses.ts";

export type PathsBy = "resource" | "action";

type Operation = PathItems[string][string];

const DESCRIPTION = [
  "What clients of Genesys Outbound Contact Server (OCS) send to ocs-gateway: OCS's own requests, at the root of the " +
    "gateway's listener. The gateway adds headers to each reply, and refuses with a code of its own.",
  "**Who answered?** `Ocsgw-Origin` says it. OCS's answers pass as they are. A refusal of the gateway is " +
    "application/problem+json if `Accept` names it, else a page in OCS's form.",
  "**May I send it again?** `Ocsgw-Repeat` says it. Without the header: not the same request. `x-repeat` of an " +
    "operation is the advice after a request that was sent and got no answer. The gateway itself repeats nothing " +
    "that it may have sent.",
  "**One at a time.** Keep connections, and send the next request on a connection after the answer to the last one.",
  "Integers may also be sent as decimal strings, and null for an attribute that is absent.",
].join("\n\n");

/** `version`: of the gateway. */
export const clientsApi = (version: string, by: PathsBy): Readonly<Record<string, unknown>> => {
  const resources = Object.values(CATALOG);
  const {
    items: [paths, pages],
    responses,
  } =
    by === "resource"
      ? shareResponses(pathsByResource(resources), Object.fromEntries(resources.flatMap(pagesOf)))
      : shareResponses(pathsByAction(resources));
  return {
    openapi: "3.1.1",
    info: {
      title: "OCS through ocs-gateway",
      version,
      description: DESCRIPTION,
      license: { name: "Apache 2.0", identifier: "Apache-2.0" },
    },
    servers: [
      {
        url: "https://{gateway}",
        description: "The gateway's listener for clients",
        variables: { gateway: { default: "ocs-gw.example.internal:8443", description: "Host and port" } },
      },
    ],
    tags: resources.map(({ name }) => ({ name, description: RESOURCE_MEANINGS[name] })),
    security: [{ basic: [] }, { key: [] }, { token: [] }, { certificate: [] }],
    paths,
    components: {
      schemas: { ...bodyComponents(resources.flatMap(actionsOf)), ...ANSWER_SCHEMAS },
      headers: ANSWER_HEADERS,
      parameters: PARAMETERS,
      securitySchemes: SECURITY_SCHEMES,
      responses,
      ...(by === "resource" && { pathItems: pages }),
    },
  };
};

const SECURITY_SCHEMES = {
  basic: { type: "http", scheme: "basic", description: "The client's name and its API key as password" },
  key: { type: "apiKey", in: "header", name: "X-Api-Key", description: "The client's API key" },
  token: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "A token of an issuer in the config" },
  certificate: { type: "mutualTLS", description: "A client certificate of a CA in the config" },
} as const;

const actionsOf = ({ actions }: Resource): readonly Action[] => Object.values(actions);
const postsOf = (resource: Resource): readonly Action[] =>
  actionsOf(resource).filter(({ method }) => method === "POST");
const getOf = (resource: Resource): Action | undefined => actionsOf(resource).find(({ method }) => method === "GET");

const pathOf = ({ name }: Resource): string => `/${name}/{${IDENTIFIER_NAMES[name]}}`;

const reqParameter = (actions: readonly Action[]): JsonSchema => ({
  name: "req",
  in: "query",
  required: true,
  description: "The action",
  schema: { type: "string", enum: actions.map(({ name }) => name) },
});

/** Names that belong to nobody: a document that all people may read has no name of a tenant. */
const NOBODY: readonly (readonly [string, string])[] = [
  ["GSW_TENANT_NAME", "Example Tenant"],
  ["GSW_CAMPAIGN_NAME", "Example Campaign"],
];

const exampleOf = (action: Action): JsonSchema => {
  const { body } = caseOf(action);
  const value = (body === "" ? {} : JSON.parse(body)) as Record<string, unknown>;
  for (const [name, nobody] of NOBODY) if (Object.hasOwn(value, name)) value[name] = nobody;
  return { summary: action.name, value };
};

const requestBody = (actions: readonly Action[]): JsonSchema => ({
  required: actions.every(({ required }) => required.length > 0),
  content: {
    "application/json": {
      schema:
        actions.length === 1
          ? schemaRef(idOf(actions[0]!))
          : { anyOf: actions.map((action) => schemaRef(idOf(action))), description: "As the action in req needs it" },
      examples: Object.fromEntries(actions.map((action) => [action.name, exampleOf(action)])),
    },
  },
});

const REPEAT = {
  safe: "After a request that was sent and got no answer: send it again; the end state is the same.",
  "check-first": "After a request that was sent and got no answer: read the group's status first.",
  no: "After a request that was sent and got no answer: do not send it again; it may happen twice.",
} as const;

const describe = (action: Action): string =>
  [
    `${PURPOSES[action.name]}.`,
    ...(action.finalizes ? ["After OCS's 200 the record handle is invalid; further requests for it get 410."] : []),
    ...(action.namesTenant
      ? ["OCS requires GSW_TENANT_DBID or GSW_TENANT_NAME; the gateway fills in the client's tenant."]
      : []),
    REPEAT[action.repeat] + (action.resource === "records" ? " On a handle only while it means the same record." : ""),
  ].join("\n\n");

const operation = (resource: Resource, action: Action, more: object, collection = false): Operation => ({
  operationId: operationId(action, collection),
  summary: PURPOSES[action.name],
  description: describe(action),
  tags: [resource.name],
  ...more,
  ...(action.method === "POST" && { requestBody: requestBody([action]) }),
  responses: answersOf(action, collection),
  "x-repeat": action.repeat,
  "x-ends-handle": action.finalizes,
});

/** `phonesDoNotCall`, as `api.phones(…).doNotCall()` of the typed client. */
const operationId = (action: Action, collection: boolean): string => {
  const { resource, method } = clientCall(action);
  return `${resource}${method.charAt(0).toUpperCase()}${method.slice(1)}${collection ? "OfAll" : ""}`;
};

const parametersOf = (resource: Resource, more: readonly JsonSchema[] = []): readonly JsonSchema[] => [
  parameterRef(IDENTIFIER_NAMES[resource.name]),
  ...more,
  parameterRef("Ocsgw-Tenant"),
];

const COLLECTION_PARAMETERS = [parameterRef("Ocsgw-Tenant"), parameterRef("If-None-Match")];

/** The page of each action: a path item with one operation, whose `req` has one value. */
const pagesOf = (resource: Resource): (readonly [id: string, page: PathItems[string]])[] =>
  actionsOf(resource).map((action) => [
    idOf(action),
    {
      [action.method.toLowerCase()]: operation(resource, action, {
        parameters: parametersOf(resource, [
          ...(action.method === "POST" ? [reqParameter([action])] : []),
          ...onceParameters([action]),
        ]),
      }),
    },
  ]);

const collectionsOf = (resources: readonly Resource[]): PathItems =>
  Object.fromEntries(
    resources
      .filter(({ collection }) => collection)
      .map((resource) => [
        `/${resource.name}`,
        { get: operation(resource, getOf(resource)!, { parameters: COLLECTION_PARAMETERS }, true) },
      ]),
  );

const pathsByAction = (resources: readonly Resource[]): PathItems => ({
  ...Object.fromEntries(
    resources.flatMap((resource) =>
      actionsOf(resource).map((action) => [
        action.method === "GET" ? pathOf(resource) : `${pathOf(resource)}?req=${action.name}`,
        {
          [action.method.toLowerCase()]: operation(resource, action, {
            parameters: parametersOf(resource, onceParameters([action])),
          }),
        },
      ]),
    ),
  ),
  ...collectionsOf(resources),
});

const pathsByResource = (resources: readonly Resource[]): PathItems => ({
  ...Object.fromEntries(
    resources.map((resource) => {
      const get = getOf(resource);
      return [
        pathOf(resource),
        {
          post: postOf(resource),
          ...(get && {
            get: {
              ...operation(resource, get, { parameters: parametersOf(resource) }),
              operationId: `get${capitalized(clientCall(get).resource)}`,
              "x-actions": pageRefs([get]),
            },
          }),
        },
      ];
    }),
  ),
  ...collectionsOf(resources),
});

const postOf = (resource: Resource): Operation => {
  const actions = postsOf(resource);
  return {
    operationId: `post${capitalized(clientCall(actions[0]!).resource)}`,
    summary: RESOURCE_MEANINGS[resource.name],
    description: actions.map((action) => `- **${action.name}**: ${PURPOSES[action.name]}.`).join("\n"),
    tags: [resource.name],
    parameters: parametersOf(resource, [reqParameter(actions), ...onceParameters(actions)]),
    requestBody: requestBody(actions),
    responses: mergedAnswers(actions),
    "x-actions": pageRefs(actions),
  };
};

const pageRefs = (actions: readonly Action[]): JsonSchema =>
  Object.fromEntries(actions.map((action) => [action.name, { $ref: `#/components/pathItems/${idOf(action)}` }]));

/** Where the answers of the actions differ, which is in the repeat advice, each action's own description has it. */
const mergedAnswers = (actions: readonly Action[]): Responses => {
  const [first, ...others] = actions.map((action) => answersOf(action, false));
  return Object.fromEntries(
    Object.entries(first!).map(([status, response]) => {
      const isSame = others.every((each) => JSON.stringify(each[status]) === JSON.stringify(response));
      const { "x-refusals": refusals, ...plain } = response;
      return [status, isSame || refusals === undefined ? response : plain];
    }),
  );
};

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
