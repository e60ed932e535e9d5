/** Commands about credentials: keys, revoke. */
import type { Command } from "commander";
import { address, ADMIN_URL, adminToken, CONFIG, done, JSON_OUT, repeatable } from "./options.ts";

export const addCredentialCommands = (ocsgw: Command): void => {
  const keys = ocsgw.command("keys").description("Create, list and revoke API keys. The keys file holds only hashes");
  keys
    .command("create")
    .description("Create a key and print it; it is not shown again")
    .requiredOption("--client <name>", "client that uses the key")
    .option("--expires <duration>", "lifetime of the key, for example 90d (default: it never expires)")
    .addOption(repeatable("--tenant <name>", "accept the key only for this tenant"))
    .option(...CONFIG)
    .action(done(async (options) => (await import("../keys.ts")).keysCreate(options)));
  keys
    .command("list")
    .description("List the keys with their clients and states")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../keys.ts")).keysList(options)));
  keys
    .command("revoke")
    .description(
      "Revoke a key in the keys file, at the running gateway and in the journal. Exit code 5: the gateway did not " +
        "answer",
    )
    .argument("<id>", "id of the key, or the whole key")
    .option(...CONFIG)
    .action(done(async (options, id) => (await import("../keys.ts")).keysRevoke({ ...options, id: id! })));

  ocsgw
    .command("revoke")
    .summary("Revoke or reinstate a token, key, certificate or client")
    .description(
      "Revoke a token, key, certificate or client. Takes effect at once and survives restarts. Applied by the " +
        "running gateway, or written to the journal while none runs",
    )
    .option(...CONFIG)
    .option("--token <jti>", "a token, by its claim jti; for 30 days, the longest lifetime of a token")
    .option("--key <id>", "an API key, by its id")
    .option(
      "--certificate <x5t>",
      "a client certificate, by its SHA-256 in base64url, or in hexadecimal as openssl prints it",
    )
    .option("--client <name>", "a client, with all its credentials")
    .option(
      "--until <when>",
      "end of the revocation: a time (UTC, or with an offset such as +02:00) or a duration from now, for example " +
        "2h (default: never)",
    )
    .option("--reinstate", "end a revocation: the credential is accepted again")
    .option("--lift", "same as --reinstate")
    .option("--list", "list what is revoked")
    .option(...ADMIN_URL, address)
    .addOption(adminToken("--admin-token <token>"))
    .option(...JSON_OUT)
    .action(
      done(async ({ lift, reinstate, ...options }) =>
        (await import("../revoke/revoke.ts")).revoke({ ...options, reinstate: lift === true || reinstate === true }),
      ),
    );
};
