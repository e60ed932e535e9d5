/**
 * The text of the config that `ocsgw init` writes, in the form that `ocsgw fmt` gives it. Values are set in a template,
 * so that none can break the YAML.
 */
import { literal, YamlText } from "../../settings/edit/yaml-text.ts";
import { formatConfig } from "../../settings/format/format-config.ts";
import type { Answers } from "./answers.ts";

/** Paths relative to the config. */
export const PLACES = {
  config: "ocsgw.yaml",
  keys: "keys.yaml",
  indexKey: "secrets/index.key",
  checkpointKey: "secrets/checkpoint.pem",
  cert: "tls/server.crt",
  key: "tls/server.key",
  ca: "tls/ca.crt",
  audit: "audit",
} as const;

export const UPSTREAM = "ocs-main";

const TEMPLATE = `# The config of ocs-gateway, written by ocsgw init. Paths are relative to this file.
# \${VAR} and \${file:PATH} insert values. \`ocsgw check\` shows all problems, \`ocsgw check --explain\` lists all
# keys with their defaults.
version: 1

listeners:
  - name: clients
    bind:
    tls:

identity:
  keys:
    # Hashes of the clients' API keys. ocsgw keys create adds one, ocsgw keys revoke ends one.
    file:

upstreams:
  ${UPSTREAM}:
    primary:

# In mode: observe the gateway records what its policy would refuse, and sends it. Clients authenticate all the same,
# and no tenant reaches what belongs to another. Change to mode: enforce once nothing is recorded that should pass.
tenants:

# The journal. Requests are written here before they are sent, and the answers before they are passed on.
audit:
  dir:
  # Whoever has this key can find people in the journal. A lost key makes the entries of people unfindable: back it up.
  index_key:
  # Signs the journal, so that nobody can change it unnoticed.
  checkpoint: {}

# Health, metrics and the console.
admin:
  bind:
`;

export const configText = (answers: Answers): string => {
  const yaml = new YamlText(PLACES.config, TEMPLATE);
  const listener = ["listeners", 0];
  yaml.set([...listener, "bind"], answers.bind);
  yaml.set([...listener, "tls"], tlsOf(answers));
  if (answers.names.length > 0) yaml.set([...listener, "names"], answers.names);
  yaml.set(["identity", "keys", "file"], PLACES.keys);
  setUpstream(yaml, answers);
  for (const tenant of answers.tenants) yaml.append(["tenants"], tenantOf(tenant, answers), { block: true });
  yaml.set(["audit", "dir"], `./${PLACES.audit}`);
  yaml.set(["audit", "index_key"], `\${file:${PLACES.indexKey}}`);
  yaml.set(["audit", "checkpoint"], { key: PLACES.checkpointKey, origin: literal(answers.origin), every: "60s" });
  yaml.set(["admin", "bind"], answers.admin);
  return formatConfig(yaml.toString(), { isTenants: false });
};

const tlsOf = ({ tls }: Answers): unknown => {
  if (tls.kind === "none") return "none";
  return tls.kind === "files"
    ? { cert: literal(tls.cert), key: literal(tls.key) }
    : { cert: PLACES.cert, key: PLACES.key };
};

const setUpstream = (yaml: YamlText, { primary, backup, upstreamCa, allowPlaintext, records }: Answers): void => {
  const at = ["upstreams", UPSTREAM];
  yaml.set([...at, "primary"], primary);
  if (backup !== undefined) yaml.set([...at, "backup"], backup);
  if (allowPlaintext)
    yaml.set([...at, "allow_plaintext"], true, { comment: "http over the network: others there can read it." });
  if (upstreamCa !== undefined) yaml.set([...at, "tls"], { ca: literal(upstreamCa) });
  if (records.kind === "pre-dial")
    yaml.set(
      [...at, "callbacks"],
      { bind: records.bind, allow_from: records.from },
      { comment: `OCS announces each record here before it dials it: set its option validation-uri to this address.` },
    );
};

const tenantOf = ({ name, dbid }: Answers["tenants"][number], { clients, records }: Answers): object => ({
  name: literal(name),
  dbid,
  upstream: UPSTREAM,
  mode: "observe",
  clients: Object.fromEntries(
    clients.filter(({ tenants }) => tenants.includes(name)).map((client) => [client.name, { actions: [] }]),
  ),
  campaigns: [],
  campaign_groups: [],
  lists: [],
  records: records.kind,
});
