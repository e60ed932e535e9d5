/** Where a probe asks a gateway, from its config file. Only YAML is loaded for that: the schema takes longer than the probe. */
import { fill } from "./fill.ts";
import { originOf, textOf, type Origin } from "./origin.ts";
import { addressesIn, type ProbeAddresses } from "./probe-glance.ts";
import { readYaml } from "./yaml.ts";

export type { ProbeAddresses } from "./probe-glance.ts";

/** Neither of them for a file that cannot be read or is wrong there: what is wrong with it the whole reading says. */
export const probeAddresses = async (file: string, env?: Origin["env"]): Promise<ProbeAddresses> => {
  const text = await textOf(file);
  const { value } = typeof text === "string" ? readYaml(text, (each) => fill(each, originOf(file, env))) : {};
  return addressesIn(
    typeof value === "object" && value !== null ? (value as Record<string, unknown>)["admin"] : undefined,
  );
};
