/**
 * The admin listener: finds the route of a request, checks who asks and what, and answers. Nothing here can send to
 * OCS.
 */
import { events } from "../common/log/events.ts";
import { BodyFault, type Arrival, type Handler, type Reply } from "../common/message.ts";
import { FilterError } from "../journal/search/filter/filter.ts";
import { InvalidQuestion, SearchFailed } from "../journal/search/worker/search-worker.ts";
import { SearchTimeout } from "../journal/search/worker/time-limit.ts";
import { AUDIT_ROUTES } from "./api/audit.ts";
import { CONFIG_ROUTES } from "./api/config.ts";
import { DNC_ROUTES } from "./api/dnc/dnc.ts";
import { FILTER_ROUTES } from "./api/filter.ts";
import { EVIDENCE_ROUTES, type EvidenceDeps } from "./api/evidence/evidence.ts";
import { FLOW_ROUTES } from "./api/flows.ts";
import { HELP_ROUTES } from "./api/help.ts";
import { NOW_ROUTES } from "./api/now.ts";
import { OIDC_ROUTES } from "./api/oidc.ts";
import { NODE_ROUTES } from "./api/nodes/node-routes.ts";
import { OUTBOX_ROUTES } from "./api/dnc/outbox.ts";
import { RETENTION_ROUTES } from "./api/retention.ts";
import { REVOCATION_ROUTES } from "./api/revocations.ts";
import { SANDBOX_ROUTES } from "./api/sandbox.ts";
import { SESSION_ROUTES } from "./api/session.ts";
import { STATUS_ROUTES } from "./api/status.ts";
import { InvalidInput, readBody, readQuery } from "./input.ts";
import { clientsApiRoute, openApiRoute } from "./openapi/openapi-route.ts";
import { CLUSTER_ROUTES } from "./cluster-routes.ts";
import { pathOf } from "./probes.ts";
import { faulty, json } from "./replies.ts";
import type { GuardedRoute, OpenRoute, Question, Route } from "./route.ts";
import { RouteTable } from "./route-table.ts";
import type { ConsoleFiles } from "./static/console-files.ts";
import { consolePage } from "./static/console-page.ts";
import { isScoped } from "./scope.ts";
import { arrivalOf, type AnswerHere } from "./peers/nodes.ts";
import type { Authenticate, Viewer } from "./viewer.ts";

type DepsOf<Rows> = Rows extends readonly Route<infer Deps>[] ? Deps : never;

/** What all routes need together. */
export type AdminDeps = DepsOf<typeof STATUS_ROUTES> &
  DepsOf<typeof SESSION_ROUTES> &
  DepsOf<typeof OIDC_ROUTES> &
  DepsOf<typeof CONFIG_ROUTES> &
  DepsOf<typeof REVOCATION_ROUTES> &
  DepsOf<typeof FILTER_ROUTES> &
  DepsOf<typeof FLOW_ROUTES> &
  DepsOf<typeof AUDIT_ROUTES> &
  DepsOf<typeof DNC_ROUTES> &
  DepsOf<typeof NODE_ROUTES> &
  DepsOf<typeof OUTBOX_ROUTES> &
  DepsOf<typeof NOW_ROUTES> &
  DepsOf<typeof HELP_ROUTES> &
  EvidenceDeps &
  DepsOf<typeof CLUSTER_ROUTES> &
  DepsOf<typeof RETENTION_ROUTES> &
  DepsOf<readonly [ReturnType<typeof openApiRoute>]> & {
    readonly whoAsks: Authenticate;
    readonly consoleFiles: ConsoleFiles;
    /** Answers requests for /docs; undefined for other paths. */
    readonly docs: (arrival: Arrival, path: string) => Promise<Reply> | undefined;
    /** Undefined but for `ocsgw sandbox`. */
    readonly sandbox?: DepsOf<typeof SANDBOX_ROUTES>["sandbox"] | undefined;
  };

type SandboxDeps = AdminDeps & DepsOf<typeof SANDBOX_ROUTES>;

const USUAL: readonly Route<AdminDeps>[] = [
  ...STATUS_ROUTES,
  ...SESSION_ROUTES,
  ...OIDC_ROUTES,
  ...CONFIG_ROUTES,
  ...REVOCATION_ROUTES,
  ...FILTER_ROUTES,
  ...FLOW_ROUTES,
  ...AUDIT_ROUTES,
  ...DNC_ROUTES,
  ...NODE_ROUTES,
  ...OUTBOX_ROUTES,
  ...NOW_ROUTES,
  ...HELP_ROUTES,
  ...EVIDENCE_ROUTES,
  ...CLUSTER_ROUTES,
  ...RETENTION_ROUTES,
];

export const ROUTES: readonly Route<AdminDeps>[] = [...USUAL, openApiRoute(() => ROUTES), clientsApiRoute()];

/** Those of `ocsgw sandbox`. */
export const ROUTES_IN_SANDBOX: readonly Route<SandboxDeps>[] = [
  ...USUAL,
  ...SANDBOX_ROUTES,
  openApiRoute(() => ROUTES_IN_SANDBOX),
  clientsApiRoute(),
];

const TABLE = new RouteTable(ROUTES);
const TABLE_IN_SANDBOX = new RouteTable(ROUTES_IN_SANDBOX);

/** Never rejects: an unexpected error is logged and answered with 500. */
export const createAdminRoutes = (given: Omit<AdminDeps, "here">): Handler => {
  // Questions to all nodes are questions to the own one too.
  const deps: AdminDeps = {
    ...given,
    whoAsks: given.peerDesk?.before(given.whoAsks) ?? given.whoAsks,
    here: (...asked) => here(...asked),
  };
  const here = answerHere(TABLE, deps);
  const otherwise = (arrival: Arrival): Otherwise => {
    const path = pathOf(arrival);
    return deps.docs(arrival, path) ?? consolePage(deps.consoleFiles, arrival, path);
  };
  const { sandbox, peerDesk } = deps;
  const handler = sandbox
    ? dispatch(TABLE_IN_SANDBOX, { ...deps, sandbox }, otherwise)
    : dispatch(TABLE, deps, otherwise);
  return peerDesk ? peerDesk.named(handler) : handler;
};

type Otherwise = Promise<Reply> | Reply | undefined;

type Dispatching = Pick<AdminDeps, "whoAsks"> & { readonly sessions?: Pick<AdminDeps["sessions"], "crossSiteFault"> };

/** The handler of any table of routes. `otherwise`: replies to paths that the table does not have. */
export const dispatch =
  <Deps extends Dispatching>(
    table: RouteTable<Deps>,
    deps: Deps,
    otherwise: (arrival: Arrival) => Otherwise = () => undefined,
  ): Handler =>
  async (arrival) => {
    if (arrival.fault) return faulty(arrival.fault);
    const path = pathOf(arrival);
    const foreign = deps.sessions?.crossSiteFault(arrival, !path.startsWith("/api/"));
    if (foreign !== undefined) return json(403, { error: foreign });
    const found = table.at(path);
    if (!found) return (await otherwise(arrival)) ?? json(404, { error: "unknown path" });
    const row = found.rows.find((each) => methodsOf(each).includes(arrival.method));
    if (!row) return wrongMethod(found.rows.flatMap(methodsOf));
    try {
      const asked = { params: found.params, arrival, gone: arrival.gone };
      if (row.roles === "anyone") return await answerOpen(row, deps, asked);
      const viewer = await deps.whoAsks(arrival);
      if ("rejected" in viewer) return viewer.rejected;
      return await answerViewer(row, deps, { ...asked, viewer, gone: untilEnd(arrival, viewer) });
    } catch (error) {
      return replyTo(error, arrival);
    }
  };

/** Answers questions of this node itself for a viewer, as if that viewer had asked here. */
const answerHere =
  <Deps>(table: RouteTable<Deps>, deps: Deps): AnswerHere =>
  async (viewer, question) => {
    const arrival = arrivalOf(question);
    const { rows, params } = table.at(pathOf(arrival)) ?? { rows: [], params: {} };
    const row = rows.find(({ method }) => method === question.method);
    if (!row || row.roles === "anyone") return json(404, { error: "unknown path" });
    return answerViewer(row, deps, { params, arrival, gone: question.gone, viewer });
  };

/** Never rejects. */
const answerViewer = async <Deps>(
  row: GuardedRoute<Deps>,
  deps: Deps,
  asked: Asked & Pick<Question, "viewer">,
): Promise<Reply> => {
  try {
    return refusal(row, asked.viewer) ?? (await answer(row, deps, asked));
  } catch (error) {
    return replyTo(isScoped(asked.viewer) ? withoutCounts(error) : error, asked.arrival);
  }
};

const methodsOf = (row: Pick<Route<never>, "method"> & { readonly head?: true }): readonly string[] =>
  row.head ? [row.method, "HEAD"] : [row.method];

const wrongMethod = (methods: readonly string[]): Reply =>
  json(405, { error: `${methods.join(" and ")} only` }, [["Allow", methods.join(", ")]]);

/** Why this viewer may not use this route. */
const refusal = <Deps>(
  { roles, scope, peers }: GuardedRoute<Deps>,
  { name, tenants, node, ...viewer }: Viewer,
): Reply | undefined => {
  if (node !== undefined && peers === undefined) return json(403, { error: "other nodes may not ask this" });
  if (node === undefined && peers === "only") return json(403, { error: "only other nodes may ask this" });
  if (!roles.some((role) => viewer.roles.includes(role)))
    return json(403, {
      error: `this needs the role ${roles.join(" or ")}; ${name} has ${viewer.roles.join(", ") || "no role"}`,
    });
  if (scope !== "by-tenant" && tenants !== "all")
    return json(403, { error: `this is about the whole gateway, and ${name} may see single tenants only` });
  return undefined;
};

const untilEnd = ({ gone }: Arrival, { ended }: Viewer): AbortSignal => (ended ? AbortSignal.any([gone, ended]) : gone);

type Asked = Pick<Question, "params" | "arrival" | "gone">;

/** Without a schema the query of an open route is ignored: load balancers and scrapers add what they want. */
const answerOpen = <Deps>(row: OpenRoute<Deps>, deps: Deps, asked: Asked): Promise<Reply> | Reply =>
  row.query || row.body
    ? withInput(row, asked, row.query !== undefined, (input) => row.answer(deps, { ...asked, ...input }))
    : row.answer(deps, { ...asked, query: undefined, body: undefined });

const answer = <Deps>(row: GuardedRoute<Deps>, deps: Deps, asked: Asked & Pick<Question, "viewer">): Promise<Reply> =>
  withInput(row, asked, true, (input) => row.answer(deps, { ...asked, ...input }));

const withInput = async (
  row: Pick<Route<never>, "query" | "body" | "invalidBody">,
  { arrival }: Asked,
  readsQuery: boolean,
  then: (input: Pick<Question, "query" | "body">) => Promise<Reply> | Reply,
): Promise<Reply> => {
  const query = readsQuery ? readQuery(arrival.target, row.query) : undefined;
  if (query instanceof InvalidInput) return json(400, { error: query.message });
  const body = row.body && (await readBody(arrival, row.body));
  if (body instanceof InvalidInput) return json(row.invalidBody ?? 400, { error: body.message });
  return await then({ query, body });
};

/** What a search thread says can count the entries of all tenants, or quote a file. */
const withoutCounts = (error: unknown): unknown => {
  if (error instanceof SearchTimeout)
    return new SearchTimeout("the search took too long: search a shorter time (since:, until:), or for an exact name");
  return error instanceof SearchFailed ? new SearchFailed("the search failed; try again later") : error;
};

const replyTo = (error: unknown, { id }: Pick<Arrival, "id">): Reply => {
  if (error instanceof BodyFault) return json(400, { error: error.message }, [], true);
  if (error instanceof FilterError) {
    const { message, fault } = error;
    const { at, length, help } = fault;
    return json(400, { error: error.render(), filter: { message, at, length, ...(help !== undefined && { help }) } });
  }
  if (error instanceof InvalidQuestion) return json(400, { error: error.message });
  // No Retry-After: the same question would take as long again.
  if (error instanceof SearchTimeout) return json(503, { error: error.message });
  if (error instanceof SearchFailed) return json(503, { error: error.message }, [["Retry-After", "5"]]);
  events.internalError({ id, error });
  return json(500, { error: "internal error; see the gateway's log" });
};
