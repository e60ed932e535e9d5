/** Commands that lead from an OCS to a gateway in front of it: init, discover. */
import { Option, type Command } from "commander";
import { done, JSON_OUT, repeatable } from "./options.ts";

export const addOnboardingCommands = (ocsgw: Command): void => {
  ocsgw
    .command("init")
    .summary("Write a config, its secrets and API keys")
    .description(
      "Write a config with its secrets, and an API key for each client. Asks on a terminal for what the options " +
        "leave open. All tenants begin in mode: observe. Overwrites no file",
    )
    .option("--no-input", "ask nothing; --upstream, --tenant and --client are then needed")
    .option("--dir <dir>", "directory of the config (default: config)")
    .option("--upstream <url>", "address of the primary OCS")
    .option("--backup <url>", "address of the backup OCS (default: none)")
    .option("--upstream-ca <file>", "PEM file with the CA of OCS's certificate (default: the public CAs)")
    .option("--allow-plaintext", "http to an OCS on another host is intended")
    .option("--bind <address>", "address and port for clients (default: 127.0.0.1:8443)")
    .addOption(repeatable("--name <host>", "host name of the gateway, as clients know it"))
    .addOption(
      new Option(
        "--tls <kind>",
        "TLS for clients: files (--cert and --key), development (made now, for trials) or none (default on loopback)",
      ).choices(["files", "development", "none"]),
    )
    .option("--cert <file>", "PEM file with the certificate chain")
    .option("--key <file>", "PEM file with the private key of the certificate")
    .addOption(repeatable("--tenant <name:dbid>", 'tenant, for example "Alpha Tenant:101"'))
    .addOption(repeatable("--client <name[:tenant]>", "client, of all tenants or of one"))
    .addOption(
      new Option(
        "--records <how>",
        "how the gateway knows the tenant of a record: pre-dial (default; OCS announces it), dedicated (this OCS " +
          "serves one tenant only) or unscoped (not at all)",
      ).choices(["pre-dial", "dedicated", "unscoped"]),
    )
    .option("--callbacks <address>", "address and port for OCS's announcements (default: port 8444 beside --bind)")
    .addOption(
      repeatable("--callbacks-from <network>", "network of the OCS hosts (default: the addresses of --upstream)"),
    )
    .option("--admin <address>", "address and port of the admin listener (default: 127.0.0.1:9640)")
    .option("--origin <name>", "name of the journal in its checkpoints (default: host name and /ocs-gateway)")
    .addOption(repeatable("--replace <file>", "existing file that may be overwritten"))
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../init/init.ts")).init(options)));

  ocsgw
    .command("discover")
    .summary("Enter campaign groups of OCS, or exports, into a config")
    .description(
      "Read OCS's campaign groups with GET alone, one request at a time, or tenants, campaign groups, calling lists " +
        "and campaigns from exports (CSV), and enter them into the config of -c, or print them. What cannot be known " +
        "is a placeholder, which ocsgw check refuses. Exit code 1: contradictions. 5: OCS cannot be reached. 8: OCS " +
        "is older than 8.1.524.04",
    )
    .option("-c, --config <file>", "config to update (default: print)")
    .option("--upstream <url>", "address of OCS; with -c the name of an upstream of the config (default: its only one)")
    .option("--dbids <ranges>", "DBIDs of campaign groups to ask for, for example 100-400,512 (default: none)")
    .addOption(
      repeatable("--assign <tenant=pattern>", 'whose the groups of this name are, for example "Alpha Tenant=Alpha *"'),
    )
    .option(
      "--csv <files...>",
      "exports: tenant,tenant_dbid; tenant,campaign_group,…; tenant,calling_list; tenant,campaign",
    )
    .option("--dry-run", "with -c: print what would change; change nothing")
    .option("--pace <duration>", "pause between an answer and the next request (default: 100ms)")
    .option("--timeout <duration>", "longest time of the reading (default: 10m)")
    .option("--ca <file>", "with an address: PEM file with the CA of OCS's certificate (default: the public CAs)")
    .option("--cert <file>", "with an address: PEM file with a client certificate")
    .option("--key <file>", "with an address: PEM file with the private key of --cert")
    .option("--server-name <name>", "with an address: name in OCS's certificate (default: the host of the address)")
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../discover/discover.ts")).discover(options)));
};
