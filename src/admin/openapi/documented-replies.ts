/** Every reply that a route may give, by status: those of its row, and those of the dispatcher. */
import type { z } from "zod";
import type { Media, Route } from "../route.ts";
import { Failure, Unauthorized } from "../schemas/basics.ts";

export type DocumentedReply = {
  /** One sentence without a full stop. */
  readonly when: string;
  readonly body: z.ZodType | Media | "nothing";
  /** Response headers that clients may rely on. */
  readonly headers?: Readonly<Record<string, string>>;
};

const RETRY = { "Retry-After": "Seconds after which to try again; missing where it would take as long again" };

/** The dispatcher's, for every route. */
const ALWAYS: Readonly<Record<number, DocumentedReply>> = {
  400: { when: "A parameter, the body or the whole request is malformed", body: Failure },
  403: { when: "A browser sent the request for another site (Origin, Sec-Fetch-Site)", body: Failure },
  405: {
    when: "The path has no such method",
    body: Failure,
    headers: { Allow: "The methods of the path" },
  },
  421: { when: "Host is not a name of this listener (admin.names)", body: Failure },
  500: { when: "Internal error; the gateway's log has it", body: Failure },
};

/** The dispatcher's, for routes that not everybody may use. */
const GUARDED: Readonly<Record<number, DocumentedReply>> = {
  401: {
    when: "No valid token or session",
    body: Unauthorized,
    headers: { "WWW-Authenticate": "The scheme, for clients with a token" },
  },
  403: {
    when: "Without the role, the tenants or the header that this needs; or another site sent the request",
    body: Failure,
  },
};

/** Ascending by status. */
export const documentedReplies = (row: Route<never>): ReadonlyMap<number, DocumentedReply> => {
  const all: Record<number, DocumentedReply> = {
    ...ALWAYS,
    ...(row.roles !== "anyone" && GUARDED),
    ...(row.invalidBody !== undefined && { [row.invalidBody]: { when: "The body is invalid", body: Failure } }),
    [row.status ?? 200]: { when: usually(row), body: row.reply },
  };
  for (const [status, other] of Object.entries(row.others ?? {})) {
    const { when, body } = typeof other === "string" ? { when: other, body: Failure } : other;
    all[Number(status)] = { when: capitalized(when), body, ...(status === "503" && { headers: RETRY }) };
  }
  return new Map(Object.entries(all).map(([status, reply]) => [Number(status), reply]));
};

const usually = ({ reply }: Pick<Route<never>, "reply">): string =>
  reply === "nothing" ? "Done" : "media" in reply ? reply.is : (reply.description ?? "Done");

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
