/** Commands about a config and its policy, and about clients' code: check, can, simulate, isolation prove, lint. */
import { Option, type Command } from "commander";
import { FORMATS } from "../formats/formats.ts";
import { CONFIG, done, JSON_OUT, repeatable, wholeNumber, wrongUsage } from "./options.ts";

const format = (): Option =>
  new Option(
    "--format <format>",
    "how to print: text, json, sarif (SARIF 2.1.0) or github (workflow commands)",
  ).choices(FORMATS);

export const addPolicyCommands = (ocsgw: Command): void => {
  ocsgw
    .command("check")
    .description("Show all problems of a config file")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .addOption(format())
    .option(
      "--connect",
      "also test the addresses, disk, issuers, OCS and clock that the config names. Exit code 5: a test failed",
    )
    .option(
      "--record-uri <uri>",
      "with --connect: a GSW_RECORD_URI that a strategy received; shows whether it leads to this gateway or " +
        "bypasses it",
    )
    .option("--all", "show all problems, also more than 20")
    .option("--explain", "list all settings with their defaults")
    .action(
      done(async (options) => {
        if (options.recordUri !== undefined && !options.connect)
          throw wrongUsage("--record-uri needs --connect, because it uses the network");
        const { check, explainSettings } = await import("../check/check.ts");
        return options.explain ? explainSettings() : check(options);
      }),
    );

  ocsgw
    .command("lint")
    .summary("Find OCS calls and mistakes in clients' code")
    .description(
      "Find the calls to OCS in strategies, call flows, recordings, scripts and sources, and judge them by the " +
        "gateway's action table. Runs nothing and sends nothing. Exit code 0: no errors, 1: errors, 2: wrong usage",
    )
    .argument("<files...>", "files, folders or patterns, for example src or 'flows/*.scxml'")
    .addOption(repeatable("--ocs <host[:port]>", "address of OCS, which no client may call around the gateway"))
    .addOption(repeatable("--gateway <host[:port]>", "address of the gateway, which fills in the tenant"))
    .option("-c, --config <file>", "config with the addresses of OCS and of the gateway (default: none)")
    .option("--kind <kind>", "how to read the files, whatever their names end with")
    .addOption(format())
    .option(...JSON_OUT)
    .option("--all", "show all findings, also more than 20")
    .action(
      done(async (options, ...files) =>
        (await import("../lint/lint.ts")).lint({ ...options, files: files.flat() as string[] }),
      ),
    );

  ocsgw
    .command("can")
    .summary("Show whether the policy allows a request")
    .description("Show whether the policy allows a request, and the config line that decides. Sends nothing")
    .argument("<client>", "name of the client")
    .argument("<action>", "a value of req, or ReadStatus")
    .argument("<target>", "path of the resource, for example /phones/4155550100")
    .option("--body <json>", "body of the request", "")
    .option("--tenant <name>", "value of the header Ocsgw-Tenant: a name or a DBID")
    .option("--owner <name>", "for a record: the tenant that owns the handle (default: the client's tenant)")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(
      done(async (options, client, action, target) =>
        (await import("../can.ts")).can({ ...options, client: client!, action: action!, target: target! }),
      ),
    );

  ocsgw
    .command("simulate")
    .summary("Replay the journal's requests against another config")
    .description("Replay the journal's requests against another config, and list the decisions that would change")
    .option(...CONFIG)
    .option("--since <duration>", "how far back, for example 7d", "7d")
    .option("--journal <dir>", "directory of the journal (default: audit.dir of the config)")
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../simulate.ts")).simulateCommand(options)));

  ocsgw
    .command("learn")
    .summary("Propose the least config that allows what observing tenants did")
    .description(
      "Propose the least config that allows exactly what the journal shows of tenants with mode: observe, as a diff " +
        "with the evidence of each change. Sends nothing. Exit code 8: the journal does not have the whole period",
    )
    .option("--since <duration>", "how far back, for example 7d", "7d")
    .addOption(repeatable("--tenant <name>", "learn only this tenant: a name or a DBID"))
    .option("--min-requests <n>", "requests from which something is granted", wholeNumber, 5)
    .option(
      "--accept-names",
      "add lists and campaigns that were refused and that no other tenant has or uses: you say that they are the " +
        "tenants' own",
    )
    .option("--add-only", "remove and restrict nothing")
    .option("--enforce", "also set mode: enforce")
    .option("--write", "change the config file")
    .option("--out <file>", "write the proposed config to a new file")
    .option("--journal <dir>", "directory of the journal (default: audit.dir of the config)")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(
      done(async (options) => {
        if (options.write && options.out !== undefined) throw wrongUsage("--write and --out exclude each other");
        return (await import("../learn/learn.ts")).learnCommand(options);
      }),
    );

  const isolation = ocsgw.command("isolation").description("What separates the tenants");
  isolation
    .command("prove")
    .summary("Try to reach each tenant's things as each other tenant")
    .description(
      "Run the config's policy tests, and try to reach each tenant's things as each other tenant, with this config " +
        "and an embedded OCS. Sends nothing to OCS. Exit code 0: separated, 8: nothing proved, 9: not separated",
    )
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../isolation.ts")).isolationProve(options)));
};
