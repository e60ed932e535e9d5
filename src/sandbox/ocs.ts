/** OCS as a Handler over a world: the manual's requests in, the manual's answers out. */
import { REASONS } from "../ocs/answer.ts";
import { JsonFault } from "../ocs/json.ts";
import { readTarget, splitTarget, type Operation } from "../ocs/target.ts";
import { Violation } from "../ocs/violation.ts";
import { BodyFault, bytesOf, headerOf, type Arrival, type Handler, type HeaderLine, type Reply } from "../message.ts";
import { ACTS } from "./actions/table.ts";
import type { Answer } from "./actions/act.ts";
import { CONDITIONS, type Condition, type ConditionRow } from "./conditions.ts";
import { groupsChangedAt, settle } from "./groups.ts";
import { readLeniently } from "./lenient-body.ts";
import { Refusal, refuse } from "./refusal.ts";
import type { World } from "./world.ts";

/** `<application name>/<version>`; the first version with the GETs. */
export const SERVER: HeaderLine = ["Server", "OCS/8.1.524.04"];

/** What may be wrong around OCS while it works. */
export type Trouble = {
  /** Asked when a record is about to be inserted for the lists resource. */
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

type Asked = {
  readonly arrival: Arrival;
  readonly operation: Operation;
  readonly body: Uint8Array;
  readonly trouble: Trouble | undefined;
};

/** All of the request happens, or nothing. What time did by itself stays either way. */
const answer = (world: World, { arrival, operation: { action, identifier }, body, trouble }: Asked): Answer => {
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

/** Deployed clients send none; any other than the one supported type is refused. */
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
  // The Etag of the manual's examples is a bare integer, a time in UTC seconds.
  const headers: HeaderLine[] = [
    ["Cache-control", "private"],
    ["Etag", String(groupsChangedAt(world))],
    ["Content-type", "application/json"],
  ];
  return reply(200, headers, JSON.stringify(body, null, 2));
};

const negative = ({ condition, detail }: Refusal): Reply => {
  const { status, warning, text }: ConditionRow = CONDITIONS[condition];
  const headers: HeaderLine[] = warning === undefined ? [] : [["Warning", String(warning)]];
  if (text === undefined) return reply(status, headers, "");
  const sentence = detail === undefined || status !== 400 ? text : `${text}: ${detail}`;
  // The number before the text is 0 in the manual's example, whatever the Warning says.
  return reply(
    status,
    [...headers, ["Content-type", "text/html"]],
    `<HTML><body>${status} ${REASONS[status]} : 0 ${escapeHtml(sentence)}</body></HTML>`,
  );
};

/** The answer to a condition, whatever was asked. */
export const answerTo = (condition: Condition): Reply => negative(new Refusal(condition));

/** The answer to a message that is no HTTP request at all. */
export const refusedMessage = (condition: Condition, detail: string): Reply => ({
  ...negative(new Refusal(condition, detail)),
  close: true,
});

const reply = (status: number, headers: readonly HeaderLine[], text: string): Reply => {
  const body = bytesOf(text);
  return { status, headers: [SERVER, ...headers, ["Content-length", String(body.length)]], body };
};

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
