/**
 * Logs users in through the OpenID provider of the config: authorization code with PKCE. What a login is bound to stays
 * here; the browser gets a cookie, and comes back with code and state. Who a user is, and with which rights, is what
 * the provider said at login; what that means is decided by the config in force, also for open sessions.
 */
import { randomBytes } from "node:crypto";
import { events } from "../../common/log/events.ts";
import { headerOf, type Arrival } from "../../common/message.ts";
import type { Login } from "../sessions/login.ts";
import type { LoginFailure } from "../sessions/session-journal.ts";
import type { Session, SessionHolder } from "../sessions/session-store.ts";
import type { Viewer } from "../viewer.ts";
import { CALLBACK, ownPage } from "./bounce-page.ts";
import { ClaimFault, isIncomplete, keepsRoles, readClaims, rightsOf, type Claimed } from "./claims.ts";
import { LoginAttempts, type Attempt } from "./login-attempts.ts";
import { Provider, ProviderFault, type Proof } from "./provider.ts";
import { generationOf, type OidcSettings } from "./settings.ts";

export type OidcParts = {
  /** Those in force, the same object while they do not change; undefined where the config names no provider. */
  readonly settings: () => OidcSettings | undefined;
  /** Reads the file of the provider's CA. */
  readonly readFile: (file: string) => Promise<string>;
};

type Deps = OidcParts & {
  readonly begin: (source: string) => { readonly succeeded: () => void } | { readonly retryAfter: number };
  /** Opens the session once the entry about it is on disk. */
  readonly open: (holder: SessionHolder, source: string) => Promise<Login>;
  readonly failed: (user: string | undefined, source: string, reason: LoginFailure) => Promise<void>;
  readonly end: (session: Session) => void;
  readonly now?: () => number;
};

type Asker = Pick<Arrival, "headers" | "source">;

/** `problem`: in words, for the user. */
export type Refusal = { readonly status: number; readonly problem: string; readonly retryAfter?: number };
/** `address`: of the provider. `browser`: the id for the cookie. */
export type Begun = { readonly address: string; readonly browser: string; readonly isSecure: boolean } | Refusal;
/** `to`: a page of the console. */
export type Finished =
  | { readonly id: string; readonly to: string; readonly isSecure: boolean }
  | (Refusal & { readonly failed: "rejected" | "throttled" | "unavailable" | "not recorded" | "no users" });

const TEXTS = {
  off: "The config has no admin.oidc.",
  noOrigin: "The header Origin is missing: browsers send it, and the provider sends the browser back there.",
  otherAddress: (address: string) => `Open the console at ${address} to log in through the OpenID provider.`,
  notHttps: "A login through the OpenID provider needs https, except on the gateway's own machine.",
  busy: "Too many logins wait for the OpenID provider. Try again in a minute.",
  throttled: (seconds: number) => `Too many failed logins from this address; try again in ${seconds} s.`,
  unavailable:
    "The OpenID provider does not answer as it should, so nobody can log in through it now. The gateway's log says " +
    "why.",
  unknown: "This login did not begin in this browser, was used already, or took longer than ten minutes. Log in again.",
  refused: "The OpenID provider refused this login.",
  invalid: "The gateway does not accept what the OpenID provider answered. The gateway's log says why.",
  claims: (sentence: string) => `Your account may not use this console: ${sentence}.`,
  notRecorded:
    "The journal cannot record this login, so it is refused. ocsgw status shows why, on the gateway's machine.",
} as const;

export class OidcLogins {
  readonly #deps: Deps;
  readonly #attempts: LoginAttempts;
  /** What ends the session at the provider. */
  readonly #atProvider = new WeakMap<SessionHolder, { readonly idToken: string; readonly origin: string }>();
  #provider: { readonly for: string; readonly provider: Provider } | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#attempts = new LoginAttempts(deps.now ? { now: deps.now } : {});
  }

  /** What the login page calls the provider; undefined where the config names none. */
  get name(): string | undefined {
    const settings = this.#deps.settings();
    return settings && (settings.name ?? new URL(settings.issuer).host);
  }

  /** Why the last login of this browser failed, once. `ids`: of its cookie, here and below. */
  takeProblem(ids: readonly string[]): string | undefined {
    return this.#attempts.takeProblem(ids);
  }

  /** Keeps the sentence for the page that this browser loads next; returns the id for its cookie. */
  keepProblem(problem: string, ids: readonly string[]): string {
    return this.#attempts.keepProblem(problem, ids);
  }

  /** To be called when other settings, or another file of the CA, may be in force: the provider is asked again. */
  refresh(): void {
    this.#provider = undefined;
  }

  /**
   * `returnTo`: the page to show after the login; any other address counts as the first page. `before`: the session
   * that it replaces.
   */
  async begin(
    returnTo: string,
    { headers, source }: Asker,
    ids: readonly string[],
    before: Session | undefined,
  ): Promise<Begun> {
    const settings = this.#deps.settings();
    if (!settings) return { status: 409, problem: TEXTS.off };
    const origin = headerOf(headers, "Origin")?.toLowerCase();
    if (origin === undefined) return { status: 400, problem: TEXTS.noOrigin };
    if (settings.address !== null && settings.address !== origin)
      return { status: 409, problem: TEXTS.otherAddress(settings.address) };
    const isSecure = origin.startsWith("https:");
    if (!isSecure && !LOOPBACK.test(new URL(origin).hostname)) return { status: 409, problem: TEXTS.notHttps };
    const [state, nonce, verifier] = [secret(), secret(), secret()];
    const attempt: Attempt = {
      state,
      nonce,
      verifier,
      redirectUri: origin + CALLBACK,
      returnTo: ownPage(returnTo) ?? "/",
      isSecure,
      generation: generationOf(settings),
      before,
    };
    try {
      const address = await this.#providerOf(settings).begin({ ...attempt, scopes: settings.scopes });
      const browser = this.#attempts.begin(attempt, ids, source);
      return browser === undefined
        ? { status: 503, problem: TEXTS.busy, retryAfter: 60 }
        : { address, browser, isSecure };
    } catch (error) {
      if (!(error instanceof ProviderFault)) throw error;
      return { status: 503, problem: TEXTS.unavailable };
    }
  }

  /** `query`: of the callback, as it came. */
  async finish(query: string, { source }: Asker, ids: readonly string[]): Promise<Finished> {
    const settings = this.#deps.settings();
    if (!settings) return { failed: "no users", status: 409, problem: TEXTS.off };
    const attempt = this.#attempts.take(new URLSearchParams(query).get("state") ?? "", ids);
    if (!attempt || attempt.generation !== generationOf(settings)) {
      await this.#deps.failed(undefined, source, "unknown login");
      return { failed: "rejected", status: 400, problem: TEXTS.unknown };
    }
    const limited = this.#deps.begin(source);
    if ("retryAfter" in limited) {
      await this.#deps.failed(undefined, source, "throttled");
      return { failed: "throttled", status: 429, problem: TEXTS.throttled(limited.retryAfter), ...limited };
    }
    try {
      const proof = await this.#providerOf(settings).finish({
        ...attempt,
        query,
        isIncomplete: (claims) => isIncomplete(claims, settings),
      });
      const login = await this.#open(proof, { attempt, settings, source });
      if (!("failed" in login)) limited.succeeded();
      return login;
    } catch (error) {
      if (!(error instanceof ProviderFault)) throw error;
      return await this.#rejected(error, source);
    }
  }

  /** The address at which the browser ends the session at the provider too; undefined if there is none. */
  async logOut({ holder }: Session): Promise<string | undefined> {
    const [settings, kept] = [this.#deps.settings(), this.#atProvider.get(holder)];
    return settings && kept && this.#providerOf(settings).logOut(kept.idToken, `${kept.origin}/`);
  }

  async #open(
    proof: Proof,
    { attempt, settings, source }: { attempt: Attempt; settings: OidcSettings; source: string },
  ): Promise<Finished> {
    const claimed = readClaims(proof.claims, settings);
    const rights = claimed instanceof ClaimFault ? claimed : rightsOf(claimed, settings);
    if (claimed instanceof ClaimFault || rights instanceof ClaimFault) {
      const { sentence, user } = rights as ClaimFault;
      events.oidcLoginRejected({ reason: sentence });
      await this.#deps.failed(user === undefined ? undefined : nameOf(user), source, "claims give no access");
      return { failed: "rejected", status: 403, problem: TEXTS.claims(sentence) };
    }
    const { generation } = attempt;
    let judged: { readonly by: OidcSettings | undefined; readonly viewer: Viewer | undefined } | undefined;
    const holder: SessionHolder = {
      name: nameOf(claimed.user),
      id: JSON.stringify(["oidc", settings.issuer, proof.subject]),
      // Asked with each request, and settings may have thousands of tenants.
      viewer: () => {
        const by = this.#deps.settings();
        if (judged?.by !== by || !judged)
          judged = { by, viewer: by && viewerOf(claimed, { settings: by, before: rights.roles, generation }) };
        return judged.viewer;
      },
    };
    const opened = await this.#deps.open(holder, source);
    if ("failed" in opened && opened.failed === "rejected") {
      // Other settings came into force while the provider was asked.
      await this.#deps.failed(holder.name, source, "unknown login");
      return { failed: "rejected", status: 400, problem: TEXTS.unknown };
    }
    if ("failed" in opened) return { failed: "not recorded", status: 503, problem: TEXTS.notRecorded };
    this.#atProvider.set(holder, { idToken: proof.idToken, origin: new URL(attempt.redirectUri).origin });
    if (attempt.before) this.#deps.end(attempt.before);
    return { id: opened.id, to: attempt.returnTo, isSecure: attempt.isSecure };
  }

  async #rejected({ kind, reason }: ProviderFault, source: string): Promise<Finished> {
    if (kind !== "refused") events.oidcLoginRejected({ reason });
    switch (kind) {
      case "unavailable":
        await this.#deps.failed(undefined, source, "provider unavailable");
        return { failed: "unavailable", status: 503, problem: TEXTS.unavailable };
      case "refused":
        await this.#deps.failed(undefined, source, "refused by provider");
        return { failed: "rejected", status: 403, problem: TEXTS.refused };
      case "invalid":
        await this.#deps.failed(undefined, source, "invalid provider answer");
        return { failed: "rejected", status: 403, problem: TEXTS.invalid };
    }
  }

  #providerOf(settings: OidcSettings): Provider {
    const { issuer, client_id, client_secret, client_auth, ca, clock_skew } = settings;
    const key = JSON.stringify([issuer, client_id, client_secret, client_auth, ca, clock_skew]);
    if (this.#provider?.for !== key) {
      const { readFile, now } = this.#deps;
      const provider = new Provider(settings, {
        readFile,
        report: (news) => report(issuer, news),
        ...(now && { now }),
      });
      this.#provider = { for: key, provider };
    }
    return this.#provider.provider;
  }
}

type Judging = { readonly settings: OidcSettings; readonly before: Viewer["roles"]; readonly generation: string };

/** What this user may do now; undefined if the provider is another one, or the user would lose a role. */
const viewerOf = (claimed: Claimed, { settings, before, generation }: Judging): Viewer | undefined => {
  if (generationOf(settings) !== generation) return undefined;
  const rights = rightsOf(claimed, settings);
  return rights instanceof ClaimFault || !keepsRoles(rights, before)
    ? undefined
    : { name: nameOf(claimed.user), ...rights, via: "session" };
};

const report = (issuer: string, { reason }: { readonly reason?: string }): void =>
  reason === undefined ? events.oidcRecovered({ issuer }) : events.oidcUnavailable({ issuer, reason });

/** No user of `admin.users` can have such a name. */
const nameOf = (user: string): string => `${user} (oidc)`;

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** 256 random bits; also a valid verifier of PKCE. */
const secret = (): string => randomBytes(32).toString("base64url");
