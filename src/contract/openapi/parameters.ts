/** Parameters of the paths in the OpenAPI document of clients. */
import { CATALOG, type Action, type Resource, type ResourceName } from "../../ocs/catalog.ts";
import { IDENTIFIERS, type IdentifierKind } from "../../ocs/identifiers.ts";
import type { JsonSchema } from "./body-schema.ts";

export const IDENTIFIER_NAMES: Readonly<Record<ResourceName, string>> = {
  records: "record_handle",
  phones: "phone",
  customer_ids: "customer_id",
  lists: "calling_list",
  campaigngroups: "campaign_group_dbid",
};

const isNumber = (kind: IdentifierKind): boolean => kind === "record handle" || kind === "campaign group DBID";

const identifierOf = ({ name, identifier }: Resource): JsonSchema => ({
  name: IDENTIFIER_NAMES[name],
  in: "path",
  required: true,
  description: `The ${identifier}: ${IDENTIFIERS[identifier].expected}`,
  schema: isNumber(identifier)
    ? { type: "integer", minimum: 1, maximum: 2_147_483_647 }
    : { type: "string", pattern: IDENTIFIERS[identifier].pattern },
});

export const PARAMETERS: Readonly<Record<string, JsonSchema>> = {
  "Ocsgw-Tenant": {
    name: "Ocsgw-Tenant",
    in: "header",
    description: "The tenant, by name or DBID: for clients of several tenants, where the body names none",
    schema: { type: "string" },
  },
  "Idempotency-Key": {
    name: "Idempotency-Key",
    in: "header",
    description:
      "Of AddRecord: a text in quotes. A request with a key is carried out at most once in 24 hours; a repeat gets " +
      "the first reply again. Other actions ignore it",
    schema: { type: "string", minLength: 1, maxLength: 512 },
  },
  Prefer: {
    name: "Prefer",
    in: "header",
    description:
      "Of DoNotCall: respond-async: the gateway answers 202 once the request is on disk, and sends it until OCS " +
      "answers 200. Other actions ignore it",
    schema: { type: "string", enum: ["respond-async"] },
  },
  "If-None-Match": {
    name: "If-None-Match",
    in: "header",
    description: "The Etag of an earlier answer: 304 if it is still the same",
    schema: { type: "string" },
  },
  ...Object.fromEntries(
    Object.values(CATALOG).map((resource) => [IDENTIFIER_NAMES[resource.name], identifierOf(resource)]),
  ),
};

export const parameterRef = (name: string): JsonSchema => ({ $ref: `#/components/parameters/${name}` });

export const onceParameters = (actions: readonly Action[]): readonly JsonSchema[] => [
  ...(actions.some(({ name }) => name === "AddRecord") ? [parameterRef("Idempotency-Key")] : []),
  ...(actions.some(({ name }) => name === "DoNotCall") ? [parameterRef("Prefer")] : []),
];
