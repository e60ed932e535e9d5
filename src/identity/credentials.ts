/** Authenticates a request by its token, API key and client certificate: one client, or a denial. */
import { hash } from "node:crypto";
import { events } from "../common/log/events.ts";
import { createCredentialSources, type HeaderLines, type PresentedCredential } from "./credential-sources.ts";
import { createCertificateTable } from "./client-certificates.ts";
import { presentedClaims, type PresentedClaims } from "./presented.ts";
import { isDenial, type Denial } from "./auth-failure.ts";
import type { AuthThrottle } from "./auth-throttle.ts";
import type { KeySetCacheOptions } from "./jwt/jwks-cache.ts";
import type { KeySetState } from "./jwt/jwks-remote.ts";
import { keyTableSteps } from "./api-keys.ts";
import { finish as atOnce, type Steps } from "../common/steps.ts";
import { createRevocations, type Revocations } from "./revocations.ts";
import { createTokenVerifier } from "./jwt/verify-token.ts";
import {
  RejectedCredential,
  type CertificateRule,
  type Identity,
  type JwtIssuer,
  type KeyRecord,
  type PresentedCertificate,
  type ReportCredentialEvent,
} from "./types.ts";

export { createAuthThrottle, type AuthThrottle } from "./auth-throttle.ts";
export { createRevocations, type Revocation, type RevocationKind, type Revocations } from "./revocations.ts";
export { CredentialSettingsError } from "./types.ts";
export type { KeySetCacheOptions } from "./jwt/jwks-cache.ts";
export type { KeySetState } from "./jwt/jwks-remote.ts";
export { looksSecret, type PresentedClaims } from "./presented.ts";
export { AUTH_FAILURES, isDenial, type AuthFailure, type Denial } from "./auth-failure.ts";
export type {
  CertificateRule,
  Credential,
  CredentialEvent,
  Identity,
  JwtIssuer,
  KeyRecord,
  PresentedCertificate,
  SkippedKey,
} from "./types.ts";

/** The properties of a request that authentication needs. */
export type IdentifyRequest = {
  /** [name, value] as sent. */
  readonly headers: HeaderLines;
  /** The peer's address. */
  readonly source: string;
  readonly peer?: PresentedCertificate | undefined;
};

export type IdentifyResult = Identity | Denial;

export type Credentials = {
  /**
   * Synchronous for certificates, keys, cached tokens and most other tokens. Never throws, never rejects. The reason of
   * a denial is for operators, never for the client.
   */
  readonly identify: (asking: IdentifyRequest) => IdentifyResult | Promise<IdentifyResult>;
  /**
   * Authenticates a queued request again, without counting a failure. Undefined if its credentials are no longer valid,
   * `unknown` if an issuer's keys are being fetched or cannot be fetched.
   */
  readonly identifyAgain: (asking: IdentifyRequest) => Identity | "unknown" | undefined;
  /** What the request's credentials claim, unverified. */
  readonly claimed: (asking: Pick<IdentifyRequest, "headers">) => PresentedClaims;
  /** The key sets of issuers whose keys are at an address. */
  readonly keySets: () => readonly KeySetState[];
  /** For WWW-Authenticate. */
  readonly challenge: string;
  readonly close: () => void;
};

export type CredentialOptions = {
  readonly jwt: readonly JwtIssuer[];
  readonly certificates?: readonly CertificateRule[];
  readonly keys?: {
    readonly records: readonly KeyRecord[];
    /** "basic", or "header:" and a header's name. */
    readonly carriers: readonly string[];
  };
  /** Shared by all `Credentials` of the process; default: a new one. */
  readonly revocations?: Revocations;
  readonly throttle?: AuthThrottle;
  /** Where key sets of addresses are cached on disk; absent: they are not cached. */
  readonly keySetCache?: KeySetCacheOptions | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Runs long work in slices; default: without interruption. */
  readonly run?: <Result>(steps: Steps<Result>) => Result | Promise<Result>;
  /** Must not throw. Default: writes to the log. */
  readonly onEvent?: ReportCredentialEvent;
};

const UNLIMITED: AuthThrottle = { recordFailure: () => 0, secondsToWait: () => 0, mayVerify: () => true };

/** Rejects with CredentialSettingsError, which names the invalid setting. */
export const createCredentials = async (options: CredentialOptions): Promise<Credentials> => {
  const {
    jwt,
    certificates = [],
    keys = { records: [], carriers: [] },
    now = Date.now,
    onEvent = logEvent,
    run = atOnce,
  } = options;
  const { revocations = createRevocations(now), throttle = UNLIMITED } = options;
  const sources = createCredentialSources({ bearer: jwt.length > 0, keys: keys.carriers });
  const rules = createCertificateTable(certificates);
  const table = await run(keyTableSteps({ records: keys.records, now }));
  const tokens = await createTokenVerifier({ issuers: jwt, now, onEvent, keySetCache: options.keySetCache });
  /** Denies a credential that was revoked since it was verified. */
  const requireUnrevoked = (answer: IdentifyResult): IdentifyResult => {
    if (isDenial(answer) || !revocations.isRevoked(answer)) return answer;
    const {
      client,
      credential: { kind, id },
    } = answer;
    return {
      denied: "revoked",
      reason: `${kind} ${id} of client ${client}, or the client itself, is revoked`,
      ...(kind === "key" && { key: id }),
    };
  };
  const ask = (presented: PresentedCredential, source: string): Answer => {
    const answer =
      presented.kind === "jwt"
        ? tokens.identify(presented.text)
        : table.identify(presented.key, presented.user, source);
    return answer instanceof Promise ? answer.then(requireUnrevoked) : requireUnrevoked(answer);
  };
  const isKnown = (presented: PresentedCredential, source: string): boolean =>
    presented.kind === "jwt" ? tokens.wasValid(presented.text) : table.wasAccepted(presented.key, source);

  /** Counts the failure; a credential that fails too often is throttled. */
  const refuse = (source: string, credentials: readonly string[], denial: Denial): Denial => {
    const retryAfter = throttle.recordFailure(source, credentials);
    if (retryAfter === 0) return denial;
    return {
      ...denial,
      denied: "throttled",
      reason: `this credential failed too often; the last reason: ${denial.reason}`,
      retryAfter,
    };
  };
  /**
   * True if all credentials were valid before or are plausible (tokens of which only the signature is not verified).
   */
  const mayVerify = (presented: readonly PresentedCredential[], source: string): boolean =>
    presented.every((each) => isKnown(each, source) || (each.kind === "jwt" && tokens.isPlausible(each.text))) &&
    throttle.mayVerify(source);
  /** Undefined for a certificate that names no client. */
  const identifyCertificate = (peer: PresentedCertificate): IdentifyResult | undefined => {
    try {
      const holder = rules.identify(peer);
      return holder && requireUnrevoked(holder);
    } catch (problem) {
      if (!(problem instanceof RejectedCredential)) throw problem;
      return { denied: problem.denied, reason: `${problem.message} (x5t#S256 ${peer.thumbprint})` };
    }
  };
  const requireBinding = (answer: IdentifyResult, { peer }: IdentifyRequest): IdentifyResult =>
    isDenial(answer) || answer.boundTo === undefined || answer.boundTo === peer?.thumbprint
      ? answer
      : {
          denied: "token-binding",
          reason: `the token of client ${answer.client} is bound to another client certificate`,
        };
  const finish = (
    answered: IdentifyResult,
    asking: IdentifyRequest,
    presented: readonly PresentedCredential[],
  ): IdentifyResult => {
    const answer = requireBinding(answered, asking);
    // The credential may be valid, so this is no failure.
    if (!isDenial(answer) || answer.denied === "issuer-unavailable") return answer;
    return refuse(asking.source, digestsOf(presented, asking), answer);
  };
  return {
    identify: (asking) => {
      const { headers, source, peer } = asking;
      const presented = sources.read(headers);
      const holder = peer && identifyCertificate(peer);
      if (typeof presented === "string")
        return refuse(source, digestsOf([], asking), { denied: "unreadable", reason: presented });
      if (holder && isDenial(holder)) return refuse(source, digestsOf(presented, asking), holder);
      if (presented.length === 0) return holder ?? withoutCredential(peer);
      const retryAfter = throttle.secondsToWait(source);
      if (retryAfter > 0 && !presented.every((each) => isKnown(each, source)) && !mayVerify(presented, source))
        return { ...THROTTLED, retryAfter };
      if (presented.length === 1 && holder === undefined) {
        const answer = ask(presented[0]!, source);
        return answer instanceof Promise
          ? answer.then((answered) => finish(answered, asking, presented))
          : finish(answer, asking, presented);
      }
      const answers = [...(holder ? [holder] : []), ...presented.map((each) => ask(each, source))];
      return areKnown(answers)
        ? finish(combine(answers), asking, presented)
        : Promise.all(answers.map((answer) => Promise.resolve(answer))).then((all) =>
            finish(combine(all), asking, presented),
          );
    },
    identifyAgain: (asking) => {
      const presented = sources.read(asking.headers);
      const holder = asking.peer && identifyCertificate(asking.peer);
      if (typeof presented === "string" || (holder && isDenial(holder))) return undefined;
      if (presented.length === 0) return holder;
      const answers = [...(holder ? [holder] : []), ...presented.map((each) => ask(each, asking.source))];
      if (!areKnown(answers)) return "unknown";
      const answer = requireBinding(combine(answers), asking);
      if (isDenial(answer)) return answer.denied === "issuer-unavailable" ? "unknown" : undefined;
      return answer;
    },
    claimed: ({ headers }) => {
      const presented = sources.read(headers);
      return typeof presented === "string"
        ? {}
        : presentedClaims(presented, { isKey: table.isKey, clientClaimOf: tokens.clientClaimOf });
    },
    keySets: tokens.keySets,
    challenge: sources.challenge,
    close: tokens.close,
  };
};

/** Digests of the credentials, to recognize repeated ones. */
const digestsOf = (presented: readonly PresentedCredential[], { peer }: IdentifyRequest): readonly string[] => [
  ...presented.map((each) =>
    hash("sha256", `${each.kind}\0${each.kind === "jwt" ? each.text : `${each.user ?? ""}\0${each.key}`}`, "base64url"),
  ),
  ...(peer ? [peer.thumbprint] : []),
];

type Answer = IdentifyResult | Promise<IdentifyResult>;

const areKnown = (answers: readonly Answer[]): answers is readonly IdentifyResult[] =>
  !answers.some((answer) => answer instanceof Promise);

const THROTTLED = {
  denied: "throttled",
  reason: "too many different credentials from this address failed; this one was not verified",
} as const satisfies Denial;

const NOTHING: Denial = { denied: "no-credential", reason: "the request has no credential" };
const MOST_NAMES = 3;

/** The denial for no credential, or only a certificate that matches no rule. */
const withoutCredential = (peer: PresentedCertificate | undefined): Denial =>
  peer
    ? {
        denied: "certificate-client",
        reason:
          "no rule of identity.mtls fits the client certificate of " +
          `${peer.names.slice(0, MOST_NAMES).join(", ") || "no DNS name"}`,
      }
    : NOTHING;

/** Reports changes of key sets in the log, because they happen between requests. */
const logEvent: ReportCredentialEvent = (news) => {
  if (news.kind === "key-set-failed") events.issuerKeysUnavailable({ issuer: news.issuer, reason: news.reason });
  if (news.kind === "key-set-recovered") events.issuerKeysRecovered({ issuer: news.issuer });
  if (news.kind === "key-set-not-cached") events.issuerKeyCacheNotWritten({ issuer: news.issuer, reason: news.reason });
  if (news.kind === "key-set-cache-rejected")
    events.issuerKeyCacheRejected({ issuer: news.issuer, reason: news.reason });
  if (news.kind === "key-set-loaded")
    for (const { kid, reason } of news.skipped)
      events.issuerKeyIgnored({ issuer: news.issuer, reason: `${kid ?? "without kid"}: ${reason}` });
};

/**
 * Several credentials must name the same client. The identity is the token's, because it may restrict the tenant,
 * limited to the tenants that all credentials allow.
 */
const combine = (answers: readonly IdentifyResult[]): IdentifyResult => {
  const denials = answers.filter(isDenial);
  if (denials.length > 0) return denials.find(({ denied }) => denied !== "issuer-unavailable") ?? denials[0]!;
  const all = answers as readonly [Identity, ...Identity[]];
  const [first, ...others] = all;
  const other = others.find(({ client }) => client !== first.client);
  if (other)
    return {
      denied: "contradiction",
      reason: `one credential names client ${first.client}, another one ${other.client}`,
    };
  if (others.length === 0) return first;
  const identity = all.find(({ credential }) => credential.kind === "jwt") ?? first;
  const lists = all.flatMap(({ tenants }) => (tenants ? [tenants] : []));
  return lists.length === 0
    ? identity
    : { ...identity, tenants: lists.reduce((every, list) => every.filter((tenant) => list.includes(tenant))) };
};
