/** Who is asking? Tokens, API keys and client certificates of one request, to one client or to nobody. */
import { hash } from "node:crypto";
import { events } from "../events.ts";
import { createCarriers, type HeaderLines, type Presented } from "./credential/carriers.ts";
import { createCertificateTable } from "./credential/certificates.ts";
import { claimedIn, type Claimed } from "./credential/claimed.ts";
import type { Failures } from "./credential/failures.ts";
import type { KeptKeys } from "./credential/jwks-cache.ts";
import { createKeyTable } from "./credential/keys.ts";
import { createRevocations, type Revocations } from "./credential/revocations.ts";
import { createTokens } from "./credential/tokens.ts";
import { Unusable, type CertificateRule, type Identity, type JwtIssuer, type KeyRecord, type ShownCertificate, type Tell } from "./credential/types.ts";

export { createFailures, type Failures } from "./credential/failures.ts";
export { createRevocations, type Revocation, type RevocationKind, type Revocations } from "./credential/revocations.ts";
export { CredentialFault } from "./credential/types.ts";
export type { KeptKeys } from "./credential/jwks-cache.ts";
export type { Claimed } from "./credential/claimed.ts";
export type { CertificateRule, Credential, CredentialNews, Identity, JwtIssuer, KeyRecord, ShownCertificate, SkippedKey } from "./credential/types.ts";

/** By shape, a request as it arrived. */
export type Asking = { /** [name, value] as they stood on the wire. */ readonly headers: HeaderLines; /** The peer's address. */ readonly source: string; readonly peer?: ShownCertificate | undefined };

/** Too many credentials from this address failed, and nothing of this request was verified; or this one has failed too often. */
export type Slowed = { readonly retryAfter: number };

export type Identified = Identity | Slowed | undefined;

export type Credentials = {
  /**
   * Undefined without a usable credential; which part was wrong is never said. At once when it can be (certificates, keys, remembered tokens,
   * most first tokens). Never throws, never rejects.
   */
  readonly identify: (asking: Asking) => Identified | Promise<Identified>;
  /**
   * The same for a request whose credentials were good when it came: counts no failure. At once, and `unknown` where it cannot be told at once
   * (an issuer's keys are being fetched).
   */
  readonly identifyAgain: (asking: Asking) => Identity | "unknown" | undefined;
  /** What the request's credentials say of themselves, verified or not. */
  readonly claimed: (asking: Pick<Asking, "headers">) => Claimed;
  /** For WWW-Authenticate. */
  readonly challenge: string;
  readonly close: () => void;
};

export type CredentialOptions = {
  readonly jwt: readonly JwtIssuer[];
  readonly certificates?: readonly CertificateRule[];
  readonly keys?: { readonly records: readonly KeyRecord[]; /** "basic", and "header:" with a header's name. */ readonly carriers: readonly string[] };
  /** Shared by everything that identifies; of their own when left out. */
  readonly revocations?: Revocations;
  readonly failures?: Failures;
  /** Where the last good key sets of addresses are kept, a directory that is made when needed; they are not kept when left out. */
  readonly keptKeys?: KeptKeys | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Hears of key sets that were loaded or not, and why credentials were refused. It must not throw. Left out: `events`. */
  readonly tell?: Tell;
};

const UNLIMITED: Failures = { count: () => 0, wait: () => 0, mayTry: () => true };

/** Throws CredentialFault, naming what in the settings is at fault. */
export const createCredentials = async (options: CredentialOptions): Promise<Credentials> => {
  const { jwt, certificates = [], keys = { records: [], carriers: [] }, now = Date.now, tell = tellOperators } = options;
  const { revocations = createRevocations(now), failures = UNLIMITED } = options;
  const carriers = createCarriers({ bearer: jwt.length > 0, keys: keys.carriers });
  const rules = createCertificateTable(certificates);
  const table = createKeyTable({ records: keys.records, now, tell });
  const tokens = await createTokens({ issuers: jwt, now, tell, keptKeys: options.keptKeys });
  /** What was verified a while ago may have been revoked since. */
  const standing = (identity: Identity | undefined): Identity | undefined => {
    if (!identity || !revocations.holds(identity)) return identity;
    tell({ kind: "refused", credential: identity.credential.kind, reason: "it was revoked" });
    return undefined;
  };
  const ask = (shown: Presented, source: string): Answer => {
    const answer = shown.kind === "jwt" ? tokens.identify(shown.text) : table.identify(shown.key, shown.user, source);
    return answer instanceof Promise ? answer.then(standing) : standing(answer);
  };
  const isKnown = (shown: Presented, source: string): boolean => (shown.kind === "jwt" ? tokens.knows(shown.text) : table.knows(shown.key, source));

  const refuse = (source: string, credentials: readonly string[]): Slowed | undefined => {
    const retryAfter = failures.count(source, credentials);
    return retryAfter > 0 ? { retryAfter } : undefined;
  };
  /** All of it is known to be valid, or may be: tokens of our issuers that are right but for a signature that nobody has looked at. */
  const mayBeTried = (shown: readonly Presented[], source: string): boolean =>
    shown.every((each) => isKnown(each, source) || (each.kind === "jwt" && tokens.isPlausible(each.text))) && failures.mayTry(source);
  const certified = ({ peer }: Asking): Identity | undefined | false => {
    try {
      const holder = peer && rules.identify(peer);
      return holder && (standing(holder) ?? false);
    } catch (problem) {
      if (!(problem instanceof Unusable)) throw problem;
      tell({ kind: "refused", credential: "certificate", reason: problem.message });
      return false;
    }
  };
  const bound = (identity: Identity | undefined, { peer }: Asking): Identity | undefined => {
    if (!identity || identity.boundTo === undefined || identity.boundTo === peer?.thumbprint) return identity;
    tell({ kind: "refused", credential: "jwt", reason: "the token is bound to another certificate" });
    return undefined;
  };
  const finish = (identity: Identity | undefined, asking: Asking, shown: readonly Presented[]): Identified =>
    bound(identity, asking) ?? refuse(asking.source, digestsOf(shown, asking));
  return {
    identify: (asking) => {
      const { headers, source } = asking;
      const shown = carriers.read(headers);
      const holder = asking.peer === undefined ? undefined : certified(asking);
      if (!shown || holder === false) return refuse(source, digestsOf(shown ?? [], asking));
      if (shown.length === 0) return holder;
      const retryAfter = failures.wait(source);
      if (retryAfter > 0 && !shown.every((each) => isKnown(each, source)) && !mayBeTried(shown, source)) return { retryAfter };
      if (shown.length === 1 && holder === undefined) {
        const answer = ask(shown[0]!, source);
        return answer instanceof Promise ? answer.then((identity) => finish(identity, asking, shown)) : finish(answer, asking, shown);
      }
      const answers = [...(holder ? [holder] : []), ...shown.map((each) => ask(each, source))];
      return areAtHand(answers)
        ? finish(agree(answers), asking, shown)
        : Promise.all(answers.map((answer) => Promise.resolve(answer))).then((all) => finish(agree(all), asking, shown));
    },
    identifyAgain: (asking) => {
      const shown = carriers.read(asking.headers);
      const holder = asking.peer === undefined ? undefined : certified(asking);
      if (!shown || holder === false) return undefined;
      if (shown.length === 0) return holder;
      const answers = [...(holder ? [holder] : []), ...shown.map((each) => ask(each, asking.source))];
      return areAtHand(answers) ? bound(agree(answers), asking) : "unknown";
    },
    claimed: ({ headers }) => claimedIn(carriers.read(headers) ?? [], table.has),
    challenge: carriers.challenge,
    close: tokens.close,
  };
};

/** What was presented, so that it is known when it comes again; no more of it is kept. */
const digestsOf = (shown: readonly Presented[], { peer }: Asking): readonly string[] => [
  ...shown.map((each) => hash("sha256", `${each.kind}\0${each.kind === "jwt" ? each.text : `${each.user ?? ""}\0${each.key}`}`, "base64url")),
  ...(peer ? [peer.thumbprint] : []),
];

type Answer = Identity | undefined | Promise<Identity | undefined>;

const areAtHand = (answers: readonly Answer[]): answers is readonly (Identity | undefined)[] => !answers.some((answer) => answer instanceof Promise);

/** Refusals are counted by whoever replies; of key sets nobody else would hear. */
const tellOperators: Tell = (news) => {
  if (news.kind === "key-set-failed") events.keySetUnavailable(news.issuer, news.reason);
  if (news.kind === "kept-keys-refused") events.keptKeysRefused(news.issuer, news.reason);
  if (news.kind === "key-set-loaded") for (const { kid, reason } of news.skipped) events.keySkipped(news.issuer, `${kid ?? "without kid"}: ${reason}`);
};

/** Several credentials speak with one voice or not at all: the token's, because it may narrow the tenant, and for those tenants alone that each may speak for. */
const agree = (answers: readonly (Identity | undefined)[]): Identity | undefined => {
  const [first] = answers;
  if (!first || answers.some((answer) => answer?.client !== first.client)) return undefined;
  const voice = answers.find((answer) => answer?.credential.kind === "jwt") ?? first;
  const lists = answers.flatMap((answer) => (answer?.tenants ? [answer.tenants] : []));
  return lists.length === 0 ? voice : { ...voice, tenants: lists.reduce((all, list) => all.filter((tenant) => list.includes(tenant))) };
};
