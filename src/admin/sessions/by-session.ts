/** Finds out who asks the admin API: the holder of a session, or of the admin token. */
import { headerOf, type Arrival } from "../../common/message.ts";
import { json } from "../replies.ts";
import type { Authenticate } from "../viewer.ts";
import { noCookies } from "./cookie.ts";
import { isCsrfOf } from "./session-store.ts";
import type { Sessions } from "./sessions.ts";

/** Changes come with the session's own token in this header. */
export const CSRF = "Ocsgw-Csrf";

/** A request with Authorization is judged by that alone, and needs no CSRF token: no browser adds it by itself. */
export const bySession =
  (sessions: Sessions, byToken: Authenticate): Authenticate =>
  (arrival) => {
    if (headerOf(arrival.headers, "Authorization") !== undefined) return byToken(arrival);
    const session = sessions.find(arrival);
    const viewer = session?.holder.viewer();
    if (!session || !viewer) {
      if (!sessions.hasCookie(arrival)) return byToken(arrival);
      const headers = [["WWW-Authenticate", "Bearer"] as const, ...noCookies(sessions.port)];
      return { rejected: json(401, { error: "the session has ended; log in again" }, headers) };
    }
    if (!isReading(arrival) && !isCsrfOf(session, headerOf(arrival.headers, CSRF)))
      return { rejected: json(403, { error: `the header ${CSRF} with the session's token is missing or wrong` }) };
    return { ...viewer, ended: session.ended };
  };

const isReading = ({ method }: Pick<Arrival, "method">): boolean => method === "GET" || method === "HEAD";
