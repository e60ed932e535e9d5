/** Logging in to the console through the OpenID provider of the config. */
import { z } from "zod";
import type { HeaderLine } from "../../common/message.ts";
import { bouncePage, CALLBACK } from "../oidc/bounce-page.ts";
import { ATTEMPT_MS } from "../oidc/login-attempts.ts";
import type { Refusal } from "../oidc/oidc-logins.ts";
import { json } from "../replies.ts";
import { openRoute, type Media, type Route } from "../route.ts";
import { loginCookie, sessionCookie } from "../sessions/cookie.ts";
import type { Sessions } from "../sessions/sessions.ts";

type Deps = { readonly sessions: Sessions };

const PAGE: Media = { media: "text/html", is: "a page from which the browser goes on by itself" };
const failedWhen = (when: string) => ({ when, body: PAGE });
const COOKIE_S = ATTEMPT_MS / 1000;

export const OIDC_ROUTES: readonly Route<Deps>[] = [
  openRoute({
    method: "POST",
    path: "/api/session/oidc",
    summary: "Begins a login through the OpenID provider; for browsers, which then go to the address in the reply",
    roles: "anyone",
    body: z.strictObject({
      return: z
        .string("expected an address")
        .describe("The page of the console to show after the login; otherwise the first"),
    }),
    reply: z.strictObject({ address: z.string().describe("Of the provider's login page, for this login only") }),
    others: {
      409: "the config names no provider, or the console is open at an address to which it does not send back",
      503: "the provider does not answer, or too many logins wait (Retry-After)",
    },
    answer: async ({ sessions }: Deps, { body, arrival }) => {
      const begun = await sessions.beginAtProvider(body.return, arrival);
      if ("problem" in begun) return json(begun.status, { error: begun.problem }, retryAfter(begun));
      const place = { port: sessions.port, isSecure: begun.isSecure };
      return json(200, { address: begun.address }, [loginCookie(begun.browser, place, COOKIE_S)]);
    },
  }),
  openRoute({
    method: "GET",
    path: CALLBACK,
    summary: "Where the OpenID provider sends the browser back (redirect URI); logs the user in",
    roles: "anyone",
    reply: PAGE,
    others: {
      400: failedWhen("the login did not begin in this browser, was used already, or has expired"),
      403: failedWhen("the provider refused the login, or said nothing that gives access"),
      409: failedWhen("the config names no provider"),
      429: failedWhen("too many failed logins from this address (Retry-After)"),
      503: failedWhen("the provider does not answer, or the journal cannot record the login"),
    },
    answer: async ({ sessions }: Deps, { arrival }) => {
      const at = arrival.target.indexOf("?");
      const done = await sessions.finishAtProvider(at === -1 ? "" : arrival.target.slice(at + 1), arrival);
      if (!("failed" in done)) return bouncePage(200, { to: done.to }, [sessionCookie(done.id, done.place)]);
      const cookie = done.browser === undefined ? [] : [loginCookie(done.browser, done.place, COOKIE_S)];
      return bouncePage(done.status, { to: "/", problem: done.problem }, [...cookie, ...retryAfter(done)]);
    },
  }),
];

const retryAfter = ({ retryAfter: seconds }: Refusal): readonly HeaderLine[] =>
  seconds === undefined ? [] : [["Retry-After", String(seconds)]];
