/** What `npm start` shows: where everything is, who may do what with which key, and one line that works as it is printed. */
import { inShell } from "../shell-word.ts";
import { commandName } from "./command-name.ts";
import type { TenantTold } from "./sandbox-config.ts";

/** What `--ready-file` says; members that belong to the gateway are missing with --ocs-only. */
export type Ready = {
  readonly gateway?: { readonly http: string; readonly https: string };
  readonly admin?: { readonly url: string; readonly token: string };
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
  readonly tenants: readonly TenantTold[];
  readonly audit?: { readonly dir: string; readonly publicKey: string };
  readonly config?: string;
};

/** What the screen says of the dialer. */
export type Dialing = { readonly rate: number; readonly validationUri: string | undefined };

/** `taken`: usual ports that another program has. `command`: how a user starts another one. */
export const screen = (
  ready: Ready,
  dialing: Dialing,
  taken: readonly string[] = [],
  command = commandName(),
): string =>
  [
    "ocsgw sandbox: an embedded OCS" +
      (ready.gateway ? " and the gateway in front of it" : "") +
      ". No Genesys licence needed, no network used.",
    "",
    ...addresses(ready),
    ...(taken.length > 0
      ? ["", `  Another program has the usual port ${taken.join(", ")}: free ones are used instead.`]
      : []),
    "",
    ...(ready.gateway ? table(ready.tenants) : things(ready.tenants)),
    ...(ready.gateway ? ["", ...trial(ready.gateway.http, ready), "", ...commands(ready, command)] : []),
    "",
    ...calls(ready, dialing, command),
    "",
    ready.gateway ? "Each request is a line below. Ctrl-C stops it." : "Ctrl-C stops it.",
  ].join("\n");

const addresses = ({ gateway, admin, callbacks, ocs, sandbox, ca, audit, config }: Ready): string[] => [
  ...(gateway ? [row("gateway", `${gateway.http}   ${gateway.https}`, "point your client here instead of OCS")] : []),
  ...(admin ? [row("admin", `${admin.url}/readyz`, "health, /metrics")] : []),
  ...(callbacks === undefined ? [] : [row("callbacks", callbacks, "OCS announces each record here: whose it is")]),
  row("OCS primary", `${ocs.primary}   ${ocs.primary_https}`, "behaves like 8.1.524.04"),
  row("OCS backup", `${ocs.backup}   ${ocs.backup_https}`, "closes what connects while it is the backup"),
  row("control", `${sandbox.url}/state`, "the world as it is; POST …/reset starts it again"),
  row("CA", ca, "of every https address here"),
  ...(audit && config !== undefined
    ? [
        row("journal", audit.dir, "what was asked, and what became of it"),
        row("config", config, "as an operator would write it"),
      ]
    : []),
];

const row = (what: string, where: string, note: string): string => `  ${what.padEnd(12)}${where.padEnd(52)}  ${note}`;

const table = (tenants: readonly TenantTold[]): string[] => {
  const lines = [["tenant", "dbid", "client", "key", "may"]];
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
    ...things(tenants),
  ];
};

/** OCS itself knows no clients and no keys. */
const things = (tenants: readonly TenantTold[]): string[] =>
  tenants.map(
    ({ name, dbid, campaign_groups, lists }) =>
      `  ${name} (${dbid}) has campaign groups ${campaign_groups.map((group) => group.dbid).join(", ")} and lists ${lists.join(", ")}`,
  );

/** Each runs as it is printed. */
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
  ];
};

const calls = ({ sandbox, gateway }: Ready, { rate, validationUri }: Dialing, command: string): string[] => [
  rate === 0
    ? "OCS dials when told to:"
    : `OCS dials ${rate >= 1 ? `${rate} records a second` : `a record each ${Number((1 / rate).toFixed(1))} s`}; records arrive below. One more at once:`,
  "",
  `  ${command} sandbox dial --url ${sandbox.url}`,
  "",
  `The same for programs, as server-sent events: curl -N ${sandbox.url}/events`,
  ...(gateway || validationUri !== undefined
    ? []
    : [
        "Nobody is told of a record before it is dialed. To tell a gateway, name its callbacks listener with --validation-uri, or now:",
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
    `  curl -i -u ${client}:${key} '${gateway}/phones/4155550100?req=DoNotCall' -H 'Content-Type: application/json' -d '{"GSW_TENANT_NAME":"Alpha Tenant"}'`,
    "",
    `and one that is refused, because the tenant is another's (add -H 'Accept: application/json' for the JSON dialect):`,
    "",
    `  curl -i -u ${client}:${key} '${gateway}/phones/4155550100?req=DoNotCall' -H 'Content-Type: application/json' -d '{"GSW_TENANT_NAME":"Beta Tenant"}'`,
  ];
};
