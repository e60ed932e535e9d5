/**
 * Makes the credentials of a generation from its settings: the keys file, JWT issuers and certificate rules, with the
 * tenants that each is limited to.
 */
import { hash, hkdfSync } from "node:crypto";
import { join } from "node:path";
import { events } from "../../common/log/events.ts";
import { readKeys } from "../../settings/files/keys-file.ts";
import type { KeyRecord } from "../../settings/files/keys-rows.ts";
import { toLimit } from "../../settings/to-tenants.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { keyOf } from "../../tenancy/registry.ts";
import type { Steps } from "../../common/steps.ts";
import { inSlices } from "../config/time-slices.ts";
import { certificatesOf } from "../../common/x509/pem.ts";
import {
  createCredentials,
  createAuthThrottle,
  type CertificateRule,
  type Credentials,
  type JwtIssuer,
  type KeySetCacheOptions,
  type KeyRecord as CredentialKey,
} from "../../identity/credentials.ts";
import type { SharedServices } from "../shared-services.ts";
import type { Reading } from "../config/reading.ts";
import { signingKeyOf } from "./journal/journal-trust.ts";
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { isInside } from "./journal/is-inside.ts";

type Identity = Settings["identity"];

/** Returns the previous generation's credentials if nothing in them has changed, so that fetched key sets are kept. */
export const credentialsFor = (
  services: SharedServices,
  reading: Reading,
  before: (Reading & { readonly credentials: Credentials }) | undefined,
): Promise<Credentials> | Credentials =>
  before && haveSameNames(before, reading) && fingerprint(before) === fingerprint(reading)
    ? before.credentials
    : startCredentials(services, reading);

const fingerprint = ({ settings: { identity }, files }: Reading): string =>
  JSON.stringify([
    identity,
    files.get(identity.keys?.file ?? ""),
    identity.jwt.map(({ jwks_file }) => files.get(jwks_file ?? "")),
    identity.mtls.map(({ ca }) => files.get(ca ?? "")),
  ]);

/** Whether both readings have the same tenant names and DBIDs, which lists of tenants refer to. */
const haveSameNames = ({ settings: { tenants: before } }: Reading, { settings: { tenants } }: Reading): boolean =>
  before.length === tenants.length &&
  tenants.every((tenant, at) => {
    const was = before[at]!;
    return was === tenant || (was.name === tenant.name && was.dbid === tenant.dbid && was.upstream === tenant.upstream);
  });

const startCredentials = async ({ revocations }: SharedServices, reading: Reading): Promise<Credentials> => {
  const { settings } = reading;
  const {
    identity: { jwt, mtls, keys, failures },
  } = settings;
  const listed = listedIn(settings);
  return createCredentials({
    jwt: jwt.map((issuer) => issuerOf(issuer, listed)),
    certificates: await Promise.all(mtls.map((rule) => ruleOf(rule, listed))),
    ...(keys && {
      keys: {
        records: await inSlices(recordSteps(reading.keys ?? (await recordsIn(keys.file)), listed)),
        carriers: keys.carriers,
      },
    }),
    revocations,
    throttle: createAuthThrottle(toLimit(failures)),
    keySetCache: jwt.some(({ jwks_uri }) => jwks_uri !== null) ? await keptKeysOf(settings) : undefined,
    run: inSlices,
  });
};

/** Records by key, for later generations. Only for keys without a list of tenants: their records never change. */
const made = new WeakMap<KeyRecord, CredentialKey>();

const recordSteps = function* (keys: readonly KeyRecord[], listed: Listed): Steps<readonly CredentialKey[]> {
  const records: CredentialKey[] = [];
  for (const key of keys) {
    yield;
    const record = made.get(key) ?? toRecord(key, listed);
    if (key.tenants === null) made.set(key, record);
    records.push(record);
  }
  return records;
};

/**
 * Key sets kept in the journal's directory are authenticated with the checkpoint key. If that key lies in the same
 * directory, no key set is kept.
 */
const keptKeysOf = async ({ audit }: Settings): Promise<KeySetCacheOptions | undefined> => {
  const { dir, checkpoint } = audit;
  if (await isInside(checkpoint.key, dir)) {
    events.issuerKeyCacheDisabled({ key: checkpoint.key });
    return undefined;
  }
  const key = (await signingKeyOf({ audit })).export({ format: "der", type: "pkcs8" });
  return {
    dir: join(dir, "jwks"),
    secret: new Uint8Array(
      hkdfSync("sha256", key, "", "ocs-gateway: issuers' keys that are kept on disk, version 1", 32),
    ),
  };
};

const issuerOf = (
  { jwks_uri, jwks_file, claims, tenants, ...issuer }: Identity["jwt"][number],
  listed: Listed,
): JwtIssuer => ({
  ...issuer,
  ...(jwks_uri !== null && { jwks_uri }),
  ...(jwks_file !== null && { jwks_file }),
  claims: { client: claims.client, ...(claims.tenant !== null && { tenant: claims.tenant }) },
  ...listed(tenants),
});

const ruleOf = async (
  { name, san_dns, client, ca, tenants }: Identity["mtls"][number],
  listed: Listed,
): Promise<CertificateRule> => ({
  name,
  san_dns,
  client,
  ...(ca !== null && { authorities: digestsIn(await readSmallFile(ca)) }),
  ...listed(tenants),
});

/** SHA-256, hexadecimal, of each certificate of the text. */
const digestsIn = (pem: string): readonly string[] => certificatesOf(pem).map((der) => hash("sha256", der, "hex"));

/** Empty where the file does not exist: the first new key creates it. */
const recordsIn = async (file: string): Promise<readonly KeyRecord[]> => {
  const text = await readSmallFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return [];
  const read = readKeys(text, file);
  if (!read.ok) throw new Error(`${file}: ${read.problems.map(({ message }) => message).join("; ")}`);
  return read.keys;
};

const toRecord = ({ id, client, hash, expires, revoked, tenants }: KeyRecord, listed: Listed): CredentialKey => ({
  id,
  client,
  hash,
  ...(expires !== null && { expires: new Date(expires).toISOString() }),
  ...(revoked !== null && { revoked: new Date(revoked).toISOString() }),
  ...listed(tenants),
});

type Listed = (tenants: readonly string[] | null) => { readonly tenants?: readonly string[] };

/** Returns a function that resolves listed tenants, by name or DBID, to their keys. */
const listedIn = ({ tenants }: Settings): Listed => {
  let known: ReadonlyMap<string, readonly string[]> | undefined;
  return (listed) => {
    if (listed === null) return {};
    known ??= byText(tenants);
    return { tenants: [...new Set(listed.flatMap((each) => known!.get(each) ?? []))] };
  };
};

/** Tenant keys by name and by DBID. One text may refer to several tenants, on different OCS. */
const byText = (tenants: Settings["tenants"]): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  for (const tenant of tenants) {
    for (const text of new Set([tenant.name, String(tenant.dbid)])) {
      const those = found.get(text);
      if (those) those.push(keyOf(tenant));
      else found.set(text, [keyOf(tenant)]);
    }
  }
  return found;
};
