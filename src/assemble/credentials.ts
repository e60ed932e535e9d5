/** Settings → who may show what to be whom: the keys file and the issuers, as `tenants` takes them. */
import { readFile } from "node:fs/promises";
import { readKeys, type KeyRecord } from "../settings/keys-file.ts";
import type { Settings } from "../settings/schema.ts";
import { createCredentials, type Credentials, type KeyRecord as CredentialKey } from "../tenants/credential.ts";

export const startCredentials = async ({ identity }: Settings): Promise<Credentials> => {
  const { keys } = identity;
  const read = keys ? readKeys(await readFile(keys.file, "utf8"), keys.file) : undefined;
  if (read && !read.ok) throw new Error(`${keys!.file}: ${read.problems.map(({ message }) => message).join("; ")}`);
  return createCredentials({
    jwt: identity.jwt.map(({ jwks_uri, jwks_file, claims, ...issuer }) => ({
      ...issuer,
      ...(jwks_uri !== null && { jwks_uri }),
      ...(jwks_file !== null && { jwks_file }),
      claims: { client: claims.client, ...(claims.tenant !== null && { tenant: claims.tenant }) },
    })),
    ...(read?.ok && { keys: { records: read.keys.map(toRecord), carriers: keys!.carriers } }),
  });
};

const toRecord = ({ id, client, hash, expires, revoked }: KeyRecord): CredentialKey => ({
  id, client, hash,
  ...(expires !== null && { expires: new Date(expires).toISOString() }),
  ...(revoked !== null && { revoked: new Date(revoked).toISOString() }),
});
