/** Who asks the admin API, and what that person or program may do. */
import { createHash, timingSafeEqual } from "node:crypto";
import { headerOf, type Arrival, type Reply } from "../common/message.ts";
import { json } from "./replies.ts";

export const ROLES = ["viewer", "operator", "auditor"] as const;
export type Role = (typeof ROLES)[number];

export type Viewer = {
  /** The user in the journal's access entries. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** The DBIDs of the tenants that this viewer may see. */
  readonly tenants: readonly number[] | "all";
  readonly via: "token" | "session";
  /** The gateway that asks for this viewer, if that is another one (`peers/by-peer.ts`). */
  readonly node?: string;
  /** Aborts when the session ends, and when its user may see less than now. */
  readonly ended?: AbortSignal;
};

/** The reply to a request whose sender is unknown, or must not be served. */
export type Rejected = { readonly rejected: Reply };

/** Finds out who asks, from headers only. Must not reject. */
export type Authenticate = (arrival: Omit<Arrival, "gone">) => Promise<Viewer | Rejected> | Viewer | Rejected;

/** Whoever holds the token of `audit.dir/admin.token` may do everything. It names nobody. */
export const TOKEN_HOLDER: Viewer = { name: "admin token", roles: ROLES, tenants: "all", via: "token" };

/** A command that uses a token file compares the digest, to see whether it read another gateway's directory. */
export const byToken = ({ token, auditDir }: { readonly token: string; readonly auditDir: string }): Authenticate => {
  const expected = digest(`Bearer ${token}`);
  const journal = digest(auditDir).toString("hex");
  return ({ headers }) =>
    timingSafeEqual(digest(headerOf(headers, "Authorization") ?? ""), expected)
      ? TOKEN_HOLDER
      : {
          rejected: json(401, { error: "admin token required (Authorization: Bearer)", journal }, [
            ["WWW-Authenticate", "Bearer"],
          ]),
        };
};

const digest = (value: string): Buffer => createHash("sha256").update(value).digest();
