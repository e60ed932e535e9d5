/** Settings → who may show what to be whom: the keys file, the issuers and the certificates' rules, as `tenants` takes them. */
import { hash, hkdfSync } from "node:crypto";
import { realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { events } from "../events.ts";
import { readKeys, type KeyRecord } from "../settings/keys-file.ts";
import { toLimit } from "../settings/register.ts";
import type { Settings } from "../settings/schema.ts";
import { isNamed, keyOf } from "../tenants/register.ts";
import { certificatesOf } from "../x509/pem.ts";
import { createCredentials, createFailures, type CertificateRule, type Credentials, type JwtIssuer, type KeptKeys, type KeyRecord as CredentialKey } from "../tenants/credential.ts";
import type { Generation, House, Reading } from "./generation.ts";
import { signingKeyOf } from "./trust.ts";
import { readSmallFile } from "../small-file.ts";

type Identity = Settings["identity"];

/** Those of the generation before where nothing of it has changed, so that key sets which were fetched stay at hand. */
export const credentialsFor = (house: House, reading: Reading, before: Generation | undefined): Promise<Credentials> | Credentials =>
  before && fingerprint(before) === fingerprint(reading) ? before.credentials : startCredentials(house, reading.settings);

const fingerprint = ({ settings: { identity, tenants }, files }: Reading): string => JSON.stringify([
  identity, tenants.map(({ name, dbid, upstream }) => [name, dbid, upstream]), files.get(identity.keys?.file ?? ""),
  identity.jwt.map(({ jwks_file }) => files.get(jwks_file ?? "")), identity.mtls.map(({ ca }) => files.get(ca ?? "")),
]);

const startCredentials = async ({ revocations }: House, settings: Settings): Promise<Credentials> => {
  const { identity: { jwt, mtls, keys, failures } } = settings;
  return createCredentials({
    jwt: jwt.map((issuer) => issuerOf(issuer, settings)),
    certificates: await Promise.all(mtls.map((rule) => ruleOf(rule, settings))),
    ...(keys && { keys: { records: (await recordsIn(keys.file)).map((key) => toRecord(key, settings)), carriers: keys.carriers } }),
    revocations,
    failures: createFailures(toLimit(failures)),
    keptKeys: jwt.some(({ jwks_uri }) => jwks_uri !== null) ? await keptKeysOf(settings) : undefined,
  });
};

/** A set in the journal's directory is believed for a key that lies outside it; where the key does not, none is kept. */
const keptKeysOf = async ({ audit }: Settings): Promise<KeptKeys | undefined> => {
  const { dir, checkpoint } = audit;
  if (relative(await realOf(dir), await realOf(checkpoint.key)).split(sep)[0] !== "..") {
    events.keySetsNotKept(`issuers' keys are not kept on disk: audit.checkpoint.key lies in audit.dir, so whoever can write there could plant keys; move ${checkpoint.key} elsewhere`);
    return undefined;
  }
  const key = (await signingKeyOf({ audit })).export({ format: "der", type: "pkcs8" });
  return { dir: join(dir, "jwks"), secret: new Uint8Array(hkdfSync("sha256", key, "", "ocs-gateway: issuers' keys that are kept on disk, version 1", 32)) };
};

/** Where links lead; of what is yet to be made, as it is written. */
const realOf = (path: string): Promise<string> => realpath(path).catch(() => path);

const issuerOf = ({ jwks_uri, jwks_file, claims, tenants, ...issuer }: Identity["jwt"][number], settings: Settings): JwtIssuer => ({
  ...issuer,
  ...(jwks_uri !== null && { jwks_uri }),
  ...(jwks_file !== null && { jwks_file }),
  claims: { client: claims.client, ...(claims.tenant !== null && { tenant: claims.tenant }) },
  ...listed(tenants, settings),
});

const ruleOf = async ({ name, san_dns, client, ca, tenants }: Identity["mtls"][number], settings: Settings): Promise<CertificateRule> => ({
  name, san_dns, client,
  ...(ca !== null && { authorities: digestsIn(await readSmallFile(ca)) }),
  ...listed(tenants, settings),
});

/** SHA-256, hexadecimal, of each certificate of the text. */
const digestsIn = (pem: string): readonly string[] =>
  certificatesOf(pem).map((der) => hash("sha256", der, "hex"));

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

const toRecord = ({ id, client, hash, expires, revoked, tenants }: KeyRecord, settings: Settings): CredentialKey => ({
  id, client, hash,
  ...(expires !== null && { expires: new Date(expires).toISOString() }),
  ...(revoked !== null && { revoked: new Date(revoked).toISOString() }),
  ...listed(tenants, settings),
});

/** Each listed tenant by its key: what it means is settled here, once. */
const listed = (tenants: readonly string[] | null, settings: Settings): { readonly tenants?: readonly string[] } =>
  tenants === null ? {} : {
    tenants: settings.tenants.filter((tenant) => tenants.some((listed) => isNamed(tenant, listed))).map(keyOf),
  };
