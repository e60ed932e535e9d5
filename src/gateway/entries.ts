/** What of a request goes into the journal, and in which words. Values are stored as `audit.redact` says, never as they came. */
import type { Entry, PresentedBy, Stage, Tokens } from "../journal/entry.ts";
import { maskNumbers } from "../mask.ts";
import { REFUSALS, type Delivery, type Refused } from "./refusals.ts";
import { settingOf, upstreamSetting } from "./setting.ts";
import type { Answer, Failure, Order, Parts, Seen } from "./words.ts";
import type { Operation } from "../ocs/target.ts";
import { looksSecret } from "../tenants/credential.ts";
import type { Ownership } from "../tenants/ownership.ts";
import type { Tenant } from "../tenants/register.ts";
import { headerOf, type Arrival } from "../message.ts";

type Waits = { readonly queue: number; readonly ocs: number };

/** Without them, an entry says as much less. */
export type Told = Pick<Parts, "redact" | "claimed"> & {
  readonly ownership?: Partial<Pick<Ownership, "epochOf" | "announcedFor">>;
};

export const intentEntry = (parts: Parts, order: Order, { arrival, wouldRefuse }: Seen): Entry => {
  const { resource, name } = order.operation.action;
  const { identifier } = order.operation;
  const { redact, configHash } = parts;
  const { announced: known, ...record } = order.lease?.record ?? {};
  const announced = known && redact.kept(known);
  return {
    kind: "intent",
    id: arrival.id,
    tenant: { dbid: order.owner.dbid, name: order.owner.name },
    client: order.client,
    credential: order.credential,
    source: arrival.source,
    listener: arrival.listener,
    resource,
    identifier:
      identifier === undefined ? null : redact.identifier(resource, identifier, order.owner.lists.has(identifier)),
    action: name,
    body: redact.body(order.attributes, (text) => isNamedBy(order.owner, text)),
    ...personIn(redact.tokens(resource, identifier, order.attributes), announced),
    config_hash: configHash,
    ...(order.lease?.record ? record : upstreamOf(parts, order.owner, order.operation)),
    ...(wouldRefuse !== undefined && { would_refuse: wouldRefuse }),
  };
};

/** Open Do-Not-Calls, and their numbers, are kept by OCS; a record handle also by the OCS's epoch. */
const upstreamOf = (
  parts: Told,
  tenant: Tenant,
  { action: { name, resource } }: Operation,
): { readonly upstream?: string; readonly epoch?: number } => {
  if (name !== "DoNotCall") return {};
  const { upstream } = tenant;
  const epoch = resource === "records" ? parts.ownership?.epochOf?.(upstream) : undefined;
  return { upstream, ...(epoch !== undefined && { epoch }) };
};

/**
 * Tokens of the person: those that the request names, else those that OCS announced the record with. Where the request
 * names some, what was announced is said besides: the two may be different people, and are never mixed.
 */
const personIn = (
  named: Tokens | undefined,
  announced: Tokens | undefined,
): { readonly tokens?: Tokens; readonly announced?: Tokens } => {
  const tokens = named ?? announced;
  return { ...(tokens && { tokens }), ...(named && announced && { announced }) };
};

export const answerEntry = (seen: Seen, answer: Answer): Entry => ({
  kind: "outcome",
  id: seen.arrival.id,
  delivery: "answered",
  origin: "ocs",
  status: answer.status,
  code: null,
  warning: warningOf(headerOf(answer.headers, "Warning")),
  waits: waitsOf(seen, answer.waits),
  lane: answer.lane,
  endpoint: answer.endpoint,
  ...(answer.suspected && { suspected: true }),
});

export const failureEntry = (
  seen: Seen,
  { owner }: Pick<Order, "owner">,
  failure: Failure,
  reason: string | undefined,
): Entry => ({
  kind: "outcome",
  id: seen.arrival.id,
  delivery: deliveryOf(failure),
  origin: "gateway",
  status: REFUSALS[failure.why].status,
  code: REFUSALS[failure.why].code,
  warning: null,
  waits: waitsOf(seen, failure.waits),
  lane: failure.lane ?? null,
  endpoint: failure.endpoint ?? null,
  ...(reason !== undefined && { reason }),
  stage: STAGES[failure.why],
  ...settingFor(owner, failure.why),
});

/** Which of the gateway's stages has failed. */
const STAGES: Readonly<Record<Failure["why"], Stage>> = {
  "queue-full": "queue",
  waited: "queue",
  abandoned: "queue",
  void: "scope",
  unclear: "scope",
  revoked: "identity",
  unreachable: "ocs",
  "no-answer": "ocs",
  cut: "ocs",
  garbled: "ocs",
};

const settingFor = (owner: Tenant, why: Failure["why"]): { readonly setting?: string } => {
  switch (why) {
    case "queue-full":
      return upstreamSetting(owner.upstream, "queue", "max");
    case "waited":
      return upstreamSetting(owner.upstream, "queue", "max_wait");
    case "no-answer":
      return upstreamSetting(owner.upstream, "timeouts", "answer");
    case "unreachable":
      return upstreamSetting(owner.upstream, "primary");
    case "void":
    case "unclear":
      return settingOf(owner, "records");
    default:
      return {};
  }
};

/** A defect of ours on the way to OCS or back: how far the request got is not known. */
export const defectEntry = (seen: Seen): Entry => ({
  kind: "outcome",
  id: seen.arrival.id,
  delivery: "sent-no-answer",
  origin: "gateway",
  status: REFUSALS.defect.status,
  code: REFUSALS.defect.code,
  warning: null,
  waits: waitsOf(seen, { queue: 0, ocs: 0 }),
  lane: null,
  endpoint: null,
});

export const abandonedEntry = (seen: Seen, failure: Failure): Entry => ({
  kind: "abandoned",
  id: seen.arrival.id,
  delivery: "not-sent",
  waits: waitsOf(seen, failure.waits),
});

/** A refusal before anything was intended: as much as is known by then. */
export const refusalEntry = (parts: Told, seen: Seen, refused: Refused): Entry => {
  const { redact } = parts;
  const { arrival, caller, operation, tenant, wouldRefuse } = seen;
  const { code, status } = REFUSALS[refused.refusal];
  return {
    kind: "refusal",
    id: arrival.id,
    tenant: tenant ? { dbid: tenant.dbid, name: tenant.name } : null,
    client: caller?.client ?? null,
    credential: caller?.credential ?? null,
    source: arrival.source,
    listener: arrival.listener,
    resource: operation?.action.resource ?? null,
    identifier:
      operation?.identifier === undefined
        ? null
        : redact.identifier(operation.action.resource, operation.identifier, tenant?.lists.has(operation.identifier)),
    action: operation?.action.name ?? null,
    ...personIn(
      operation && redact.tokens(operation.action.resource, operation.identifier, NOTHING),
      announcedFor(parts, seen),
    ),
    code,
    status,
    delivery: "not-sent",
    detail: refused.message,
    ...(refused.more.reason !== undefined && { reason: refused.more.reason }),
    ...(refused.more.pointer !== undefined && { pointer: refused.more.pointer }),
    stage: refused.more.stage ?? seen.stage,
    ...(refused.more.setting !== undefined && { setting: refused.more.setting }),
    ...(!caller && presentedIn(parts, arrival, refused.more.key)),
    waits: waitsOf(seen, { queue: 0, ocs: 0 }),
    ...(wouldRefuse !== undefined && { would_refuse: wouldRefuse }),
    ...(tenant && operation && upstreamOf(parts, tenant, operation)),
  };
};

const MOST_PATH = 100;
/** No longer target is read; what is behind it would not be shown. */
const MOST_TARGET = 2048;

/** What may be a number in it, or a customer's id behind /customer_ids/, is not written down. */
const presentedIn = (
  { claimed }: Told,
  arrival: Arrival,
  key: string | undefined,
): { readonly presented?: PresentedBy } => {
  const { client, kid, issuer } = claimed?.(arrival) ?? {};
  const masked = (name: string, text: string | undefined) => (text === undefined ? {} : { [name]: maskNumbers(text) });
  const path = pathIn(arrival.target);
  const presented: PresentedBy = {
    ...masked("client", client),
    ...masked("kid", kid),
    ...masked("issuer", issuer),
    ...(key !== undefined && { key }),
    ...(path !== undefined && { path }),
  };
  return Object.keys(presented).length === 0 ? {} : { presented };
};

/** Of an absolute form the path alone. */
const PATH = /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)/i;

/**
 * What is behind a word for people, wherever it stands in the path, and as clients misspell it. Not any length of it, so
 * that a path of nothing but such words takes no longer than another.
 */
const PERSON = /((?:phone|customer|contact|e-?mail)[^/\\:=]{0,40}[/\\:=]).+/is;
/** Between two slashes. */
const PARTS = /[^/\\]+/g;
/** Characters that end a line, or that nobody sees: some turn round what is shown behind them. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Of percent-encoding, whatever it holds; of what was encoded again, too. */
const decoded = (path: string, times = 3): string => {
  const plain = path.replaceAll(ENCODED, (codes) => Buffer.from(codes.replaceAll("%", ""), "hex").toString("utf8"));
  return times > 1 && plain !== path ? decoded(plain, times - 1) : plain;
};

const ENCODED = /(?:%[0-9a-f]{2})+/gi;

const pathIn = (target: string): string | undefined => {
  const path = PATH.exec(target.slice(0, MOST_TARGET))?.[1];
  if (path === undefined) return undefined;
  // Who encodes a slash, a letter of the name or what stands between digits means the same.
  const plain = decoded(path);
  const masked = maskNumbers(plain.replace(PERSON, `$1${HIDDEN}`).replaceAll(PARTS, withoutSecrets));
  return (masked === plain ? path : masked).replaceAll(UNSEEN, "·").slice(0, MOST_PATH);
};

const HIDDEN = "······";

/** An address is a person's, and a credential its client's. */
const withoutSecrets = (part: string): string => (part.includes("@") || looksSecret(part) ? HIDDEN : part);

/** For a caller who is known: the record is, or was, the tenant's, or one of those that the caller may speak for. */
const announcedFor = ({ redact, ownership }: Told, { operation, tenant, caller }: Seen): Tokens | undefined => {
  if (!caller || operation?.action.resource !== "records" || operation.identifier === undefined) return undefined;
  const tokens = ownership?.announcedFor?.(tenant ? [tenant] : caller.tenants, operation.identifier);
  return tokens && redact.kept(tokens);
};

const NOTHING: ReadonlyMap<string, unknown> = new Map();

/** A bare number, as the manual has it. Should OCS say more, what may be a phone in it is not written down. */
const warningOf = (warning: string | undefined): string | null =>
  warning === undefined ? null : /^\d{1,9}$/.test(warning) ? warning : maskNumbers(warning);

/** A name from the config, so not a phone number. */
const isNamedBy = ({ name, lists, campaigns }: Order["owner"], text: string): boolean =>
  text === name || lists.has(text) || campaigns.has(text);

const deliveryOf = ({ sent }: Failure): Delivery => (sent ? "sent-no-answer" : "not-sent");

const waitsOf = ({ arrival }: Seen, { queue, ocs }: Waits) => ({
  queue_ms: rounded(queue),
  ocs_ms: rounded(ocs),
  total_ms: rounded(performance.now() - arrival.at),
});

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
