/** Commands that run a gateway or ask a running one: run, reload, status, nodes, flows, healthcheck. */
import type { Command } from "commander";
import { address, ADMIN_URL, adminToken, CONFIG, done, JSON_OUT } from "./options.ts";

export const addGatewayCommands = (ocsgw: Command): void => {
  ocsgw
    .command("run")
    .summary("Run the gateway")
    .description(
      "Run the gateway. SIGTERM: finish the requests in progress and stop. SIGHUP: reload the config. config.watch " +
        "defines which changed files are loaded automatically",
    )
    .option(...CONFIG)
    .option(
      "--standby",
      "wait while another gateway has the journal open, and take over when it stops or dies; until then listen on " +
        "admin.probes only",
    )
    .action(done(async (options) => (await import("../run.ts")).run(options)));

  ocsgw
    .command("reload")
    .summary("Make the running gateway reload config, keys and certificates")
    .description(
      "Make the running gateway reload config, tenants.d, keys and certificates, and print what changed or why the " +
        "reload was rejected. Exit code 3: rejected. 5: no answer",
    )
    .option(...CONFIG)
    .option("--dry-run", "print what would change, or why the reload would be rejected; change nothing")
    .option(...ADMIN_URL, address)
    .addOption(adminToken())
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../reload.ts")).reload(options)));

  ocsgw
    .command("status")
    .summary("Show lanes, queues and journal of the running gateway")
    .description(
      "Show lanes, queues, the active OCS and the journal of the running gateway. Exit code 0: ready. 1: not " +
        "ready. 3: the config is not valid, or not that of the running gateway. 5: no answer",
    )
    .option(...CONFIG)
    .option(...ADMIN_URL, address)
    .addOption(adminToken())
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../status/status.ts")).status(options)));

  ocsgw
    .command("nodes")
    .summary("Show the gateways that share a database")
    .description(
      "Show the gateways that share the config's database (shared), as the database has them; no gateway needs to " +
        "run. LAG: entries of shared logs that a node has not acknowledged. Exit code 1: the config has no shared " +
        "database. 5: the database cannot be reached",
    )
    .option("--forget <node>", "remove a node that has stopped or died from the list")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../nodes.ts")).nodes(options)));

  const flows = (command: Command): Command =>
    command
      .summary("Show requests as they happen")
      .description(
        "Show requests and events as they happen, until Ctrl-C: lines on a terminal, JSON lines otherwise. After a " +
          "lost connection it continues where it was. ocsgw audit filters explains the filter language",
      )
      .argument("[filter...]", "for example 'tenant:\"Alpha Tenant\" status:>=400'")
      .option("--purpose <text>", "reason, written to the journal (default: asked on a terminal for a person's token)")
      .option(...CONFIG)
      .option(...ADMIN_URL, address)
      .addOption(adminToken())
      .option("--json", "print JSON lines on a terminal too")
      .action(
        done(async (options, ...words) =>
          (await import("../flows/flows.ts")).flows({ ...options, words: words.flat() }),
        ),
      );
  flows(ocsgw.command("flows"));
  flows(ocsgw.command("logs").description("The same as flows: logs tail").command("tail"));

  const outbox = ocsgw
    .command("outbox")
    .summary("Show accepted Do-Not-Calls that OCS has not carried out")
    .description(
      "Show the Do-Not-Calls that the running gateway accepted with 202 (Prefer: respond-async) and OCS has not " +
        "carried out, and the alarms about those that could not be delivered. Exit code 5: no answer",
    )
    .option(...CONFIG)
    .option(...ADMIN_URL, address)
    .addOption(adminToken())
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../outbox.ts")).outbox(options)));
  outbox
    .command("close")
    .summary("Close the alarm about an accepted Do-Not-Call")
    .description(
      "Close the alarm about an accepted Do-Not-Call that was not carried out. The note is written to the journal; " +
        "records with the number are accepted again",
    )
    .argument("<id>", "the request id, or enough of its beginning to be unique")
    .requiredOption("--note <text>", "what was done about it, for example: added to the list by hand, ticket 42")
    .option(...CONFIG)
    .option(...ADMIN_URL, address)
    .addOption(adminToken())
    .option(...JSON_OUT)
    .action(done(async (options, id) => (await import("../outbox.ts")).closeAlarm({ ...options, id })));

  ocsgw
    .command("healthcheck")
    .summary("Ask whether the gateway is ready, for containers")
    .description(
      "Ask the running gateway whether it is ready, for containers. Exit code 0: ready. 1: not ready. 5: no answer",
    )
    .option(...CONFIG)
    .option(...ADMIN_URL, address)
    .option("--live", "ask only whether the gateway is alive")
    .action(done(async (options) => (await import("../healthcheck/healthcheck.ts")).healthcheck(options)));
};
