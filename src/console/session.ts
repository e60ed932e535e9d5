/** Who is logged in: with a session of the gateway, or with the admin token, which is held in memory only. */
import { signal } from "@preact/signals";
import type { Session } from "../admin/schemas/session.ts";
import type { Role } from "../admin/viewer.ts";
import { ApiError, get, noteInput, post, remove, useCredential, whenUnauthorized } from "./api.ts";

export type { Role };

export type Person = {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly tenants: readonly number[] | "all";
  readonly via: "token" | "session";
  /** When the session ends, in milliseconds since 1970; undefined for the admin token, which has no end. */
  readonly expires: number | undefined;
};

export type LoginState =
  | { readonly is: "asking" }
  /** `why`: what ended the last session or prevented one. */
  | { readonly is: "out"; readonly why?: "expired" | "link" | "unreachable" }
  | { readonly is: "in"; readonly person: Person };

/** False where the config names no users: then only a link or the admin token lets anybody in. */
export const acceptsPasswords = signal(true);

export const login = signal<LoginState>({ is: "asking" });

/** Undefined while nobody is logged in. */
export const person = (): Person | undefined => (login.value.is === "in" ? login.value.person : undefined);

/** Whether the person has one of these roles. */
export const hasRole = (roles: readonly Role[]): boolean =>
  person()?.roles.some((each) => roles.includes(each)) ?? false;

type SessionReply = (typeof Session)["_zod"]["output"];

const enter = ({ name, roles, tenants, via, csrf, ends }: SessionReply): void => {
  if (via === "session") useCredential({ csrf: csrf ?? undefined });
  login.value = {
    is: "in",
    person: { name, roles, tenants, via, expires: ends ? Date.now() + ends.idle : undefined },
  };
};

const expire = (): void => {
  if (login.peek().is !== "in") return;
  useCredential({});
  login.value = { is: "out", why: "expired" };
};

/** Asks whether a session exists, after a one-time link in the fragment was exchanged for one. */
export const startSession = async (): Promise<void> => {
  whenUnauthorized(expire);
  for (const kind of ["keydown", "pointerdown", "wheel"]) addEventListener(kind, noteInput, { passive: true });
  noteInput();
  const link = takeLink();
  try {
    enter(
      await (link === undefined
        ? get<SessionReply>("/api/session")
        : post<SessionReply>("/api/session/link", { token: link })),
    );
  } catch (error) {
    const isDown = error instanceof ApiError && error.status === 0;
    acceptsPasswords.value = !(error instanceof ApiError && error.body["passwords"] === false);
    login.value = { is: "out", ...(isDown ? { why: "unreachable" } : link !== undefined && { why: "link" }) };
  }
};

/** The token of a one-time link; it leaves the address at once, so that the history does not keep it. */
const takeLink = (): string | undefined => {
  const token = /^#k=([\w-]+)$/.exec(location.hash)?.[1];
  if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
  return token;
};

/** Rejects with an ApiError if the name or the password is wrong. */
export const logIn = async (name: string, password: string): Promise<void> => {
  enter(await post<SessionReply>("/api/session", { name, password }));
};

/** Rejects with an ApiError if the gateway does not accept the token. */
export const logInWithToken = async (token: string): Promise<void> => {
  useCredential({ token });
  try {
    enter(await get<SessionReply>("/api/session"));
  } catch (error) {
    useCredential({});
    throw error;
  }
};

/** Asks how long the session lasts; if the user did something just now, that prolongs it. */
export const refreshSession = async (): Promise<void> => {
  try {
    enter(await get<SessionReply>("/api/session"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) expire();
  }
};

export const logOut = async (): Promise<void> => {
  if (person()?.via === "session") await remove("/api/session").catch(() => undefined);
  useCredential({});
  login.value = { is: "out" };
};
