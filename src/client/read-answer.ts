/** Turns an answer, or its absence, into a Result. */
import { READINGS, type ActionRow } from "./generated/table.ts";
import type { Failure } from "./connection.ts";
import type { Answer } from "./response-reader.ts";
import type {
  Accepted,
  Delivery,
  GatewayCode,
  GatewayRefusal,
  NetworkFailure,
  NetworkReason,
  Repeat,
  Result,
} from "./result.ts";

export const readOutcome = (row: ActionRow, outcome: Answer | Failure): Result<unknown> => {
  if ("failed" in outcome) return networkFailure(row, outcome.failed, outcome.sent, outcome.text);
  const origin = outcome.headers.get("ocsgw-origin");
  const requestId = outcome.headers.get("ocsgw-request-id");
  const isAnswered = outcome.headers.get("ocsgw-delivery") === "answered";
  if (requestId !== undefined && origin === "ocs" && isAnswered) return fromOcs(row, outcome, requestId);
  if (requestId !== undefined && origin === "gateway") {
    if (isAccepted(row, outcome)) return accepted(outcome, requestId);
    const refusal = fromGateway(outcome, requestId);
    if (refusal) return refusal;
  }
  const text = `the answer ${outcome.status} is not from a gateway: is a proxy in between, or is this OCS itself?`;
  return { ...networkFailure(row, "not-a-gateway", true, text), status: outcome.status };
};

/** Only a Do-Not-Call can be accepted. */
const isAccepted = ({ req }: ActionRow, { status, headers }: Answer): boolean =>
  req === "DoNotCall" && status === 202 && headers.get("preference-applied") === "respond-async";

const accepted = ({ headers }: Answer, requestId: string): Accepted => ({
  ok: true,
  origin: "gateway",
  delivery: "not-sent",
  repeat: "safe",
  status: 202,
  code: codeIn(headers),
  value: undefined,
  text: "accepted",
  requestId,
});

export const networkFailure = (
  { repeat }: Pick<ActionRow, "repeat">,
  reason: NetworkReason,
  sent: boolean,
  text: string,
): NetworkFailure => ({
  ok: false,
  origin: "network",
  delivery: sent ? "sent-no-answer" : "not-sent",
  repeat: sent ? repeat : "safe",
  reason,
  status: undefined,
  code: undefined,
  text,
  requestId: undefined,
});

const fromOcs = (row: ActionRow, answer: Answer, requestId: string): Result<unknown> => {
  const { status, headers, body } = answer;
  const common = { origin: "ocs", delivery: "answered", repeat: "no", status, requestId } as const;
  const code = codeIn(headers);
  if (status !== 200) {
    const warning = headers.get("warning") ?? "";
    return {
      ok: false,
      ...common,
      code,
      ocsError: /^\d{1,9}$/.test(warning) ? Number(warning) : undefined,
      text: textOf(body),
      reading: READINGS[row.resource][status] ?? "a status that the manual does not have",
    };
  }
  if (!row.answersBody) return { ok: true, ...common, code, value: undefined, text: "done" };
  const value = jsonIn(body);
  return value === undefined
    ? networkFailure(row, "malformed-answer", true, "the answer of OCS is not JSON")
    : { ok: true, ...common, code, value, text: "done" };
};

const DELIVERIES: ReadonlySet<string> = new Set<Delivery>(["not-sent", "answered", "sent-no-answer"]);
const REPEATS: ReadonlySet<string> = new Set<Repeat>(["safe", "check-first", "no"]);

/** Undefined if a refusal of the gateway would look different. */
const fromGateway = ({ status, headers, body }: Answer, requestId: string): GatewayRefusal | undefined => {
  const code = codeIn(headers);
  const delivery = headers.get("ocsgw-delivery") ?? "";
  if (code === undefined || !DELIVERIES.has(delivery) || status < 400) return undefined;
  const repeat = headers.get("ocsgw-repeat") ?? "";
  const problem = jsonIn(body) as { readonly detail?: unknown; readonly pointer?: unknown } | undefined;
  const wait = headers.get("retry-after") ?? "";
  return {
    ok: false,
    origin: "gateway",
    delivery: delivery as Delivery,
    // Without the header the same request would be refused again.
    repeat: REPEATS.has(repeat) ? (repeat as Repeat) : "no",
    status,
    code,
    text: typeof problem?.detail === "string" ? problem.detail : textOf(body),
    pointer: typeof problem?.pointer === "string" ? problem.pointer : undefined,
    retryAfter: /^\d{1,9}$/.test(wait) ? Number(wait) : undefined,
    requestId,
  };
};

const codeIn = (headers: ReadonlyMap<string, string>): GatewayCode | undefined => {
  const code = headers.get("ocsgw-code") ?? "";
  return /^OCSGW-\d{4}$/.test(code) ? (code as GatewayCode) : undefined;
};

/** An object; undefined for anything else. */
const jsonIn = (body: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};

const ENTITIES: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };

/** The words of a page of HTML or of plain text. */
const textOf = (body: string): string =>
  body
    .replaceAll(/<[^<>]*>/g, " ")
    .replaceAll(/&(?:lt|gt|quot|amp);/g, (entity) => ENTITIES[entity]!)
    .replaceAll(/\s+/g, " ")
    .trim();
