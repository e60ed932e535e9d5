/** The embedded OCS: a Handler that carries out the manual's requests on a world. */
import { escapeHtml } from "../common/html.ts";
import { REASONS } from "../ocs/answer-tables.ts";
import { JsonFault } from "../ocs/json-fault.ts";
import { readTarget, splitTarget, type Operation } from "../ocs/target.ts";
import { Violation } from "../ocs/violation.ts";
import {
  BodyFault,
  bytesOf,
  headerOf,
  type Arrival,
  type Handler,
  type HeaderLine,
  type Reply,
} from "../common/message.ts";
import { ACTS } from "./actions/table.ts";
import type { Answer } from "./actions/act.ts";
import { NEGATIVE_ANSWERS, type NegativeAnswer, type ConditionRow } from "./negative-answers.ts";
import { groupsChangedAt, settle } from "./world/groups.ts";
import { readLeniently } from "./server/lenient-body.ts";
import { Refusal, refuse } from "./refusal.ts";
import type { World } from "./world/world.ts";

/** `<application name>/<version>`. This is the first version that supports GET. */
export const SERVER: HeaderLine = ["Server", "OCS/8.1.524.04"];

/** Failures around OCS during a request. */
export type Trouble = {
  /** True: inserting a record for the lists resource fails. */
  readonly databaseDown: () => boolean;
};

export type Ocs = (arrival: Arrival, trouble?: Trouble) => ReturnType<Handler>;

export const createOcs =
  (world: World): Ocs =>
  async (arrival, trouble) => {
    try {
      if (arrival.fault) throw new BodyFault(arrival.fault);
      const operation = readTarget(arrival.method, arrival.target);
      return positive(world, answer(world, { arrival, operation, body: await arrival.body(), trouble }));
    } catch (error) {
      return negative(refusalFor(arrival, error));
    }
  };

type ReadRequest = {
  readonly arrival: Arrival;
  readonly operation: Operation;
  readonly body: Uint8Array;
  readonly trouble: Trouble | undefined;
};

/** Carries out a request in one transaction. Timeouts that were due before it are kept even if it is refused. */
const answer = (world: World, { arrival, operation: { action, identifier }, body, trouble }: ReadRequest): Answer => {
  world.db.transaction(() => {
    settle(world);
  });
  const bytes = action.method === "POST" ? body : bytesOf("");
  if (bytes.length > 0 && !isJson(headerOf(arrival.headers, "content-type")))
    refuse(action.resource === "campaigngroups" ? "invalid-parameter" : "content-type", "Content-type");
  const attributes = readLeniently(action, bytes);
  return world.db.transaction(() => {
    const result = ACTS[action.name](world, { action, identifier, attributes });
    if (action.resource === "lists" && trouble?.databaseDown() === true) refuse("not-added");
    settle(world);
    return result;
  });
};

/** Accepts JSON and a missing Content-type, because deployed clients send none. */
const isJson = (contentType: string | undefined): boolean =>
  contentType === undefined || contentType.split(";")[0]!.trim().toLowerCase() === "application/json";

const refusalFor = (arrival: Arrival, error: unknown): Refusal => {
  const forGroup = /^\/campaigngroups(?:\/|$)/.test(splitTarget(arrival.target)?.path ?? "");
  if (error instanceof Refusal) return error;
  if (forGroup)
    return isClientFault(error) ? new Refusal("invalid-parameter", error.message) : new Refusal("group-internal");
  if (error instanceof Violation && ["resource", "method", "action"].includes(error.rule))
    return new Refusal("unknown-request", error.message);
  return isClientFault(error) ? new Refusal("body", error.message) : new Refusal("internal");
};

const isClientFault = (error: unknown): error is Error =>
  error instanceof Violation || error instanceof JsonFault || error instanceof BodyFault;

const positive = (world: World, { body }: Answer): Reply => {
  if (body === undefined) return reply(200, [], "");
  // In the manual's examples the Etag is an integer without quotes, a time in UTC seconds.
  const headers: HeaderLine[] = [
    ["Cache-control", "private"],
    ["Etag", String(groupsChangedAt(world))],
    ["Content-type", "application/json"],
  ];
  return reply(200, headers, JSON.stringify(body, null, 2));
};

const negative = ({ condition, detail }: Refusal): Reply => {
  const { status, warning, text }: ConditionRow = NEGATIVE_ANSWERS[condition];
  const headers: HeaderLine[] = warning === undefined ? [] : [["Warning", String(warning)]];
  if (text === undefined) return reply(status, headers, "");
  const sentence = detail === undefined || status !== 400 ? text : `${text}: ${detail}`;
  // In the manual's example the number before the text is 0, independent of the Warning.
  return reply(
    status,
    [...headers, ["Content-type", "text/html"]],
    `<HTML><body>${status} ${REASONS[status]} : 0 ${escapeHtml(sentence)}</body></HTML>`,
  );
};

/** The answer to a condition, independent of the request. */
export const answerTo = (condition: NegativeAnswer): Reply => negative(new Refusal(condition));

/** The answer to bytes that are not an HTTP request; the connection is closed. */
export const refusedMessage = (condition: NegativeAnswer, detail: string): Reply => ({
  ...negative(new Refusal(condition, detail)),
  close: true,
});

const reply = (status: number, headers: readonly HeaderLine[], text: string): Reply => {
  const body = bytesOf(text);
  return { status, headers: [SERVER, ...headers, ["Content-length", String(body.length)]], body };
};
