/**
 * One row, one route of the admin listener: who may ask, what the question looks like, and what answers it. The
 * dispatcher (`routes.ts`) checks roles, scope, parameters and body before `answer` is called; `/openapi.json` and the
 * table in `docs/reference/admin-api.md` come from the same rows.
 */
import type { z } from "zod";
import type { Arrival, Reply } from "../common/message.ts";
import type { Role, Viewer } from "./viewer.ts";

export type Method = "GET" | "POST" | "DELETE";

/** A body that is not JSON. `events`: of a stream, what each event has in `data`, by its name. */
export type Media = {
  readonly media: "text/plain" | "text/event-stream" | "text/html" | "application/octet-stream";
  readonly is: string;
  /** What a client gets that asks for it with Accept. */
  readonly or?: { readonly media: "application/openmetrics-text"; readonly is: string };
  readonly events?: Readonly<Record<string, z.ZodType>>;
};

/** Another reply than the usual one. Without `body` it is `{ "error": … }`. */
export type OtherReply = string | { readonly when: string; readonly body: z.ZodType | Media };

type Common = {
  readonly method: Method;
  /** Segments of fixed text, or a parameter in braces, which matches letters, digits, `-`, `.`, `_` and `~`. */
  readonly path: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** Parameters; none are accepted without it. Numbers and the like are coerced from text. */
  readonly query?: z.ZodObject;
  /** Request headers that the route reads, with what they mean. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The JSON body. An empty body is `undefined`. Without a schema the body is not read. */
  readonly body?: z.ZodType;
  /** The status of the reply to an invalid body; 400 unless given. */
  readonly invalidBody?: 422;
  /** The body of the usual reply. Replies are held against it in tests only. */
  readonly reply: z.ZodType | Media | "nothing";
  /** The status of the usual reply; 200 unless given. */
  readonly status?: 201 | 202 | 204;
  /** By status. 400, 401, 403, 405, 421 and 500 need no row of their own. */
  readonly others?: Readonly<Record<number, OtherReply>>;
};

/** Probes and the like: anybody may ask, nobody is asked for a credential, and parameters are ignored. */
export type OpenRoute<Deps> = Common & {
  readonly roles: "anyone";
  /** Also answers HEAD, for load balancers. */
  readonly head?: true;
  readonly answer: (deps: Deps, asked: OpenQuestion) => Promise<Reply> | Reply;
};

export type GuardedRoute<Deps> = Common & {
  /** Each of these roles may ask. */
  readonly roles: readonly [Role, ...Role[]];
  /** `by-tenant`: the answer honours `viewer.tenants`. Otherwise a viewer of some tenants only gets 403. */
  readonly scope: "by-tenant" | "whole-gateway";
  /**
   * `too`: another gateway may ask it for its user, who needs one of the roles there as here. `only`: nobody else may.
   * Without it other gateways get 403.
   */
  readonly peers?: "too" | "only";
  readonly answer: (deps: Deps, asked: Question) => Promise<Reply> | Reply;
};

export type Route<Deps> = OpenRoute<Deps> | GuardedRoute<Deps>;

/** What a row's `answer` gets, checked. `params`: as in the path, never decoded. */
export type Question<Path extends string = string, Query = unknown, Body = unknown> = {
  readonly viewer: Viewer;
  readonly params: Readonly<Record<ParamsIn<Path>, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly arrival: Omit<Arrival, "gone">;
  /** Aborts when the client disconnects, or the viewer's session ends: from then on nothing more may be sent. */
  readonly gone: AbortSignal;
};

type ParamsIn<Path extends string> = string extends Path
  ? string
  : Path extends `${string}{${infer Name}}${infer Rest}`
    ? Name | ParamsIn<Rest>
    : never;

/** What the `answer` of an open row gets. */
export type OpenQuestion<Path extends string = string, Query = unknown, Body = unknown> = Omit<
  Question<Path, Query, Body>,
  "viewer"
>;

type Typed<Row extends { readonly answer: unknown }, Path, Query, Body, Answer> = Omit<
  Row,
  "path" | "query" | "body" | "answer"
> & { readonly path: Path; readonly query?: Query; readonly body?: Body; readonly answer: Answer };

type Answer<Deps, Asked> = (deps: Deps, asked: Asked) => Promise<Reply> | Reply;

/** Gives `answer` the types of the row's path, query and body. */
export const route = <Deps, const Path extends string, Query extends z.ZodObject, Body extends z.ZodType>(
  row: Typed<GuardedRoute<Deps>, Path, Query, Body, Answer<Deps, Question<Path, z.output<Query>, z.output<Body>>>>,
): GuardedRoute<Deps> => row as unknown as GuardedRoute<Deps>;

/** The same for a row that anyone may ask. */
export const openRoute = <Deps, const Path extends string, Query extends z.ZodObject, Body extends z.ZodType>(
  row: Typed<OpenRoute<Deps>, Path, Query, Body, Answer<Deps, OpenQuestion<Path, z.output<Query>, z.output<Body>>>>,
): OpenRoute<Deps> => row as unknown as OpenRoute<Deps>;
