/** The screen of `npm start`: addresses, clients with their keys and actions, and commands that work as printed. */
import { inShell } from "../../common/shell-word.ts";
import { commandName } from "../process/command-name.ts";
import type { ReadyTenant } from "./config.ts";

/** The content of `--ready-file`. With --ocs-only it has no members of the gateway. */
export type Ready = {
  readonly gateway?: { readonly http: string; readonly https: string };
  /** `console`: opens the console once. */
  readonly admin?: { readonly url: string; readonly token: string; readonly console: string };
  /** Where OCS announces records: its validation-uri. */
  readonly callbacks?: string;
  readonly ocs: {
    readonly primary: string;
    readonly backup: string;
    readonly primary_https: string;
    readonly backup_https: string;
  };
  readonly sandbox: { readonly url: string };
  readonly ca: string;
  readonly tenants: readonly ReadyTenant[];
  readonly audit?: { readonly dir: string; readonly publicKey: string };
  readonly config?: string;
};

/** The state of the dialer. */
export type Dialing = { readonly rate: number; readonly validationUri: string | undefined };

/** `inUse`: usual ports that other programs use. `command`: how the user runs other commands. */
export const screen = (
  ready: Ready,
  dialing: Dialing,
  inUse: readonly string[] = [],
  command = commandName(),
): string =>
  [
    "ocsgw sandbox: an embedded OCS" +
      (ready.gateway ? " and the gateway in front of it" : "") +
      ". Needs no Genesys license and no network.",
    "",
    ...addresses(ready),
    ...(inUse.length > 0
      ? ["", `  Usual ports in use by another program: ${inUse.join(", ")}. Free ports are used instead.`]
      : []),
    "",
    ...(ready.gateway ? table(ready.tenants) : groupsAndLists(ready.tenants)),
    ...(ready.gateway ? ["", ...trial(ready.gateway.http, ready), "", ...commands(ready, command)] : []),
    "",
    ...calls(ready, dialing, command),
    "",
    ready.gateway ? "Every request is shown below. Ctrl-C stops the sandbox." : "Ctrl-C stops the sandbox.",
  ].join("\n");

const addresses = ({ gateway, admin, callbacks, ocs, sandbox, ca, audit, config }: Ready): string[] => [
  ...(gateway ? [row("gateway", `${gateway.http}   ${gateway.https}`, "point your client here instead of OCS")] : []),
  ...(admin ? [row("console", admin.console, "opens once, within an hour")] : []),
  ...(admin ? [row("admin", `${admin.url}/readyz`, "health, /metrics")] : []),
  ...(callbacks === undefined ? [] : [row("callbacks", callbacks, "OCS announces each record and its tenant here")]),
  row("OCS primary", `${ocs.primary}   ${ocs.primary_https}`, "behaves like 8.1.524.04"),
  row("OCS backup", `${ocs.backup}   ${ocs.backup_https}`, "closes connections while it is the backup"),
  row("control", `${sandbox.url}/state`, "state of the embedded OCS; POST …/reset resets it"),
  row("CA", ca, "issued the certificates of all https addresses here"),
  ...(audit && config !== undefined
    ? [row("journal", audit.dir, "all requests and their outcomes"), row("config", config, "config of this gateway")]
    : []),
];

const row = (what: string, where: string, note: string): string => `  ${what.padEnd(12)}${where.padEnd(52)}  ${note}`;

const table = (tenants: readonly ReadyTenant[]): string[] => {
  const lines = [["tenant", "dbid", "client", "key", "actions"]];
  for (const { name, dbid, clients } of tenants) {
    for (const { client, key, actions } of clients) lines.push([name, String(dbid), client, key, shorten(actions)]);
  }
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]!.length)));
  return [
    ...lines.map(
      (line) =>
        `  ${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}`,
    ),
    "",
    ...groupsAndLists(tenants),
  ];
};

/** Campaign groups and lists of each tenant. */
const groupsAndLists = (tenants: readonly ReadyTenant[]): string[] =>
  tenants.map(
    ({ name, dbid, campaign_groups, lists }) =>
      `  ${name} (${dbid}) has campaign groups ${campaign_groups.map((group) => group.dbid).join(", ")} and lists ` +
      `${lists.join(", ")}`,
  );

/** Commands that can be copied and run. */
const commands = ({ config, tenants }: Ready, command: string): string[] => {
  if (config === undefined) return [];
  const { client } = tenants[0]!.clients.find((each) => each.client.endsWith("crm"))!;
  const of = `-c ${inShell(config)}`;
  return [
    "Commands, in another terminal:",
    "",
    `  ${command} status ${of}`,
    `  ${command} check ${of}`,
    `  ${command} can ${client} DoNotCall phones/4155550100 ${of}`,
    `  ${command} audit search action:DoNotCall ${of}`,
    `  ${command} audit verify ${of}`,
    `  ${command} admins link ${of}`,
    "",
    "What happened to one request, by the id at the end of its line below:",
    "",
    `  ${command} explain ID ${of}`,
  ];
};

const calls = ({ sandbox, gateway }: Ready, { rate, validationUri }: Dialing, command: string): string[] => [
  rate === 0
    ? "OCS dials only on command:"
    : `OCS dials ${rate >= 1 ? `${rate} records a second` : `a record each ${Number((1 / rate).toFixed(1))} s`}; ` +
      "they are shown below. To dial one now:",
  "",
  `  ${command} sandbox dial --url ${sandbox.url}`,
  "",
  `For programs, as server-sent events: curl -N ${sandbox.url}/events`,
  ...(gateway || validationUri !== undefined
    ? []
    : [
        "OCS announces its records to nobody. To announce them to a gateway, pass its callbacks listener with " +
          "--validation-uri, or set it now:",
        "",
        `  curl '${sandbox.url}/dialer' -d '{"validation-uri":"http://127.0.0.1:8444/"}'`,
      ]),
];

const shorten = (actions: readonly string[]): string =>
  actions.length > 4 ? `${actions.slice(0, 3).join(", ")} and ${actions.length - 3} more` : actions.join(", ");

const trial = (gateway: string, { tenants }: Ready): string[] => {
  const { client, key } = tenants[0]!.clients.find(({ client }) => client.endsWith("crm"))!;
  return [
    "Try a Do-Not-Call:",
    "",
    `  curl -i -u ${client}:${key} '${gateway}/phones/4155550100?req=DoNotCall' -H 'Content-Type: ` +
      'application/json\' -d \'{"GSW_TENANT_NAME":"Alpha Tenant"}\'',
    "",
    "and a cancel that is refused, because it names another tenant (add -H 'Accept: application/json' for JSON):",
    "",
    // Not a Do-Not-Call: a refused one stays open for its tenant.
    `  curl -i -u ${client}:${key} '${gateway}/phones/4155550100?req=RequestRecordCancel' -H 'Content-Type: ` +
      'application/json\' -d \'{"GSW_TENANT_NAME":"Beta Tenant"}\'',
  ];
};
