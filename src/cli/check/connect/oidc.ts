/** Tests whether the OpenID provider of the console can be asked. Nobody is logged in. */
import { Provider, ProviderFault } from "../../../admin/oidc/provider.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Row } from "./row.ts";

export const oidcRows = async ({ admin }: Settings): Promise<Row[]> => {
  if (!admin?.oidc) return [];
  const { issuer } = admin.oidc;
  const row = { name: "oidc" };
  try {
    const { logsOut } = await new Provider(admin.oidc, { readFile: readSmallFile }).discover();
    const says = `${issuer}: its configuration can be read`;
    return [{ ...row, state: "ok", says: [logsOut ? says : `${says}; it has no address for logging out there`] }];
  } catch (error) {
    if (!(error instanceof ProviderFault)) throw error;
    const says = [
      `${issuer}: ${error.reason}`,
      "check admin.oidc and the network: users of the provider cannot log in",
    ];
    return [{ ...row, state: "fail", says }];
  }
};
