/**
 * Issuers, keys and tokens for the tests of credentials. Tokens are put together by hand, so that each rule can be
 * broken alone.
 */
import { generateKeyPairSync, sign, type JsonWebKey, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createCredentials,
  isDenial,
  type IdentifyRequest,
  type CredentialEvent,
  type CredentialOptions,
  type Credentials,
  type Denial,
  type IdentifyResult,
  type Identity,
  type JwtIssuer,
} from "../../src/identity/credentials.ts";

export const NOW = Date.UTC(2030, 0, 2, 3, 4, 5);
export const SECONDS = NOW / 1000;

export const ecPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
export const rsaPair = (modulusLength = 2048) => generateKeyPairSync("rsa", { modulusLength });

export const jwkOf = (key: KeyObject, more: object = {}): JsonWebKey => ({ ...key.export({ format: "jwk" }), ...more });

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A token signed with ES256 over whatever stands in header and payload (text or a value). */
export const es256 = (key: KeyObject, header: unknown, payload: unknown): string =>
  signParts(key, encode(header), encode(payload));

/** Signed with ES256 as the two parts stand, canonical or not. */
export const signParts = (key: KeyObject, header: string, payload: string): string => {
  const input = `${header}.${payload}`;
  return `${input}.${sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
};

export const anIssuer = (more: Partial<JwtIssuer> = {}): JwtIssuer => ({
  name: "corp",
  issuer: "https://idp.test/",
  audience: "ocs-gateway",
  algorithms: ["ES256", "RS256"],
  clock_skew: 60_000,
  claims: { client: "azp", tenant: "ocs_tenant" },
  ...more,
});

export const claims = (more: object = {}): Record<string, unknown> => ({
  iss: "https://idp.test/",
  aud: "ocs-gateway",
  azp: "ors-main",
  iat: SECONDS,
  exp: SECONDS + 300,
  jti: "one",
  ...more,
});

/** Without the members named. */
export const without = (value: Record<string, unknown>, ...names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));

export const bearer = (token: string): readonly (readonly [string, string])[] => [
  ["Host", "gw"],
  ["Authorization", `Bearer ${token}`],
];

export type World = {
  readonly file: (name: string, value: unknown) => string;
  readonly open: (options: Partial<CredentialOptions>) => Promise<Opened>;
  readonly end: () => void;
};
/**
 * `identify` takes a request's header lines; `wholly` a request, and tells of who has to wait for how long. Nobody is
 * undefined; why is in `denials`, in their order.
 */
export type Opened = Omit<Credentials, "identify"> & {
  readonly identify: (headers: IdentifyRequest["headers"]) => Identity | undefined | Promise<Identity | undefined>;
  readonly wholly: (asking: Partial<IdentifyRequest>) => Promise<Identity | Pick<Denial, "retryAfter"> | undefined>;
  /** As the gateway asks. */
  readonly whole: Credentials["identify"];
  readonly clock: { now: number };
  readonly news: CredentialEvent[];
  readonly denials: Denial[];
  readonly ask: (token: string) => Promise<Identity | undefined>;
};

/**
 * Files in a directory of their own and credentials with a clock that the test moves; `end` closes and removes all of
 * it.
 */
export const aWorld = (): World => {
  const dir = mkdtempSync(join(tmpdir(), "ocsgw-credential-"));
  const opened: Credentials[] = [];
  return {
    file: (name, value) => {
      const path = join(dir, name);
      writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
      return path;
    },
    open: async (options) => {
      const clock = { now: NOW };
      const news: CredentialEvent[] = [];
      const credentials = await createCredentials({
        jwt: [],
        now: () => clock.now,
        onEvent: (item) => news.push(item),
        ...options,
      });
      opened.push(credentials);
      const denials: Denial[] = [];
      const known = (answer: IdentifyResult): Identity | undefined => {
        if (!isDenial(answer)) return answer;
        denials.push(answer);
        return undefined;
      };
      const wholly: Opened["wholly"] = async (asking) => {
        const answer = await credentials.identify({ headers: [], source: "192.0.2.1", ...asking });
        return isDenial(answer) && answer.retryAfter !== undefined ? { retryAfter: answer.retryAfter } : known(answer);
      };
      const identify = (headers: IdentifyRequest["headers"]) => {
        const answer = credentials.identify({ headers, source: "192.0.2.1" });
        return answer instanceof Promise ? answer.then(known) : known(answer);
      };
      return {
        ...credentials,
        clock,
        news,
        denials,
        whole: credentials.identify,
        wholly,
        identify,
        ask: async (token) => identify(bearer(token)),
      };
    },
    end: () => {
      for (const credentials of opened) credentials.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
