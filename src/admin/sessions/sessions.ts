/** Logs users of the console in and out, and finds out whose session a request belongs to. */
import { headerOf, type Arrival } from "../../common/message.ts";
import type { People, Person } from "../people/people.ts";
import { isTooLong, preparePassword } from "../people/password.ts";
import type { PasswordChecks } from "../people/password-check.ts";
import { OidcLogins, type Begun, type Finished, type OidcParts } from "../oidc/oidc-logins.ts";
import { ROLES, type Viewer } from "../viewer.ts";
import { crossSiteFault, usesHttps } from "./browser-guard.ts";
import { idsInCookies, idsOfLogins, marksInCookies, type CookiePlace, type Listener } from "./cookie.ts";
import { knownBrowser, markOf } from "./known-browser.ts";
import { LOGIN_RESULTS, type Login, type LoginResult } from "./login.ts";
import { OneTimeLinks } from "./one-time-links.ts";
import type { LoginFailure, LoginWay, SessionJournal } from "./session-journal.ts";
import type { Session, SessionHolder, SessionStore } from "./session-store.ts";

/** The throttle of `identity/login-throttle.ts`. */
type Throttle = {
  readonly begin: (
    name: string,
    source: string,
    browser?: string,
  ) => { readonly succeeded: () => void } | { readonly retryAfter: number };
  readonly beginAtProvider: (source: string) => { readonly succeeded: () => void } | { readonly retryAfter: number };
};

export type SessionParts = {
  /** The users in force; undefined where the config names none. */
  readonly people: () => People | undefined;
  readonly store: SessionStore;
  readonly checks: PasswordChecks;
  readonly throttle: Throttle;
  readonly journal: SessionJournal;
  readonly oidc: OidcParts;
  /** The admin listener's own. */
  readonly port: () => number;
  readonly isTls: () => boolean;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
};

/** Who asked for a link, in words; not a name that a user can have. */
export type LinkMaker = { readonly maker: string };

type Asked = Pick<Arrival, "headers">;
type Asker = Pick<Arrival, "headers" | "source">;
type Given = { readonly name: string; readonly password: string };

/** A request with this header, for example a refresh that nobody asked for, does not keep the session open. */
export const BACKGROUND = "Ocsgw-Background";

export class Sessions {
  readonly #parts: SessionParts;
  readonly #oidc: OidcLogins;
  readonly #links: OneTimeLinks<LinkMaker>;
  readonly #results = new Map<LoginResult, number>(LOGIN_RESULTS.map((result) => [result, 0]));

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#links = new OneTimeLinks(parts.now ? { now: parts.now } : {});
    const { oidc, store, journal, throttle, now } = parts;
    this.#oidc = new OidcLogins({
      ...oidc,
      begin: throttle.beginAtProvider,
      open: (holder, source) => this.#open(holder, source, "oidc"),
      failed: (user, source, reason) => journal.failed({ user, source, reason }),
      end: (session) => store.end(session),
      ...(now && { now }),
    });
  }

  get port(): number {
    return this.#parts.port();
  }

  get #listener(): Listener {
    return { port: this.port, isTls: this.#parts.isTls() };
  }

  /** How many logins had each result. */
  get results(): ReadonlyMap<LoginResult, number> {
    return this.#results;
  }

  get acceptsPasswords(): boolean {
    return this.#parts.people() !== undefined;
  }

  /** What the login page calls the OpenID provider; undefined where the config names none. */
  get provider(): string | undefined {
    return this.#oidc.name;
  }

  /** Why the last login of this browser through the provider failed, once. */
  providerProblem({ headers }: Asked): string | undefined {
    return this.#oidc.takeProblem(idsOfLogins(headers, this.#listener));
  }

  /** Begins a login through the provider; `returnTo`: the page to show after it. */
  beginAtProvider(returnTo: string, asker: Asker): Promise<Begun> {
    return this.#oidc.begin(returnTo, asker, idsOfLogins(asker.headers, this.#listener), this.find(asker));
  }

  /**
   * Ends a login through the provider. `query`: of the callback. `browser`: the id for the cookie with which the next
   * page gets the problem, where the browser has none.
   */
  async finishAtProvider(
    query: string,
    asker: Asker,
  ): Promise<Finished & { readonly browser?: string; readonly place: CookiePlace }> {
    const ids = idsOfLogins(asker.headers, this.#listener);
    const finished = await this.#oidc.finish(query, asker, ids);
    this.#count("failed" in finished ? finished.failed : "ok");
    if (!("failed" in finished)) return { ...finished, place: { port: this.port, isSecure: finished.isSecure } };
    const browser = this.#oidc.keepProblem(finished.problem, ids);
    return { ...finished, ...(ids.length === 0 && { browser }), place: this.placeOf(asker) };
  }

  /** Where the browser ends the session at the provider too; undefined if that is not needed. */
  providerLogOut(session: Session): Promise<string | undefined> {
    return this.#oidc.logOut(session);
  }

  placeOf(asked: Asked): CookiePlace {
    return { port: this.port, isSecure: usesHttps(asked, this.#parts.isTls()) };
  }

  /** Why a request that a browser sent for another site is refused. `isPage`: other sites may link to it. */
  crossSiteFault(asked: Pick<Arrival, "method" | "headers">, isPage: boolean): string | undefined {
    return crossSiteFault(asked, { isTls: this.#parts.isTls(), isPage });
  }

  /** Whether the request has a cookie of this console, valid or not. */
  hasCookie({ headers }: Asked): boolean {
    return idsInCookies(headers, this.#listener).length > 0;
  }

  /** Undefined if the cookies are of several sessions: whoever set one of them would choose whose session this is. */
  find({ headers }: Asked): Session | undefined {
    const { store } = this.#parts;
    const [id, ...others] = idsInCookies(headers, this.#listener).filter((each) => store.find(each, { uses: false }));
    return id === undefined || others.length > 0
      ? undefined
      : store.find(id, { uses: headerOf(headers, BACKGROUND) === undefined });
  }

  left(session: Session): { readonly idle: number; readonly longest: number } {
    return this.#parts.store.left(session);
  }

  logIn(given: Given, asker: Asker): Promise<Login> {
    return this.#counted(this.#logInByPassword(given, asker));
  }

  /** The answer takes as long for an unknown user as for a wrong password. */
  async #logInByPassword({ name, password }: Given, { headers, source }: Asker): Promise<Login> {
    const { people, checks, throttle } = this.#parts;
    const before = people();
    if (!before) return { failed: "no users" };
    const known = before.find(name);
    const prepared = preparePassword(password);
    const place = checks.reserve(source);
    if (!place) return { failed: "busy", retryAfter: 1 };
    const browser = known && knownBrowser(marksInCookies(headers, this.#listener), known);
    const attempt = throttle.begin(name, source, browser);
    if ("retryAfter" in attempt) {
      place.leave();
      await this.#failed(known, source, "throttled");
      return { failed: "throttled", retryAfter: attempt.retryAfter };
    }
    if (isTooLong(prepared)) place.leave();
    const matches = !isTooLong(prepared) && (await place.matches(prepared, before.hashOf(name)));
    const fault = matches && known ? this.#changed(known) : "wrong password";
    if (!known || fault !== undefined) {
      await this.#failed(known, source, known ? fault! : "unknown user");
      return { failed: "rejected" };
    }
    attempt.succeeded();
    const login = await this.#open({ name: known.name, viewer: () => this.#viewerOf(known) }, source, "password");
    return "failed" in login ? login : { ...login, mark: markOf(known, browser) };
  }

  /** `validMs`: milliseconds in which the link can be used once. Returns its token. */
  createLink(maker: LinkMaker, validMs: number): string {
    return this.#links.create(maker, validMs);
  }

  logInByLink(token: string, source: string): Promise<Login> {
    return this.#counted(this.#logInByToken(token, source));
  }

  async #logInByToken(token: string, source: string): Promise<Login> {
    const link = this.#links.redeem(token);
    if (!link) {
      await this.#failed(undefined, source, "invalid link");
      return { failed: "rejected" };
    }
    const viewer: Viewer = { name: `${link.holder.maker} (link)`, roles: ROLES, tenants: "all", via: "session" };
    const login = await this.#open({ name: viewer.name, viewer: () => viewer }, source, "link");
    // While the journal cannot be written, the link is what an operator has.
    if ("failed" in login) link.giveBack();
    return login;
  }

  /** Ends the session that the request came with before it logged in. */
  replace(asked: Asked): void {
    const before = this.find(asked);
    if (before) this.#parts.store.end(before);
  }

  /** Ends the session, or all sessions of its holder, and resolves to their number once that is recorded. */
  async logOut(session: Session, source: string, everywhere: boolean): Promise<number> {
    const { store, journal } = this.#parts;
    const { name, roles } = session.holder.viewer() ?? { name: session.holder.name, roles: [] };
    const ended = everywhere ? store.endAllOf(session.holder) : 1;
    store.end(session);
    await journal.logout({ user: name, roles, source }, everywhere);
    return ended;
  }

  /** To be called when the users, the provider or the times of sessions have changed. */
  recheck(): void {
    this.#oidc.refresh();
    this.#parts.store.sweep();
  }

  async #counted(attempt: Promise<Login>): Promise<Login> {
    const login = await attempt;
    this.#count("failed" in login ? login.failed : "ok");
    return login;
  }

  #count(result: LoginResult | "no users"): void {
    if (result !== "no users") this.#results.set(result, this.#results.get(result)! + 1);
  }

  /** The session opens once the entry about it is on disk. */
  async #open(holder: SessionHolder, source: string, how: LoginWay): Promise<Login> {
    const { store, journal } = this.#parts;
    const viewer = holder.viewer();
    if (!viewer) return { failed: "rejected" };
    const { name: user, roles } = viewer;
    try {
      await journal.login({ user, roles, source }, how);
    } catch {
      return { failed: "not recorded" };
    }
    return store.open(holder);
  }

  #failed(person: Person | undefined, source: string, reason: LoginFailure): Promise<void> {
    return this.#parts.journal.failed({ user: person?.name, source, reason });
  }

  /** Why this user, whose password was right a moment ago, may not log in now. */
  #changed(person: Person): LoginFailure | undefined {
    if (person.disabled) return "disabled user";
    return this.#viewerOf(person) ? undefined : "wrong password";
  }

  /** What this user may do now; undefined if disabled or gone, with another password, or without a former role. */
  #viewerOf({ name, hash, roles }: Person): Viewer | undefined {
    const now = this.#parts.people()?.find(name);
    const isSame = now && !now.disabled && now.hash === hash && roles.every((role) => now.roles.includes(role));
    return isSame ? { name: now.name, roles: now.roles, tenants: now.tenants, via: "session" } : undefined;
  }
}
