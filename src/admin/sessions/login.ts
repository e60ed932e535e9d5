/** What became of a login. */
import type { Session } from "./session-store.ts";

export type Login =
  /** `mark`: for the cookie that marks the browser, after a login by password. */
  | { readonly id: string; readonly session: Session; readonly mark?: string }
  /** `retryAfter`: whole seconds. */
  | { readonly failed: "throttled" | "busy"; readonly retryAfter: number }
  /** `unavailable`: the OpenID provider cannot be asked. */
  | { readonly failed: "rejected" | "unavailable" | "not recorded" | "no users" };

/** What became of the logins since the start. */
export const LOGIN_RESULTS = ["ok", "rejected", "throttled", "busy", "unavailable", "not recorded"] as const;
export type LoginResult = (typeof LOGIN_RESULTS)[number];
