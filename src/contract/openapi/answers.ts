/** Every answer that a client can get for an action, OCS's and the gateway's, as Response Objects of OpenAPI. */
import { MESSAGE_TYPES, REASONS, STATUSES } from "../../ocs/answer-tables.ts";
import type { Action } from "../../ocs/catalog.ts";
import { GROUP_STATUS } from "../../ocs/enumerations.ts";
import { GROUP_STATUS_ATTRIBUTES } from "../../ocs/examples.ts";
import { schemaRef, type JsonSchema } from "./body-schema.ts";
import { REFUSALS } from "../../gateway/refusals.ts";
import { OUTCOME_DELAYED, refusalsOf, type ClientRefusal } from "./refusals-of.ts";

type Response = { readonly [key: string]: unknown };
/** By status, and `default`. */
export type Responses = Readonly<Record<string, Response>>;

/** Headers of every reply. */
const ALWAYS = ["Ocsgw-Request-Id", "Ocsgw-Origin", "Ocsgw-Delivery", "Server-Timing"] as const;

const header = (description: string, schema: JsonSchema, required = false): JsonSchema => ({
  description,
  ...(required && { required }),
  schema,
});
const text: JsonSchema = { type: "string" };

/** Components by name. */
export const ANSWER_HEADERS: Readonly<Record<string, JsonSchema>> = {
  "Ocsgw-Request-Id": header(
    "Names this request in the journal, in the log and for ocsgw explain",
    { type: "string", pattern: "^[0-9A-HJKMNP-TV-Z]{26}$" },
    true,
  ),
  "Ocsgw-Origin": header("Who wrote this reply", { type: "string", enum: ["ocs", "gateway"] }, true),
  "Ocsgw-Delivery": header(
    "How far the request got: not-sent: OCS got nothing of it; answered: OCS answered; sent-no-answer: OCS may have " +
      "carried it out",
    { type: "string", enum: ["not-sent", "answered", "sent-no-answer"] },
    true,
  ),
  "Server-Timing": header("Times in milliseconds: policy, journal, queue, ocs", text, true),
  "Ocsgw-Code": header("The gateway's code: on every refusal, and OCSGW-5102 on an answer of OCS", {
    type: "string",
    pattern: "^OCSGW-[0-9]{4}$",
  }),
  "Ocsgw-Repeat": header(
    "May the same request be sent again? On the gateway's replies with 429 and 5xx, and with OCSGW-5102",
    { type: "string", enum: ["safe", "check-first", "no"] },
  ),
  "Ocsgw-Idempotency": header("The reply repeats the one to an earlier request with this Idempotency-Key", {
    type: "string",
    enum: ["replayed"],
  }),
  "Ocsgw-First-Request": header("The id of the first request with this Idempotency-Key", text),
  Location: header("Where the client can ask how far its request got", text),
  "Preference-Applied": header("The preference of the header Prefer that was followed", text),
  "Retry-After": header("Seconds to wait before the request is sent again", { type: "integer", minimum: 0 }),
  RateLimit: header("What is left of the rate limit", text),
  "RateLimit-Policy": header("The rate limit", text),
  "WWW-Authenticate": header("The schemes of the credentials that are accepted", text),
  Allow: header("The methods of this path", text),
  Warning: header("OCS's own error number, as a bare integer", { type: "integer" }),
  Server: header("OCS's name and version", text),
  Etag: header("Changes with the answer", text),
  "Cache-control": header("OCS's, private", text),
};

const headersRefs = (names: readonly string[]): JsonSchema =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** The schemas that answers refer to. */
export const ANSWER_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Problem: {
    type: "object",
    description: "A refusal of the gateway (RFC 9457), if Accept names application/problem+json or application/json",
    required: ["type", "title", "status", "detail", "instance", "code", "origin", "delivery", "request_id"],
    properties: {
      type: { type: "string", format: "uri" },
      title: text,
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: { type: "string", description: "What exactly is wrong, and what to do" },
      instance: { type: "string", format: "uri" },
      code: { type: "string", pattern: "^OCSGW-[0-9]{4}$" },
      origin: { const: "gateway" },
      delivery: { type: "string", enum: ["not-sent", "answered", "sent-no-answer"] },
      repeat: { type: "string", enum: ["safe", "check-first", "no"], description: "As Ocsgw-Repeat" },
      request_id: { type: "string", description: "As Ocsgw-Request-Id" },
      pointer: { type: "string", format: "json-pointer", description: "The part of the body that is wrong" },
    },
  },
  Page: {
    type: "string",
    description:
      "A refusal in OCS's form: <HTML><body>403 Forbidden : OCSGW-2103 …</body></HTML>. OCS's own pages have no code",
  },
  GroupStatus: {
    type: "object",
    required: [...GROUP_STATUS_ATTRIBUTES],
    properties: {
      GSW_CM_AttrCampaignID: { type: "integer" },
      GSW_CM_AttrGroupID: { type: "integer" },
      GSW_CM_AttrGroupCampStatus: {
        type: "integer",
        description: [...GROUP_STATUS].map(([value, name]) => `${value} ${name}`).join(", "),
      },
      GSW_CM_AttrReferenceID: { type: "integer" },
      GSW_CM_AttrDialMode: { type: "integer" },
      GSW_CM_AttrOptimizeBy: { type: "integer" },
      GSW_CM_AttrOptimizeGoal: { type: "integer" },
      GSW_CM_AttrProperties: { type: "object" },
      GSW_SWITCH_DBID: { type: "integer" },
    },
  },
  OneGroup: {
    allOf: [
      schemaRef("GroupStatus"),
      {
        type: "object",
        required: ["GSW_CM_MessageType"],
        properties: { GSW_CM_MessageType: { const: MESSAGE_TYPES.oneGroup } },
      },
    ],
  },
  AllGroups: {
    type: "object",
    required: ["GSW_CM_MessageType", "CampaignGroups"],
    properties: {
      GSW_CM_MessageType: { const: MESSAGE_TYPES.allGroups },
      CampaignGroups: {
        type: "object",
        description: "By campaign@group: the groups of this client, as far as OCS knows them",
        additionalProperties: schemaRef("GroupStatus"),
      },
    },
  },
};

/** What the manual says of a status. */
export const meaningOf = ({ resource, method }: Action, status: number): string => {
  const where = resource === "campaigngroups" ? "groups" : resource === "lists" ? "lists" : "people";
  return MANUAL[where][status] ?? (status === 200 && method === "GET" ? "the status" : (REASONS[status] ?? ""));
};

const MANUAL: Readonly<Record<"groups" | "lists" | "people", Readonly<Record<number, string>>>> = {
  groups: {
    400: "incorrect request",
    404: "unknown campaign group",
    409: "not possible in the group's present state; Warning 5: already so",
    410: "the campaign group is known and not active",
    500: "internal error of OCS",
  },
  lists: {
    400: "incorrect request",
    404: "unknown campaign or calling list",
    409: "the record could not be added: no connection to the database, or the database refused it",
    500: "internal error of OCS",
  },
  people: {
    400: "incorrect request",
    410: "no such record; Warning 112: no call for the handle",
    500: "internal error of OCS",
  },
};

/** Of one action. `collection`: a GET of the whole resource. */
export const answersOf = (action: Action, collection: boolean): Responses => {
  const refusals = Map.groupBy(refusalsOf(action), ({ status }) => status);
  const accepted = action.name === "DoNotCall" ? [202] : [];
  const statuses = new Set([
    ...STATUSES[action.resource],
    ...accepted,
    ...(collection ? [304] : []),
    ...refusals.keys(),
  ]);
  return {
    ...Object.fromEntries(
      [...statuses]
        .toSorted((one, other) => one - other)
        .map((status) => [status, answer(action, collection, status, refusals.get(status) ?? [])]),
    ),
    default: {
      description: "OCS: a status that the manual does not have",
      headers: headersRefs([...ALWAYS, "Warning", "Server"]),
    },
  };
};

const answer = (action: Action, collection: boolean, status: number, refusals: readonly ClientRefusal[]): Response => {
  if (status === 200) return done(action, collection);
  if (status === 202) {
    return {
      description:
        "The gateway has stored the request (Prefer: respond-async) and sends it until OCS answers 200. Location " +
        "tells how far it got.",
      headers: headersRefs([...ALWAYS, "Location", "Preference-Applied", "RateLimit", "RateLimit-Policy"]),
    };
  }
  if (status === 304) {
    return {
      description: "OCS: the groups are as If-None-Match says",
      headers: headersRefs([...ALWAYS, "Etag", "Cache-control", "Server"]),
    };
  }
  const fromOcs = STATUSES[action.resource].includes(status);
  const said = [
    ...(fromOcs ? [`OCS: ${meaningOf(action, status)}.`] : []),
    ...refusals.map(({ code, title }) => `${code}: ${title}.`),
  ];
  return {
    description: said.join("\n\n"),
    headers: headersRefs([
      ...ALWAYS,
      ...keyHeaders(action),
      ...(fromOcs ? ["Warning", "Server"] : []),
      ...refusalHeaders(status, refusals),
    ]),
    content: {
      ...(refusals.length > 0 && { "application/problem+json": { schema: problemOf(status, refusals) } }),
      "text/html": { schema: schemaRef("Page") },
      ...(fromOcs && { "text/plain": { schema: text } }),
    },
    ...(refusals.length > 0 && { "x-refusals": refusals.map(withoutStatus) }),
  };
};

const withoutStatus = ({ code, title, delivery, repeat, advice }: ClientRefusal): JsonSchema => ({
  code,
  title,
  delivery,
  ...(repeat !== undefined && { repeat }),
  advice,
});

const keyHeaders = ({ name }: Action): readonly string[] =>
  name === "AddRecord" ? ["Ocsgw-Idempotency", "Ocsgw-First-Request"] : [];

const done = (action: Action, collection: boolean): Response => ({
  description: `OCS: done. With Ocsgw-Code ${OUTCOME_DELAYED} only the gateway's journal is late.`,
  headers: headersRefs([
    ...ALWAYS,
    ...keyHeaders(action),
    "Ocsgw-Code",
    "Ocsgw-Repeat",
    "RateLimit",
    "RateLimit-Policy",
    "Server",
    ...(action.answersBody ? ["Etag", "Cache-control"] : []),
  ]),
  ...(action.answersBody && {
    content: { "application/json": { schema: schemaRef(collection ? "AllGroups" : "OneGroup") } },
  }),
});

const problemOf = (status: number, refusals: readonly ClientRefusal[]): JsonSchema => ({
  allOf: [
    schemaRef("Problem"),
    {
      type: "object",
      properties: { status: { const: status }, code: { enum: [...new Set(refusals.map(({ code }) => code))] } },
    },
  ],
});

const isRunning = (refusals: readonly ClientRefusal[]): boolean =>
  refusals.some(({ code }) => code === REFUSALS["key-running"].code);

const refusalHeaders = (status: number, refusals: readonly ClientRefusal[]): string[] =>
  refusals.length === 0
    ? []
    : [
        "Ocsgw-Code",
        ...(status === 429 || status >= 500 || isRunning(refusals) ? ["Ocsgw-Repeat"] : []),
        ...(status === 429 || status === 503 || isRunning(refusals) ? ["Retry-After"] : []),
        "RateLimit",
        "RateLimit-Policy",
        ...(status === 401 ? ["WWW-Authenticate"] : []),
        ...(status === 405 ? ["Allow"] : []),
      ];
