/** Where an issuer's keys come from: a file, or the one address that the settings name. */
import { isAlgorithm, type Algorithm, type VerificationKey } from "./jwk.ts";
import { createKeySetCache, type KeptKeys } from "./jwks-cache.ts";
import { MAX_STALE, openRemoteKeys } from "./jwks-remote.ts";
import { CredentialFault, type JwtIssuer, type Tell } from "./types.ts";
import { keyFor, readKeySet, type KeySet } from "./jwks.ts";
import { readSmallFile } from "../../small-file.ts";
import { reason } from "../../system-error.ts";

export type KeySource = {
  /** The key of that id, or the only one for a token without: at once when it is at hand, otherwise after the set was fetched, if it may be fetched now. Never rejects. */
  readonly find: (kid: string | undefined) => VerificationKey | undefined | Promise<VerificationKey | undefined>;
  /** A key that its set does not name did not fit a token: it may have been replaced. The set is asked for again when it may be. */
  readonly renew: () => void;
  /** Why a key that is not found may be one of the issuer's all the same; undefined where it is none. */
  readonly away: (kid: string | undefined) => KeysAway | undefined;
  /** Undefined for a file, which was read when the config was. */
  readonly state: () => KeySetState | undefined;
  readonly close: () => void;
};

/** The keys cannot be fetched. `retryAfter`: whole seconds until the next attempt. */
export type KeysAway = { readonly reason: string; readonly retryAfter: number };

/** Of an issuer's keys at an address. Milliseconds. */
export type KeySetState = {
  /** The issuer's name in the settings. */
  readonly issuer: string;
  /** Since they were fetched; undefined before the first time. */
  readonly age: number | undefined;
  /** For so long they count, unless they are fetched again; 0 when none counts. */
  readonly counts: number;
  /** Why the last attempt to fetch them failed; undefined when it did not. */
  readonly failing: string | undefined;
};

type Surroundings = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly tell: Tell;
  /** Called when a key that was in force no longer is. */
  readonly onKeyGone: () => void;
  /** Where the last good key sets of addresses are kept; nowhere when left out. */
  readonly keptKeys?: KeptKeys | undefined;
};

/** A file is read once, here; an address is asked in the background from now on. Throws CredentialFault. */
export const openKeySource = async (issuer: JwtIssuer, surroundings: Surroundings): Promise<KeySource> => {
  const algorithms = algorithmsOf(issuer);
  const { jwks_uri: address, jwks_file: path } = issuer;
  if ((address === undefined) === (path === undefined))
    throw new CredentialFault(`issuer "${issuer.name}": needs jwks_uri or jwks_file, and not both`);
  const read = (jwks: unknown): KeySet => readKeySet(jwks, algorithms);
  if (address !== undefined) {
    const { keptKeys } = surroundings;
    const cache = keptKeys && createKeySetCache(keptKeys, { name: issuer.name, issuer: issuer.issuer, address });
    return openRemoteKeys({
      issuer: issuer.name,
      address,
      read,
      ...surroundings,
      maxStale: issuer.max_stale ?? MAX_STALE,
      cache,
    });
  }
  const { keys, skipped } = await readKeyFile(issuer.name, path!, read);
  surroundings.tell({ kind: "key-set-loaded", issuer: issuer.name, usable: keys.size, skipped });
  return {
    find: (kid) => keyFor(keys, kid),
    renew: () => {},
    away: () => undefined,
    state: () => undefined,
    close: () => {},
  };
};

const algorithmsOf = ({ name, algorithms }: JwtIssuer): readonly Algorithm[] => {
  const unknown = algorithms.find((algorithm) => !isAlgorithm(algorithm));
  if (unknown !== undefined) throw new CredentialFault(`issuer "${name}": algorithm "${unknown}" cannot be used`);
  if (algorithms.length === 0) throw new CredentialFault(`issuer "${name}": no algorithm is named`);
  return algorithms.filter(isAlgorithm);
};

const readKeyFile = async (issuer: string, path: string, read: (jwks: unknown) => KeySet): Promise<KeySet> => {
  try {
    return read(JSON.parse(await readSmallFile(path)));
  } catch (problem) {
    // What JSON.parse says quotes the file, and the file may hold a private key by mistake.
    const why = problem instanceof SyntaxError ? "it is not JSON" : reason(problem);
    throw new CredentialFault(`issuer "${issuer}": jwks_file ${path}: ${why}`);
  }
};
