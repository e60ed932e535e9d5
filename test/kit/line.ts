/** A gateway's line without sockets or disk: what it journals and what it would send can be looked at. */
import { createPipeline, type PipelineDeps } from "../../src/gateway/pipeline.ts";
import type { Answer, Order } from "../../src/gateway/types.ts";
import type { Entry } from "../../src/journal/entry.ts";
import { createRedactor } from "../../src/journal/redact.ts";
import {
  bytesOf,
  headerOf,
  type Arrival,
  type Fault,
  type Handler,
  type HeaderLine,
  type Reply,
} from "../../src/common/message.ts";
import { ACTION_NAMES } from "../../src/ocs/catalog.ts";
import { UpstreamError } from "../../src/upstream/types.ts";
import { Ownership } from "../../src/ownership/ownership.ts";
import { createQuota } from "../../src/tenancy/quota.ts";
import { createRegistry, type Tenant } from "../../src/tenancy/registry.ts";

export const aTenant = (over: Partial<Tenant> = {}): Tenant => ({
  name: "Alpha Tenant",
  dbid: 101,
  upstream: "ocs",
  clients: new Map([["alpha", { actions: new Set(ACTION_NAMES), campaignGroups: undefined }]]),
  campaigns: new Set(["Alpha Campaign"]),
  campaignGroups: new Map([
    [106, { dbid: 106, name: "Alpha Campaign@Alpha Agents", campaignId: 139, groupId: 234 }],
    [115, { dbid: 115, name: "Alpha Winback@Alpha Agents", campaignId: undefined, groupId: undefined }],
  ]),
  lists: new Set(["Alpha List"]),
  records: "dedicated",
  observes: false,
  fields: undefined,
  limits: { requests: undefined, actions: new Map() },
  ...over,
});

export const beta = (over: Partial<Tenant> = {}): Tenant =>
  aTenant({
    name: "Beta Tenant",
    dbid: 102,
    clients: new Map([["beta", { actions: new Set(ACTION_NAMES), campaignGroups: undefined }]]),
    campaigns: new Set(["Beta Campaign"]),
    lists: new Set(["Beta List"]),
    campaignGroups: new Map([[208, { dbid: 208, name: "Beta Campaign@Beta Agents", campaignId: 146, groupId: 244 }]]),
    ...over,
  });

type Ask = {
  id?: string;
  method?: string;
  target: string;
  body?: string | Uint8Array;
  as?: string;
  headers?: readonly HeaderLine[];
  fault?: Fault;
  surplus?: boolean;
  gone?: AbortSignal;
};

export const anArrival = ({
  id = "01KAPQ7Z8M3VABCDEFGHJKMNPQ",
  method = "POST",
  target,
  body = "",
  as = "alpha",
  headers = [],
  fault,
  surplus = false,
  gone,
}: Ask): Arrival => ({
  id,
  at: performance.now(),
  method,
  target,
  headers: [["X-Client", as], ...headers],
  source: "127.0.0.1",
  listener: "clients",
  ...(fault && { fault }),
  body: () => Promise.resolve(typeof body === "string" ? bytesOf(body) : body),
  surplus: () => Promise.resolve(surplus),
  gone: gone ?? new AbortController().signal,
});

export const anAnswer = (over: Partial<Answer> & { text?: string } = {}): Answer => ({
  status: 200,
  headers: [["server", "OCS/8.1.524.04"]],
  body: bytesOf(over.text ?? ""),
  lane: "ocs/1",
  endpoint: "http://ocs",
  waits: { queue: 0.1, ocs: 1 },
  ...over,
});

export type TestLine = {
  readonly handler: Handler;
  readonly ask: (ask: Ask) => Promise<Reply>;
  readonly journal: Entry[];
  readonly sent: Order[];
};

type Setting = {
  tenants?: readonly Tenant[];
  send?: PipelineDeps["send"];
  append?: PipelineDeps["append"];
  errorFormat?: ReturnType<PipelineDeps["errorFormat"]>;
  identify?: PipelineDeps["identify"];
  ownership?: PipelineDeps["ownership"];
  observe?: PipelineDeps["observe"];
  inForce?: NonNullable<PipelineDeps["inForce"]>;
  acceptsType?: NonNullable<PipelineDeps["acceptsType"]>;
  requests?: PipelineDeps["requests"];
  claimKey?: PipelineDeps["claimKey"];
  waitFor?: NonNullable<PipelineDeps["waitFor"]>;
  outbox?: NonNullable<PipelineDeps["outbox"]>;
};

/** An outbox in which nothing waits and that takes everything. */
export const outboxWith = (
  over: Partial<NonNullable<PipelineDeps["outbox"]>> = {},
): NonNullable<PipelineDeps["outbox"]> => ({
  isShared: false,
  hasRoom: () => true,
  accept: () => Promise.resolve(),
  begin: () => undefined,
  pendingFor: () => undefined,
  ...over,
});

export const aLine = ({
  tenants = [aTenant(), beta()],
  send,
  append,
  errorFormat = "auto",
  identify,
  ownership,
  observe,
  inForce,
  acceptsType,
  requests,
  claimKey,
  waitFor,
  outbox,
}: Setting = {}): TestLine => {
  const journal: Entry[] = [];
  const sent: Order[] = [];
  const quota = createQuota(tenants);
  const line = createPipeline({
    identify:
      identify ??
      (({ headers }) => {
        const client = headerOf(headers, "X-Client");
        return client === undefined || client === ""
          ? { denied: "no-credential", reason: "the request has no credential" }
          : { client, credential: { kind: "key", id: "k1" } };
      }),
    ...(inForce && { inForce }),
    ...(acceptsType && { acceptsType }),
    ...(requests && { requests }),
    ...(claimKey && { claimKey }),
    ...(waitFor && { waitFor }),
    ...(outbox && { outbox }),
    challenge: 'Basic realm="ocs-gateway"',
    registry: createRegistry(tenants),
    ownership: ownership ?? new Ownership({ staleAfter: () => 1_800_000, onEvent: () => undefined }),
    charge: quota.charge,
    chargeClient: quota.chargeClient,
    append: append ?? ((entry) => Promise.resolve(journal.push(entry))),
    note: (entry) => void journal.push(entry),
    redact: createRedactor(
      { phone: "last4", customer_id: "token", fields: { CUSTOMER_CODE: "token" }, others: "drop" },
      "an index key for tests only, 32+",
    ),
    send: async (order, gone) => {
      sent.push(order);
      const answer = await (send ? send(order, gone) : order.fits ? anAnswer({ text: "{}", status: 500 }) : anAnswer());
      // As a lane does.
      if (answer.status === 200 && order.fits?.(answer.body) === false)
        throw new UpstreamError("malformed-response", true, "OCS's answer is not an answer to this request");
      return answer;
    },
    errorFormat: () => errorFormat,
    observe: observe ?? (() => undefined),
    configHash: "c0ffee",
  });
  return { handler: line, ask: (ask) => line(anArrival(ask)), journal, sent };
};

export const text = ({ body }: Reply): string => Buffer.from(body).toString("utf8");
