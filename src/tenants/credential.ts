/** Who is asking? Tokens, API keys and client certificates of one request, to one client or to nobody. */
import { hash } from "node:crypto";
import { events } from "../events.ts";
import { createCarriers, type HeaderLines, type Presented } from "./credential/carriers.ts";
import { createCertificateTable } from "./credential/certificates.ts";
import { claimedIn, type Claimed } from "./credential/claimed.ts";
import { isDenial, type Denial } from "./credential/denial.ts";
import type { Failures } from "./credential/failures.ts";
import type { KeptKeys } from "./credential/jwks-cache.ts";
import type { KeySetState } from "./credential/key-source.ts";
import { keyTableSteps } from "./credential/keys.ts";
import { finish as atOnce, type Steps } from "./steps.ts";
import { createRevocations, type Revocations } from "./credential/revocations.ts";
import { createTokens } from "./credential/tokens.ts";
import {
  Unusable,
  type CertificateRule,
  type Identity,
  type JwtIssuer,
  type KeyRecord,
  type ShownCertificate,
  type Tell,
} from "./credential/types.ts";

export { createFailures, type Failures } from "./credential/failures.ts";
export { createRevocations, type Revocation, type RevocationKind, type Revocations } from "./credential/revocations.ts";
export { CredentialFault } from "./credential/types.ts";
export type { KeptKeys } from "./credential/jwks-cache.ts";
export type { KeySetState } from "./credential/key-source.ts";
export { looksSecret, type Claimed } from "./credential/claimed.ts";
export { AUTH_FAILURES, isDenial, type AuthFailure, type Denial } from "./credential/denial.ts";
export type {
  CertificateRule,
  Credential,
  CredentialNews,
  Identity,
  JwtIssuer,
  KeyRecord,
  ShownCertificate,
  SkippedKey,
} from "./credential/types.ts";

/** By shape, a request as it arrived. */
export type Asking = {
  /** [name, value] as they stood on the wire. */ readonly headers: HeaderLines;
  /** The peer's address. */ readonly source: string;
  readonly peer?: ShownCertificate | undefined;
};

export type Identified = Identity | Denial;

export type Credentials = {
  /**
   * A denial without a usable credential: why is for operators, and never said to the client. At once when it can be (certificates, keys,
   * remembered tokens, most first tokens). Never throws, never rejects.
   */
  readonly identify: (asking: Asking) => Identified | Promise<Identified>;
  /**
   * The same for a request whose credentials were good when it came: counts no failure. At once, and `unknown` where it cannot be told now
   * (an issuer's keys are being fetched, or cannot be).
   */
  readonly identifyAgain: (asking: Asking) => Identity | "unknown" | undefined;
  /** What the request's credentials say of themselves, verified or not. */
  readonly claimed: (asking: Pick<Asking, "headers">) => Claimed;
  /** Of issuers whose keys are at an address. */
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
    /** "basic", and "header:" with a header's name. */ readonly carriers: readonly string[];
  };
  /** Shared by everything that identifies; of their own when left out. */
  readonly revocations?: Revocations;
  readonly failures?: Failures;
  /** Where the last good key sets of addresses are kept, a directory that is made when needed; they are not kept when left out. */
  readonly keptKeys?: KeptKeys | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** How long work is done; all at once when left out. */
  readonly run?: <Result>(steps: Steps<Result>) => Result | Promise<Result>;
  /** Hears of key sets that were loaded or not. It must not throw. Left out: `events`. */
  readonly tell?: Tell;
};

const UNLIMITED: Failures = { count: () => 0, wait: () => 0, mayTry: () => true };

/** Throws CredentialFault, naming what in the settings is at fault. */
export const createCredentials = async (options: CredentialOptions): Promise<Credentials> => {
  const {
    jwt,
    certificates = [],
    keys = { records: [], carriers: [] },
    now = Date.now,
    tell = tellOperators,
    run = atOnce,
  } = options;
  const { revocations = createRevocations(now), failures = UNLIMITED } = options;
  const carriers = createCarriers({ bearer: jwt.length > 0, keys: keys.carriers });
  const rules = createCertificateTable(certificates);
  const table = await run(keyTableSteps({ records: keys.records, now }));
  const tokens = await createTokens({ issuers: jwt, now, tell, keptKeys: options.keptKeys });
  /** What was verified a while ago may have been revoked since. */
  const standing = (answer: Answered): Answered => {
    if (isDenial(answer) || !revocations.holds(answer)) return answer;
    const {
      client,
      credential: { kind, id },
    } = answer;
    return {
      denied: "revoked",
      reason: `${kind} ${id} of client ${client}, or the client, was revoked`,
      ...(kind === "key" && { key: id }),
    };
  };
  const ask = (shown: Presented, source: string): Answer => {
    const answer = shown.kind === "jwt" ? tokens.identify(shown.text) : table.identify(shown.key, shown.user, source);
    return answer instanceof Promise ? answer.then(standing) : standing(answer);
  };
  const isKnown = (shown: Presented, source: string): boolean =>
    shown.kind === "jwt" ? tokens.knows(shown.text) : table.knows(shown.key, source);

  /** Counts the failure; what has failed too often is told to wait. */
  const refuse = (source: string, credentials: readonly string[], denial: Denial): Denial => {
    const retryAfter = failures.count(source, credentials);
    if (retryAfter === 0) return denial;
    return {
      ...denial,
      denied: "throttled",
      reason: `this credential failed too often; now because ${denial.reason}`,
      retryAfter,
    };
  };
  /** All of it is known to be valid, or may be: tokens of our issuers that are right but for a signature that nobody has looked at. */
  const mayBeTried = (shown: readonly Presented[], source: string): boolean =>
    shown.every((each) => isKnown(each, source) || (each.kind === "jwt" && tokens.isPlausible(each.text))) &&
    failures.mayTry(source);
  /** Undefined for a certificate that names no client. */
  const certified = (peer: ShownCertificate): Answered | undefined => {
    try {
      const holder = rules.identify(peer);
      return holder && standing(holder);
    } catch (problem) {
      if (!(problem instanceof Unusable)) throw problem;
      return { denied: problem.denied, reason: `${problem.message} (x5t#S256 ${peer.thumbprint})` };
    }
  };
  const bound = (answer: Answered, { peer }: Asking): Answered =>
    isDenial(answer) || answer.boundTo === undefined || answer.boundTo === peer?.thumbprint
      ? answer
      : {
          denied: "token-binding",
          reason: `the token of client ${answer.client} is bound to another client certificate`,
        };
  const finish = (answered: Answered, asking: Asking, shown: readonly Presented[]): Identified => {
    const answer = bound(answered, asking);
    // What cannot be told is no failure.
    if (!isDenial(answer) || answer.denied === "issuer-unavailable") return answer;
    return refuse(asking.source, digestsOf(shown, asking), answer);
  };
  return {
    identify: (asking) => {
      const { headers, source, peer } = asking;
      const shown = carriers.read(headers);
      const holder = peer && certified(peer);
      if (typeof shown === "string")
        return refuse(source, digestsOf([], asking), { denied: "unreadable", reason: shown });
      if (holder && isDenial(holder)) return refuse(source, digestsOf(shown, asking), holder);
      if (shown.length === 0) return holder ?? nothingIn(peer);
      const retryAfter = failures.wait(source);
      if (retryAfter > 0 && !shown.every((each) => isKnown(each, source)) && !mayBeTried(shown, source))
        return { ...THROTTLED, retryAfter };
      if (shown.length === 1 && holder === undefined) {
        const answer = ask(shown[0]!, source);
        return answer instanceof Promise
          ? answer.then((answered) => finish(answered, asking, shown))
          : finish(answer, asking, shown);
      }
      const answers = [...(holder ? [holder] : []), ...shown.map((each) => ask(each, source))];
      return areAtHand(answers)
        ? finish(agree(answers), asking, shown)
        : Promise.all(answers.map((answer) => Promise.resolve(answer))).then((all) =>
            finish(agree(all), asking, shown),
          );
    },
    identifyAgain: (asking) => {
      const shown = carriers.read(asking.headers);
      const holder = asking.peer && certified(asking.peer);
      if (typeof shown === "string" || (holder && isDenial(holder))) return undefined;
      if (shown.length === 0) return holder;
      const answers = [...(holder ? [holder] : []), ...shown.map((each) => ask(each, asking.source))];
      if (!areAtHand(answers)) return "unknown";
      const answer = bound(agree(answers), asking);
      if (isDenial(answer)) return answer.denied === "issuer-unavailable" ? "unknown" : undefined;
      return answer;
    },
    claimed: ({ headers }) => {
      const shown = carriers.read(headers);
      return typeof shown === "string"
        ? {}
        : claimedIn(shown, { isKey: table.has, clientClaimOf: tokens.clientClaimOf });
    },
    keySets: tokens.keySets,
    challenge: carriers.challenge,
    close: tokens.close,
  };
};

/** What was presented, so that it is known when it comes again; no more of it is kept. */
const digestsOf = (shown: readonly Presented[], { peer }: Asking): readonly string[] => [
  ...shown.map((each) =>
    hash("sha256", `${each.kind}\0${each.kind === "jwt" ? each.text : `${each.user ?? ""}\0${each.key}`}`, "base64url"),
  ),
  ...(peer ? [peer.thumbprint] : []),
];

type Answered = Identity | Denial;
type Answer = Answered | Promise<Answered>;

const areAtHand = (answers: readonly Answer[]): answers is readonly Answered[] =>
  !answers.some((answer) => answer instanceof Promise);

const THROTTLED = {
  denied: "throttled",
  reason: "too many different credentials from this address failed; this one was not verified",
} as const satisfies Denial;

const NOTHING: Denial = { denied: "no-credential", reason: "the request has no credential" };
const MOST_NAMES = 3;

/** A certificate alone, where there is one, names nobody. */
const nothingIn = (peer: ShownCertificate | undefined): Denial =>
  peer
    ? {
        denied: "certificate-client",
        reason: `no rule of identity.mtls fits the client certificate of ${peer.names.slice(0, MOST_NAMES).join(", ") || "no DNS name"}`,
      }
    : NOTHING;

/** Of key sets nobody else would hear. */
const tellOperators: Tell = (news) => {
  if (news.kind === "key-set-failed") events.keySetUnavailable(news.issuer, news.reason);
  if (news.kind === "key-set-back") events.keySetBack(news.issuer);
  if (news.kind === "key-set-not-kept") events.keySetNotKept(news.issuer, news.reason);
  if (news.kind === "kept-keys-refused") events.keptKeysRefused(news.issuer, news.reason);
  if (news.kind === "key-set-loaded")
    for (const { kid, reason } of news.skipped) events.keySkipped(news.issuer, `${kid ?? "without kid"}: ${reason}`);
};

/** Several credentials speak with one voice or not at all: the token's, because it may narrow the tenant, and for those tenants alone that each may speak for. */
const agree = (answers: readonly Answered[]): Answered => {
  const denials = answers.filter(isDenial);
  if (denials.length > 0) return denials.find(({ denied }) => denied !== "issuer-unavailable") ?? denials[0]!;
  const all = answers as readonly [Identity, ...Identity[]];
  const [first, ...others] = all;
  const other = others.find(({ client }) => client !== first.client);
  if (other)
    return {
      denied: "contradiction",
      reason: `one credential is of client ${first.client}, another one of ${other.client}`,
    };
  if (others.length === 0) return first;
  const voice = all.find(({ credential }) => credential.kind === "jwt") ?? first;
  const lists = all.flatMap(({ tenants }) => (tenants ? [tenants] : []));
  return lists.length === 0
    ? voice
    : { ...voice, tenants: lists.reduce((every, list) => every.filter((tenant) => list.includes(tenant))) };
};
