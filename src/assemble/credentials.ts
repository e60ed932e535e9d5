/** Settings → who may show what to be whom: the keys file and the issuers, as `tenants` takes them. */
import { readFile } from "node:fs/promises";
import { readKeys, type KeyRecord } from "../settings/keys-file.ts";
import type { Settings } from "../settings/schema.ts";
import { createCredentials, type Credentials, type KeyRecord as CredentialKey } from "../tenants/credential.ts";
import type { Generation, Reading } from "./generation.ts";

/** Those of the generation before where nothing of it has changed, so that key sets which were fetched stay at hand. */
export const credentialsFor = (reading: Reading, before: Generation | undefined): Promise<Credentials> | Credentials =>
  before && fingerprint(before) === fingerprint(reading) ? before.credentials : startCredentials(reading.settings);

const fingerprint = ({ settings: { identity }, files }: Reading): string =>
  JSON.stringify([identity, files.get(identity.keys?.file ?? ""), identity.jwt.map(({ jwks_file }) => files.get(jwks_file ?? ""))]);

const startCredentials = async ({ identity }: Settings): Promise<Credentials> => {
  const { keys } = identity;
  return createCredentials({
    jwt: identity.jwt.map(({ jwks_uri, jwks_file, claims, ...issuer }) => ({
      ...issuer,
      ...(jwks_uri !== null && { jwks_uri }),
      ...(jwks_file !== null && { jwks_file }),
      claims: { client: claims.client, ...(claims.tenant !== null && { tenant: claims.tenant }) },
    })),
    ...(keys && { keys: { records: (await recordsIn(keys.file)).map(toRecord), carriers: keys.carriers } }),
  });
};

/** None while there is no such file: the first key makes it. */
const recordsIn = async (file: string): Promise<readonly KeyRecord[]> => {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return [];
  const read = readKeys(text, file);
  if (!read.ok) throw new Error(`${file}: ${read.problems.map(({ message }) => message).join("; ")}`);
  return read.keys;
};

const toRecord = ({ id, client, hash, expires, revoked }: KeyRecord): CredentialKey => ({
  id, client, hash,
  ...(expires !== null && { expires: new Date(expires).toISOString() }),
  ...(revoked !== null && { revoked: new Date(revoked).toISOString() }),
});
