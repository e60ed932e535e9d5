/** Logging in to the console and out of it. */
import { z } from "zod";
import type { Arrival, HeaderLine, Reply } from "../../common/message.ts";
import { json } from "../replies.ts";
import { openRoute, route, type Route } from "../route.ts";
import { NobodyLoggedIn, Session } from "../schemas/session.ts";
import { knownCookie, noCookies, sessionCookie } from "../sessions/cookie.ts";
import type { Session as OpenSession } from "../sessions/session-store.ts";
import type { Login } from "../sessions/login.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { ROLES, type Authenticate, type Viewer } from "../viewer.ts";

type Deps = {
  readonly sessions: Sessions;
  readonly whoAsks: Authenticate;
  /** Undefined but for `ocsgw sandbox`. */
  readonly sandbox?: unknown;
};

const FAILURES = {
  401: "the name or the password is wrong, or the user is disabled; the answer does not say which",
  409: "the config names no users",
  429: "too many failed logins from this address or with this name (Retry-After)",
  503: "too many logins at once (Retry-After), or the journal cannot record the login",
} as const;
/** A link is shown and used by the same person, at once. */
const LINK_MS = 10 * 60_000;
const MAKER = "expected the name of the account that makes the link, on one line";
const NAME = "expected a name of 1 to 64 characters";

export const SESSION_ROUTES: readonly Route<Deps>[] = [
  openRoute({
    method: "GET",
    path: "/api/session",
    summary: "Who is logged in, with which roles and for how long; counts as use of the session",
    roles: "anyone",
    reply: Session,
    others: { 401: { when: "nobody is logged in", body: NobodyLoggedIn } },
    answer: async (deps: Deps, { arrival }) => {
      const { sessions, whoAsks } = deps;
      const viewer = await whoAsks(arrival);
      if (!("rejected" in viewer)) return json(200, holderOf(deps, viewer, sessions.find(arrival)));
      return json(
        401,
        {
          error: "nobody is logged in",
          passwords: sessions.acceptsPasswords,
          provider: sessions.provider ?? null,
          problem: sessions.providerProblem(arrival) ?? null,
        },
        cookiesOf(viewer.rejected),
      );
    },
  }),
  openRoute({
    method: "POST",
    path: "/api/session",
    summary: "Logs a user in with name and password",
    roles: "anyone",
    body: z.strictObject({
      name: z.string(NAME).min(1, NAME).max(64, NAME),
      password: z.string("expected a password"),
    }),
    reply: Session,
    others: FAILURES,
    answer: async (deps: Deps, { body, arrival }) => loggedIn(deps, arrival, await deps.sessions.logIn(body, arrival)),
  }),
  openRoute({
    method: "POST",
    path: "/api/session/link",
    summary: "Logs in with the token of a one-time link",
    roles: "anyone",
    body: z.strictObject({ token: z.string("expected a token") }),
    reply: Session,
    others: { 401: "the link is unknown, used or expired", 503: FAILURES[503] },
    answer: async (deps: Deps, { body, arrival }) =>
      loggedIn(deps, arrival, await deps.sessions.logInByLink(body.token, arrival.source), "link"),
  }),
  route({
    method: "POST",
    path: "/api/session/links",
    summary: "Makes a one-time link to the console with every role; for holders of the admin token only",
    roles: ["operator"],
    scope: "whole-gateway",
    body: z.strictObject({ user: z.string(MAKER).regex(/^[^\p{C}]{1,100}$/u, MAKER) }),
    reply: z.strictObject({
      token: z.string().describe("For the address of the console: /#k=<token>"),
      valid: z.int().describe("Milliseconds in which the link can be used once"),
    }),
    answer: ({ sessions }: Deps, { viewer, body }) =>
      viewer.via === "token"
        ? json(200, { token: sessions.createLink({ maker: body.user }, LINK_MS), valid: LINK_MS })
        : json(403, { error: "only a holder of the admin token can make a link" }),
  }),
  route({
    method: "DELETE",
    path: "/api/session",
    summary: "Logs out; with everywhere=true, ends all sessions of this user",
    roles: [...ROLES],
    scope: "by-tenant",
    query: z.strictObject({ everywhere: z.enum(["true", "false"]).optional() }),
    reply: z.strictObject({
      ended: z.int().describe("Number of sessions that ended"),
      provider: z
        .string()
        .nullable()
        .describe("Where the browser ends the session at the OpenID provider too; null if there is none"),
    }),
    others: { 409: "the admin token was used, which has no session" },
    answer: async ({ sessions }: Deps, { query, arrival }) => {
      const session = sessions.find(arrival);
      if (!session) return json(409, { error: "there is no session: the admin token was used" });
      const ended = await sessions.logOut(session, arrival.source, query.everywhere === "true");
      const provider = (await sessions.providerLogOut(session)) ?? null;
      return json(200, { ended, provider }, noCookies(sessions.port));
    },
  }),
];

const holderOf = (
  { sessions, sandbox }: Pick<Deps, "sessions" | "sandbox">,
  { name, roles, tenants, via }: Viewer,
  session: OpenSession | undefined,
) => ({
  name,
  roles,
  tenants,
  via,
  csrf: via === "session" && session ? session.csrf : null,
  ends: via === "session" && session ? sessions.left(session) : null,
  sandbox: sandbox !== undefined,
});

const cookiesOf = ({ headers }: Reply): readonly HeaderLine[] => headers.filter(([name]) => name === "Set-Cookie");

/** Any earlier session of this browser ends: its id may be known to somebody else. */
const loggedIn = (
  deps: Pick<Deps, "sessions" | "sandbox">,
  arrival: Pick<Arrival, "headers">,
  login: Login,
  how: "password" | "link" = "password",
): Reply => {
  if ("failed" in login) return failed(login, how);
  const { id, session, mark } = login;
  const viewer = session.holder.viewer();
  if (!viewer) return failed({ failed: "rejected" }, how);
  const { sessions } = deps;
  sessions.replace(arrival);
  const place = sessions.placeOf(arrival);
  const known = mark === undefined ? [] : [knownCookie(mark, place)];
  return json(200, holderOf(deps, viewer, session), [sessionCookie(id, place), ...known]);
};

const failed = (login: Extract<Login, { failed: string }>, how: "password" | "link"): Reply => {
  switch (login.failed) {
    case "rejected":
    case "unavailable":
      return json(401, {
        error:
          how === "password"
            ? "the name or the password is wrong, or this user is disabled"
            : "this link is unknown, used or expired; ocsgw admins link makes a new one",
      });
    case "no users":
      return json(409, { error: "the config has no admin.users; ocsgw admins link makes a link to the console" });
    case "not recorded":
      return json(503, {
        error:
          "the journal cannot record this login, so it is refused; ocsgw status shows why, on the gateway's machine",
      });
    case "busy":
      return later(503, "too many logins at once", login.retryAfter);
    case "throttled":
      return later(429, "too many failed logins", login.retryAfter);
  }
};

const later = (status: number, what: string, seconds: number): Reply =>
  json(status, { error: `${what}; try again in ${seconds} s` }, [["Retry-After", String(seconds)]]);
