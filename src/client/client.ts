/**
 * `import { ocs } from "ocs-gateway/client"`: a typed client of OCS behind the gateway, for Node 20, Deno and Bun. One
 * function for each action; a call resolves to a Result, and never sends anything twice.
 */
import { Connection } from "./connection.ts";
import type { Api } from "./generated/api.ts";
import { ACTIONS, type ActionRow, type ResourceFunction } from "./generated/table.ts";
import { encodeBody, encodeIdentifier, encodeRequest } from "./encode.ts";
import {
  credentialOf,
  readBaseUrl,
  readMilliseconds,
  readTls,
  keyHeader,
  preferHeader,
  tenantHeader,
  type CallOptions,
  type ClientOptions,
} from "./options.ts";
import { networkFailure, readOutcome } from "./read-answer.ts";
import type { Result } from "./result.ts";
import { Turns } from "./turns.ts";

export type * from "./generated/api.ts";
export type * from "./generated/bodies.ts";
export * from "./generated/enumerations.ts";
export type { TlsOptions } from "./connection.ts";
export type * from "./group-status.ts";
export type { CallOptions, ClientOptions } from "./options.ts";
export type * from "./result.ts";

export type Client = Api & {
  /** Ends the connection after the call that is under way. Calls that wait for their turn resolve to `closed`. */
  readonly close: () => void;
};

type Call = {
  readonly row: ActionRow;
  readonly identifier: string | undefined;
  readonly body: unknown;
  readonly options: CallOptions;
};

/**
 * One client has one connection and sends one request at a time, in the order of the calls. Throws TypeError for
 * options that cannot work.
 */
export const ocs = (options: ClientOptions): Client => {
  const url = readBaseUrl(options.baseUrl);
  const credential = credentialOf(options);
  const timeout = readMilliseconds("timeout", options.timeout, 30_000);
  tenantHeader(options.tenant);
  const connection = new Connection({
    url,
    tls: readTls(options.tls),
    connectTimeoutMs: readMilliseconds("connectTimeout", options.connectTimeout, 5_000),
    keepAliveMs: readMilliseconds("keepAlive", options.keepAlive, 60_000),
  });
  const turns = new Turns();

  const call = async ({ row, identifier, body, options: own }: Call): Promise<Result<unknown>> => {
    if (turns.closed) throw new TypeError("this client is closed");
    const text = encodeBody(row, body);
    const asked = [
      ...tenantHeader(own.tenant ?? options.tenant),
      ...keyHeader(row.req, own.idempotencyKey),
      ...preferHeader(row.req, own.respondAsync),
    ];
    const judged: ActionRow = own.idempotencyKey === undefined ? row : { ...row, repeat: "safe" };
    const cancel = cancellation(own.signal, readMilliseconds("timeout", own.timeout, timeout));
    try {
      const outcome = await turns.take(cancel.signal, async () => {
        const secret = await unlessAborted(credential(), cancel.signal);
        if (secret === undefined) return undefined;
        const headers = [...secret, ...asked];
        const request = encodeRequest(row, identifier, text, { host: url.host, headers });
        return connection.exchange(request, cancel.signal);
      });
      return outcome === undefined ? cancelled(judged, cancel.signal) : readOutcome(judged, outcome);
    } finally {
      cancel.end();
    }
  };

  const close = (): void => {
    turns.close(() => connection.close());
  };
  return { ...functionsFor(call), close };
};

/** Undefined if the signal aborts first. */
const unlessAborted = <Value>(promise: Value | Promise<Value>, signal: AbortSignal): Promise<Value | undefined> => {
  let abort = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    abort = () => resolve(undefined);
    signal.addEventListener("abort", abort);
  });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", abort));
};

const WHY = { timeout: "timeout", closed: "closed" } as const;

/** The call ended while it waited for its turn. */
const cancelled = (row: ActionRow, { reason, aborted }: AbortSignal): Result<unknown> => {
  const why = aborted ? (WHY[reason as "timeout"] ?? "aborted") : "closed";
  return networkFailure(row, why, false, `the call ended before its turn: ${why}`);
};

/** Aborts with "timeout" or, for the caller's signal, with "aborted". */
const cancellation = (
  signal: AbortSignal | undefined,
  timeoutMs: number,
): { readonly signal: AbortSignal; readonly end: () => void } => {
  const controller = new AbortController();
  const abort = (): void => controller.abort("aborted");
  const timer = setTimeout(() => controller.abort("timeout"), timeoutMs);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    },
  };
};

type Send = (call: Call) => Promise<Result<unknown>>;

/** `api.phones("…").doNotCall(body, options)` and the others, from the table. */
const functionsFor = (send: Send): Api =>
  Object.fromEntries(
    Object.entries(ACTIONS).map(([name, rows]) => [
      name,
      (...about: readonly unknown[]) => methodsFor(send, name as ResourceFunction, rows, about),
    ]),
  ) as unknown as Api;

const methodsFor = (
  send: Send,
  name: ResourceFunction,
  rows: Readonly<Record<string, ActionRow>>,
  about: readonly unknown[],
): object => {
  const isWhole = about.length === 0 && name === "campaignGroups";
  const identifier = isWhole ? undefined : encodeIdentifier(about[0], name);
  return Object.fromEntries(
    Object.entries(rows)
      .filter(([, { method }]) => !isWhole || method === "GET")
      .map(([method, row]) => [
        method,
        // A GET has no body, so its first argument are the options.
        row.method === "GET"
          ? (options: CallOptions = {}) => send({ row, identifier, body: undefined, options })
          : (body?: unknown, options: CallOptions = {}) => send({ row, identifier, body, options }),
      ]),
  );
};
