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
  /** True for `ocsgw sandbox`. */
  readonly sandbox: boolean;
  /** Use does not prolong it any more: it ends then in any case. */
  readonly isLast: boolean;
};

export type LoginState =
  | { readonly is: "asking" }
  /** `why`: what ended the last session or prevented one. */
  | { readonly is: "out"; readonly why?: "expired" | "link" | "unrecorded" | "unreachable" | "kept" | "everywhere" }
  | { readonly is: "in"; readonly person: Person };

/** False where the config names no users: then only a link or the admin token lets anybody in. */
export const acceptsPasswords = signal(true);

/** The OpenID provider through which users can log in, by its name on the login page; null if there is none. */
export const provider = signal<string | null>(null);

/** Why the last login through the provider failed. */
export const providerProblem = signal<string | null>(null);

export const login = signal<LoginState>({ is: "asking" });

/** Undefined while nobody is logged in. */
export const person = (): Person | undefined => (login.value.is === "in" ? login.value.person : undefined);

/** Whether the person has one of these roles. */
export const hasRole = (roles: readonly Role[]): boolean =>
  person()?.roles.some((each) => roles.includes(each)) ?? false;

type SessionReply = (typeof Session)["_zod"]["output"];

const enter = ({ name, roles, tenants, via, csrf, ends, sandbox }: SessionReply): void => {
  if (via === "session") useCredential({ csrf: csrf ?? undefined });
  login.value = {
    is: "in",
    person: {
      name,
      roles,
      tenants,
      via,
      expires: ends ? Date.now() + ends.idle : undefined,
      isLast: ends !== null && ends.longest <= ends.idle,
      sandbox,
    },
  };
};

const expire = (): void => {
  if (login.peek().is !== "in") return;
  useCredential({});
  login.value = { is: "out", why: "expired" };
  void askForWays();
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
    takeWays(error);
    // While the gateway cannot record a login, the link stays valid.
    const isVoid = error instanceof ApiError && error.status < 500;
    const why = isDown ? "unreachable" : link === undefined ? undefined : isVoid ? "link" : "unrecorded";
    login.value = { is: "out", ...(why && { why }) };
  }
};

/** By which means users can log in, as the gateway says it to whoever is not logged in. */
const takeWays = (error: unknown): void => {
  if (!(error instanceof ApiError)) return;
  const { passwords, provider: name, problem } = error.body;
  acceptsPasswords.value = passwords !== false;
  provider.value = typeof name === "string" ? name : null;
  providerProblem.value = typeof problem === "string" ? problem : null;
};

/** To be called when somebody was logged in from the start: the gateway has not said it yet. */
const askForWays = (): Promise<void> => get("/api/session").then(() => undefined, takeWays);

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

/**
 * Leaves the console for the provider's login page, which sends the browser back to the page of now. Rejects with an
 * ApiError if the provider does not answer.
 */
export const logInAtProvider = async (): Promise<void> => {
  const { pathname, search } = location;
  const { address } = await post<{ readonly address: string }>("/api/session/oidc", { return: pathname + search });
  location.assign(address);
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

/** Undefined if the session had ended already. */
const end = async (everywhere: boolean): Promise<Ended | undefined> => {
  try {
    return await remove<Ended>("/api/session", { everywhere });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return undefined;
    throw error;
  }
};

/** After a login through the provider the session there ends too, at the address that the gateway gives. */
const leave = async (ended: Ended | undefined, why?: "kept" | "everywhere"): Promise<void> => {
  useCredential({});
  login.value = { is: "out", ...(why && { why }) };
  if (typeof ended?.provider === "string") location.assign(ended.provider);
  else await askForWays();
};

/** The page forgets the person in any case. If the gateway does not say that the session ended, the login says so. */
export const logOut = async (): Promise<void> => {
  if (person()?.via !== "session") return leave(undefined);
  const ended = await end(false).catch(() => "unknown" as const);
  return ended === "unknown" ? leave(undefined, "kept") : leave(ended);
};

/** Ends all sessions of this user. Rejects with an ApiError if the gateway does not say that they ended. */
export const logOutEverywhere = async (): Promise<void> => leave(await end(true), "everywhere");

type Ended = { readonly provider: string | null };
