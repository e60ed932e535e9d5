/** Commands of the sandbox, and conformance. */
import type { Command } from "commander";
import { address, CONTROL, dialRate, done, JSON_OUT, origin, port, repeatable, wholeNumber } from "./options.ts";

export const addSandboxCommands = (ocsgw: Command): void => {
  const sandbox = ocsgw
    .command("sandbox")
    .description("Run a gateway with an embedded OCS in one process, on loopback")
    .option("--port <n>", "port of the gateway; 0: free ports for all listeners", port)
    .option(
      "--ready-file <file>",
      "write addresses, keys and tenants to this file, as JSON, once all listeners are open",
    )
    .option(
      "--state <dir>",
      "directory for keys, journal and OCS's tables (default: a temporary directory, deleted when the sandbox stops)",
    )
    .option("--ocs-only", "run the embedded OCS without a gateway")
    .option("--seed <n>", "seed of the generated records", wholeNumber)
    .option("--dial-rate <n>", "records that OCS dials per second, fractions allowed; 0: off (default: 0.1)", dialRate)
    .option(
      "--validation-uri <url>",
      "where OCS announces each record before dialing it (default: the gateway's callbacks listener)",
      address,
    )
    .option(
      "--advertise <url>",
      "beginning of GSW_RECORD_URI (default: the gateway's address; with --ocs-only that of OCS)",
      origin,
    )
    .option("--webhook <url>", "post every event to this address", address)
    .action(done(async (options) => (await import("../sandbox/sandbox.ts")).sandbox(options)));

  sandbox
    .command("fidelity")
    .description("Show what the embedded OCS takes from the manual and what it assumes")
    .action(done(async () => (await import("../sandbox/sandbox.ts")).fidelity()));
  sandbox
    .command("dial")
    .description("Make OCS dial records of a running campaign group now, and print what a client would receive")
    .option("--list <name>", "only records of this calling list")
    .option("--count <n>", "number of records (default: 1; with --rate until interrupted)", wholeNumber)
    .option("--rate <n/s>", "records per second, for example 2/s")
    .option("--to <url>", "also post the events to this address")
    .option(...CONTROL)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../sandbox/dial.ts")).dial(options)));
  sandbox
    .command("events")
    .description("Follow what OCS dials, live")
    .option("--tenant <name>", "only this tenant's events: a name or a DBID")
    .option("--since <id>", "start after this event")
    .option(...CONTROL)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../sandbox/events.ts")).followEvents(options)));

  const fault = sandbox.command("fault").description("Inject faults into the embedded OCS");
  fault
    .command("add")
    .description(
      "Add a fault. switchover, both-down and close-idle happen at once, unless action, tenant, count or " +
        "probability select requests",
    )
    .argument("<kind>", "kind of fault; ocsgw sandbox fault kinds lists them")
    .argument("[value]", "value of the fault, for example slow 2s, status 500, truncate 20B")
    .option("--action <name>", "only for this action: a value of req, or ReadStatus")
    .option("--tenant <name>", "only for this tenant's requests: a name or a DBID")
    .option("--count <n>", "only for the next n requests")
    .option("--probability <p>", "probability for each request, from 0 to 1")
    .option("--seed <n>", "seed of the probability (default: 1)")
    .option("--for <duration>", "remove the fault after this time, for example 30s")
    .option(...CONTROL)
    .option(...JSON_OUT)
    .action(
      done(async (options, kind, value) =>
        (await import("../sandbox/faults.ts")).faultAdd({ ...options, kind: kind!, value }),
      ),
    );
  fault
    .command("list")
    .description("List the faults, and how often each was applied")
    .option(...CONTROL)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../sandbox/faults.ts")).faultList(options)));
  fault
    .command("clear")
    .description("Remove one fault, or all")
    .argument("[id]", "id of the fault, for example f1 (default: all)")
    .option(...CONTROL)
    .action(done(async (options, id) => (await import("../sandbox/faults.ts")).faultClear({ ...options, id })));
  fault
    .command("kinds")
    .description("List all kinds of faults, and what a client sees of each")
    .action(done(async () => (await import("../sandbox/faults.ts")).faultKinds()));
  sandbox
    .command("switchover")
    .description("Make the backup OCS primary, and the primary backup")
    .option("--gap <duration>", "time during which neither answers, for example 2s")
    .option(...CONTROL)
    .action(done(async (options) => (await import("../sandbox/faults.ts")).switchover(options)));

  ocsgw
    .command("conformance")
    .description("Replay the manual's examples and all actions against a server, and print a table")
    .argument("<url>", "address of an OCS or of a gateway")
    .option("--ca <file>", "PEM file with the CA of the server's certificate")
    .addOption(repeatable("--key <client:key>", "a client of the gateway"))
    .option("--sandbox <url>", "control address of a sandbox, which is reset first")
    .option("--yes", "confirm that the server is not on loopback and that its data may change")
    .option(...JSON_OUT)
    .action(done(async (options, url) => (await import("../conformance/conformance.ts")).conformance(url!, options)));
};
