/** `ocsgw audit verify`: of a directory, or of the journal that the config names. */
import { loadToRead } from "../settings/load.ts";
import { auditVerify } from "./audit.ts";
import { sayInvalid } from "./check.ts";

export type VerifyOptions = { readonly path: string | undefined; readonly key?: string; readonly config: string; readonly json?: boolean };

export const verify = async ({ path, key, config, json }: VerifyOptions): Promise<number> => {
  const told = { ...(key !== undefined && { key }), ...(json && { json }) };
  if (path !== undefined) return auditVerify(path, told);
  const loaded = await loadToRead(config);
  if (!loaded.ok) return sayInvalid(config);
  return auditVerify(loaded.settings.audit.dir, told);
};
