/**
 * An OpenID provider: where it lets users log in, what it says about one of them, and where they log out. It is asked
 * when somebody logs in, never at start. All checks of its answers that the standard asks for are done by
 * openid-client: state, issuer of the response, PKCE, and of the ID token signature, issuer, audience, nonce and times.
 */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
  type Configuration,
} from "openid-client";
import { faultInWords } from "../../common/system-error.ts";
import type { Claims } from "./claims.ts";
import { createFetch, NoAnswer } from "./fetch.ts";
import type { ProviderSettings } from "./settings.ts";

/**
 * `unavailable`: it cannot be asked now. `refused`: it says no to this login. `invalid`: its answer must not be
 * believed, or it does not accept this client. `reason`: for the log; no value of an answer is in it but error codes.
 */
export class ProviderFault extends Error {
  readonly kind: "unavailable" | "refused" | "invalid";
  readonly reason: string;
  constructor(kind: ProviderFault["kind"], reason: string) {
    super(reason);
    this.kind = kind;
    this.reason = reason;
  }
}

/** What one login is bound to. */
export type LoginSecrets = { readonly state: string; readonly nonce: string; readonly verifier: string };

type Beginning = LoginSecrets & { readonly redirectUri: string; readonly scopes: readonly string[] };
/** `query`: of the callback, as it came. `isIncomplete`: claims that the ID token lacks are to be asked for. */
type Callback = LoginSecrets & {
  readonly redirectUri: string;
  readonly query: string;
  readonly isIncomplete: (claims: Claims) => boolean;
};

/** `claims`: of the ID token, and of the provider's other answer if it was asked. */
export type Proof = { readonly claims: readonly Claims[]; readonly subject: string; readonly idToken: string };

type Options = {
  /** Reads the file of the CA. */
  readonly readFile: (file: string) => Promise<string>;
  /** Called when a discovery fails, and when one works again. */
  readonly report?: (news: { readonly reason?: string }) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
};

/** The addresses and keys are asked for again after this time. */
const FRESH_MS = 10 * 60_000;
/** So long a failure is the answer for everybody, so that a flood of logins does not reach the provider. */
const COOLDOWN_MS = 5000;
const TIMEOUT_S = 5;
/** A longer one does not fit into every address; the provider then asks whether to log out. */
const LONGEST_HINT = 3000;

export class Provider {
  readonly #settings: ProviderSettings;
  readonly #options: Options;
  #known: { readonly at: number; readonly configuration: Configuration } | undefined;
  #asking: Promise<Configuration> | undefined;
  #failed: { readonly at: number; readonly fault: ProviderFault } | undefined;

  constructor(settings: ProviderSettings, options: Options) {
    this.#settings = settings;
    this.#options = options;
  }

  /** Resolves once the provider's addresses are known. Rejects with ProviderFault. */
  async discover(): Promise<{ readonly logsOut: boolean }> {
    const { end_session_endpoint: logOut } = (await this.#configuration()).serverMetadata();
    return { logsOut: logOut !== undefined };
  }

  /** The address to which the browser must go. Rejects with ProviderFault. */
  async begin({ state, nonce, verifier, redirectUri, scopes }: Beginning): Promise<string> {
    const configuration = await this.#configuration();
    const challenge = await calculatePKCECodeChallenge(verifier);
    try {
      return buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: scopes.join(" "),
        state,
        nonce,
        code_challenge: challenge,
        code_challenge_method: "S256",
      }).href;
    } catch (error) {
      const fault = faultOf(error);
      this.#options.report?.({ reason: fault.reason });
      throw fault;
    }
  }

  /** Exchanges the code of the callback. Rejects with ProviderFault. */
  async finish({ state, nonce, verifier, redirectUri, query, isIncomplete }: Callback): Promise<Proof> {
    const configuration = await this.#configuration();
    const url = new URL(redirectUri);
    url.search = query;
    try {
      const tokens = await authorizationCodeGrant(configuration, url, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims()!;
      // The library checks it only beside several audiences.
      if (claims["azp"] !== undefined && claims["azp"] !== this.#settings.client_id)
        throw new ProviderFault("invalid", "the ID token was issued to another client (azp)");
      const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined;
      const more =
        isIncomplete(claims) && hasMore ? [await fetchUserInfo(configuration, tokens.access_token, claims.sub)] : [];
      return { claims: [claims, ...more], subject: claims.sub, idToken: tokens.id_token! };
    } catch (error) {
      throw faultOf(error);
    }
  }

  /**
   * Where the browser ends the session at the provider; undefined if the provider has no such address. A user who logs
   * out does not wait for addresses that were known before.
   */
  async logOut(idToken: string, returnTo: string): Promise<string | undefined> {
    try {
      const configuration = this.#known?.configuration ?? (await this.#configuration());
      if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
      const hint: { readonly id_token_hint?: string } =
        idToken.length <= LONGEST_HINT ? { id_token_hint: idToken } : {};
      return buildEndSessionUrl(configuration, { ...hint, post_logout_redirect_uri: returnTo }).href;
    } catch {
      return undefined;
    }
  }

  #configuration(): Promise<Configuration> {
    const { now = () => performance.now() } = this.#options;
    if (this.#known && now() - this.#known.at < FRESH_MS) return Promise.resolve(this.#known.configuration);
    if (this.#failed && now() - this.#failed.at < COOLDOWN_MS) return Promise.reject(this.#failed.fault);
    this.#asking ??= this.#ask()
      .then((configuration) => {
        if (this.#failed) this.#options.report?.({});
        this.#failed = undefined;
        this.#known = { at: now(), configuration };
        return configuration;
      })
      .catch((error: unknown) => {
        const fault = faultOf(error);
        this.#failed = { at: now(), fault };
        this.#options.report?.({ reason: fault.reason });
        throw fault;
      })
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  async #ask(): Promise<Configuration> {
    const {
      issuer,
      client_id: clientId,
      client_secret: secret,
      client_auth: how,
      ca,
      clock_skew: skew,
    } = this.#settings;
    const server = new URL(issuer);
    const authentication =
      secret === null ? None() : how === "basic" ? ClientSecretBasic(secret) : ClientSecretPost(secret);
    const fetch = createFetch(ca === null ? undefined : await this.#options.readFile(ca));
    const configuration = await discovery(
      server,
      clientId,
      { [clockTolerance]: Math.ceil(skew / 1000) },
      authentication,
      {
        // `check` accepts http for a provider on this machine only.
        execute: [enableNonRepudiationChecks, ...(server.protocol === "http:" ? [allowInsecureRequests] : [])],
        [customFetch]: fetch,
        timeout: TIMEOUT_S,
      },
    );
    if (configuration.serverMetadata().authorization_endpoint === undefined)
      throw new ProviderFault("invalid", "its configuration has no authorization_endpoint");
    return configuration;
  }
}

const ERROR_CODE = /^[a-z_]{1,40}$/;

const codeOf = (error: string): string => (ERROR_CODE.test(error) ? error : "an unknown error");

const faultOf = (error: unknown): ProviderFault => {
  if (error instanceof ProviderFault) return error;
  if (error instanceof AuthorizationResponseError)
    return new ProviderFault("refused", `the provider answered ${codeOf(error.error)}`);
  if (error instanceof ResponseBodyError)
    return new ProviderFault("invalid", `the provider answered ${codeOf(error.error)} with status ${error.status}`);
  if (error instanceof WWWAuthenticateChallengeError)
    return new ProviderFault(
      "invalid",
      `status ${error.status}: the provider accepts neither this client_id and client_secret, nor its own access token`,
    );
  const causes = causesOf(error);
  if (causes.some(({ name }) => name === "TimeoutError" || name === "AbortError"))
    return new ProviderFault("unavailable", `no answer within ${TIMEOUT_S} s`);
  const noAnswer = causes.find((each) => each instanceof NoAnswer);
  if (noAnswer) return new ProviderFault("unavailable", faultInWords(noAnswer.cause));
  if (!(error instanceof ClientError)) return new ProviderFault("unavailable", faultInWords(error));
  const { cause } = error;
  if (!(cause instanceof Response)) return new ProviderFault("invalid", sentenceOf(error));
  return new ProviderFault(
    cause.status >= 500 ? "unavailable" : "invalid",
    cause.status === 200 ? error.message : `the answer has status ${cause.status}`,
  );
};

/**
 * The innermost message of the library says most: it names claims and never repeats their values. Messages of others,
 * such as the JSON parser's, quote what was read.
 */
const sentenceOf = (error: ClientError): string =>
  causesOf(error).findLast(({ name }) => LIBRARY.has(name))?.message ?? error.message;

const LIBRARY: ReadonlySet<string> = new Set(["ClientError", "OperationProcessingError", "UnsupportedOperationError"]);

const causesOf = (error: unknown): readonly Error[] => {
  const found: Error[] = [];
  for (let at = error; at instanceof Error && found.length < 5; at = at.cause) found.push(at);
  return found;
};
