/** An issuer's keys, from a file or an address. */
import { isAlgorithm, type Algorithm, type VerificationKey } from "./jwk.ts";
import { createKeySetCache, type KeySetCacheOptions } from "./jwks-cache.ts";
import { MAX_STALE, openRemoteKeys } from "./jwks-remote.ts";
import { CredentialSettingsError, type JwtIssuer, type ReportCredentialEvent } from "../types.ts";
import { keyFor, readKeySet, type KeySet } from "./jwks.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { reason } from "../../common/system-error.ts";
import type { KeysUnavailable, KeySetState } from "./jwks-remote.ts";

export type KeySource = {
  /**
   * The key with this kid, or the only key for a token without kid. Synchronous if it is known, otherwise after a
   * fetch, if the set may be fetched now. Never rejects.
   */
  readonly find: (kid: string | undefined) => VerificationKey | undefined | Promise<VerificationKey | undefined>;
  /** Fetches the set again, if allowed now, because a key without kid did not verify and may have been replaced. */
  readonly refresh: () => void;
  /** Why an unknown key may still belong to the issuer; undefined if it certainly does not. */
  readonly whyUnavailable: (kid: string | undefined) => KeysUnavailable | undefined;
  /** Undefined for a file, which is read with the config. */
  readonly state: () => KeySetState | undefined;
  readonly close: () => void;
};

type KeySourceDeps = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onEvent: ReportCredentialEvent;
  /** Called when a key of the set was removed or replaced. */
  readonly onKeyGone: () => void;
  /** Absent: key sets of addresses are not cached on disk. */
  readonly keySetCache?: KeySetCacheOptions | undefined;
};

/** Reads the file, or starts to fetch the address in the background. Rejects with CredentialSettingsError. */
export const openKeySource = async (issuer: JwtIssuer, deps: KeySourceDeps): Promise<KeySource> => {
  const algorithms = algorithmsOf(issuer);
  const { jwks_uri: address, jwks_file: path } = issuer;
  if ((address === undefined) === (path === undefined))
    throw new CredentialSettingsError(`issuer "${issuer.name}": needs either jwks_uri or jwks_file`);
  const read = (jwks: unknown): KeySet => readKeySet(jwks, algorithms);
  if (address !== undefined) {
    const { keySetCache } = deps;
    const cache = keySetCache && createKeySetCache(keySetCache, { name: issuer.name, issuer: issuer.issuer, address });
    return openRemoteKeys({
      issuer: issuer.name,
      address,
      read,
      ...deps,
      maxStale: issuer.max_stale ?? MAX_STALE,
      cache,
    });
  }
  const { keys, skipped } = await readKeyFile(issuer.name, path!, read);
  deps.onEvent({ kind: "key-set-loaded", issuer: issuer.name, usable: keys.size, skipped });
  return {
    find: (kid) => keyFor(keys, kid),
    refresh: () => {},
    whyUnavailable: () => undefined,
    state: () => undefined,
    close: () => {},
  };
};

const algorithmsOf = ({ name, algorithms }: JwtIssuer): readonly Algorithm[] => {
  const unknown = algorithms.find((algorithm) => !isAlgorithm(algorithm));
  if (unknown !== undefined)
    throw new CredentialSettingsError(`issuer "${name}": algorithm "${unknown}" is not supported`);
  if (algorithms.length === 0) throw new CredentialSettingsError(`issuer "${name}": it has no algorithm`);
  return algorithms.filter(isAlgorithm);
};

const readKeyFile = async (issuer: string, path: string, read: (jwks: unknown) => KeySet): Promise<KeySet> => {
  try {
    return read(JSON.parse(await readSmallFile(path)));
  } catch (problem) {
    // The message of JSON.parse quotes the file, which may contain a private key by mistake.
    const why = problem instanceof SyntaxError ? "it is not JSON" : reason(problem);
    throw new CredentialSettingsError(`issuer "${issuer}": jwks_file ${path}: ${why}`);
  }
};
