/**
 * The admin API as the pages ask it: same origin, JSON, with the session's cookie or the admin token. Every failure is
 * an `ApiError` with a sentence for people.
 */
import { S } from "./strings.ts";

/** What lets a request in: a token that is held in memory only, or a session's cookie and its CSRF value. */
export type Credential = { readonly token?: string | undefined; readonly csrf?: string | undefined };

let credential: Credential = {};
let onUnauthorized: (() => void) | undefined;

export const useCredential = (given: Credential): void => {
  credential = given;
};

/** Called when the gateway no longer accepts the credential. */
export const whenUnauthorized = (call: () => void): void => {
  onUnauthorized = call;
};

let lastInput = 0;

/** To be called when the user presses a key or a button, or scrolls. */
export const noteInput = (): void => {
  lastInput = performance.now();
};

/** Without input for so long, what the page asks is a refresh, which does not keep the session open. */
const IDLE_MS = 60_000;

/** Why and where a filter is invalid. `at`: counted from 0. */
export type FilterPlace = {
  readonly message: string;
  readonly at: number;
  readonly length: number;
  readonly help?: string;
};

export class ApiError extends Error {
  override readonly name = "ApiError";
  /** 0: no answer. */
  readonly status: number;
  /** Seconds after which the gateway suggests to try again. */
  readonly retryAfter: number;
  readonly filter: FilterPlace | undefined;
  /** The body, where it was JSON. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>, retryAfter = 0) {
    super(reasonIn(body) ?? (status === 0 ? S.api.unreachable : S.api.failed(status)));
    [this.status, this.body, this.retryAfter] = [status, body, retryAfter];
    this.filter = placeIn(body["filter"]);
  }
}

const reasonIn = ({ error, detail, title }: Readonly<Record<string, unknown>>): string | undefined =>
  [error, detail, title].find((each): each is string => typeof each === "string" && each !== "");

const placeIn = (value: unknown): FilterPlace | undefined => {
  const { message, at, length, help } = (value ?? {}) as Record<string, unknown>;
  if (typeof message !== "string" || typeof at !== "number" || typeof length !== "number") return undefined;
  return { message, at, length, ...(typeof help === "string" && { help }) };
};

type Query = Readonly<Record<string, string | number | boolean | undefined>>;
type Options = {
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
};

const urlOf = (path: string, query: Query = {}): string => {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
};

/** Resolves to a reply with a status below 400, whose body is not yet read. */
export const send = async (method: string, path: string, options: Options = {}): Promise<Response> => {
  const { query, body, signal, headers } = options;
  const { token, csrf } = credential;
  const response = await fetch(urlOf(path, query), {
    method,
    credentials: "same-origin",
    cache: "no-store",
    redirect: "error",
    ...(signal && { signal }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: {
      Accept: "application/json",
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(performance.now() - lastInput > IDLE_MS && { "Ocsgw-Background": "1" }),
      ...(csrf !== undefined && method !== "GET" && { "Ocsgw-Csrf": csrf }),
      ...headers,
    },
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, {});
  });
  if (response.status < 400) return response;
  if (response.status === 401 && !path.startsWith("/api/session")) onUnauthorized?.();
  throw new ApiError(response.status, await bodyOf(response), Number(response.headers.get("Retry-After") ?? 0) || 0);
};

const bodyOf = async (response: Response): Promise<Record<string, unknown>> => {
  try {
    const value: unknown = await response.json();
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
};

const read = async <Value>(response: Response): Promise<Value> => {
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as Value;
};

export const get = async <Value>(path: string, query?: Query, signal?: AbortSignal): Promise<Value> =>
  read<Value>(await send("GET", path, { ...(query && { query }), ...(signal && { signal }) }));

export const post = async <Value>(path: string, body?: unknown, signal?: AbortSignal): Promise<Value> =>
  read<Value>(await send("POST", path, { ...(body !== undefined && { body }), ...(signal && { signal }) }));

export const remove = async <Value>(path: string, query?: Query): Promise<Value> =>
  read<Value>(await send("DELETE", path, { ...(query && { query }) }));
