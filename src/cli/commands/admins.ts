/** Commands about the console's users: admins. */
import type { Command } from "commander";
import { address, ADMIN_URL, adminToken, CONFIG, done, JSON_OUT, repeatable } from "./options.ts";

const PASSWORD = "The password is one line of standard input; on a terminal it is asked twice";

export const addAdminsCommands = (ocsgw: Command): void => {
  const admins = ocsgw
    .command("admins")
    .description("Manage the users of the console, in the file admin.users. It holds hashes of passwords only");
  admins
    .command("create")
    .summary("Create a user")
    .description(`Create a user. ${PASSWORD}`)
    .requiredOption("--name <name>", "the user's name")
    .addOption(repeatable("--role <role>", "viewer, operator or auditor").makeOptionMandatory())
    .addOption(repeatable("--tenant <name>", "show the user only this tenant: a name or a DBID"))
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../admins/admins.ts")).adminsCreate(options)));
  admins
    .command("list")
    .description("List the users with their roles, tenants and states")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../admins/admins.ts")).adminsList(options)));
  admins
    .command("password")
    .summary("Set a user's password")
    .description(`Set a user's password, and end the user's sessions. ${PASSWORD}`)
    .requiredOption("--name <name>", "the user's name")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../admins/admins.ts")).adminsPassword(options)));
  admins
    .command("disable")
    .description("Disable a user, and end the user's sessions")
    .requiredOption("--name <name>", "the user's name")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../admins/admins.ts")).adminsDisable(options)));
  admins
    .command("enable")
    .description("Enable a disabled user")
    .requiredOption("--name <name>", "the user's name")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../admins/admins.ts")).adminsEnable(options)));
  admins
    .command("link")
    .summary("Print an address that opens the console once")
    .description(
      "Print an address that opens the console of the running gateway once, within ten minutes and with every role, " +
        "for whoever may read the admin token. The journal records its use. Exit code 5: no answer",
    )
    .option(...CONFIG)
    .option(...ADMIN_URL, address)
    .addOption(adminToken())
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../admins/link.ts")).adminsLink(options)));
};
