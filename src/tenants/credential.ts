/** Who is asking? Tokens and API keys, read from a request's header lines, to one client or to nobody. */
import { events } from "../events.ts";
import { createCarriers, type HeaderLines, type Presented } from "./credential/carriers.ts";
import { createTokens } from "./credential/tokens.ts";
import type { Identity, JwtIssuer, KeyRecord, Tell } from "./credential/types.ts";
import { createKeyTable } from "./credential/keys.ts";

export { CredentialFault } from "./credential/types.ts";
export type { Credential, CredentialNews, Identity, JwtIssuer, KeyRecord, SkippedKey } from "./credential/types.ts";

export type Credentials = {
  /**
   * Undefined without a usable credential; which part was wrong is never said. At once when it can be (keys, remembered tokens,
   * most first tokens). Never throws, never rejects. The lines are [name, value] as they stood on the wire.
   */
  readonly identify: (headers: HeaderLines) => Identity | undefined | Promise<Identity | undefined>;
  /** For WWW-Authenticate. */
  readonly challenge: string;
  readonly close: () => void;
};

export type CredentialOptions = {
  readonly jwt: readonly JwtIssuer[];
  readonly keys?: { readonly records: readonly KeyRecord[]; /** "basic", and "header:" with a header's name. */ readonly carriers: readonly string[] };
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Hears of key sets that were loaded or not, and why credentials were refused. It must not throw. Left out: `events`. */
  readonly tell?: Tell;
};

/** Throws CredentialFault, naming what in the settings is at fault. */
export const createCredentials = async ({ jwt, keys = { records: [], carriers: [] }, now = Date.now, tell = tellOperators }: CredentialOptions): Promise<Credentials> => {
  const carriers = createCarriers({ bearer: jwt.length > 0, keys: keys.carriers });
  const table = createKeyTable({ records: keys.records, now, tell });
  const tokens = await createTokens({ issuers: jwt, now, tell });
  const ask = (presented: Presented): Answer => (presented.kind === "jwt" ? tokens.identify(presented.text) : table.identify(presented.key, presented.user));
  return {
    identify: (headers) => {
      const presented = carriers.read(headers);
      if (!presented) return undefined;
      if (presented.length === 1) return ask(presented[0]!);
      const answers = presented.map(ask);
      return areAtHand(answers) ? agree(answers) : Promise.all(answers.map((answer) => Promise.resolve(answer))).then(agree);
    },
    challenge: carriers.challenge,
    close: tokens.close,
  };
};

type Answer = Identity | undefined | Promise<Identity | undefined>;

const areAtHand = (answers: readonly Answer[]): answers is readonly (Identity | undefined)[] => !answers.some((answer) => answer instanceof Promise);

/** Refusals are counted by whoever replies; of key sets nobody else would hear. */
const tellOperators: Tell = (news) => {
  if (news.kind === "key-set-failed") events.keySetUnavailable(news.issuer, news.reason);
  if (news.kind === "key-set-loaded") for (const { kid, reason } of news.skipped) events.keySkipped(news.issuer, `${kid ?? "without kid"}: ${reason}`);
};

/** Several credentials speak with one voice or not at all. The token's answer counts, because it may narrow the tenant. */
const agree = (answers: readonly (Identity | undefined)[]): Identity | undefined => {
  const [first] = answers;
  if (!first || answers.some((answer) => answer?.client !== first.client)) return undefined;
  return answers.find((answer) => answer?.credential.kind === "jwt") ?? first;
};
