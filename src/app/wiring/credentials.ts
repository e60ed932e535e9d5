/** Settings → who may show what to be whom: the keys file, the issuers and the certificates' rules, as `tenants` takes them. */
import { hash, hkdfSync } from "node:crypto";
import { join } from "node:path";
import { events } from "../events.ts";
import { readKeys, type KeyRecord } from "../settings/keys-file.ts";
import { toLimit } from "../settings/register.ts";
import type { Settings } from "../settings/schema.ts";
import { keyOf } from "../tenants/register.ts";
import type { Steps } from "../tenants/steps.ts";
import { inSlices } from "./slices.ts";
import { certificatesOf } from "../x509/pem.ts";
import {
  createCredentials,
  createFailures,
  type CertificateRule,
  type Credentials,
  type JwtIssuer,
  type KeptKeys,
  type KeyRecord as CredentialKey,
} from "../tenants/credential.ts";
import type { Generation, House, Reading } from "./generation.ts";
import { signingKeyOf } from "./trust.ts";
import { readSmallFile } from "../small-file.ts";
import { isInside } from "./inside.ts";

type Identity = Settings["identity"];

/** Those of the generation before where nothing of it has changed, so that key sets which were fetched stay at hand. */
export const credentialsFor = (
  house: House,
  reading: Reading,
  before: Generation | undefined,
): Promise<Credentials> | Credentials =>
  before && haveSameNames(before, reading) && fingerprint(before) === fingerprint(reading)
    ? before.credentials
    : startCredentials(house, reading);

const fingerprint = ({ settings: { identity }, files }: Reading): string =>
  JSON.stringify([
    identity,
    files.get(identity.keys?.file ?? ""),
    identity.jwt.map(({ jwks_file }) => files.get(jwks_file ?? "")),
    identity.mtls.map(({ ca }) => files.get(ca ?? "")),
  ]);

/** What lists of tenants may name. */
const haveSameNames = ({ settings: { tenants: before } }: Reading, { settings: { tenants } }: Reading): boolean =>
  before.length === tenants.length &&
  tenants.every((tenant, at) => {
    const was = before[at]!;
    return was === tenant || (was.name === tenant.name && was.dbid === tenant.dbid && was.upstream === tenant.upstream);
  });

const startCredentials = async ({ revocations }: House, reading: Reading): Promise<Credentials> => {
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
    failures: createFailures(toLimit(failures)),
    keptKeys: jwt.some(({ jwks_uri }) => jwks_uri !== null) ? await keptKeysOf(settings) : undefined,
    run: inSlices,
  });
};

/** Each of the same key: what was made of it serves as long as the key does, when it is not only for some tenants. */
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

/** A set in the journal's directory is believed for a key that lies outside it; where the key does not, none is kept. */
const keptKeysOf = async ({ audit }: Settings): Promise<KeptKeys | undefined> => {
  const { dir, checkpoint } = audit;
  if (await isInside(checkpoint.key, dir)) {
    events.keySetsNotKept(
      `issuers' keys are not kept on disk: audit.checkpoint.key lies in audit.dir, so whoever can write there could plant keys; move ${checkpoint.key} elsewhere`,
    );
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

/** None while there is no such file: the first key makes it. */
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

/** Each listed tenant by its key: what it means is settled here, once. */
const listedIn = ({ tenants }: Settings): Listed => {
  let known: ReadonlyMap<string, readonly string[]> | undefined;
  return (listed) => {
    if (listed === null) return {};
    known ??= byText(tenants);
    return { tenants: [...new Set(listed.flatMap((each) => known!.get(each) ?? []))] };
  };
};

/** By name and by DBID: the same text may be of several, on different OCS. */
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
