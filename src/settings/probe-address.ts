/** Where a probe asks a gateway, from its config file. Only YAML is loaded for that: the schema takes longer than the probe. */
import { parseBind, type Bind } from "./bind.ts";
import { fill } from "./fill.ts";
import { originOf, textOf, type Origin } from "./origin.ts";
import { readYaml } from "./yaml.ts";

/** Listeners that speak plain HTTP at a port that the file names. A standby listens on `probes` only. */
export type ProbeAddresses = { readonly probes: Bind | undefined; readonly admin: Bind | undefined };

/** Neither of them for a file that cannot be read or is wrong there: what is wrong with it the whole reading says. */
export const probeAddresses = async (file: string, env?: Origin["env"]): Promise<ProbeAddresses> => {
  const text = await textOf(file);
  const { value } = typeof text === "string" ? readYaml(text, (each) => fill(each, originOf(file, env))) : {};
  const admin = mapIn(value, "admin");
  const isPlain = (admin?.["tls"] ?? "none") === "none";
  const probes = admin?.["probes"];
  return { probes: addressIn(typeof probes === "string" ? { bind: probes } : mapIn(admin, "probes")), admin: isPlain ? addressIn(admin) : undefined };
};

type Keys = Readonly<Record<string, unknown>>;

const mapIn = (value: unknown, key: string): Keys | undefined => {
  const found = typeof value === "object" && value !== null ? (value as Keys)[key] : undefined;
  return typeof found === "object" && found !== null ? (found as Keys) : undefined;
};

/** Of a free port nothing tells which it is. */
const addressIn = (listener: Keys | undefined): Bind | undefined => {
  const bind = listener?.["bind"];
  const found = typeof bind === "string" ? parseBind(bind) : undefined;
  return found && found.port !== 0 ? found : undefined;
};
