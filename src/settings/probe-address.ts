/** Finds the address for a health probe in the config file without the schema, which loads too slowly. */
import { interpolate } from "./interpolate.ts";
import { originOf, textOf, type Origin } from "./files/origin.ts";
import { addressesIn, type ProbeAddresses } from "./probe-scan.ts";
import { readYaml } from "./yaml.ts";

export type { ProbeAddresses } from "./probe-scan.ts";

/** Both addresses are undefined for an unreadable or invalid file; `loadSettings` reports the problem. */
export const probeAddresses = async (file: string, env?: Origin["env"]): Promise<ProbeAddresses> => {
  const text = await textOf(file);
  const { value } = typeof text === "string" ? readYaml(text, (each) => interpolate(each, originOf(file, env))) : {};
  return addressesIn(
    typeof value === "object" && value !== null ? (value as Record<string, unknown>)["admin"] : undefined,
  );
};
